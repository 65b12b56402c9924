// The storage of a registry as distribution (registry:2) keeps it in a file system:
//
//   docker/registry/v2/repositories/NAME/_manifests/tags/TAG/current/link
//   docker/registry/v2/repositories/NAME/_manifests/revisions/ALGORITHM/HEX/link
//   docker/registry/v2/repositories/NAME/_layers/ALGORITHM/HEX/link
//   docker/registry/v2/blobs/ALGORITHM/HE/HEX/data
//
// A link is a file that holds a digest. The registry need not run, and may: what is pushed or
// deleted meanwhile is seen or not. Uploads under way, the history of tags and the links of layers
// are not read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/source/source.h"

namespace gneiss {

// The directories and links of a registry's storage (registry_storage.h): which repositories, tags
// and revisions there are, and where their links and blobs lie. Opens links only, no manifest.

// Lists are sorted. Symbolic links and directories of other names than the listed kind has are
// passed over with a warning; what is not there is an empty list. Throws std::system_error when a
// directory cannot be read.
class RegistryTree {
 public:
  // `root` is the directory that holds `repositories` and `blobs`. `report` must outlive the tree.
  RegistryTree(std::string root, ReadReport& report) : root_(std::move(root)), report_(report) {}

  // The root at or below `directory`, relative to it: "docker/registry/v2", "registry/v2", "v2" or
  // "."; nullopt when there is none.
  static std::optional<std::string> RootIn(const std::string& directory);
  // Where a blob lies below the root.
  static std::string BlobName(std::string_view digest_text);

  // Those that hold manifests; they nest.
  std::vector<std::string> Repositories() const;
  std::vector<std::string> TagsOf(const std::string& repository) const;
  // Digests of the manifests of the repository, tagged or not.
  std::vector<std::string> RevisionsOf(const std::string& repository) const;

  std::string TagLink(const std::string& repository, std::string_view tag) const;
  std::string RevisionLink(const std::string& repository, std::string_view digest_text) const;
  // Whether the repository has the manifest, by its link.
  bool HasRevision(const std::string& repository, std::string_view digest_text) const;
  std::string LayerLink(const std::string& repository, std::string_view digest_text) const;

 private:
  std::string ManifestsOf(const std::string& repository) const;
  void AddRepositories(const std::string& parent, std::vector<std::string>& found) const;
  std::vector<std::string> DirectoriesIn(const std::string& path) const;

  std::string root_;
  ReadReport& report_;
};

// The digest that a link holds. Throws InputError with `path` as source when nothing is there, or
// no plain file with a digest and nothing else, as the registry demands; std::system_error when it
// cannot be read.
[[nodiscard]] std::string ReadLink(const std::string& path);

// Whether `directory` looks like one, or like a directory from which docker/registry/v2 leads on.
[[nodiscard]] bool IsRegistryStorage(const std::string& directory);

// Adds every tag's image to `builder` as NAME:TAG, of every platform that options.platform matches;
// manifest_reader.h says what is passed over. A manifest that several tags name is read once. The
// manifests of a repository that neither a tag nor a tagged index names are counted in
// report.skipped. `directory` is the root of the storage, its docker/registry/v2, or one between.
//
// `ref`, unless empty, selects: NAME, all tags of a repository; NAME:TAG; NAME@DIGEST, a manifest
// of the repository, which keeps its tags and without one is called NAME@DIGEST.
//
// Symbolic links are not followed, and directories whose names are none of repositories, tags or
// digests passed over, both with a warning. A registry serves no image that lacks a blob: a tag
// whose manifest is gone, and an image whose config or a layer is, go to `report` with the link
// that leads nowhere as source. Throws InputError when `directory` holds no such storage or `ref`
// names nothing; std::system_error when reading fails.
//
// Cost: a file read a tag, manifest and config; a look at each revision and each distinct layer.
void ReadRegistryStorage(const std::string& directory, std::string_view ref,
                         const ReadOptions& options, FleetBuilder& builder, ReadReport& report);

}  // namespace gneiss
