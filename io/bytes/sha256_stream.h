// SHA-256 of bytes that come in pieces. One context serves any number of hashes: nothing is
// allocated between them.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "planner/fleet/digest.h"

namespace gneiss {

class Sha256Stream {
 public:
  Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;
  ~Sha256Stream();

  void Update(std::string_view bytes);
  // That many zero bytes, without a buffer of that size. Time O(count).
  void UpdateZeros(std::int64_t count);
  // Hash of all since the last Finish.
  [[nodiscard]] Digest Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace gneiss
