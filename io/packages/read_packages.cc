#include "io/packages/read_packages.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "io/packages/package_listing.h"
#include "io/packages/text_databases.h"
#include "planner/contents/paths.h"

namespace gneiss {
namespace {

// The text that a shell assigns; nullopt when it is no one word.
std::optional<std::string> Unquote(std::string_view value) {
  std::string text;
  char quote = '\0';
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
    } else if (quote != '\0' && c == quote) {
      quote = '\0';
    } else if (c == '\\' && quote != '\'') {
      if (i + 1 == value.size()) return std::nullopt;
      constexpr std::string_view kEscaped = "$\"\\`";
      if (quote == '"' && kEscaped.find(value[i + 1]) == std::string_view::npos) text += c;
      text += value[++i];
    } else {
      text += c;
    }
  }
  if (quote != '\0') return std::nullopt;
  return text;
}

bool IsOsText(std::string_view text) {
  return IsPackageText(text) && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  std::string_view("._-+~").find(c) != std::string_view::npos;
         });
}

}  // namespace

OsRelease ParseOsRelease(std::string_view text) {
  OsRelease os;
  TextLines lines(text);
  while (auto line = lines.Next()) {
    const std::size_t equals = line->find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = line->substr(0, equals);
    std::string* const field = name == "ID"                 ? &os.id
                               : name == "VERSION_ID"       ? &os.version_id
                               : name == "VERSION_CODENAME" ? &os.codename
                                                            : nullptr;
    if (field == nullptr) continue;
    std::string_view value = line->substr(equals + 1);
    value.remove_suffix(value.size() - (value.find_last_not_of(" \t\r") + 1));
    std::optional<std::string> unquoted = Unquote(value);
    if (unquoted && IsOsText(*unquoted)) *field = *std::move(unquoted);
  }
  return os;
}

OsRelease FindOsRelease(const PackageFiles& files) {
  for (const std::string_view path : {kOsRelease, kOsReleaseOfVendor}) {
    if (const std::string* const text = files.Find(path)) return ParseOsRelease(*text);
  }
  return {};
}

namespace {

auto ListingOrder(const PackageListing& listing) {
  return std::tuple(listing.system, listing.name, listing.version);
}

// Gives entries to packages, the first of those that ask.
class EntryOwners {
 public:
  explicit EntryOwners(Inventory& inventory) : inventory_(inventory) {}

  // Gives all that the listing has and that is free. Whether there was any.
  bool Give(const PackageListing& listing, std::uint32_t package) {
    gave_any_ = false;
    package_ = package;
    ForEachListedPath(listing, [&](std::string_view path) { GivePath(path); });
    GivePrefix(OwnFilesPrefix(listing));
    return gave_any_;
  }

 private:
  std::size_t Find(std::string_view path) const {
    const std::vector<Entry>& entries = inventory_.entries;
    const auto at = std::ranges::partition_point(entries, [&](const Entry& entry) {
      return ComparePaths(inventory_.path(entry), path) < 0;
    });
    return static_cast<std::size_t>(at - entries.begin());
  }

  void GivePath(std::string_view path) {
    if (GiveAt(Find(path), path)) return;
    constexpr std::array<std::string_view, 7> kMerged = {"bin",   "sbin",   "lib",   "lib32",
                                                         "lib64", "libx32", "libo32"};
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos ||
        std::ranges::find(kMerged, path.substr(0, slash)) == kMerged.end()) {
      return;
    }
    merged_.assign("usr/").append(path);
    (void)GiveAt(Find(merged_), merged_);
  }

  // Whether there is an entry with this path; a path given twice has several.
  bool GiveAt(std::size_t first, std::string_view path) {
    std::size_t i = first;
    for (; i < inventory_.entries.size() && inventory_.path(inventory_.entries[i]) == path; ++i) {
      GiveEntry(inventory_.entries[i]);
    }
    return i > first;
  }

  void GivePrefix(std::string_view prefix) {
    if (prefix.empty()) return;
    // Paths with one prefix follow each other.
    for (std::size_t i = Find(prefix); i < inventory_.entries.size(); ++i) {
      const std::string_view path = inventory_.path(inventory_.entries[i]);
      if (!path.starts_with(prefix)) return;
      if (path.find_first_of("./", prefix.size()) == std::string_view::npos) {
        GiveEntry(inventory_.entries[i]);
      }
    }
  }

  void GiveEntry(Entry& entry) {
    if (entry.package != kNone || !MayBelongToPackage(entry.type)) return;
    entry.package = package_;
    gave_any_ = true;
  }

  Inventory& inventory_;
  std::uint32_t package_ = 0;
  bool gave_any_ = false;
  std::string merged_;
};

}  // namespace

void ReadPackages(const PackageFiles& files, Inventory& inventory) {
  inventory.os_release = FindOsRelease(files);
  PackageListings listings;
  AddDpkgListings(files, listings);
  AddApkListings(files, listings);
  AddPacmanListings(files, listings);
  AddRpmListings(files, listings);
  AddWheelListings(files, listings);
  std::vector<PackageListing>& sorted = listings.list();
  std::ranges::stable_sort(sorted, {}, ListingOrder);

  EntryOwners owners(inventory);
  std::vector<Package>& packages = inventory.packages;
  for (const PackageListing& listing : sorted) {
    // The architectures of a version, or its places, are one package.
    const bool is_new =
        packages.empty() || std::tuple<PackageSystem, std::string_view, std::string_view>(
                                packages.back().system, packages.back().name,
                                packages.back().version) != ListingOrder(listing);
    const auto index = static_cast<std::uint32_t>(packages.size() - (is_new ? 0 : 1));
    if (owners.Give(listing, index) && is_new) {
      packages.push_back({.system = listing.system,
                          .name = std::string(listing.name),
                          .version = std::string(listing.version)});
    }
  }
}

}  // namespace gneiss
