// The records of a PAX extended header ("LENGTH KEY=VALUE\n"), by the strict reading that container
// runtimes use, and what they say of an entry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "io/scan/sparse_map.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

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
