// The records of a PAX extended header ("LENGTH KEY=VALUE\n"), by the strict reading that container
// runtimes use, and what they say about where an entry's body is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "io/scan/sparse_map.h"
#include "planner/bytes.h"

namespace gneiss {

struct PaxRecord {
  std::string_view key;
  std::string_view value;  // empty: the key is deleted
  std::string_view line;   // all of the record
};

// Takes the first record off `records`. Throws InputError without a place.
[[nodiscard]] PaxRecord TakePaxRecord(std::string_view& records);

// What the records of one header mean for the layout of the tar and for names, a later record over
// an earlier.
struct PaxLayout {
  std::optional<Bytes> size;
  std::string path;  // of the entry, empty: none given
  std::string link;
  bool has_odd_number = false;  // owner or time that no reader can use; it is passed over

  // GNU.sparse.*: version 0.x has its map here, version 1.0 in front of the body.
  bool is_sparse = false;
  bool map_in_body = false;
  std::optional<Bytes> real_size;
  SparseMap map;
};

// Throws InputError without a place.
[[nodiscard]] PaxLayout ReadPaxLayout(std::string_view records);

// The records that libarchive is to see, of each key the last: owner, times, extended attributes,
// and where the body is; size not if `drop_size`. Without deleted keys, which it would read as
// empty values, names, which it would convert, and keys that only it knows.
[[nodiscard]] std::string FilterPaxRecords(std::string_view records, bool drop_size);

}  // namespace gneiss
