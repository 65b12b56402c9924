// An inventory: all entries of one layer, what a scan of its tar yields (design.md 1). Immutable,
// named by the layer's digest. What the bytes of a layer are spent on, exactly: the compressed
// bytes of the entries and of what lies around them sum to the size of the blob. Which package an
// entry came with, where the layer's own package databases say so, and which operating system it
// is.
//
// Leaves out: the contents themselves, and what an entry means together with other layers
// (overlay).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// What the first bytes of a file say that a path cannot: a program, and whether it needs an
// interpreter (a dynamic linker), without which it runs on an empty root file system; a private
// key. Enough of the formats for that, bounds-checked; bytes come from strangers.

enum class ContentHead : std::uint8_t {
  kOther,           // also ELF whose program headers lie beyond the bytes given
  kDynamicProgram,  // ELF
  kStaticProgram,   // ELF without interpreter; also of shared libraries
  kPrivateKey,      // PEM (RFC 7468: PKCS #8 and older forms), OpenSSH, PuTTY
};
inline constexpr std::uint8_t kNumContentHeads = 4;

// Bytes of a file that ClassifyHead wants to see: program headers follow the header closely, and so
// do keys the certificates before them.
inline constexpr std::size_t kContentHeadBytes = 4096;

[[nodiscard]] ContentHead ClassifyHead(std::string_view head);

enum class EntryType : std::uint8_t {
  kRegular,
  kDirectory,
  kSymlink,
  kHardLink,
  kCharDevice,
  kBlockDevice,
  kFifo,
  kWhiteout,  // its path is the one that it deletes, without ".wh."
  kOpaque,    // its path is the directory whose lower contents it hides
  // A character device 0:0, which overlayfs takes for a whiteout of its path. As an entry of that
  // path it also takes the place of what its own layer has had there.
  kWhiteoutDevice,
};
inline constexpr std::uint8_t kNumEntryTypes = 10;
[[nodiscard]] std::string_view EntryTypeName(EntryType type);

enum class LayerCodec : std::uint8_t { kTar, kGzip, kZstd };
inline constexpr std::size_t kNumLayerCodecs = 3;
[[nodiscard]] std::string_view LayerCodecName(LayerCodec codec);

// In the order of their claims to an entry that packages of several list.
enum class PackageSystem : std::uint8_t { kDpkg, kApk, kPacman, kRpm, kWheel };
inline constexpr std::uint8_t kNumPackageSystems = 5;
[[nodiscard]] std::string_view PackageSystemName(PackageSystem system);

// What a package manager installed as one. Names and versions are graphic ASCII without spaces; the
// architectures of one version are one package.
struct Package {
  PackageSystem system = PackageSystem::kDpkg;
  std::string name;
  std::string version;  // empty: the layer does not say

  friend auto operator<=>(const Package&, const Package&) = default;
};
inline constexpr std::size_t kMaxPackages = 100'000;      // of a layer
inline constexpr std::size_t kMaxPackageTextBytes = 255;  // of a name, a version, and below
static_assert(kMaxPackages < kNone);

// Fields of os-release(5); each is empty where the file does not have it.
struct OsRelease {
  std::string id;          // "debian"
  std::string version_id;  // "12"
  std::string codename;    // VERSION_CODENAME, "bookworm"

  bool empty() const { return id.empty() && version_id.empty() && codename.empty(); }
  friend bool operator==(const OsRelease&, const OsRelease&) = default;
};

// Whether a text may stand in a Package or an OsRelease.
[[nodiscard]] bool IsPackageText(std::string_view text);

// Seconds, without a fraction, of a time that no runtime sets: of a directory in which something
// was made after its entry, and of which the time goes elsewhere, since a symlink on the way of its
// name leads elsewhere by the end of its layer.
inline constexpr std::int64_t kNoTime = std::numeric_limits<std::int64_t>::min();

// One header of the tar with what follows it. Texts are indices into Inventory::texts.
struct Entry {
  Bytes size = 0;         // of a regular file's contents, holes included; else 0
  Bytes stored_size = 0;  // of what the tar holds of them: less than size where there are holes
  Bytes blob_bytes = 0;  // compressed bytes from the start of its headers to the end of its padding
  std::int64_t mtime = 0;        // seconds since 1970, rounded down
  std::uint32_t mtime_nsec = 0;  // 0 .. 999,999,999
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t path = 0;         // key (path_key.h)
  std::uint32_t link = 0;         // kSymlink: target as written; kHardLink: key of its target
  std::uint32_t xattrs = 0;       // "name=value" pairs, canonical (FormatXattrs); 0: none
  std::uint32_t content = kNone;  // kRegular: into Inventory::contents
  std::uint32_t package = kNone;  // that lists it, into Inventory::packages; of no directory
  std::uint32_t position = 0;     // among the entries in the tar's order, from 0
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint16_t mode = 0;  // permission, set-id and sticky bits
  EntryType type = EntryType::kRegular;
  ContentHead head = ContentHead::kOther;  // of regular files
  // A directory of which the tar has no header, only something below it: 0755, root's but for a
  // group that it inherits, of no time and no bytes. See AddImpliedDirectories.
  bool implied = false;
};

[[nodiscard]] constexpr bool HasTime(const Entry& entry) {
  return entry.mtime != kNoTime || entry.mtime_nsec > 0;
}
[[nodiscard]] constexpr bool IsWhiteout(EntryType type) {
  return type == EntryType::kWhiteout || type == EntryType::kWhiteoutDevice;
}
// Whether it is a marker by its name, and so no entry of the path that it is for.
[[nodiscard]] constexpr bool IsMarkerName(EntryType type) {
  return type == EntryType::kWhiteout || type == EntryType::kOpaque;
}
// Whether an entry only deletes.
[[nodiscard]] constexpr bool IsMarkerEntry(EntryType type) {
  return IsWhiteout(type) || type == EntryType::kOpaque;
}

// Whether an entry of this type may belong to a package: many have the same directories, and a
// marker is nothing that was installed.
[[nodiscard]] constexpr bool MayBelongToPackage(EntryType type) {
  return type != EntryType::kDirectory && !IsMarkerEntry(type);
}

// Something odd that a scan accepted: what, how often, and the first place.
struct InventoryWarning {
  std::string kind;  // "whiteout with a body"
  std::int64_t count = 0;
  std::string first;  // key of the first entry, or "byte N"

  friend bool operator==(const InventoryWarning&, const InventoryWarning&) = default;
};

// Of a kind that tells what no entry can: a directory that the layer does not list has a time, of
// one that a symlink to it has taken the place of.
inline constexpr std::string_view kUnlistedTimeWarning =
    "time of a directory that its layer does not list";

// Of two kinds that tell where a layer was read to stand: it has a marker for a symlink of its own,
// which removes that from the lowest layer of an image and from no other, and so decides where the
// names that come later lead. Layers without either are the same wherever they stand.
inline constexpr std::string_view kReadAsLowestWarning =
    "symlink that a marker removes from a lowest layer";
inline constexpr std::string_view kReadAsUpperWarning =
    "symlink beside a marker for it, in a layer over others";
// Whether a layer of these warnings was read for a place that is the lowest, or is not.
[[nodiscard]] bool IsReadFor(bool is_lowest, std::span<const InventoryWarning> warnings);

// The most that a scan met of what its limits bound, so that a stricter scan's verdict can be told
// without reading the layer again.
struct InventoryExtremes {
  std::int64_t entries = 0;     // with those that the inventory leaves out
  std::int64_t path_depth = 0;  // components
  Bytes path_bytes = 0;         // of a name or link target as written
  Bytes header_bytes = 0;       // of a PAX header, a long name or the map of a sparse file
  Bytes text_bytes = 0;         // of paths, link targets and attributes in all
  Bytes unpacked_bytes = 0;     // of the tar and the holes of its files
  Bytes zstd_window = 0;        // that a frame asks for

  friend bool operator==(const InventoryExtremes&, const InventoryExtremes&) = default;
};

// Of parts of a tar: what they take as the layer is compressed, and what the compressors of new
// layers, at their standard levels, make of the same. Zeros where nothing could be compared.
struct Recompression {
  Bytes stored = 0;
  Bytes gzip = 0;
  Bytes zstd = 0;

  friend bool operator==(const Recompression&, const Recompression&) = default;
};

// Texts in one buffer; text 0 is empty.
class EntryTexts {
 public:
  EntryTexts() : first_{0, 0} {}

  // Throws std::length_error past 2^32 - 2 texts. Equal texts may be added again.
  std::uint32_t Add(std::string_view text);
  std::string_view operator[](std::uint32_t index) const {
    return std::string_view(bytes_).substr(first_[index], first_[index + 1] - first_[index]);
  }
  std::size_t size() const { return first_.size() - 1; }

 private:
  std::string bytes_;
  std::vector<std::uint64_t> first_;  // and one past the end
};

// Entries are those of the tar; who asks what a layer makes adds the directories that it implies
// (AddImpliedDirectories), which no file of the store has.
//
// Invariants: entries are sorted by path (ComparePaths), then by position; positions are a
// permutation of 0 .. n - 1; the sum of blob_bytes and overhead_bytes is blob_size; packages are
// sorted, distinct, and each has an entry.
struct Inventory {
  Digest layer;
  Digest diff_id;       // sha256 of the whole uncompressed stream
  Bytes blob_size = 0;  // compressed
  Bytes tar_size = 0;   // uncompressed, to the end of the stream
  Bytes overhead_bytes =
      0;  // compressed: end blocks, trailing bytes, index and landmarks of estargz
  LayerCodec codec = LayerCodec::kTar;
  Recompression sampled;
  std::vector<Entry> entries;
  std::vector<Digest> contents;  // sha256 of regular files, in the tar's order
  EntryTexts texts;
  std::vector<Package> packages;           // whose databases in this layer list an entry of it
  OsRelease os_release;                    // empty when the layer has none
  std::vector<InventoryWarning> warnings;  // sorted by kind
  InventoryExtremes extremes;

  std::string_view path(const Entry& entry) const { return texts[entry.path]; }
  std::string_view link(const Entry& entry) const { return texts[entry.link]; }
  // Entries of the tar: without implied directories. Time O(entries).
  std::int64_t num_listed() const;
};

// An entry of a layer, by its index in Inventory::entries.
struct EntryRef {
  LayerIndex layer = kNone;
  std::uint32_t entry = kNone;

  friend auto operator<=>(const EntryRef&, const EntryRef&) = default;
};

// Sorts entries that were appended in the tar's order, with their positions set.
void SortEntries(Inventory& inventory);

// What becomes of each entry within its own layer, before it meets others: kNone when it lasts,
// else the entry that takes its place. Of one path the last entry lasts (a directory over a
// directory has new attributes); what is no directory takes the place of all that the layer has put
// below its path before, markers too, and loses its own to what is put there afterwards. A marker
// does not meet what its layer has at its path. Time O(entries * depth).
[[nodiscard]] std::vector<std::uint32_t> FindSuperseded(const Inventory& inventory);

// Adds the directories that the layer has without listing them: those above an entry that lasts,
// and above a marker, since runtimes make them to put it there. They exist from then on, and stay
// when they are emptied. Their positions are past all others'. Nothing is added twice. Time
// O(entries * depth).
void AddImpliedDirectories(Inventory& inventory);

// The first invariant that does not hold, in words; empty when all do. For tests and for files that
// come from elsewhere. Time O(entries).
[[nodiscard]] std::string FindInventoryFault(const Inventory& inventory);

// How what was found of a layer differs from what the fleet says of it, in words; empty when it
// does not. `diff_id`: nullopt when it is not known.
[[nodiscard]] std::string FindContradiction(const Fleet& fleet, const Layer& layer, Bytes blob_size,
                                            const std::optional<Digest>& diff_id);

// Extended attributes as one text: for each, sorted by name, the name, a zero byte, the length of
// the value in decimal, ':' and the value.
struct Xattr {
  std::string name;
  std::string value;

  friend auto operator<=>(const Xattr&, const Xattr&) = default;
};
[[nodiscard]] std::string FormatXattrs(std::vector<Xattr> xattrs);

// Those of a text that FormatXattrs made, in its order; views into it. Of another text what comes
// before the first place that it could not have made: a text may be of a file from elsewhere.
struct XattrView {
  std::string_view name;
  std::string_view value;

  friend bool operator==(const XattrView&, const XattrView&) = default;
};
[[nodiscard]] std::vector<XattrView> ParseXattrs(std::string_view text);

}  // namespace gneiss
