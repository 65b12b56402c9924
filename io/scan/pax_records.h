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

// What the records of one header mean for the layout of the tar, a later record over an earlier.
struct PaxLayout {
  std::optional<Bytes> size;
  bool has_path = false;
  bool has_link = false;

  // GNU.sparse.*: version 0.x has its map here, version 1.0 in front of the body.
  bool is_sparse = false;
  bool map_in_body = false;
  std::optional<Bytes> real_size;
  SparseMap map;
};

// Throws InputError without a place.
[[nodiscard]] PaxLayout ReadPaxLayout(std::string_view records);

// The records that libarchive is to see: without deleted keys, which it would read as empty values;
// without keys that only it knows and that move bodies or sizes; and without size if `drop_size`.
[[nodiscard]] std::string FilterPaxRecords(std::string_view records, bool drop_size);

}  // namespace gneiss
