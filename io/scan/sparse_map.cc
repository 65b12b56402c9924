#include "io/scan/sparse_map.h"

namespace gneiss {

std::string SparseMap::Add(Bytes offset, Bytes length) {
  if (offset < 0 || length < 0) return "a part with a negative place or length";
  if (offset < end_) return "parts that overlap or go backwards";
  Bytes end;
  if (__builtin_add_overflow(offset, length, &end)) return "a part that ends past 2^63";
  end_ = end;
  stored_ += length;  // <= end
  return "";
}

std::string SparseMap::Check(Bytes stored_size, Bytes real_size) const {
  if (stored_ != stored_size) {
    return "parts of " + std::to_string(stored_) + " bytes where " + std::to_string(stored_size) +
           " are stored";
  }
  if (end_ > real_size) return "parts past the end of the file";
  return "";
}

std::string SparseMapText::Add(char byte, SparseMap& map) {
  if (byte >= '0' && byte <= '9') {
    const Bytes before = number_.value_or(0);
    if (before > (Bytes{1} << 59)) return "a number above 2^62";
    number_ = before * 10 + (byte - '0');
    return "";
  }
  if (byte != '\n' || !number_) return "a line that is no number";
  const Bytes number = *number_;
  number_.reset();
  if (num_left_ < 0) {
    num_left_ = number;
  } else if (!offset_) {
    offset_ = number;
  } else {
    --num_left_;
    const Bytes offset = *offset_;
    offset_.reset();
    return map.Add(offset, number);
  }
  return "";
}

}  // namespace gneiss
