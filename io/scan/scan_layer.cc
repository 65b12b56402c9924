#include "io/scan/scan_layer.h"

#include <utility>

#include "io/bytes/file_head.h"
#include "io/bytes/inflater.h"
#include "io/bytes/stored_bytes.h"
#include "io/json/json_value.h"
#include "io/scan/inventory_builder.h"
#include "io/scan/layer_stream.h"
#include "io/scan/scan_warnings.h"
#include "io/scan/tar_reader.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

// Codec that a media type promises; nullopt when it promises none.
std::optional<LayerCodec> PromisedCodec(std::string_view media_type) {
  if (media_type.ends_with("+gzip") || media_type.ends_with(".gzip")) return LayerCodec::kGzip;
  if (media_type.ends_with("+zstd")) return LayerCodec::kZstd;
  if (media_type.ends_with(".tar") || media_type.ends_with(".tar+none")) return LayerCodec::kTar;
  return std::nullopt;
}

// Whether an image of EROFS begins so: its first 1,024 bytes are free, and often zero, as are those
// of a tar without entries.
bool IsErofs(std::string_view head) {
  constexpr std::string_view kMagic = "\xe2\xe1\xf5\xe0";
  constexpr std::size_t kMagicAt = 1024;
  return head.size() >= kMagicAt + kMagic.size() && head.substr(kMagicAt, kMagic.size()) == kMagic;
}

class LayerScanner {
 public:
  LayerScanner(ByteSource& blob, const ExpectedLayer& expected, const ScanOptions& options)
      : expected_(expected),
        options_(options),
        stored_(blob, expected.size, options.on_progress),
        warnings_(options.strict) {}

  ScannedLayer Run() {
    stored_.CheckKnownSize();
    try {
      ScannedLayer scanned = Read();
      Verify();
      if (scanned.inventory) Complete(*scanned.inventory);
      return scanned;
    } catch (const InputError& error) {
      // A blob that is not the expected one explains all that may be wrong with it.
      if (!is_verified_) Verify();
      // So does compressed data that ends before the blob does.
      if (!stream_ || stream_->decoder().trailing_bytes() == 0) throw;
      throw InputError("", error.place(),
                       error.problem() + "; the compressed data ends at byte " +
                           std::to_string(stream_->decoder().trailing_begin()) + " of the blob");
    }
  }

 private:
  ScannedLayer Read() {
    const std::string head(stored_.Peek(512));
    stream_.emplace(stored_, options_.limits, options_.inflate);
    const std::span<char> first = stream_->Next();
    const std::string_view tar(first.data(), first.size());
    // What builders write where nothing has changed, and every runtime takes as a tar.
    const bool is_empty = tar.empty() && !IsEncrypted();
    if (!is_empty && (!LooksLikeTar(tar) || IsErofs(tar))) {
      NotATar found{Describe(head, tar)};
      if (const std::string refusal = RefusalOf(found, expected_.media_type);
          options_.strict && !refusal.empty()) {
        throw InputError("", "byte 0", refusal);
      }
      return {.inventory = std::nullopt, .not_a_tar = std::move(found)};
    }
    InventoryBuilder builder(expected_.is_lowest, options_, warnings_);
    std::int64_t num_members = 0;
    Bytes header_bytes = 0;
    if (is_empty) {
      warnings_.AddAtByte("layer of zero bytes", 0);
    } else {
      TarReader reader(*stream_, first, options_.limits, warnings_);
      while (reader.Next()) builder.Add(reader, *stream_);
      ReadTrailingTar(reader.rest());
      num_members = reader.headers().num_members();
      header_bytes = reader.headers().max_header_bytes();
    }
    stored_.Drain();
    ScannedLayer scanned;
    scanned.inventory =
        builder.Finish(stream_->shares(), stored_.size(), stream_->decoder().stargz_index_begin());
    InventoryExtremes& extremes = scanned.inventory->extremes;
    extremes.entries = num_members;
    extremes.header_bytes = header_bytes;
    extremes.unpacked_bytes = stream_->unpacked_bytes();
    extremes.zstd_window = stream_->decoder().largest_window();
    return scanned;
  }

  // What follows the end of the tar belongs to the diff_id.
  void ReadTrailingTar(std::string_view rest) {
    Bytes begin = stream_->tar_size() - std::ssize(rest);
    std::optional<Bytes> other;
    std::optional<Bytes> member;  // of gzip, that starts there
    while (true) {
      const std::size_t at = rest.find_first_not_of('\0');
      if (at != std::string_view::npos && !other) {
        other = begin + static_cast<Bytes>(at);
        member = stream_->shares().MemberAt(*other);
      }
      begin = stream_->tar_size();
      const std::span<char> block = stream_->Next();
      if (block.empty()) break;
      rest = {block.data(), block.size()};
    }
    // Estargz that keeps a tar as it was has its index there; it is not compared with the tar.
    if (other && !(member && member == stream_->decoder().stargz_index_begin())) {
      warnings_.AddAtTarByte("bytes after the end of the tar", *other);
    }
  }

  bool IsEncrypted() const { return expected_.media_type.ends_with("+encrypted"); }

  std::string Describe(std::string_view head, std::string_view tar) const {
    if (IsEncrypted()) return "encrypted data";
    if (IsErofs(tar)) return "a file system of EROFS";
    tar = tar.substr(0, 512);
    switch (stream_->codec()) {
      case LayerCodec::kGzip:
        return DescribeBytes(tar) + " in gzip";
      case LayerCodec::kZstd:
        return DescribeBytes(tar) + " in zstd";
      case LayerCodec::kTar:
        break;
    }
    return DescribeBytes(head);
  }

  // Throws InputError when the stored bytes are not what the descriptor says.
  void Verify() {
    is_verified_ = true;
    digest_ = stored_.Verify(expected_.digest);
  }

  void Complete(Inventory& inventory) {
    const LayerDecoder& decoder = stream_->decoder();
    inventory.codec = stream_->codec();
    inventory.layer = expected_.digest.digest;
    inventory.tar_size = stream_->tar_size();
    inventory.sampled = stream_->sampled();
    inventory.diff_id = stream_->Finish(digest_);
    if (expected_.diff_id && inventory.diff_id != *expected_.diff_id) {
      throw InputError("", "tar byte 0",
                       "expected a tar with diff_id " + FormatDigest(*expected_.diff_id) +
                           ", found " + FormatDigest(inventory.diff_id));
    }
    if (!expected_.digest.verifiable) warnings_.AddAtByte("digest that cannot be verified", 0);
    if (decoder.trailing_bytes() > 0) {
      warnings_.AddAtByte("bytes after the compressed data", decoder.trailing_begin());
    }
    const std::optional<LayerCodec> promised = PromisedCodec(expected_.media_type);
    if (promised && *promised != inventory.codec) {
      warnings_.AddAtByte("codec other than the media type says", 0);
    }
    inventory.warnings = warnings_.List();
  }

  const ExpectedLayer& expected_;
  const ScanOptions& options_;
  StoredBytes stored_;
  std::optional<LayerStream> stream_;
  ScanWarnings warnings_;
  Digest digest_;
  bool is_verified_ = false;
};

}  // namespace

std::string RefusalOf(const NotATar& layer, std::string_view media_type) {
  if (!PromisedCodec(media_type)) return "";
  return "expected a tar, as the media type " + Quote(media_type) + " says, found " + layer.found;
}

ScannedLayer ScanLayer(ByteSource& blob, const ExpectedLayer& expected,
                       const ScanOptions& options) {
  return LayerScanner(blob, expected, options).Run();
}

}  // namespace gneiss
