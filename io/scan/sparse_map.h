// The map of a sparse file, which says where its stored parts belong, checked as it is read and
// never kept.
#pragma once

#include <optional>
#include <string>

#include "planner/fleet/bytes.h"

namespace gneiss {

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

}  // namespace gneiss
