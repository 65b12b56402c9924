#include "io/source/layout_manifests.h"

namespace gneiss {
namespace {

constexpr std::int64_t kLayoutProgressBytes = std::int64_t{1} << 20;

}  // namespace

std::optional<std::string> LayoutManifests::Read(BlobRole, const Descriptor& descriptor,
                                                 ReadReport& report) {
  std::optional<BlobContent> blob = blobs_.Read(descriptor, kMaxManifestBytes);
  if (!blob) return std::nullopt;
  if (!blob->verified) {
    report.AddWarning("digest of an unknown algorithm, content not verified",
                      blobs_.PathOf(descriptor));
  }
  const std::int64_t before = bytes_read_;
  bytes_read_ += std::ssize(blob->content);
  if (on_progress_ && before / kLayoutProgressBytes != bytes_read_ / kLayoutProgressBytes) {
    on_progress_(bytes_read_, 0);
  }
  return std::move(blob->content);
}

void LayoutManifests::LookForLayer(const Descriptor& layer, ReadReport& report) {
  if (!looked_for_.insert(layer.digest_text).second) return;
  const std::optional<Bytes> size = blobs_.SizeOf(layer);
  if (!size) {
    if (!layer.foreign && !IsNondistributable(layer.media_type)) ++report.missing_layer_blobs;
  } else if (*size != layer.size) {
    report.AddWarning("layer blob of another size than its descriptor says", blobs_.PathOf(layer));
  }
}

}  // namespace gneiss
