// The records of a PAX extended header ("LENGTH KEY=VALUE\n"), by the strict reading that container
// runtimes use, and what they say of an entry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "planner/fleet/bytes.h"

namespace gneiss {

// Numbers in the fields of a tar header: octal digits, or base 256 as GNU tar writes what octal
// cannot hold. Strict where readers of tar differ, because a size that two of them read
// differently hides entries from one.

// nullopt when the field is neither form or the number does not fit. Octal, as Go's archive/tar
// reads it: spaces and zero bytes at both ends are padding, a zero byte behind digits ends them;
// no digits are 0.
[[nodiscard]] std::optional<std::int64_t> ParseTarNumber(std::string_view field);

// Decimal digits behind a sign or none, as Go reads the sizes of PAX records; nullopt when not,
// below 0 or above 2^63 - 1.
[[nodiscard]] std::optional<std::int64_t> ParseDecimal(std::string_view text);
// The same, below 0 too.
[[nodiscard]] std::optional<std::int64_t> ParseSigned(std::string_view text);

// The map of a sparse file, which says where its stored parts belong, checked as it is read and
// never kept.

class SparseMap {
 public:
  // The next part, in the map's order. What is wrong, or empty.
  [[nodiscard]] std::string Add(Bytes offset, Bytes length);
  // After the last part: whether the parts fill what is stored, and lie within the file.
  [[nodiscard]] std::string Check(Bytes stored_size, Bytes real_size) const;

  Bytes stored_size() const { return stored_; }

 private:
  Bytes end_ = 0;
  Bytes stored_ = 0;
};

// The map of GNU.sparse version 1.0, decimal lines at the start of the body: the number of parts,
// then offset and length of each. Fed in any pieces.
class SparseMapText {
 public:
  // Takes the next byte. What is wrong, or empty.
  [[nodiscard]] std::string Add(char byte, SparseMap& map);
  bool is_complete() const { return num_left_ == 0; }

 private:
  std::optional<Bytes> number_;
  std::optional<Bytes> offset_;
  Bytes num_left_ = -1;  // parts; -1 before the first line
};

struct PaxRecord {
  std::string_view key;
  std::string_view value;  // empty: the key is deleted
  std::string_view line;   // all of the record
};

// Takes the first record off `records`. Throws InputError without a place.
[[nodiscard]] PaxRecord TakePaxRecord(std::string_view& records);

// Seconds since 1970 and what is past them.
struct TarTime {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;  // 0 .. 999,999,999

  friend bool operator==(const TarTime&, const TarTime&) = default;
};

// What an extended header says of its entry's owner, time and attributes.
struct PaxAttributes {
  std::optional<std::int64_t> uid;
  std::optional<std::int64_t> gid;
  std::optional<TarTime> mtime;
  std::string xattrs;  // of "SCHILY.xattr.*" alone, as FormatXattrs has them
};

// What the records of one header mean, a later record over an earlier.
struct PaxLayout {
  std::optional<Bytes> size;
  std::string path;  // of the entry, empty: none given
  std::string link;
  PaxAttributes attributes;
  bool has_odd_number = false;  // owner or time that no reader can use; it is passed over

  // GNU.sparse.*: version 0.x has its map here, version 1.0 in front of the body.
  bool is_sparse = false;
  std::string sparse_name;  // of the entry, whatever else names it; empty: none given
  bool map_in_body = false;
  std::optional<Bytes> real_size;  // none: what the header gives
  SparseMap map;
};

// Throws InputError without a place.
[[nodiscard]] PaxLayout ReadPaxLayout(std::string_view records);

// The records that libarchive is to see: where the body is; of each key but those of a sparse map
// the last, size not if `drop_size`, those of sparse files not if `drop_sparse`. Without deleted
// keys, which it would read as empty values. REQUIRES: ReadPaxLayout takes the records.
[[nodiscard]] std::string FilterPaxRecords(std::string_view records, bool drop_size,
                                           bool drop_sparse);

}  // namespace gneiss
