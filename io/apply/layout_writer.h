// An OCI layout as it is written: complete, or marked as begun and to be gone on with.
//
//   DIR/gneiss-apply.json       the marker: of what the layout is to be; first to be there, last to
//                               go. Of a layout that lacks images of its sources, their record then
//                               takes its place
//   DIR/gneiss-apply.notes      which new layers are there
//   DIR/gneiss-apply.HEX.tmp/   blobs that are being written: of one run, for its user alone
//   DIR/blobs/sha256/HEX        each complete, and held against its digest
//   DIR/oci-layout, DIR/index.json   last
//
// A run that was ended at any moment leaves the marker, and the next one with the same marker keeps
// the blobs that are whole. No tool takes the directory for a layout before index.json is there.
//
// Whoever could write to the directory may have made what is in it. So nothing there is followed or
// overwritten, only replaced; a blob is believed for what is read of it in this run, and only when
// nobody else can change it after that; symbolic links, directories of other users and what no run
// leaves are refused by their names.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "io/apply/index_rewriter.h"
#include "io/bytes/atomic_file.h"
#include "io/bytes/byte_source.h"
#include "io/bytes/open_directory.h"
#include "io/source/layer_blobs.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {

// How a blob came to be in the layout.
enum class Carried : std::uint8_t { kThere, kLinked, kCopied };

// All functions but Begin and Finish may be called from several threads.
class LayoutWriter {
 public:
  // Looks, and writes nothing. `marker` is a text without a line break. Throws InputError when
  // something else is in `directory`: files without a marker, another one, or what no run leaves.
  LayoutWriter(std::string directory, std::string marker);
  LayoutWriter(const LayoutWriter&) = delete;
  LayoutWriter& operator=(const LayoutWriter&) = delete;
  // Removes the work directory as far as that can be.
  ~LayoutWriter();

  // Who else can change what is written, in words; empty: nobody but the superuser.
  std::string WhoElseWrites() const;
  // Bytes that the file system of the directory has left for us. Throws std::system_error.
  [[nodiscard]] Bytes FreeBytes() const;
  // Whether a file of these sources can be linked: it is on the same file system.
  [[nodiscard]] bool CanLink(const LayerBlobs& blobs, const CarriedBlob& blob) const;
  // Whether a blob of that name and size is there, not verified.
  [[nodiscard]] bool HasFile(std::string_view digest_text, Bytes size) const;

  // Makes the directories and the marker, and removes what an ended run left half-written. Throws
  // std::system_error naming what cannot be made, InputError when another run is at work there.
  void Begin();

  // For contents, and layers in the making. REQUIRES: begun.
  const OpenDirectory& work_directory() const { return *work_; }

  // Puts a blob of the sources into the layout: by a hard link where that can be, else as a copy.
  // nullopt when it is optional and no source has it. `on_bytes` is told what was read of it.
  // Throws InputError when no source has it or can read it, or it is something else;
  // std::system_error when the layout cannot be written to.
  std::optional<Carried> Carry(const LayerBlobs& blobs, const CarriedBlob& blob,
                               const std::function<void(Bytes)>& on_bytes);
  void WriteBlob(std::string_view content);

  // The blob that an ended run noted for a new layer, not verified; null when there is none. Before
  // Begin, too.
  struct NotedLayer {
    Digest digest;
    Bytes size = 0;
    std::unique_ptr<ByteSource> blob;
  };
  std::optional<NotedLayer> FindNewLayer(const std::string& key) const;
  // For Begin to keep the note of it.
  void BelieveNewLayer(const std::string& key);
  // A name in work_directory() for the next function.
  std::string NewName();
  // Puts the blob of a new layer into the layout. `key` is 64 hexadecimal digits that say what the
  // layer is made of.
  void AddNewLayer(const std::string& key, const std::string& name, const Digest& digest);

  // Removes blobs that are not to stay, publishes the layout and takes the marker away, or puts
  // `record` in its place unless that is empty.
  void Finish(std::string_view index, const std::set<Digest>& to_stay, std::string_view record);

  std::int64_t num_found() const { return num_found_; }  // blobs that an ended run had written

 private:
  void LookAround();
  void ReadNotes();
  void ExpectOwn(const OpenDirectory& directory) const;
  void RemoveWork(const std::string& name) const;
  void OpenWork();
  void TakeLock();
  // The blob when nobody else can change it.
  std::unique_ptr<ByteSource> OpenOwn(const Digest& digest, Bytes size) const;
  bool IsWhole(const Digest& digest, Bytes size, const std::function<void(Bytes)>& on_bytes);
  void Publish(const std::string& name, const Digest& digest) const;

  std::string directory_;
  std::string marker_;
  bool is_resumed_ = false;
  std::optional<OpenDirectory> top_;
  std::optional<OpenDirectory> blobs_;  // blobs/sha256
  std::string work_name_;
  std::optional<OpenDirectory> work_;
  std::map<std::string, std::pair<Digest, Bytes>> noted_;  // blobs of new layers, by key
  std::set<std::string> believed_;                         // keys among them
  OpenDescriptor lock_;                                    // of the marker: one run at a time
  std::atomic<std::int64_t> num_names_ = 0;
  std::atomic<std::int64_t> num_found_ = 0;
  std::mutex mutex_;
  OpenDescriptor notes_;  // guarded by mutex_
};

}  // namespace gneiss
