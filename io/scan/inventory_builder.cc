#include "io/scan/inventory_builder.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <archive.h>
#include <archive_entry.h>

#include "io/packages/read_packages.h"
#include "io/scan/marker_name.h"
#include "io/scan/stargz_index.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

EntryType TypeOf(char flag) {
  switch (flag) {
    case '1':
      return EntryType::kHardLink;
    case '2':
      return EntryType::kSymlink;
    case '3':
      return EntryType::kCharDevice;
    case '4':
      return EntryType::kBlockDevice;
    case '5':
      return EntryType::kDirectory;
    case '6':
      return EntryType::kFifo;
    default:
      return EntryType::kRegular;
  }
}

// Names in errors: their start, printable.
std::string QuoteName(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name.substr(0, 200)) {
    const auto byte = static_cast<unsigned char>(c);
    constexpr std::string_view kHex = "0123456789abcdef";
    if (byte < ' ' || byte == 0x7f || byte == '\\' || byte == '"') {
      quoted += "\\x";
      quoted += kHex[byte >> 4U];
      quoted += kHex[byte & 15U];
    } else {
      quoted += c;
    }
  }
  return quoted + (name.size() > 200 ? "\"..." : "\"");
}

}  // namespace

void InventoryBuilder::Add(TarReader& reader, LayerStream& stream) {
  const TarMember& member = reader.member();
  member_begin_ = member.begin;
  index_begin_.reset();
  TakeShares(stream.shares());

  bool above_root = false;
  const std::string& name = member.name;
  std::string_view key = KeyOf(name, above_root);
  if (above_root) Warn("path above the root", key);
  Entry entry;
  entry.type = TypeOf(member.type);
  // A directory to other readers than Go's.
  if (member.type == '0' && name.ends_with('/')) Warn("file named as a directory", key);
  if (key.empty() && entry.type != EntryType::kDirectory) {
    Fail("expected a directory at the root, found a " + std::string(EntryTypeName(entry.type)));
  }
  const bool is_rooted = above_root || name.starts_with('/');
  const std::string_view written = key;
  key = FollowSymlinks(key, is_rooted);
  const bool has_followed = key != written;
  if (member.is_odd_link) Warn("hard link with a size", key);
  const bool has_body = member.stored_size > 0;
  SetMarker(key, entry);
  if (IsMarkerEntry(entry.type)) {
    if (has_body) Warn("whiteout with a body", key);
    if (member.type != '0') Warn("whiteout that is no file", key);
    MarkSymlinks(key, entry.type);
  }

  entry.path = AddText(key);
  if (has_followed && entry.type == EntryType::kDirectory) {
    directories_.push_back({.path = entry.path, .name = AddText(written), .is_rooted = is_rooted});
  }
  if (!IsMarkerEntry(entry.type)) {
    symlinks_.Replace(key, entry.type == EntryType::kDirectory);
    if (unlisted_) unlisted_->List(key);
  }
  SetMetadata(reader, entry);
  SetType(reader, key, entry);
  const bool is_device = entry.type == EntryType::kCharDevice;
  if (is_device && entry.device_major == 0 && entry.device_minor == 0) {
    // To overlayfs it is one, and writes it so itself.
    Warn("whiteout as a character device", key);
    entry.type = EntryType::kWhiteoutDevice;
  }
  std::string* const kept =
      IsMarkerEntry(entry.type)
          ? nullptr
          : package_files_.Take(inventory_.path(entry), entry.type, member.size);
  if (entry.type == EntryType::kRegular) {
    if (member.is_sparse) stream.CountHoles(std::max<Bytes>(member.size - member.stored_size, 0));
    if (IsStargzIndex(reader, entry)) index_begin_ = member.gzip_member;
    HashContents(reader, entry, kept);
  }
  entry.position = static_cast<std::uint32_t>(inventory_.entries.size());
  inventory_.entries.push_back(entry);
  begins_.push_back(member.begin);
}

Inventory InventoryBuilder::Finish(StoredShares& shares, Bytes blob_size,
                                   std::optional<Bytes> stargz_index_begin) {
  TakeShares(shares);
  const bool has_index = index_begin_ && index_begin_ == stargz_index_begin;
  if (has_index) DropStargzFiles();
  inventory_.blob_size = blob_size;
  inventory_.overhead_bytes = blob_size;
  for (const Entry& entry : inventory_.entries) inventory_.overhead_bytes -= entry.blob_bytes;
  SortEntries(inventory_);
  // The index has the names that the tar has.
  if (has_index && !has_followed_) CompareStargzIndex();
  FindLinksToWhiteouts();
  DropUndoneMarkers();
  CheckTwice();
  CheckWhiteouts();
  const std::vector<std::uint32_t> latest = ListLatest();
  CheckBelowFiles(latest);
  CheckHardLinks(latest);
  SetUnpackedAttributes(latest, directories_, begins_, inventory_, symlinks_, warnings_);
  TakePackages();
  return std::move(inventory_);
}

std::string_view InventoryBuilder::KeyOf(std::string_view key, bool& above_root) {
  CheckLength(key, "path");
  // Most names are keys but for what is around them.
  if (key.starts_with("./")) key.remove_prefix(2);
  if (key.ends_with('/')) key.remove_suffix(1);
  above_root = false;
  if (!IsPathKey(key)) {
    made_key_ = MakePathKey(key);
    above_root = made_key_.above_root;
    key = made_key_.key;
  }
  CheckDepth(key);
  return key;
}

void InventoryBuilder::CheckLength(std::string_view text, std::string_view what) {
  inventory_.extremes.path_bytes =
      std::max<Bytes>(inventory_.extremes.path_bytes, std::ssize(text));
  if (std::ssize(text) > options_.limits.max_path_bytes) {
    Fail("expected a " + std::string(what) + " of at most " +
         std::to_string(options_.limits.max_path_bytes) + " bytes (--max-path-bytes), found " +
         std::to_string(text.size()));
  }
}

void InventoryBuilder::CheckDepth(std::string_view key) {
  const auto depth = static_cast<std::int64_t>(PathDepth(key));
  inventory_.extremes.path_depth = std::max(inventory_.extremes.path_depth, depth);
  if (depth > options_.limits.max_path_depth) {
    Fail("expected a path of at most " + std::to_string(options_.limits.max_path_depth) +
         " components (--max-path-depth), found " + std::to_string(depth));
  }
}

std::string_view InventoryBuilder::FollowSymlinks(std::string_view key, bool is_rooted) {
  if (symlinks_.empty() || key.empty()) return key;
  const std::string_view parent = ParentPath(key);
  const std::string_view directory = FindDirectory(parent, is_rooted);
  if (directory == parent) return key;
  has_followed_ = true;
  Warn("entry below a symlink of its layer", key);
  found_key_ = MakePathKey(std::string(directory) + "/" + std::string(BaseName(key))).key;
  CheckLength(found_key_, "path");
  CheckDepth(found_key_);
  return found_key_;
}

std::string_view InventoryBuilder::FindTarget(std::string_view target, std::string_view key) {
  if (symlinks_.empty()) return key;
  const std::size_t base = target.rfind('/') + 1;
  std::string_view directory = target.substr(0, base);
  bool is_rooted = false;
  while (directory.starts_with('/') || directory.starts_with("./")) {
    directory.remove_prefix(directory.find('/') + 1);
    is_rooted = true;
  }
  if (directory.ends_with('/')) directory.remove_suffix(1);
  found_key_ = MakePathKey(std::string(FindDirectory(directory, is_rooted)) + "/" +
                           std::string(target.substr(base)))
                   .key;
  if (found_key_ == key) return key;
  CheckLength(found_key_, "path");
  CheckDepth(found_key_);
  return found_key_;
}

std::string_view InventoryBuilder::FindDirectory(std::string_view path, bool is_rooted) {
  try {
    return symlinks_.FindDirectory(path, is_rooted);
  } catch (const InputError& error) {
    Fail(error.problem() + " (directory " + QuoteName(path) + ")");
  }
}

void InventoryBuilder::SetMetadata(TarReader& reader, Entry& entry) {
  archive_entry* const source = reader.entry();
  const PaxAttributes& attributes = reader.member().attributes;
  // As chown(2) takes it: 32 bits, and all of them set leave the owner that a new file has.
  const auto id = [&](std::int64_t number) -> std::uint32_t {
    constexpr std::int64_t kNone32 = std::numeric_limits<std::uint32_t>::max();
    if (number < 0 || number >= kNone32) {
      Warn("owner out of range", inventory_.texts[entry.path]);
    }
    const auto low = static_cast<std::uint32_t>(number);
    return low == kNone32 ? 0 : low;
  };
  entry.uid = id(attributes.uid.value_or(archive_entry_uid(source)));
  entry.gid = id(attributes.gid.value_or(archive_entry_gid(source)));
  const TarTime mtime = attributes.mtime.value_or(TarTime{archive_entry_mtime(source), 0});
  entry.mtime = mtime.seconds;
  entry.mtime_nsec = mtime.nanoseconds;
  entry.mode = static_cast<std::uint16_t>(archive_entry_perm(source) & 07777U);
  // Neighbours often have the same.
  if (inventory_.texts[last_xattrs_] != attributes.xattrs) {
    last_xattrs_ = AddText(attributes.xattrs);
  }
  entry.xattrs = last_xattrs_;
}

void InventoryBuilder::SetType(TarReader& reader, std::string_view key, Entry& entry) {
  archive_entry* const source = reader.entry();
  const std::string& target = reader.member().link;
  if (entry.type == EntryType::kSymlink) {
    const std::string_view link = target;
    CheckLength(link, "link target");
    entry.link = AddText(link);
    if (link.empty()) {
      Warn("symlink without a target", key);
    } else {
      AddSymlink(entry.path, entry.link);
    }
  } else if (entry.type == EntryType::kHardLink) {
    const std::string_view path = inventory_.texts[entry.path];
    bool above_root = false;
    const std::string_view written = KeyOf(target, above_root);
    // Runtimes stop at the root, as they do with names.
    if (above_root) Warn("path above the root", path);
    const std::string_view link = FindTarget(target, written);
    if (link != written) {
      has_followed_ = true;
      Warn("hard link through a symlink of its layer", path);
    }
    if (link == path) Fail("expected a hard link to another path, found one to itself");
    entry.link = AddText(link);
    // Another name of a symlink is one.
    if (const auto other = symlinks_.TextAt(link)) AddSymlink(entry.path, *other);
  } else if (entry.type == EntryType::kCharDevice || entry.type == EntryType::kBlockDevice) {
    entry.device_major = static_cast<std::uint32_t>(archive_entry_rdevmajor(source));
    entry.device_minor = static_cast<std::uint32_t>(archive_entry_rdevminor(source));
  }
}

void InventoryBuilder::SetMarker(std::string_view& key, Entry& entry) {
  if (IsAufsMetadata(key)) Warn("aufs metadata", key);
  MarkerName marker = ReadMarkerName(key);
  switch (marker.kind) {
    case MarkerKind::kPlain:
      return;
    case MarkerKind::kNameless:
      Fail("expected a whiteout of a name, found " + QuoteName(key));
    case MarkerKind::kWhiteout:
      entry.type = EntryType::kWhiteout;
      break;
    case MarkerKind::kOpaque:
      entry.type = EntryType::kOpaque;
      break;
  }
  made_key_.key = std::move(marker.path);
  key = made_key_.key;
}

void InventoryBuilder::AddSymlink(std::uint32_t key, std::uint32_t target) {
  symlinks_.Add(key, target);
  if (unlisted_) unlisted_->AddLink(inventory_.texts[key]);
}

void InventoryBuilder::MarkSymlinks(std::string_view key, EntryType marker) {
  if (!symlinks_.HasAtOrBelow(key)) return;
  Warn(is_lowest_ ? kReadAsLowestWarning : kReadAsUpperWarning, key);
  if (!is_lowest_) return;
  if (marker == EntryType::kWhiteout) {
    symlinks_.Replace(key, /*by_directory=*/false);
    return;
  }
  if (!unlisted_) {
    unlisted_.emplace();
    for (const Entry& entry : inventory_.entries) {
      if (!IsMarkerName(entry.type)) unlisted_->List(inventory_.path(entry));
    }
    symlinks_.ForEach([&](std::string_view link) { unlisted_->AddLink(link); });
  }
  for (const std::string& directory : unlisted_->TakeBelow(key)) {
    symlinks_.Replace(directory, /*by_directory=*/false);
  }
}

// Estargz has it as the last entry, in a gzip member of its own.
bool InventoryBuilder::IsStargzIndex(const TarReader& reader, const Entry& entry) const {
  return reader.member().gzip_member && inventory_.path(entry) == kStargzIndexName;
}

void InventoryBuilder::HashContents(TarReader& reader, Entry& entry, std::string* kept) {
  entry.size = reader.member().size;
  entry.stored_size = reader.member().stored_size;
  head_.clear();
  index_text_.clear();
  const bool keeps_text = index_begin_ && entry.size <= kMaxStargzIndexBytes;
  ContentSink* sink = options_.sink;
  if (sink != nullptr && (entry.size == 0 || !sink->Begin(inventory_.path(entry), entry.size))) {
    sink = nullptr;
  }
  if (entry.size > 0) {
    reader.ReadContents(
        [&](std::string_view bytes) {
          hash_.Update(bytes);
          if (sink != nullptr) sink->Write(bytes);
          if (keeps_text) index_text_ += bytes;
          if (kept != nullptr) *kept += bytes;
          if (head_.size() < kContentHeadBytes) {
            head_ += bytes.substr(0, kContentHeadBytes - head_.size());
          }
        },
        [&](Bytes count) {
          hash_.UpdateZeros(count);
          if (sink != nullptr) sink->WriteHole(count);
          if (kept != nullptr) kept->append(static_cast<std::size_t>(count), '\0');
          const auto missing = static_cast<Bytes>(kContentHeadBytes - head_.size());
          head_.append(static_cast<std::size_t>(std::min(count, missing)), '\0');
        });
  }
  entry.head = ClassifyHead(head_);
  entry.content = static_cast<std::uint32_t>(inventory_.contents.size());
  inventory_.contents.push_back(hash_.Finish());
  if (sink != nullptr) sink->End(inventory_.contents.back());
}

std::uint32_t InventoryBuilder::AddText(std::string_view text) {
  Bytes& text_bytes = inventory_.extremes.text_bytes;
  text_bytes += std::ssize(text);
  if (text_bytes > options_.limits.max_text_bytes) {
    Fail("expected paths, link targets and attributes of at most " +
         std::to_string(options_.limits.max_text_bytes) +
         " bytes in all (--max-text-bytes), found more");
  }
  return inventory_.texts.Add(text);
}

void InventoryBuilder::TakeShares(StoredShares& shares) {
  for (; num_shares_ < inventory_.entries.size(); ++num_shares_) {
    const std::optional<Bytes> share = shares.TakeShare();
    if (!share) return;
    inventory_.entries[num_shares_].blob_bytes = *share;
  }
}

void InventoryBuilder::DropStargzFiles() {
  std::vector<Digest> contents;
  std::erase_if(inventory_.entries, [&](Entry& entry) {
    if (entry.type != EntryType::kRegular) return false;
    const bool is_index = entry.position + 1 == inventory_.entries.size();
    if (is_index || IsStargzLandmark(inventory_, entry)) return true;
    contents.push_back(inventory_.contents[entry.content]);
    entry.content = static_cast<std::uint32_t>(contents.size() - 1);
    return false;
  });
  inventory_.contents = std::move(contents);
  for (std::uint32_t i = 0; Entry & entry : inventory_.entries) {
    begins_[i] = begins_[entry.position];
    entry.position = i++;
  }
}

void InventoryBuilder::CompareStargzIndex() {
  const StargzDifferences differences = gneiss::CompareStargzIndex(index_text_, inventory_);
  if (differences.count == 0) return;
  // The index is the last entry.
  warnings_.Add("estargz index that disagrees with the tar", differences.first, member_begin_,
                differences.count);
}

void InventoryBuilder::TakePackages() {
  if (package_files_.num_passed_over() > 0) {
    const std::string& first = package_files_.first_passed_over();
    const auto entry = std::ranges::find_if(
        inventory_.entries, [&](const Entry& other) { return inventory_.path(other) == first; });
    warnings_.Add("package database past a limit", first, begins_[entry->position],
                  package_files_.num_passed_over());
  }
  ReadPackages(package_files_, inventory_);
}

// A marker that a runtime has written goes with what stands at its place, when an entry replaces
// that: what is below a directory that comes instead shows again. A file that comes hides it, too.
void InventoryBuilder::DropUndoneMarkers() {
  const std::vector<Entry>& entries = inventory_.entries;
  if (!std::ranges::any_of(entries, [](const Entry& entry) { return IsMarkerEntry(entry.type); })) {
    return;
  }
  // Markers before `position` that are below `path` are undone.
  struct Undone {
    std::string_view path;
    std::uint32_t position = 0;
  };
  std::vector<Undone> above;
  std::vector<bool> dropped(entries.size());
  for (std::size_t begin = 0, end = 0; begin < entries.size(); begin = end) {
    const std::string_view path = inventory_.path(entries[begin]);
    while (!above.empty() && !IsBelow(path, above.back().path)) above.pop_back();
    const std::uint32_t until = above.empty() ? 0 : above.back().position;
    std::uint32_t last_directory = 0;
    std::uint32_t last_other = 0;
    for (end = begin; end < entries.size() && inventory_.path(entries[end]) == path; ++end) {
      if (IsMarkerName(entries[end].type)) continue;
      const bool is_directory = entries[end].type == EntryType::kDirectory;
      (is_directory ? last_directory : last_other) = entries[end].position;
    }
    const std::uint32_t replaced = std::max(until, last_other < last_directory ? last_other : 0);
    for (std::size_t i = begin; i < end; ++i) {
      const Entry& entry = entries[i];
      const bool is_whiteout = entry.type == EntryType::kWhiteout;
      if (!IsMarkerName(entry.type)) continue;
      if (entry.position >= (is_whiteout ? std::max(until, last_directory) : replaced)) continue;
      dropped[i] = true;
      WarnOf(entry, is_whiteout ? "whiteout undone by a directory of its layer"
                                : "opaque marker undone by a directory of its layer");
    }
    if (replaced > until) above.push_back({.path = path, .position = replaced});
  }
  Drop(dropped);
}

// Leaves out entries, of which none has contents; sorted before and after.
void InventoryBuilder::Drop(const std::vector<bool>& dropped) {
  std::vector<Entry>& entries = inventory_.entries;
  if (std::ranges::find(dropped, true) == dropped.end()) return;
  std::vector<std::uint32_t> position(entries.size());  // by the old one
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (dropped[i]) position[entries[i].position] = kNone;
  }
  std::uint32_t next = 0;
  for (std::size_t i = 0; i < position.size(); ++i) {
    if (position[i] == kNone) continue;
    begins_[next] = begins_[i];
    position[i] = next++;
  }
  std::erase_if(entries, [&](Entry& entry) {
    entry.position = position[entry.position];
    if (entry.position == kNone) inventory_.overhead_bytes += entry.blob_bytes;
    return entry.position == kNone;
  });
}

void InventoryBuilder::CheckTwice() {
  const std::vector<Entry>& entries = inventory_.entries;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string_view path = inventory_.path(entries[i]);
    for (std::size_t j = i; j-- > 0 && inventory_.path(entries[j]) == path;) {
      const bool is_same = IsMarkerEntry(entries[i].type) ? entries[j].type == entries[i].type
                                                          : !IsMarkerEntry(entries[j].type);
      if (!is_same) continue;
      WarnOf(entries[i], "path given twice");
      break;
    }
  }
}

std::vector<std::uint32_t> InventoryBuilder::ListLatest() const {
  const std::vector<Entry>& entries = inventory_.entries;
  std::vector<std::uint32_t> latest(entries.size(), kNone);
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    if (entries[i].type == EntryType::kWhiteoutDevice) continue;
    if (!IsMarkerEntry(entries[i].type)) {
      latest[i] = i;
    } else if (i > 0 && inventory_.path(entries[i - 1]) == inventory_.path(entries[i])) {
      latest[i] = latest[i - 1];
    }
  }
  return latest;
}

// No runtime unpacks a layer that has an entry below what is no directory at that time.
void InventoryBuilder::CheckBelowFiles(const std::vector<std::uint32_t>& latest) {
  const std::vector<Entry>& entries = inventory_.entries;
  struct Run {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  std::vector<Run> above;  // entries of paths that are no directory at some time
  for (std::size_t begin = 0, end = 0; begin < entries.size(); begin = end) {
    const std::string_view path = inventory_.path(entries[begin]);
    while (!above.empty() && !IsBelow(path, inventory_.path(entries[above.back().begin]))) {
      above.pop_back();
    }
    bool has_other = false;
    for (end = begin; end < entries.size() && inventory_.path(entries[end]) == path; ++end) {
      const EntryType type = entries[end].type;
      has_other = has_other || (!IsMarkerEntry(type) && type != EntryType::kDirectory);
      if (above.empty()) continue;
      const auto first = entries.begin() + static_cast<std::ptrdiff_t>(above.back().begin);
      const auto last = entries.begin() + static_cast<std::ptrdiff_t>(above.back().end);
      const auto after = std::partition_point(
          first, last, [&](const Entry& entry) { return entry.position < entries[end].position; });
      if (after == first) continue;
      const std::uint32_t found = latest[static_cast<std::size_t>(after - entries.begin()) - 1];
      if (found == kNone || entries[found].type == EntryType::kDirectory) continue;
      WarnOf(entries[end], "entry below a file of its layer");
    }
    if (has_other) above.push_back({.begin = begin, .end = end});
  }
}

// containerd refuses to unpack one that comes behind what it could delete.
void InventoryBuilder::CheckWhiteouts() {
  const std::vector<Entry>& entries = inventory_.entries;
  struct Whiteout {
    std::string_view path;
    std::uint32_t last = 0;       // position
    std::uint32_t first = kNone;  // of the other entries at and below its path
  };
  std::vector<Whiteout> open;
  const auto close = [&] {
    const Whiteout closed = open.back();
    open.pop_back();
    if (closed.first < closed.last) {
      warnings_.Add("whiteout behind its own path", closed.path, begins_[closed.last]);
    }
    if (!open.empty()) open.back().first = std::min(open.back().first, closed.first);
  };
  std::size_t begin = 0;  // of the entries of one path
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    const std::string_view path = inventory_.path(entry);
    if (path != inventory_.path(entries[begin])) begin = i;
    while (!open.empty() && path != open.back().path && !IsBelow(path, open.back().path)) close();
    const bool is_open = !open.empty() && open.back().path == path;
    if (entry.type == EntryType::kWhiteout && is_open) {
      open.back().last = entry.position;
      continue;
    }
    if (!open.empty()) open.back().first = std::min(open.back().first, entry.position);
    if (entry.type == EntryType::kWhiteout) {
      const std::uint32_t first = begin < i ? entries[begin].position : kNone;
      open.push_back({.path = path, .last = entry.position, .first = first});
    }
  }
  while (!open.empty()) close();
}

// One past the last entry at a path before a position.
std::size_t InventoryBuilder::EndBefore(std::string_view path, std::uint32_t position) const {
  const auto after = std::ranges::partition_point(inventory_.entries, [&](const Entry& entry) {
    const auto order = ComparePaths(inventory_.path(entry), path);
    return order < 0 || (order == 0 && entry.position < position);
  });
  return static_cast<std::size_t>(after - inventory_.entries.begin());
}

// Of a whiteout containerd has made a file, and what links to it is another name of that.
void InventoryBuilder::FindLinksToWhiteouts() {
  std::vector<Entry>& entries = inventory_.entries;
  std::vector<std::uint32_t> links;
  bool has_whiteouts = false;
  for (std::uint32_t e = 0; e < entries.size(); ++e) {
    if (entries[e].type == EntryType::kHardLink) links.push_back(e);
    has_whiteouts = has_whiteouts || IsWhiteout(entries[e].type);
  }
  if (links.empty() || !has_whiteouts) return;
  const std::vector<std::uint32_t> latest = ListLatest();
  // In the tar's order, since one may name another.
  std::ranges::sort(links, {}, [&](std::uint32_t e) { return entries[e].position; });
  for (const std::uint32_t e : links) {
    Entry& link = entries[e];
    const std::string_view target = inventory_.link(link);
    const std::size_t end = EndBefore(target, link.position);
    if (end == 0 || inventory_.path(entries[end - 1]) != target) continue;
    const std::uint32_t found = latest[end - 1];
    const EntryType type = entries[found == kNone ? end - 1 : found].type;
    if (!IsWhiteout(type)) continue;
    link.type = EntryType::kWhiteoutDevice;
    link.link = 0;
    WarnOf(link, "hard link to a whiteout");
  }
}

void InventoryBuilder::CheckHardLinks(const std::vector<std::uint32_t>& latest) {
  const std::vector<Entry>& entries = inventory_.entries;
  for (const Entry& link : entries) {
    if (link.type != EntryType::kHardLink) continue;
    const std::string_view target = inventory_.link(link);
    // What the target is when the link is made, as far as this layer shows.
    const std::size_t end = EndBefore(target, link.position);
    std::uint32_t found = kNone;
    if (end > 0 && inventory_.path(entries[end - 1]) == target) found = latest[end - 1];
    const auto above =
        std::partition_point(entries.begin() + static_cast<std::ptrdiff_t>(end), entries.end(),
                             [&](const Entry& entry) { return inventory_.path(entry) == target; });
    const bool is_directory =
        found != kNone ? entries[found].type == EntryType::kDirectory
                       : target.empty() ||
                             (above != entries.end() && IsBelow(inventory_.path(*above), target));
    if (is_directory) {
      FailAt(link,
             "expected a hard link to a file, found one to the directory " + QuoteName(target));
    }
    // Its contents come from a lower layer, if from anywhere: only the merged tree can tell.
    if (found == kNone) WarnOf(link, "hard link to a lower layer");
  }
}

void InventoryBuilder::Warn(std::string_view kind, std::string_view path) {
  warnings_.Add(kind, path, member_begin_);
}

void InventoryBuilder::WarnOf(const Entry& entry, std::string_view kind) {
  warnings_.Add(kind, inventory_.path(entry), begins_[entry.position]);
}

void InventoryBuilder::FailAt(const Entry& entry, const std::string& problem) const {
  throw InputError("", "tar byte " + std::to_string(begins_[entry.position]),
                   problem + " (entry " + QuoteName(inventory_.path(entry)) + ")");
}

void InventoryBuilder::Fail(const std::string& problem) const {
  throw InputError("", "tar byte " + std::to_string(member_begin_), problem);
}

}  // namespace gneiss
