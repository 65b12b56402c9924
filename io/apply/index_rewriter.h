// The indexes of the layouts that a fleet was read from, and what they come to as one index.json
// when some of its images get other manifests.
//
//   - An entry of an image or an index that stays is carried over as it stands: annotations,
//     platform, several tags on one image. Of one that changes, only digest and size do.
//   - Nested indexes are changed where an entry of theirs is, and dropped when nothing is left.
//   - What refers to another manifest (attestations, signatures, by subject, by annotation or by
//     their tag "sha256-HEX...") stays with it; where that one changes it is left out and counted,
//     as its statement is about bytes that are no longer there.
//   - Other entries (artifacts, unknown types) stay where all images of their layout do; of a
//     layout from which a REF chose images they are left out.
//   - Entries that cannot be read, and manifests that are left out with what refers to them, are
//   gone.
//   - Of several layouts a tag that was one of a layout's own is written with its repository, so
//     that tags stay apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/source/layer_blobs.h"
#include "io/source/manifest.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// A blob that is to be carried over.
struct CarriedBlob {
  std::string digest_text;
  Bytes size = 0;
  bool is_optional = false;               // stored elsewhere: carried over where it is there
  std::vector<std::string> of_manifests;  // digests of those that need it; some may come again
};

using CarriedBlobs = std::map<std::string, CarriedBlob>;  // by digest

struct RewrittenIndex {
  std::string text;                      // of index.json
  std::vector<std::string> new_indexes;  // texts of nested ones that changed
  CarriedBlobs carried;                  // of all that stays, manifests included
  // Manifests that refer to ones that changed or are left out, or have no blob.
  std::int64_t num_left_out = 0;
};

// An entry of an index, for messages.
struct IndexEntryName {
  std::string ref;          // empty: it has none
  std::string digest_text;  // empty: none that can be read

  friend auto operator<=>(const IndexEntryName&, const IndexEntryName&) = default;
};

class IndexRewriter {
 public:
  // Reads the indexes of all layouts, and the manifests of all images. Throws InputError that names
  // the index.json that cannot be read; std::system_error. Keeps references to both.
  IndexRewriter(const Fleet& fleet, const LayerBlobs& blobs);
  ~IndexRewriter();

  // The manifest of an image as it is; empty when no layout lists it.
  const std::string& manifest(ImageIndex image) const { return manifests_[image]; }
  // Entries that cannot be read, and why.
  const std::multimap<IndexEntryName, std::string>& bad_entries() const { return bad_entries_; }
  // kNone: the fleet has no such image.
  ImageIndex FindImage(std::string_view digest_text) const;
  // Whether it is that of an index below index.json.
  bool IsIndex(std::string_view digest_text) const { return nodes_.contains(digest_text); }
  // Of the first entry that has this manifest.
  IndexEntryName NameOf(std::string_view digest_text) const;

  // `new_manifests`: per image, empty for one that stays. `added`: descriptors of manifests that
  // come last in index.json. `left_out`: digests of manifests. REQUIRES: some image is not.
  [[nodiscard]] RewrittenIndex Rewrite(std::span<const std::string> new_manifests,
                                       std::span<const std::string> added,
                                       const std::set<std::string, std::less<>>& left_out);

 private:
  struct Node;
  struct Entry;
  class Writer;

  std::shared_ptr<Node> ReadNode(std::string text, const std::string& path, int depth);
  void ReadEntry(std::string_view text, const Descriptor& descriptor, int depth, Node& node);
  void ReadImage(const Descriptor& descriptor, std::string text, Entry& entry);

  const Fleet& fleet_;
  const LayerBlobs& blobs_;
  DigestIndex images_;
  std::vector<std::string> manifests_;                               // per image
  std::map<std::string, std::shared_ptr<Node>, std::less<>> nodes_;  // nested ones, by digest
  std::map<std::string, std::string, std::less<>>
      subjects_;                                   // of what refers to another, by digest
  std::set<std::string, std::less<>> not_chosen_;  // images of the layouts that the fleet has not
  std::multimap<IndexEntryName, std::string> bad_entries_;
  std::map<std::string, std::string, std::less<>> refs_;  // of manifests that have one, by digest
  std::vector<std::shared_ptr<Node>> roots_;
};

// Whether layers of this media type may be stored elsewhere, and nowhere here.
[[nodiscard]] bool MayBeElsewhere(std::string_view media_type);

// A manifest, an index or a config, held against its digest. Throws InputError that names it when
// no layout has it, or it is something else; std::system_error.
[[nodiscard]] std::string ReadCarried(const LayerBlobs& blobs, std::string_view digest_text,
                                      Bytes size);

}  // namespace gneiss
