#include "io/packages/text_databases.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "io/packages/package_listing.h"
#include "planner/contents/paths.h"

namespace gneiss {
namespace {

struct ControlStanza {
  std::string_view package;
  std::string_view status;
  std::string_view architecture;
  std::string_view version;
};

// The next stanza that has a field, of those that are read; nullopt at the end. Lines are "Field:
// value", or go on with the field before after a space; an empty one ends a stanza. A line that was
// cut says nothing.
std::optional<ControlStanza> NextStanza(TextLines& lines) {
  ControlStanza stanza;
  bool has_field = false;
  while (const auto line = lines.Next()) {
    if (line->find_first_not_of(" \t") == std::string_view::npos) {
      if (has_field) return stanza;
      continue;
    }
    const std::size_t colon = line->find(':');
    if (!lines.is_whole() || colon == std::string_view::npos || line->front() == ' ') continue;
    has_field = true;
    std::string_view value = line->substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    value.remove_suffix(value.size() - (value.find_last_not_of(" \t") + 1));
    const std::string_view field = line->substr(0, colon);
    if (field == "Package") stanza.package = value;
    if (field == "Status") stanza.status = value;
    if (field == "Architecture") stanza.architecture = value;
    if (field == "Version") stanza.version = value;
  }
  if (has_field) return stanza;
  return std::nullopt;
}

// A status is "WANT ERROR STATE".
bool IsInstalled(std::string_view status) { return status.ends_with(" installed"); }

// Versions of the packages that are installed, empty of others: by name, and by "name:architecture"
// for packages that are there for several.
std::map<std::string, std::string_view, std::less<>> ReadStatus(std::string_view text) {
  std::map<std::string, std::string_view, std::less<>> versions;
  TextLines lines(text);
  while (const auto stanza = NextStanza(lines)) {
    if (versions.size() >= 2 * kMaxPackages) break;
    if (!IsNameFor(PackageSystem::kDpkg, stanza->package)) continue;
    const bool is_good =
        IsInstalled(stanza->status) && IsVersionFor(PackageSystem::kDpkg, stanza->version);
    const std::string_view version = is_good ? stanza->version : std::string_view();
    // One that is installed goes before others.
    const auto add = [&](std::string key) {
      std::string_view& known = versions[std::move(key)];
      if (known.empty()) known = version;
    };
    add(std::string(stanza->package));
    if (IsNameFor(PackageSystem::kDpkg, stanza->architecture)) {
      add(std::string(stanza->package) + ':' + std::string(stanza->architecture));
    }
  }
  return versions;
}

void AddLists(const PackageFiles& files, PackageListings& listings) {
  constexpr std::string_view kSuffix = ".list";
  const PackageFiles::Bodies& bodies = files.bodies();
  auto list = bodies.lower_bound(kDpkgInfo);
  if (list == bodies.end() || !list->first.starts_with(kDpkgInfo)) return;
  const std::string* const status = files.Find(kDpkgStatus);
  const auto versions = ReadStatus(status != nullptr ? std::string_view(*status) : "");
  for (; list != bodies.end() && list->first.starts_with(kDpkgInfo); ++list) {
    std::string_view name = list->first;
    name.remove_prefix(kDpkgInfo.size());
    name.remove_suffix(kSuffix.size());
    const auto version = versions.find(name);
    name = name.substr(0, name.find(':'));
    if (!IsNameFor(PackageSystem::kDpkg, name)) continue;
    if (version != versions.end() && version->second.empty()) continue;
    listings.Add({.system = PackageSystem::kDpkg,
                  .form = ListingForm::kPathLines,
                  .name = name,
                  .version = version != versions.end() ? version->second : "",
                  .place = list->first,
                  .text = list->second});
  }
}

void AddStatusParts(const PackageFiles& files, PackageListings& listings) {
  constexpr std::string_view kSuffix = ".md5sums";
  const PackageFiles::Bodies& bodies = files.bodies();
  for (auto sums = bodies.lower_bound(kDpkgStatusParts);
       sums != bodies.end() && sums->first.starts_with(kDpkgStatusParts); ++sums) {
    std::string_view control = sums->first;
    if (!control.ends_with(kSuffix)) continue;
    control.remove_suffix(kSuffix.size());
    const std::string* const text = files.Find(control);
    if (text == nullptr) continue;
    TextLines lines(*text);
    const auto stanza = NextStanza(lines);
    if (!stanza || !IsNameFor(PackageSystem::kDpkg, stanza->package) ||
        !IsVersionFor(PackageSystem::kDpkg, stanza->version)) {
      continue;
    }
    listings.Add({.system = PackageSystem::kDpkg,
                  .form = ListingForm::kDpkgSums,
                  .name = stanza->package,
                  .version = stanza->version,
                  .place = sums->first,
                  .text = sums->second});
  }
}

}  // namespace

void AddDpkgListings(const PackageFiles& files, PackageListings& listings) {
  AddLists(files, listings);
  AddStatusParts(files, listings);
}

namespace {

void AddInstalled(std::string_view place, std::string_view text, PackageListings& listings) {
  TextLines lines(text);
  std::string_view stanza = text;
  PackageListing listing{
      .system = PackageSystem::kApk, .form = ListingForm::kApkStanza, .place = place};
  const auto finish = [&] {
    if (IsNameFor(PackageSystem::kApk, listing.name) &&
        IsVersionFor(PackageSystem::kApk, listing.version)) {
      listing.text = stanza.substr(0, stanza.size() - lines.rest().size());
      listings.Add(listing);
    }
    listing.name = listing.version = {};
    stanza = lines.rest();
  };
  while (const auto line = lines.Next()) {
    if (line->empty()) {
      finish();
    } else if (line->starts_with("P:") && lines.is_whole()) {
      listing.name = line->substr(2);
    } else if (line->starts_with("V:") && lines.is_whole()) {
      listing.version = line->substr(2);
    }
  }
  finish();
}

}  // namespace

void AddApkListings(const PackageFiles& files, PackageListings& listings) {
  for (const std::string_view place : {kApkInstalled, kApkInstalledMerged}) {
    if (const std::string* const text = files.Find(place)) AddInstalled(place, *text, listings);
  }
}

namespace {

// The line after "%FIELD%"; empty where there is none.
std::string_view DescField(std::string_view text, std::string_view field) {
  TextLines lines(text);
  while (const auto line = lines.Next()) {
    if (*line != field) continue;
    const auto value = lines.Next();
    return value && lines.is_whole() ? *value : std::string_view();
  }
  return {};
}

}  // namespace

void AddPacmanListings(const PackageFiles& files, PackageListings& listings) {
  const PackageFiles::Bodies& bodies = files.bodies();
  for (auto list = bodies.lower_bound(kPacmanLocal);
       list != bodies.end() && list->first.starts_with(kPacmanLocal); ++list) {
    if (BaseName(list->first) != "files") continue;
    const std::string_view directory = ParentPath(list->first);
    const std::string* const desc = files.Find(std::string(directory) + "/desc");
    if (desc == nullptr) continue;
    const std::string_view name = DescField(*desc, "%NAME%");
    const std::string_view version = DescField(*desc, "%VERSION%");
    if (!IsNameFor(PackageSystem::kPacman, name) ||
        !IsVersionFor(PackageSystem::kPacman, version) ||
        directory.substr(kPacmanLocal.size()) != std::string(name) + '-' + std::string(version)) {
      continue;
    }
    listings.Add({.system = PackageSystem::kPacman,
                  .form = ListingForm::kPacmanFile,
                  .name = name,
                  .version = version,
                  .place = list->first,
                  .text = list->second});
  }
}

void AddWheelListings(const PackageFiles& files, PackageListings& listings) {
  for (const auto& [place, text] : files.bodies()) {
    if (!place.ends_with(kWheelRecord)) continue;
    std::string_view directory = BaseName(ParentPath(place));
    directory.remove_suffix(ParentPath(kWheelRecord).size());
    // Neither part has a '-' of its own.
    const std::size_t dash = directory.rfind('-');
    if (dash == std::string_view::npos) continue;
    const std::string_view name = directory.substr(0, dash);
    const std::string_view version = directory.substr(dash + 1);
    if (!IsNameFor(PackageSystem::kWheel, name) || !IsVersionFor(PackageSystem::kWheel, version)) {
      continue;
    }
    listings.Add({.system = PackageSystem::kWheel,
                  .form = ListingForm::kRecord,
                  .name = name,
                  .version = version,
                  .place = place,
                  .text = text});
  }
}

}  // namespace gneiss
