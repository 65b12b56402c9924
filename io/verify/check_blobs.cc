#include "io/verify/check_blobs.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "io/scan/parallel_for.h"
#include "io/source/sha256_stream.h"
#include "planner/digest.h"
#include "planner/input_error.h"

namespace gneiss {
namespace {

constexpr std::size_t kCheckChunkBytes = std::size_t{256} << 10;

std::string CheckBlob(const Fleet& fleet, const LayerBlobs& blobs, const Layer& layer,
                      const std::function<void(Bytes)>& on_bytes) {
  const std::string digest = fleet.digest_text(layer);
  if (!layer.verifiable) return "expected a sha256 to check the blob against, found " + digest;
  const std::unique_ptr<ByteSource> blob = blobs.Open(digest, layer.size);
  if (blob == nullptr) return "no source has the blob";
  Sha256Stream sha256;
  std::vector<char> buffer(kCheckChunkBytes);
  Bytes size = 0;
  // Not beyond what is asked for: a file may grow without end.
  while (size <= layer.size) {
    const std::size_t count = blob->Read(buffer);
    if (count == 0) break;
    sha256.Update({buffer.data(), count});
    size += static_cast<Bytes>(count);
    on_bytes(static_cast<Bytes>(count));
  }
  if (size != layer.size) {
    return fmt::format("expected a blob of {} bytes, found {}{}", layer.size,
                       size > layer.size ? "more than " : "", std::min(size, layer.size));
  }
  const Digest found = sha256.Finish();
  if (found == layer.digest) return "";
  return fmt::format("expected a blob with digest {}, found {}", digest, FormatDigest(found));
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
