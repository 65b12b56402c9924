#include "planner/contents/inventory.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "planner/contents/paths.h"

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
      "block device", "fifo",      "whiteout", "opaque",    "whiteout device"};
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

std::int64_t Inventory::num_listed() const {
  return std::ranges::count_if(entries, [](const Entry& entry) { return !entry.implied; });
}

bool IsReadFor(bool is_lowest, std::span<const InventoryWarning> warnings) {
  const std::string_view other = is_lowest ? kReadAsUpperWarning : kReadAsLowestWarning;
  return std::ranges::find(warnings, other, &InventoryWarning::kind) == warnings.end();
}

void SortEntries(Inventory& inventory) {
  std::ranges::sort(inventory.entries, [&](const Entry& a, const Entry& b) {
    const auto order = ComparePaths(inventory.path(a), inventory.path(b));
    return order != 0 ? order < 0 : a.position < b.position;
  });
}

std::vector<std::uint32_t> FindSuperseded(const Inventory& inventory) {
  const std::vector<Entry>& entries = inventory.entries;
  std::vector<std::uint32_t> by(entries.size(), kNone);
  // The last of the entries above that was no directory, for all below a path; and what lasts at
  // the path itself that is none, unless something lasts below it.
  struct Above {
    std::string_view path;
    std::uint32_t file = kNone;
    std::uint32_t lasting_file = kNone;
    std::uint32_t whiteout = kNone;  // the last one, here or above
  };
  std::vector<Above> above;
  std::size_t num_lasting_files = 0;  // in `above`
  const auto later = [&](std::uint32_t a, std::uint32_t b) {
    if (a == kNone || b == kNone) return a == kNone ? b : a;
    return entries[a].position > entries[b].position ? a : b;
  };
  const auto is_before = [&](std::uint32_t e, std::uint32_t other) {
    return other != kNone && entries[e].position < entries[other].position;
  };
  for (std::uint32_t begin = 0, end = 0; begin < entries.size(); begin = end) {
    const std::string_view path = inventory.path(entries[begin]);
    while (!above.empty() && !above.back().path.empty() && !IsBelow(path, above.back().path)) {
      if (above.back().lasting_file != kNone) --num_lasting_files;
      above.pop_back();
    }
    const std::uint32_t file_above = above.empty() ? kNone : above.back().file;
    std::uint32_t last = kNone;  // of the entries here that are no markers
    std::uint32_t file = kNone;  // of those that are no directory either
    std::uint32_t whiteout = above.empty() ? kNone : above.back().whiteout;
    for (end = begin; end < entries.size() && inventory.path(entries[end]) == path; ++end) {
      if (entries[end].type == EntryType::kWhiteout) whiteout = later(whiteout, end);
      if (IsMarkerName(entries[end].type)) continue;
      last = end;
      if (entries[end].type != EntryType::kDirectory) file = end;
    }
    std::uint32_t lasting = kNone;  // of the entries here, markers too
    for (std::uint32_t e = begin; e < end; ++e) {
      if (is_before(e, file_above)) {
        by[e] = file_above;
      } else if (entries[e].type == EntryType::kOpaque) {
        if (is_before(e, file)) by[e] = file;
      } else if (entries[e].type != EntryType::kWhiteout && e != last) {
        by[e] = last;
      }
      if (by[e] == kNone) lasting = e;
      if (entries[e].type != EntryType::kOpaque || by[e] != kNone) continue;
      // Where a whiteout has removed a file of its own layer, there is a directory for the marker.
      const bool is_whited_out = file != kNone && last == file && whiteout != kNone &&
                                 is_before(file, whiteout) && is_before(whiteout, e);
      if (is_whited_out && by[file] == kNone) by[file] = e;
    }
    // Runtimes refuse what is below a file of its own layer, unless it is gone by then. Here a
    // directory takes its place.
    for (std::size_t a = above.size(); lasting != kNone && num_lasting_files > 0 && a-- > 0;) {
      if (above[a].lasting_file == kNone) continue;
      by[std::exchange(above[a].lasting_file, kNone)] = lasting;
      --num_lasting_files;
    }
    const bool is_lasting_file =
        last != kNone && last == file && by[last] == kNone && !path.empty();
    num_lasting_files += is_lasting_file ? 1 : 0;
    above.push_back({.path = path,
                     .file = later(file_above, path.empty() ? kNone : file),
                     .lasting_file = is_lasting_file ? last : kNone,
                     .whiteout = whiteout});
  }
  return by;
}

void AddImpliedDirectories(Inventory& inventory) {
  const std::vector<std::uint32_t> by = FindSuperseded(inventory);
  std::vector<Entry>& entries = inventory.entries;
  // The way to the path at hand: which of the paths above it are there as something.
  struct Above {
    std::size_t length = 0;  // of its key, which the path at hand starts with
    bool is_there = false;
    std::size_t begin = 0;  // of those that list it, in `listed`
    std::size_t end = 0;
    std::uint32_t first = kNone;  // position of the first entry that needs the directory
    std::uint32_t missing = kNone;
  };
  struct Missing {
    std::uint32_t entry = 0;  // that needs it,
    std::size_t length = 0;   // and how much of its path
    std::size_t begin = 0;    // of those that list the directory above
    std::size_t end = 0;
    std::uint32_t first = kNone;
  };
  // Of one path of n components n - 1 may be missing, with n / 2 times its bytes in all; ordinary
  // layers have more files than directories. What is above this stays without an entry, as the
  // overlay can have it too.
  constexpr std::size_t kFreeBytes = std::size_t{256} << 10;
  constexpr std::size_t kMostBytes = 4;  // for one of listed paths
  std::size_t bytes_left = kFreeBytes;
  std::size_t bytes_there = 0;
  for (const Entry& entry : entries) {
    const std::size_t size = inventory.path(entry).size();
    (entry.implied ? bytes_there : bytes_left) += entry.implied ? size : kMostBytes * size;
  }
  bytes_left -= std::min(bytes_left, bytes_there);
  std::vector<Above> way;
  std::vector<Missing> missing;
  std::vector<std::uint32_t> listed;  // entries but markers, by path, then position
  const auto leave = [&] {
    const Above left = way.back();
    way.pop_back();
    if (left.missing != kNone) missing[left.missing].first = left.first;
    if (!way.empty()) way.back().first = std::min(way.back().first, left.first);
  };
  std::string_view before;
  for (std::uint32_t e = 0; e < entries.size(); ++e) {
    const std::string_view path = inventory.path(entries[e]);
    const auto same =
        static_cast<std::size_t>(std::ranges::mismatch(before, path).in1 - before.begin());
    while (!way.empty() && (way.back().length > same ||
                            (way.back().length < path.size() && path[way.back().length] != '/'))) {
      leave();
    }
    const bool is_new_path = e == 0 || path != before;
    before = path;
    for (std::size_t from = way.empty() ? 0 : way.back().length + 1; from < path.size();) {
      const std::size_t slash = std::min(path.find('/', from), path.size());
      way.push_back({.length = slash});
      from = slash + 1;
    }
    if (way.empty()) continue;
    for (std::uint32_t i = e; is_new_path && i < entries.size(); ++i) {
      if (inventory.path(entries[i]) != path) break;
      if (IsMarkerEntry(entries[i].type)) continue;
      if (way.back().end == 0) way.back().begin = listed.size();
      listed.push_back(i);
      way.back().end = listed.size();
      way.back().is_there = way.back().is_there || by[i] == kNone;
    }
    // An opaque marker stands in the directory itself.
    const bool is_above = entries[e].type != EntryType::kOpaque;
    if (way.size() > (is_above ? 1 : 0)) {
      std::uint32_t& first = way[way.size() - (is_above ? 2 : 1)].first;
      first = std::min(first, entries[e].position);
    }
    if (by[e] != kNone) continue;
    for (std::size_t i = way.size() - (is_above ? 1 : 0); i-- > 0 && !way[i].is_there;) {
      way[i].is_there = true;
      if (way[i].length > bytes_left) continue;
      bytes_left -= way[i].length;
      way[i].missing = static_cast<std::uint32_t>(missing.size());
      missing.push_back({.entry = e, .length = way[i].length});
      if (i > 0) missing.back().begin = way[i - 1].begin;
      if (i > 0) missing.back().end = way[i - 1].end;
    }
  }
  while (!way.empty()) leave();
  if (missing.empty()) return;
  for (const Missing& made : missing) {
    Entry directory;
    directory.type = EntryType::kDirectory;
    directory.mode = 0755;
    directory.implied = true;
    directory.position = static_cast<std::uint32_t>(entries.size());
    // What is made in a directory with the set-group-ID bit has its group.
    const auto above = std::span(listed).subspan(made.begin, made.end - made.begin);
    const auto after = std::ranges::lower_bound(
        above, made.first, {}, [&](std::uint32_t e) { return entries[e].position; });
    if (after != above.begin()) {
      const Entry& parent = entries[*(after - 1)];
      const bool is_setgid = parent.type == EntryType::kDirectory && (parent.mode & 02000) != 0;
      directory.gid = is_setgid ? parent.gid : 0;
    }
    directory.path = inventory.texts.Add(
        std::string(inventory.path(entries[made.entry]).substr(0, made.length)));
    entries.push_back(directory);
  }
  SortEntries(inventory);
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

namespace {

constexpr std::uint64_t kProgramInterpreter = 3;  // PT_INTERP
constexpr std::uint64_t kExecutable = 2;          // ET_EXEC
constexpr std::uint64_t kShared = 3;              // ET_DYN: also position-independent programs

// Little- or big-endian unsigned number of `size` bytes at `offset`, nullopt beyond the end.
class Fields {
 public:
  Fields(std::string_view bytes, bool little) : bytes_(bytes), little_(little) {}

  std::optional<std::uint64_t> At(std::uint64_t offset, std::size_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t at = offset + (little_ ? size - 1 - i : i);
      value = value << 8 | static_cast<unsigned char>(bytes_[at]);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  bool little_;
};

constexpr std::string_view kElfMagic(
    "\x7f"
    "ELF",
    4);

// "-----BEGIN ... PRIVATE KEY-----" at the start of a line of a file that starts as PEM files do.
bool IsPrivateKey(std::string_view head) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::string_view kEnd = "-----";
  head.remove_prefix(std::min(head.find_first_not_of(" \t\r\n"), head.size()));
  if (head.starts_with("PuTTY-User-Key-File-")) return true;
  // openssl pkcs12 writes the attributes first.
  if (!head.starts_with(kBegin) && !head.starts_with("Bag Attributes")) return false;
  for (std::size_t at = head.find(kBegin); at != std::string_view::npos;
       at = head.find(kBegin, at + 1)) {
    if (at > 0 && head[at - 1] != '\n') continue;
    const std::string_view label = head.substr(at + kBegin.size());
    if (label.substr(0, label.find(kEnd)).ends_with("PRIVATE KEY")) return true;
  }
  return false;
}

}  // namespace

ContentHead ClassifyHead(std::string_view head) {
  if (!head.starts_with(kElfMagic)) {
    return IsPrivateKey(head) ? ContentHead::kPrivateKey : ContentHead::kOther;
  }
  if (head.size() < 20) return ContentHead::kOther;
  const bool wide = head[4] == 2;
  const bool narrow = head[4] == 1;
  const bool little = head[5] == 1;
  if ((!wide && !narrow) || (!little && head[5] != 2)) return ContentHead::kOther;
  const Fields fields(head, little);
  const auto type = fields.At(16, 2);
  const auto table = wide ? fields.At(32, 8) : fields.At(28, 4);
  const auto entry_size = fields.At(wide ? 54 : 42, 2);
  const auto num_entries = fields.At(wide ? 56 : 44, 2);
  if (!type || !table || !entry_size || !num_entries) return ContentHead::kOther;
  if ((*type != kExecutable && *type != kShared) || *num_entries == 0 || *entry_size < 4 ||
      *table > head.size()) {
    return ContentHead::kOther;
  }
  for (std::uint64_t i = 0; i < *num_entries; ++i) {
    const auto kind = fields.At(*table + i * *entry_size, 4);
    if (!kind) return ContentHead::kOther;
    if (*kind == kProgramInterpreter) return ContentHead::kDynamicProgram;
  }
  return ContentHead::kStaticProgram;
}

}  // namespace gneiss
