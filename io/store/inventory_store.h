// The inventories of all layers ever scanned, in a directory:
//
//   DIR/inventories/v5/sha256/ab/ab12....inv      layers named by their sha256
//   DIR/inventories/v5/unverified/cd/cd34....inv  others, named by the key of their digest
//   (digest.h)
//
// A file is complete or not there, and never changed once it is good. Any number of threads and
// processes, on any number of machines, may fill one store at once: equal layers make equal files.
//
// A file is believed only when nobody but this user and root could have written it: it, and all
// folders above it up to the root, belong to one of them, and nobody else may write there
// (trusted_directory.h). In a store with a key it is believed by its MAC alone (store_key.h).
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "io/store/inventory_file.h"
#include "io/store/store_key.h"
#include "io/store/trusted_directory.h"
#include "planner/contents/layer_contents.h"
#include "planner/fleet/digest.h"

namespace gneiss {

// What makes a store's files believed.
struct StoreTrust {
  std::shared_ptr<const StoreKey> key;  // null: who owns them
  bool takes_all = false;               // files that are not believed are taken all the same
  // The store came with what it describes: no matter who owns it, it is somebody else's word. Its
  // files are taken, too.
  bool is_shipped = false;
};

// All functions may be called from several threads.
class InventoryStore {
 public:
  // Touches nothing; a directory that is not there is an empty store. Throws InputError when
  // something else is there.
  explicit InventoryStore(std::string directory, StoreTrust trust = {});

  // "$XDG_CACHE_HOME/gneiss", or "~/.cache/gneiss" where that is unset or relative. Throws
  // InputError when there is no home either.
  [[nodiscard]] static std::string DefaultDirectory();

  struct Found {
    std::optional<InventorySummary> summary;  // nullopt: scan the layer
    Bytes file_bytes = 0;
    std::string damage;  // why a file that is there does not count; names the file
    std::string doubt;   // or why it is not believed; names the file or a folder above it
    Belief belief = Belief::kUnknown;  // of the summary
  };
  // Whether the layer is there. Reads the whole file and verifies its sha256, but unpacks nothing.
  [[nodiscard]] Found Find(const ParsedDigest& layer) const;

  struct ReadLayer {
    std::optional<ScannedLayer> scanned;  // nullopt: scan the layer
    std::string damage;                   // as in Found, and the next two
    std::string doubt;
    Belief belief = Belief::kUnknown;
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

  // Why nothing that this run writes would be believed by the next one; empty when it would.
  [[nodiscard]] std::string FindDoubt() const;

  // Makes the directory, finds out whether it takes files, and removes what killed processes left
  // half-written. Throws std::system_error naming the directory. Call before a long scan, so that a
  // store that cannot be written is noticed at its start.
  void PrepareToWrite();

  // Keeps an inventory, or the note that `layer` is no tar, unless a good file that is believed is
  // there and `replaces` is false. Returns the size of the file. The file is on the disk when this
  // returns. A sound file with a seal, whose key is not at hand, is likewise left to those who have
  // it. Throws with nothing left behind: InputError when the inventory is too large, or when its
  // own place is taken by something else or closed while the store takes files; std::system_error
  // when it cannot be written.
  Bytes Write(const ParsedDigest& layer, Bytes blob_size, const ScannedLayer& scanned,
              bool replaces = false);

  const std::string& directory() const { return directory_; }
  // Where a layer's file is, whether or not it is there.
  [[nodiscard]] std::string PathOf(const ParsedDigest& layer) const;

 private:
  // What the store holds for a layer, as far as it may be believed. All empty: nothing there.
  struct StoredFile {
    std::optional<std::string> bytes;  // with `belief`
    Belief belief = Belief::kUnknown;
    std::string damage;
    std::string doubt;
  };
  // The directories of the two kinds, opened when they are first asked for.
  struct OpenedKinds {
    std::mutex mutex;
    std::array<std::shared_ptr<const TrustedDirectory>, 2> kinds;
  };

  std::shared_ptr<const TrustedDirectory> OpenKind(bool is_verifiable) const;
  void ForgetKinds();
  StoredFile ReadStored(const ParsedDigest& layer) const;
  void JudgeSeal(const ParsedDigest& layer, const std::string& path, StoredFile& file) const;
  bool HasForeignSeal(const ParsedDigest& layer) const;
  void WriteFile(const ParsedDigest& layer, const std::string& bytes);
  // Modes of what is made here: a store that is believed by its owner must not come to be open to
  // others by a umask; one that others fill may.
  bool IsForMany() const { return trust_.key != nullptr || trust_.takes_all; }

  std::string directory_;
  StoreTrust trust_;
  std::shared_ptr<OpenedKinds> opened_;  // not null
};

}  // namespace gneiss
