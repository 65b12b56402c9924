// Entries of one tar, as they come, into an inventory: names as keys, whiteouts, what a runtime
// should refuse to unpack. Per entry nothing is allocated but the inventory's own arrays.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "io/scan/scan_layer.h"
#include "io/scan/scan_warnings.h"
#include "io/scan/tar_reader.h"
#include "io/source/sha256_stream.h"
#include "planner/inventory.h"
#include "planner/path_key.h"

namespace gneiss {

class InventoryBuilder {
 public:
  InventoryBuilder(const ScanOptions& options, ScanWarnings& warnings)
      : options_(options), warnings_(warnings) {}

  // The reader's current entry, whose contents it reads. Throws InputError.
  void Add(TarReader& reader, LayerStream& stream);
  // After the last entry, with the stream read to its end: all fields of the inventory that come
  // from entries. `has_stargz_footer`: entries with the names of estargz's own files are overhead.
  [[nodiscard]] Inventory Finish(StoredShares& shares, Bytes blob_size, bool has_stargz_footer);

 private:
  // Key of a name; valid until the next call. Throws InputError when a limit is broken.
  std::string_view KeyOf(const char* name, bool& above_root);
  void SetMetadata(archive_entry* source, Entry& entry);
  void SetType(TarReader& reader, std::string_view key, Entry& entry);
  // Makes a whiteout or an opaque marker of an entry that is one. False: to be left out.
  bool SetMarker(std::string_view& key, Entry& entry);
  void HashContents(TarReader& reader, Entry& entry);
  std::uint32_t AddText(std::string_view text);
  void TakeShares(StoredShares& shares);
  void DropStargzFiles();
  void CheckSorted();
  void CheckHardLinks();
  [[noreturn]] void Fail(const std::string& problem) const;

  const ScanOptions& options_;
  ScanWarnings& warnings_;
  Inventory inventory_;
  Sha256Stream hash_;
  PathKey made_key_;
  std::string head_;  // first bytes of the file being read
  std::uint32_t last_xattrs_ = 0;
  Bytes text_bytes_ = 0;
  std::deque<std::uint32_t> without_share_;  // positions of entries, kNone: of one left out
  Bytes member_begin_ = 0;                   // for errors
  bool has_stargz_names_ = false;
};

}  // namespace gneiss
