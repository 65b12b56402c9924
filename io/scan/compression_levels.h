// How layers are compressed: one place for what `apply` writes and what `scan` takes samples of.
#pragma once

#include "planner/inventory.h"

namespace gneiss {

// Of a codec; zeros where there is none to choose.
struct CompressionLevels {
  int lowest = 0;
  int highest = 0;
  int standard = 0;
};

[[nodiscard]] constexpr CompressionLevels LevelsOf(LayerCodec codec) {
  switch (codec) {
    case LayerCodec::kGzip:
      return {.lowest = 1, .highest = 9, .standard = 6};
    case LayerCodec::kZstd:
      // Above, windows are larger than runtimes take.
      return {.lowest = 1, .highest = 19, .standard = 3};
    case LayerCodec::kTar:
      break;
  }
  return {};
}

// zlib's own default.
inline constexpr int kDeflateMemory = 8;

}  // namespace gneiss
