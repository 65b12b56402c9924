#include "io/source/registry_tree.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <system_error>

#include "io/bytes/byte_source.h"
#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "io/source/repository_name.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxLinkBytes = 1024;

// "sha256/HEX".
std::string PartsOf(std::string_view digest_text) {
  std::string parts(digest_text);
  parts[parts.find(':')] = '/';
  return parts;
}

bool IsPlainFile(const std::string& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type() == fs::file_type::regular;
}

}  // namespace

std::optional<std::string> RegistryTree::RootIn(const std::string& directory) {
  for (const std::string_view root : {"docker/registry/v2", "registry/v2", "v2", "."}) {
    const fs::path path = fs::path(directory) / root;
    std::error_code ignored;
    // `blobs` tells it from a directory of sources.
    if (fs::is_directory(path / "repositories", ignored) &&
        fs::is_directory(path / "blobs", ignored)) {
      return std::string(root);
    }
  }
  return std::nullopt;
}

std::string RegistryTree::BlobName(std::string_view digest_text) {
  const std::size_t colon = digest_text.find(':');
  const std::string_view hex = digest_text.substr(colon + 1);
  std::string name = "blobs/";
  return name.append(digest_text.substr(0, colon))
      .append("/")
      .append(hex.substr(0, 2))
      .append("/")
      .append(hex)
      .append("/data");
}

std::vector<std::string> RegistryTree::Repositories() const {
  std::vector<std::string> found;
  AddRepositories("", found);
  std::ranges::sort(found);
  return found;
}

// As deep as names may be long.
void RegistryTree::AddRepositories(const std::string& parent,
                                   std::vector<std::string>& found) const {
  const std::string directory = root_ + "/repositories" + (parent.empty() ? "" : "/") + parent;
  for (const std::string& part : DirectoriesIn(directory)) {
    if (part.starts_with('_')) {
      if (part == "_manifests" && !parent.empty()) found.push_back(parent);
      continue;  // _layers, _uploads
    }
    const std::string name = parent.empty() ? part : parent + "/" + part;
    if (IsRepositoryName(name)) {
      AddRepositories(name, found);
    } else {
      report_.AddWarning("no name of a repository, passed over", directory + "/" + part);
    }
  }
}

std::vector<std::string> RegistryTree::TagsOf(const std::string& repository) const {
  const std::string directory = ManifestsOf(repository) + "/tags";
  std::vector<std::string> tags;
  for (std::string& name : DirectoriesIn(directory)) {
    if (IsTagName(name)) {
      tags.push_back(std::move(name));
    } else {
      report_.AddWarning("no name of a tag, passed over", directory + "/" + name);
    }
  }
  return tags;
}

std::vector<std::string> RegistryTree::RevisionsOf(const std::string& repository) const {
  const std::string directory = ManifestsOf(repository) + "/revisions";
  std::vector<std::string> digests;
  for (const std::string& algorithm : DirectoriesIn(directory)) {
    for (const std::string& hex : DirectoriesIn(directory + "/" + algorithm)) {
      std::string digest_text = algorithm + ":" + hex;
      if (!ParseDigest(digest_text)) {
        report_.AddWarning("no digest, passed over", directory + "/" + algorithm + "/" + hex);
      } else if (IsPlainFile(RevisionLink(repository, digest_text))) {
        // The registry deletes a manifest by its link alone.
        digests.push_back(std::move(digest_text));
      }
    }
  }
  return digests;
}

std::string RegistryTree::TagLink(const std::string& repository, std::string_view tag) const {
  return ManifestsOf(repository) + "/tags/" + std::string(tag) + "/current/link";
}

std::string RegistryTree::RevisionLink(const std::string& repository,
                                       std::string_view digest_text) const {
  return ManifestsOf(repository) + "/revisions/" + PartsOf(digest_text) + "/link";
}

bool RegistryTree::HasRevision(const std::string& repository, std::string_view digest_text) const {
  return IsPlainFile(RevisionLink(repository, digest_text));
}

std::string RegistryTree::LayerLink(const std::string& repository,
                                    std::string_view digest_text) const {
  return root_ + "/repositories/" + repository + "/_layers/" + PartsOf(digest_text) + "/link";
}

std::string RegistryTree::ManifestsOf(const std::string& repository) const {
  return root_ + "/repositories/" + repository + "/_manifests";
}

std::vector<std::string> RegistryTree::DirectoriesIn(const std::string& path) const {
  std::vector<std::string> names;
  std::error_code failed;
  const fs::file_type type = fs::symlink_status(path, failed).type();
  if (type == fs::file_type::not_found) return names;
  if (type == fs::file_type::symlink) {
    report_.AddWarning("symbolic link, not followed", path);
    return names;
  }
  for (fs::directory_iterator entry(path, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    const fs::file_type entry_type = entry->symlink_status(failed).type();
    if (entry_type == fs::file_type::symlink) {
      report_.AddWarning("symbolic link, not followed", entry->path().string());
    } else if (entry_type == fs::file_type::directory) {
      names.push_back(entry->path().filename().string());
    }
    failed.clear();  // it was deleted meanwhile
  }
  if (failed) throw std::system_error(failed, path);
  std::ranges::sort(names);
  return names;
}

std::string ReadLink(const std::string& path) {
  const std::unique_ptr<ByteSource> file = OpenPlainFile(path);
  if (file == nullptr) throw InputError(path, "", "expected a link to a manifest, found nothing");
  if (file->stored_size() > static_cast<std::int64_t>(kMaxLinkBytes)) {
    throw InputError(path, "",
                     "expected " + std::string(kExpectedDigest) + ", found a file of " +
                         std::to_string(file->stored_size()) + " bytes");
  }
  std::string text = ReadWhole(*file, path, kUnknownSize, kMaxLinkBytes);
  if (!ParseDigest(text)) {
    throw InputError(path, "",
                     "expected " + std::string(kExpectedDigest) + ", found " + Quote(text));
  }
  return text;
}

}  // namespace gneiss
