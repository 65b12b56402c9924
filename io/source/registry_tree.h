// The directories and links of a registry's storage (registry_storage.h): which repositories, tags
// and revisions there are, and where their links and blobs lie. Opens links only, no manifest.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/source/source.h"

namespace gneiss {

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

}  // namespace gneiss
