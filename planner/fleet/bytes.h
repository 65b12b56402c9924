// Checked arithmetic on sizes. Sizes are bytes, int64, never negative; every sum whose terms come
// from outside goes through here, so that an overflow is an error and never a wrong report.
#pragma once

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

namespace gneiss {

// The one exception for wrong input: a file, a manifest or a command line that is not what it
// should be. It carries what a user needs to mend it; io/cli prints it as a single line.

// what() reads "SOURCE:PLACE: PROBLEM", e.g. "fleet.ndjson:17: layers[2].size: expected ..., found
// ...". The code that knows the problem throws it with the place it knows; callers that know more
// (the file name, the line) rethrow through WithSource.
class InputError : public std::runtime_error {
 public:
  explicit InputError(std::string problem) : InputError("", "", std::move(problem)) {}
  InputError(std::string source, std::string place, std::string problem)
      : std::runtime_error(Join(source, place, problem)),
        source_(std::move(source)),
        place_(std::move(place)),
        problem_(std::move(problem)) {}

  // Name of the file, layout or reference; empty when not known yet.
  const std::string& source() const { return source_; }
  // Line ("17") or byte ("byte 4096") within the source; may be empty.
  const std::string& place() const { return place_; }
  const std::string& problem() const { return problem_; }

  InputError WithSource(std::string source, std::string place) const {
    return InputError(std::move(source), std::move(place), problem_);
  }

 private:
  static std::string Join(const std::string& source, const std::string& place,
                          const std::string& problem) {
    std::string text;
    for (const std::string* part : {&source, &place}) {
      if (part->empty()) continue;
      if (!text.empty()) text += ':';
      text += *part;
    }
    return text.empty() ? problem : text + ": " + problem;
  }

  std::string source_;
  std::string place_;
  std::string problem_;
};

using Bytes = std::int64_t;

// Sizes above 2^53 do not survive JSON readers that use doubles; no registry holds such a blob.
inline constexpr Bytes kMaxBlobSize = Bytes{1} << 53;

// a + b. Throws InputError when the sum leaves int64.
[[nodiscard]] inline Bytes CheckedAdd(Bytes a, Bytes b) {
  Bytes sum;
  if (__builtin_add_overflow(a, b, &sum)) throw InputError("sum of sizes exceeds 2^63 bytes");
  return sum;
}

// a * b. Throws InputError when the product leaves int64.
[[nodiscard]] inline Bytes CheckedMultiply(Bytes a, Bytes b) {
  Bytes product;
  if (__builtin_mul_overflow(a, b, &product)) {
    throw InputError("product of a size and a count exceeds 2^63 bytes");
  }
  return product;
}

}  // namespace gneiss
