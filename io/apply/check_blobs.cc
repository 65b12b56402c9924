#include "io/apply/check_blobs.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "io/bytes/parallel_for.h"
#include "io/bytes/verified_blob.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {
namespace {

std::string CheckBlob(const Fleet& fleet, const LayerBlobs& blobs, const Layer& layer,
                      const std::function<void(Bytes)>& on_bytes) {
  const std::string digest = fleet.digest_text(layer);
  if (!layer.verifiable) return "expected a sha256 to check the blob against, found " + digest;
  const std::unique_ptr<ByteSource> blob = blobs.Open(digest, layer.size);
  if (blob == nullptr) return "no source has the blob";
  const HashedBytes found = HashSource(*blob, on_bytes, layer.size);
  if (found.size != layer.size) {
    return fmt::format("expected a blob of {} bytes, found {}{}", layer.size,
                       found.size > layer.size ? "more than " : "",
                       std::min(found.size, layer.size));
  }
  if (found.digest == layer.digest) return "";
  return fmt::format("expected a blob with digest {}, found {}", digest,
                     FormatDigest(found.digest));
}

}  // namespace

std::vector<std::string> CheckBlobs(const Fleet& fleet, const LayerBlobs& blobs,
                                    std::span<const LayerIndex> layers, std::int64_t jobs,
                                    const std::function<void(Bytes)>& on_progress) {
  std::vector<std::string> problems(layers.size());
  std::atomic<Bytes> bytes_read = 0;
  ParallelFor(
      layers.size(), jobs,
      [&](const ParallelItem& item) {
        std::string& problem = problems[item.index];
        try {
          problem = CheckBlob(fleet, blobs, fleet.layers[layers[item.index]],
                              [&](Bytes bytes) { bytes_read += bytes; });
        } catch (const InputError& error) {
          problem = error.what();
        } catch (const std::system_error& error) {
          problem = error.what();  // names the file
        }
      },
      [&] {
        if (on_progress) on_progress(bytes_read);
      });
  return problems;
}

}  // namespace gneiss
