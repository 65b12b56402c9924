// The contents of files that new layers are made of, on the disk: each distinct one once, from one
// pass over each blob that is needed, by the scanner, which holds the blob against its digest and
// here against its inventory.
//
// They lie in nameless files in a directory of the caller's, holes of sparse files as holes, so
// nothing is left behind whatever ends the process.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/bytes/atomic_file.h"
#include "io/bytes/open_directory.h"
#include "io/scan/scan_fleet.h"
#include "io/scan/scan_layer.h"
#include "io/source/layer_blobs.h"
#include "planner/contents/layer_contents.h"
#include "planner/contents/overlay.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// A file without a name that contents are appended to, one after the other; what turns out not to
// be wanted is taken back. Gone with its owner, whatever ends the process.

class SpoolFile {
 public:
  // Throws std::system_error naming `directory`; so do the others.
  explicit SpoolFile(const OpenDirectory& directory);

  // Where what comes next begins.
  Bytes end() const { return end_; }
  void Append(std::string_view bytes);
  // Zeros, that take no space where the file system can have it so.
  void AppendHole(Bytes count);
  // Takes back all from `end` on.
  void TruncateTo(Bytes end);
  // Makes what was appended complete: a hole at the end is not there before.
  void Complete();

  // May be called from several threads once all is complete. REQUIRES: it goes that far.
  void Read(Bytes offset, std::span<char> buffer) const;

 private:
  std::string directory_;  // for messages
  OpenDescriptor file_;
  Bytes end_ = 0;
  bool ends_in_hole_ = false;
};

struct ContentSpoolOptions {
  ScanOptions scan;       // limits and such; on_progress and contents are not used
  std::int64_t jobs = 1;  // threads, at least 1
  // Sorted. Layers that are read although nothing of them may be wanted, so that their inventories
  // rest on what was read.
  std::span<const LayerIndex> also_read;
  // What has been read of the blobs that are. Called in the caller's thread, about ten times a
  // second; may be empty.
  std::function<void(const FleetScanProgress&)> on_progress;
};

class ContentSpool {
 public:
  // Contents of the `wanted` entries, regular files of layers whose contents are known; the same
  // may be wanted more than once. Of several layers with the same contents the first is read. What
  // lies where on the disk depends on `jobs`, nothing that can be read of it.
  //
  // Throws std::system_error naming `directory` when that cannot be written to. What is wrong with
  // a layer is told by unreadable(). Memory: a scan and its inventory for each thread, 60 bytes for
  // each distinct content.
  [[nodiscard]] static ContentSpool Fill(const Fleet& fleet, const LayerBlobs& blobs,
                                         const LayerContents& contents,
                                         std::span<const EntryRef> wanted,
                                         const OpenDirectory& directory,
                                         const ContentSpoolOptions& options);
  ContentSpool(ContentSpool&&) noexcept;
  ContentSpool& operator=(ContentSpool&&) noexcept;
  ~ContentSpool();

  // What is wrong with layers that were to be read: no source has the blob or can read it, it is
  // not what its digest says or refused by the scanner, or it holds other entries than the
  // inventory says.
  const std::map<LayerIndex, std::string>& unreadable() const;

  // Fills `buffer` with bytes from `offset` on. May be called from several threads. Throws
  // std::system_error. REQUIRES: the digest was wanted, its contents go that far, and all layers
  // could be read.
  void Read(const Digest& digest, Bytes offset, std::span<char> buffer) const;

 private:
  struct State;
  explicit ContentSpool(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// What Fill reads and writes for these entries, to be told before.
struct SpoolNeeds {
  Bytes disk_bytes = 0;            // of distinct contents, without holes
  std::vector<LayerIndex> layers;  // whose blobs are read, sorted
};
[[nodiscard]] SpoolNeeds FindSpoolNeeds(const LayerContents& contents,
                                        std::span<const EntryRef> wanted);

}  // namespace gneiss
