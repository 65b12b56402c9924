// Where the layer blobs of a fleet can be read: the layouts among its sources, and what shows blobs
// as one.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/bytes/byte_source.h"
#include "io/source/layout.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

class LayerBlobs {
 public:
  // A directory that was added before is not added again.
  void AddLayout(std::shared_ptr<const LayoutFiles> layout);

  // The stored bytes of a blob, null when no layout has it: of the first layout that has a plain
  // file of `size` bytes for it, else of the first that has one of another size. Throws what the
  // first layout with something else for it, or with a file that cannot be opened, throws (see
  // LayoutFiles) when no other one has a file. REQUIRES: a text that ParseDigest accepts.
  [[nodiscard]] std::unique_ptr<ByteSource> Open(std::string_view digest_text, Bytes size) const;

  // Whether a layout on this machine has a plain file for the blob, whatever its size.
  [[nodiscard]] bool IsAtHand(std::string_view digest_text) const;

  // In the order in which they were added.
  std::span<const LayoutBlobs> layouts() const { return layouts_; }
  // Those of layouts that are directories, in the order in which they were added.
  const std::vector<std::string>& directories() const { return directories_; }

 private:
  std::vector<std::string> directories_;
  std::vector<LayoutBlobs> layouts_;
};

}  // namespace gneiss
