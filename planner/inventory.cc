#include "planner/inventory.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

#include "planner/path_key.h"

namespace gneiss {
namespace {

std::string FindPackageFault(const Inventory& inventory) {
  const std::vector<Package>& packages = inventory.packages;
  if (packages.size() > kMaxPackages) return "too many packages";
  for (std::size_t i = 0; i < packages.size(); ++i) {
    const Package& package = packages[i];
    if (static_cast<std::uint8_t>(package.system) >= kNumPackageSystems) {
      return "an unknown package system";
    }
    if (package.name.empty() || !IsPackageText(package.name)) return "a package without a name";
    if (!IsPackageText(package.version)) return "a package's version that is none";
    if (i > 0 && packages[i - 1] >= package) return "packages that are not sorted";
  }
  std::vector<std::uint8_t> has_entry(packages.size(), 0);
  for (const Entry& entry : inventory.entries) {
    if (entry.package == kNone) continue;
    if (entry.package >= packages.size()) return "no such package";
    if (!MayBelongToPackage(entry.type)) return "a package of no file";
    has_entry[entry.package] = 1;
  }
  if (std::ranges::count(has_entry, 0) > 0) return "a package without entries";
  const OsRelease& os = inventory.os_release;
  for (const std::string* const text : {&os.id, &os.version_id, &os.codename}) {
    if (!IsPackageText(*text)) return "an os-release that is none";
  }
  return "";
}

}  // namespace

std::string_view EntryTypeName(EntryType type) {
  constexpr std::array<std::string_view, kNumEntryTypes> kNames = {
      "file",         "directory", "symlink",  "hard link", "character device",
      "block device", "fifo",      "whiteout", "opaque"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string_view LayerCodecName(LayerCodec codec) {
  constexpr std::array<std::string_view, 3> kNames = {"tar", "gzip", "zstd"};
  return kNames[static_cast<std::size_t>(codec)];
}

std::string_view PackageSystemName(PackageSystem system) {
  constexpr std::array<std::string_view, kNumPackageSystems> kNames = {"dpkg", "apk", "pacman",
                                                                       "rpm", "wheel"};
  return kNames[static_cast<std::size_t>(system)];
}

bool IsPackageText(std::string_view text) {
  return text.size() <= kMaxPackageTextBytes &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

std::uint32_t EntryTexts::Add(std::string_view text) {
  if (text.empty()) return 0;
  if (size() >= 0xfffffffeU) throw std::length_error("more than 2^32 texts in one layer");
  bytes_.append(text);
  first_.push_back(bytes_.size());
  return static_cast<std::uint32_t>(size() - 1);
}

void SortEntries(Inventory& inventory) {
  std::ranges::sort(inventory.entries, [&](const Entry& a, const Entry& b) {
    const auto order = ComparePaths(inventory.path(a), inventory.path(b));
    return order != 0 ? order < 0 : a.position < b.position;
  });
}

std::string FindInventoryFault(const Inventory& inventory) {
  const std::size_t n = inventory.entries.size();
  std::vector<std::uint8_t> seen(n, 0);
  Bytes sum = inventory.overhead_bytes;
  if (sum < 0) return "negative overhead";
  const Recompression& sampled = inventory.sampled;
  if (sampled.stored < 0 || sampled.gzip < 0 || sampled.zstd < 0 ||
      (sampled.stored == 0) != (sampled.gzip == 0) ||
      (sampled.stored == 0) != (sampled.zstd == 0) || sampled.stored > inventory.blob_size) {
    return "samples of no part of the blob";
  }
  for (std::size_t i = 0; i < n; ++i) {
    const Entry& entry = inventory.entries[i];
    for (const std::uint32_t text : {entry.path, entry.link, entry.xattrs}) {
      if (text >= inventory.texts.size()) return "a text that is not there";
    }
    if (static_cast<std::uint8_t>(entry.type) >= kNumEntryTypes) return "an unknown type";
    if (static_cast<std::uint8_t>(entry.head) >= kNumContentHeads) return "an unknown kind of file";
    if (entry.size < 0 || entry.stored_size < 0 || entry.blob_bytes < 0) return "a negative size";
    const bool has_content = entry.content != kNone;
    if (has_content && entry.content >= inventory.contents.size()) return "no such content";
    if (has_content != (entry.type == EntryType::kRegular)) return "contents of no file";
    if (entry.position >= n || seen[entry.position] != 0) return "positions are no permutation";
    seen[entry.position] = 1;
    if (!IsPathKey(inventory.path(entry))) return "a path is no key";
    if (i > 0) {
      const Entry& before = inventory.entries[i - 1];
      const auto order = ComparePaths(inventory.path(before), inventory.path(entry));
      if (order > 0 || (order == 0 && before.position >= entry.position)) return "not sorted";
    }
    // Sums of unsigned parts cannot wrap back below blob_size unnoticed.
    if (entry.blob_bytes > inventory.blob_size - sum) return "entries larger than the blob";
    sum += entry.blob_bytes;
  }
  if (sum != inventory.blob_size) return "bytes that belong to no entry";
  return FindPackageFault(inventory);
}

std::string FindContradiction(const Fleet& fleet, const Layer& layer, Bytes blob_size,
                              const std::optional<Digest>& diff_id) {
  if (blob_size != layer.size) {
    return fmt::format("expected a blob of {} bytes, found {}", layer.size, blob_size);
  }
  if (layer.diff_id == kNone || !diff_id || *diff_id == fleet.diff_ids[layer.diff_id]) return "";
  return fmt::format("expected a tar with diff_id {}, found {}",
                     FormatDigest(fleet.diff_ids[layer.diff_id]), FormatDigest(*diff_id));
}

std::string FormatXattrs(std::vector<Xattr> xattrs) {
  std::ranges::sort(xattrs);
  std::string text;
  for (const Xattr& xattr : xattrs) {
    text += xattr.name;
    text += '\0';
    text += std::to_string(xattr.value.size());
    text += ':';
    text += xattr.value;
  }
  return text;
}

std::vector<XattrView> ParseXattrs(std::string_view text) {
  std::vector<XattrView> xattrs;
  while (!text.empty()) {
    const std::size_t name_end = text.find('\0');
    const std::size_t size_end = text.find(':', name_end);
    if (name_end == std::string_view::npos || size_end == std::string_view::npos) break;
    const char* const digits_end = text.data() + size_end;
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(text.data() + name_end + 1, digits_end, size);
    if (error != std::errc() || end != digits_end || size > text.size() - size_end - 1) break;
    xattrs.push_back({text.substr(0, name_end), text.substr(size_end + 1, size)});
    text.remove_prefix(size_end + 1 + size);
  }
  return xattrs;
}

}  // namespace gneiss
