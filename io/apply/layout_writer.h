// An OCI layout as it is written: complete, or marked as begun and to be gone on with.
//
//   DIR/gneiss-apply.json   the marker: of what the layout is to be; first to be there, last to go
//   DIR/gneiss-apply.tmp/   blobs that are being written, and what is known of new ones
//   DIR/blobs/sha256/HEX    each complete, and held against its digest
//   DIR/oci-layout, DIR/index.json   last
//
// A run that was ended at any moment leaves the marker, and the next one with the same marker keeps
// the blobs that are whole. No tool takes the directory for a layout before index.json is there.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "io/apply/index_rewriter.h"
#include "io/apply/layer_writer.h"
#include "io/source/layer_blobs.h"
#include "io/store/open_descriptor.h"
#include "planner/bytes.h"
#include "planner/digest.h"

namespace gneiss {

// How a blob came to be in the layout.
enum class Carried : std::uint8_t { kThere, kLinked, kCopied };

// All functions but Begin and Finish may be called from several threads.
class LayoutWriter {
 public:
  // Looks, and writes nothing. `marker` is a text without a line break. Throws InputError when
  // something else is in `directory`: files without a marker, or another one.
  LayoutWriter(std::string directory, std::string marker);
  LayoutWriter(const LayoutWriter&) = delete;
  LayoutWriter& operator=(const LayoutWriter&) = delete;

  // Whether a run before this one was ended.
  bool is_resumed() const { return is_resumed_; }
  // Bytes that the file system of the directory has left for us. Throws std::system_error.
  [[nodiscard]] Bytes FreeBytes() const;
  // Whether a file of these sources can be linked: it is on the same file system.
  [[nodiscard]] bool CanLink(const LayerBlobs& blobs, const CarriedBlob& blob) const;
  // Whether a blob of that name and size is there, not verified.
  [[nodiscard]] bool HasFile(std::string_view digest_text, Bytes size) const;

  // Makes the directories and the marker, and removes what an ended run left half-written. Throws
  // std::system_error naming what cannot be made, InputError when another run is at work there.
  void Begin();

  // For contents, and layers in the making: removed by Begin and Finish.
  const std::string& work_directory() const { return work_; }

  // Puts a blob of the sources into the layout: by a hard link where that can be, else as a copy.
  // nullopt when it is optional and no source has it. `on_bytes` is told what was read of it.
  // Throws InputError that names the blob and whose it is when no source has it or it is something
  // else; std::system_error.
  std::optional<Carried> Carry(const LayerBlobs& blobs, const CarriedBlob& blob,
                               const std::function<void(Bytes)>& on_bytes);
  void WriteBlob(std::string_view content);

  // The new layer that an ended run wrote under this key, if it is whole. Before Begin, too.
  std::optional<WrittenLayer> FindNewLayer(const std::string& key);
  // A path below work_directory() for the next function.
  std::string NewName();
  // Puts the blob of a new layer at `path` into the layout. `key` is a text that is safe as the
  // name of a file, and says what the layer is made of.
  void AddNewLayer(const std::string& key, const std::string& path, const WrittenLayer& written);

  // Removes blobs that were not asked for in this run, publishes the layout and takes the marker
  // away.
  void Finish(std::string_view index);

  std::int64_t num_found() const { return num_found_; }  // blobs that an ended run had written

 private:
  std::string BlobPath(const Digest& digest) const;
  std::string BlobPath(std::string_view digest_text) const;
  bool IsWhole(const Digest& digest, Bytes size, const std::function<void(Bytes)>& on_bytes);
  void Keep(const Digest& digest);
  void Publish(const std::string& from, const Digest& digest);
  std::optional<WrittenLayer> ReadRecord(const std::string& key) const;

  std::string directory_;
  std::string marker_path_;
  std::string marker_;
  std::string work_;
  bool is_resumed_ = false;
  OpenDescriptor lock_;  // of the marker: one run at a time
  std::atomic<std::int64_t> num_names_ = 0;
  std::atomic<std::int64_t> num_found_ = 0;
  std::mutex mutex_;
  std::set<Digest> kept_;  // guarded by mutex_
};

}  // namespace gneiss
