// The inventories of all layers ever scanned, in a directory:
//
//   DIR/inventories/v5/sha256/ab/ab12....inv      layers named by their sha256
//   DIR/inventories/v5/unverified/cd/cd34....inv  others, named by the key of their digest
//   (digest.h)
//
// A file is complete or not there, and never changed once it is good. Any number of threads and
// processes, on any number of machines, may fill one store at once: equal layers make equal files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/scan/scan_layer.h"
#include "io/store/inventory_file.h"
#include "planner/digest.h"

namespace gneiss {

// All functions may be called from several threads.
class InventoryStore {
 public:
  // Touches nothing; a directory that is not there is an empty store. Throws InputError when
  // something else is there.
  explicit InventoryStore(std::string directory);

  // "$XDG_CACHE_HOME/gneiss", or "~/.cache/gneiss" where that is unset or relative. Throws
  // InputError when there is no home either.
  [[nodiscard]] static std::string DefaultDirectory();

  struct Found {
    std::optional<InventorySummary> summary;  // nullopt: scan the layer
    Bytes file_bytes = 0;
    std::string damage;  // why a file that is there does not count; names the file
  };
  // Whether the layer is there. Reads the whole file and verifies its sha256, but unpacks nothing.
  [[nodiscard]] Found Find(const ParsedDigest& layer) const;

  struct ReadLayer {
    std::optional<ScannedLayer> scanned;  // nullopt: scan the layer
    std::string damage;
  };
  [[nodiscard]] ReadLayer Read(const ParsedDigest& layer) const;

  // The layers that have a file, good or not; whoever asks for many looks here first: half a
  // million files that are not there take a second to be tried one by one. What cannot be listed
  // is left out.
  struct Listing {
    std::vector<Digest> sha256;      // sorted
    std::vector<Digest> unverified;  // sorted
    bool Has(const ParsedDigest& layer) const;
  };
  [[nodiscard]] Listing List() const;

  // Makes the directory, finds out whether it takes files, and removes what killed processes left
  // half-written. Throws std::system_error naming the directory. Call before a long scan, so that a
  // store that cannot be written is noticed at its start.
  void PrepareToWrite();

  // Keeps an inventory, or the note that `layer` is no tar, unless a good file is there. Returns
  // the size of the file. The file is on the disk when this returns. Throws with nothing left
  // behind: InputError when the inventory is too large, or when its own place is taken by something
  // else or closed while the store takes files; std::system_error when it cannot be written.
  Bytes Write(const ParsedDigest& layer, Bytes blob_size, const ScannedLayer& scanned);

  const std::string& directory() const { return directory_; }
  // Where a layer's file is, whether or not it is there.
  [[nodiscard]] std::string PathOf(const ParsedDigest& layer) const;

 private:
  std::string directory_;
};

}  // namespace gneiss
