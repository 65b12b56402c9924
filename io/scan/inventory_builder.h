// Entries of one tar, as they come, into an inventory: names as keys, whiteouts, what a runtime
// should refuse to unpack. Per entry nothing is allocated but the inventory's own arrays.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/packages/package_files.h"
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
  // from entries. Estargz's own files are overhead where its footer names the last entry as index.
  [[nodiscard]] Inventory Finish(StoredShares& shares, Bytes blob_size,
                                 std::optional<Bytes> stargz_index_begin);

 private:
  // Key of a name; valid until the next call. Throws InputError when a limit is broken.
  std::string_view KeyOf(std::string_view name, bool& above_root);
  void SetMetadata(archive_entry* source, Entry& entry);
  void SetType(TarReader& reader, std::string_view key, Entry& entry);
  // Makes a whiteout or an opaque marker of an entry that is one. False: to be left out.
  bool SetMarker(std::string_view& key, Entry& entry);
  // Appends the contents to `kept` too, unless it is nullptr.
  void HashContents(TarReader& reader, Entry& entry, std::string* kept);
  std::uint32_t AddText(std::string_view text);
  void TakeShares(StoredShares& shares);
  bool IsStargzIndex(const TarReader& reader, const Entry& entry) const;
  void DropStargzFiles();
  void CompareStargzIndex();
  void TakePackages();
  void CheckSorted();
  void CheckSymlinkLoops();
  void CheckHardLinks();
  [[noreturn]] void Fail(const std::string& problem) const;
  [[noreturn]] void FailAt(const Entry& entry, const std::string& problem) const;

  const ScanOptions& options_;
  ScanWarnings& warnings_;
  Inventory inventory_;
  Sha256Stream hash_;
  PathKey made_key_;
  std::string head_;  // first bytes of the file being read
  PackageFiles package_files_;
  std::uint32_t last_xattrs_ = 0;
  std::deque<std::uint32_t> without_share_;  // positions of entries, kNone: of one left out
  Bytes member_begin_ = 0;                   // for errors
  std::vector<Bytes> begins_;                // of entries by position, for errors

  // Of the last entry, if it may be estargz's index: where its gzip member begins, and its text.
  std::optional<Bytes> index_begin_;
  std::string index_text_;
};

}  // namespace gneiss
