// Entries of one tar, as they come, into an inventory: names as keys of the places where a runtime
// puts them, whiteouts, what a runtime should refuse to unpack. Per entry nothing is allocated but
// the inventory's own arrays, unless the layer has written symlinks that lead to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/bytes/sha256_stream.h"
#include "io/packages/package_files.h"
#include "io/scan/layer_symlinks.h"
#include "io/scan/scan_layer.h"
#include "io/scan/scan_warnings.h"
#include "io/scan/tar_reader.h"
#include "io/scan/unpacked_attributes.h"
#include "planner/contents/inventory.h"
#include "planner/contents/paths.h"

namespace gneiss {

class InventoryBuilder {
 public:
  // `is_lowest`: the layer is read as the lowest of an image.
  InventoryBuilder(bool is_lowest, const ScanOptions& options, ScanWarnings& warnings)
      : is_lowest_(is_lowest),
        options_(options),
        warnings_(warnings),
        symlinks_(inventory_.texts) {}

  // The reader's current entry, whose contents it reads. Throws InputError.
  void Add(TarReader& reader, LayerStream& stream);
  // After the last entry, with the stream read to its end: all fields of the inventory that come
  // from entries. Estargz's own files are overhead where its footer names the last entry as index.
  [[nodiscard]] Inventory Finish(StoredShares& shares, Bytes blob_size,
                                 std::optional<Bytes> stargz_index_begin);

 private:
  // Key of a name; valid until the next call. Throws InputError when a limit is broken.
  std::string_view KeyOf(std::string_view name, bool& above_root);
  void CheckLength(std::string_view text, std::string_view what);
  void CheckDepth(std::string_view key);
  // A key as it is once its directory is found through the symlinks that the layer has written so
  // far; valid until the next call of either.
  std::string_view FollowSymlinks(std::string_view key, bool is_rooted);
  // The same of a hard link's target as written, whose own key `key` is.
  std::string_view FindTarget(std::string_view target, std::string_view key);
  std::string_view FindDirectory(std::string_view path, bool is_rooted);
  void SetMetadata(TarReader& reader, Entry& entry);
  void SetType(TarReader& reader, std::string_view key, Entry& entry);
  // Makes a whiteout or an opaque marker of an entry that is one.
  void SetMarker(std::string_view& key, Entry& entry);
  void AddSymlink(std::uint32_t key, std::uint32_t target);
  // Lets a marker with this key take symlinks away that the layer has written before.
  void MarkSymlinks(std::string_view key, EntryType marker);
  // Appends the contents to `kept` too, unless it is nullptr.
  void HashContents(TarReader& reader, Entry& entry, std::string* kept);
  std::uint32_t AddText(std::string_view text);
  void TakeShares(StoredShares& shares);
  bool IsStargzIndex(const TarReader& reader, const Entry& entry) const;
  void DropStargzFiles();
  void CompareStargzIndex();
  void TakePackages();
  void DropUndoneMarkers();
  void Drop(const std::vector<bool>& dropped);
  void CheckTwice();
  // Of each entry: itself or the last one before it that is at its path and no marker.
  std::vector<std::uint32_t> ListLatest() const;
  void CheckBelowFiles(const std::vector<std::uint32_t>& latest);
  void CheckWhiteouts();
  std::size_t EndBefore(std::string_view path, std::uint32_t position) const;
  void FindLinksToWhiteouts();
  void CheckHardLinks(const std::vector<std::uint32_t>& latest);
  // Of the reader's current entry, and of one that has been added.
  void Warn(std::string_view kind, std::string_view path);
  void WarnOf(const Entry& entry, std::string_view kind);
  [[noreturn]] void Fail(const std::string& problem) const;
  [[noreturn]] void FailAt(const Entry& entry, const std::string& problem) const;

  const bool is_lowest_;
  const ScanOptions& options_;
  ScanWarnings& warnings_;
  Inventory inventory_;
  Sha256Stream hash_;
  LayerSymlinks symlinks_;
  std::optional<UnlistedDirectories> unlisted_;  // once a marker may remove any
  PathKey made_key_;
  std::string found_key_;
  bool has_followed_ = false;  // a key is not what the tar calls its entry
  std::vector<FollowedDirectory> directories_;
  std::string head_;  // first bytes of the file being read
  PackageFiles package_files_;
  std::uint32_t last_xattrs_ = 0;
  std::size_t num_shares_ = 0;  // entries that have theirs
  Bytes member_begin_ = 0;      // for errors
  std::vector<Bytes> begins_;   // of entries by position, for errors and warnings

  // Of the last entry, if it may be estargz's index: where its gzip member begins, and its text.
  std::optional<Bytes> index_begin_;
  std::string index_text_;
};

}  // namespace gneiss
