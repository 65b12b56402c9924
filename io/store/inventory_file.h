// One scanned layer as the bytes of a file of the store, and back (design.md 7).
//
//   magic and version (8 bytes) | summary | one zstd frame of columns, of a tar only | sha256 of
//   all before it | a seal, of a store with a key only: a MAC (32 bytes) and a magic (8 bytes)
//
// The columns hold the entries in their order by path: paths front-coded, numbers as differences
// where that makes them small, digests of contents as they are, packages by their place in a list.
// What is written is a function of the inventory's content alone: not of the order of its texts,
// nor of the machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "planner/contents/inventory.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {

// Numbers and texts as a byte string that is as short as it is simple, and back. The reader takes
// bytes from anywhere: every read is checked.

class PackedWriter {
 public:
  void Byte(std::uint8_t value) { bytes_ += static_cast<char>(value); }
  // Seven bits a byte, lowest first, the top bit set on all but the last.
  void Number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) Byte(static_cast<std::uint8_t>(value | 0x80));
    Byte(static_cast<std::uint8_t>(value));
  }
  // Small magnitudes are short, whatever the sign.
  void Signed(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    Number((bits << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0));
  }
  void Raw(std::string_view bytes) { bytes_ += bytes; }
  // Its length, then its bytes.
  void Text(std::string_view text) {
    Number(text.size());
    Raw(text);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Every function takes what it returns. All throw InputError without source, place "byte N", when
// the bytes end early or are not what PackedWriter would have written.
class PackedReader {
 public:
  // The caller keeps `bytes` alive; `first` is what the place of an error counts from.
  explicit PackedReader(std::string_view bytes, std::size_t first = 0)
      : bytes_(bytes), first_(first) {}

  std::uint8_t Byte();
  // `what` completes "expected WHAT of at most LIMIT, found ...".
  std::uint64_t Number(std::uint64_t limit, std::string_view what);
  std::int64_t Signed();
  // A view into the bytes.
  std::string_view Raw(std::size_t count, std::string_view what);
  std::string_view Text(std::size_t limit, std::string_view what) {
    return Raw(static_cast<std::size_t>(Number(limit, what)), what);
  }

  std::size_t remaining() const { return bytes_.size() - position_; }
  std::size_t position() const { return position_; }
  [[noreturn]] void Fail(std::string problem) const;

 private:
  std::uint64_t AnyNumber();

  std::string_view bytes_;
  std::size_t first_;
  std::size_t position_ = 0;
};

// Why there is no inventory although the blob is what its digest says.
struct NotATar {
  std::string found;  // "xz compressed data", "JSON", "zero bytes", ...
};

// What a scan has found, and the store keeps.
struct ScannedLayer {
  std::optional<Inventory> inventory;  // nullopt when the content is no tar
  NotATar not_a_tar;                   // then: what it is
};

// Part of the store's paths, so that versions do not overwrite each other's files.
inline constexpr int kInventoryFileVersion = 5;

inline constexpr std::size_t kInventorySealBytes = Digest::kBytes + 8;

// Beyond these an inventory is neither written nor read, its seal not counted.
inline constexpr std::size_t kMaxInventoryFileBytes = std::size_t{1} << 31;
inline constexpr std::size_t kMaxInventoryPayloadBytes = std::size_t{1} << 30;  // the columns
inline constexpr std::size_t kMaxInventoryTextBytes = std::size_t{1} << 31;     // paths in full

// What a file says of its layer without unpacking the columns: enough to repeat the verdict of the
// scan, and to tell that of a scan under other limits.
struct InventorySummary {
  Digest layer;
  Bytes blob_size = 0;
  bool is_tar = true;
  std::string found;  // when it is no tar: what it is (NotATar)
  Digest diff_id;     // from here on of a tar only
  Bytes tar_size = 0;
  std::int64_t num_entries = 0;
  InventoryExtremes extremes;
  std::vector<InventoryWarning> warnings;  // sorted by kind
  std::int64_t num_packages = 0;
  OsRelease os_release;

  friend bool operator==(const InventorySummary&, const InventorySummary&) = default;
};

// REQUIRES: FindInventoryFault finds none. Throws InputError when a limit above is passed. Time
// O(entries and text), memory twice the columns.
[[nodiscard]] std::string EncodeInventory(const Inventory& inventory);

// The short form for a layer whose content is no tar.
[[nodiscard]] std::string EncodeNotATar(const Digest& layer, Bytes blob_size,
                                        const NotATar& not_a_tar);

// What a file is without its seal, and the seal.
struct SealedInventory {
  std::string_view content;
  std::optional<Digest> mac;  // nullopt: no seal
};
[[nodiscard]] SealedInventory TakeSeal(std::string_view file);
// `content`, which has none, with one.
[[nodiscard]] std::string PutSeal(std::string content, const Digest& mac);
// The sha256 at the end of a file without its seal, which nobody has verified yet. REQUIRES: at
// least that long.
[[nodiscard]] Digest NamedContent(std::string_view content);

// Both verify the sha256 first, and leave the seal to others. They throw InputError without source
// when `file` is no such file, of another version, or damaged; DecodeInventoryFile also when what
// it holds is no inventory (FindInventoryFault), and never with an effect beyond the limits above.
[[nodiscard]] InventorySummary ReadInventorySummary(std::string_view file);
[[nodiscard]] ScannedLayer DecodeInventoryFile(std::string_view file);

}  // namespace gneiss
