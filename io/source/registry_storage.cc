#include "io/source/registry_storage.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "io/bytes/byte_source.h"
#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "io/source/layout.h"
#include "io/source/manifest_reader.h"
#include "io/source/names.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "solver/hashing/seeded_hash.h"

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

namespace {

constexpr ManifestPlace kStoragePlace = {.name = "the storage", .root = "the tag"};
constexpr std::string_view kUntagged = "untagged manifest";

struct Selection {
  std::string_view repository;  // empty: all
  std::string_view tag;
  std::string_view digest_text;
};

Selection ParseSelection(std::string_view ref) {
  if (const std::size_t at = ref.find('@'); at != std::string_view::npos) {
    return {.repository = ref.substr(0, at), .tag = {}, .digest_text = ref.substr(at + 1)};
  }
  const std::size_t colon = ref.find(':');
  if (colon == std::string_view::npos) return {.repository = ref, .tag = {}, .digest_text = {}};
  return {.repository = ref.substr(0, colon), .tag = ref.substr(colon + 1), .digest_text = {}};
}

// The blobs of the storage, read for an image of one repository.
class StorageManifests : public ManifestBlobs {
 public:
  StorageManifests(std::shared_ptr<const LayoutFiles> files, const RegistryTree& tree,
                   const ReadOptions& options)
      : blobs_(std::move(files), options), tree_(tree) {}

  void SetRepository(const std::string& repository) { repository_ = repository; }

  std::string PathOf(BlobRole role, const Descriptor& descriptor) const override {
    return blobs_.PathOf(role, descriptor);
  }
  std::optional<std::string> Read(BlobRole role, const Descriptor& descriptor,
                                  ReadReport& report) override {
    std::optional<std::string> text = blobs_.Read(role, descriptor, report);
    if (text) return text;
    if (role == BlobRole::kManifest) {
      // An index may name platforms that were never pushed.
      if (!tree_.HasRevision(repository_, descriptor.digest_text)) return std::nullopt;
      ThrowDangling(tree_.RevisionLink(repository_, descriptor.digest_text), "a manifest",
                    descriptor);
    }
    ThrowDangling(tree_.LayerLink(repository_, descriptor.digest_text), "the config of an image",
                  descriptor);
  }
  void LookForLayer(const Descriptor& layer, ReadReport& report) override {
    if (!layer.foreign && !IsNondistributable(layer.media_type) && !Has(layer)) {
      ThrowDangling(tree_.LayerLink(repository_, layer.digest_text), "a layer", layer);
    }
    blobs_.LookForLayer(layer, report);
  }

  bool Has(const Descriptor& descriptor) const {
    return blobs_.blobs().SizeOf(descriptor).has_value();
  }
  [[noreturn]] void ThrowDangling(const std::string& link, const std::string& what,
                                  const Descriptor& descriptor) const {
    throw InputError(link, "",
                     "expected a link to " + what + " that the storage holds, found no " +
                         blobs_.blobs().PathOf(descriptor));
  }

 private:
  LayoutManifests blobs_;
  const RegistryTree& tree_;
  std::string repository_;
};

class StorageReader {
 public:
  StorageReader(const std::string& directory, const std::string& root, std::string_view ref,
                const ReadOptions& options, FleetBuilder& builder, ReadReport& report)
      : directory_(directory),
        wanted_(ref),
        selection_(ParseSelection(ref)),
        options_(options),
        builder_(builder),
        report_(report),
        tree_(root == "." ? directory : directory + "/" + root, report),
        files_(OpenBlobDirectory(
            directory,
            [prefix = root == "." ? std::string() : root + "/"](std::string_view digest_text) {
              return prefix + RegistryTree::BlobName(digest_text);
            })),
        blobs_(files_, tree_, options),
        manifests_(blobs_, kStoragePlace, options) {}

  void Read() {
    report_.layouts.push_back(files_);
    if (!IsWhole()) ++report_.num_selections;
    for (const std::string& name : tree_.Repositories()) {
      known_.Add(name);
      if (!wanted_.empty() && name != selection_.repository) continue;
      // What is wrong with one repository costs no other.
      report_.Guard(directory_, options_.strict, [&] { ReadRepository(name); });
    }
    if (!wanted_.empty() && !anything_found_) {
      (is_repository_known_ ? known_in_repository_ : known_).ThrowMissing(directory_, wanted_);
    }
    for (const Tagged& tagged : tagged_) ReadTagged(tagged);
    if (IsWhole()) CountUntagged();
  }

 private:
  // A manifest with the refs that name it.
  struct Tagged {
    std::string digest_text;
    std::string repository;  // of the first
    std::vector<std::string> refs;
    std::vector<std::string> links;
  };
  struct Repository {
    std::vector<std::string> revisions;  // sorted
    std::set<std::string> tagged;        // digests
  };

  // Whether repositories are read with all they hold.
  bool IsWhole() const { return selection_.tag.empty() && selection_.digest_text.empty(); }

  void ReadRepository(const std::string& name) {
    is_repository_known_ = true;
    if (IsWhole()) anything_found_ = true;
    Repository repository{.revisions = tree_.RevisionsOf(name), .tagged = {}};
    for (const std::string& tag : tree_.TagsOf(name)) {
      const std::string ref = name + ":" + tag;
      known_in_repository_.Add(ref);
      if (!selection_.tag.empty() && tag != selection_.tag) continue;
      const std::string link = tree_.TagLink(name, tag);
      const auto add = [&] { AddTag(name, ref, link, repository); };
      if (selection_.digest_text.empty()) {
        report_.Guard(link, options_.strict, add);
      } else {
        // A tag that cannot be read is none of the wanted manifest's.
        ReadReport().Guard(link, false, add);
      }
    }
    const std::string wanted_digest(selection_.digest_text);
    if (!wanted_digest.empty() && repository.tagged.empty() &&
        std::ranges::binary_search(repository.revisions, wanted_digest)) {
      Add({.digest_text = wanted_digest,
           .repository = name,
           .refs = {wanted_},
           .links = {tree_.RevisionLink(name, wanted_digest)}});
    }
    repositories_.push_back(std::move(repository));
  }

  void AddTag(const std::string& name, const std::string& ref, const std::string& link,
              Repository& repository) {
    if (!selection_.tag.empty()) anything_found_ = true;
    const std::string digest_text = ReadLink(link);
    if (!selection_.digest_text.empty() && digest_text != selection_.digest_text) return;
    if (!std::ranges::binary_search(repository.revisions, digest_text)) {
      throw InputError(link, "",
                       "expected a link to a manifest of the repository, found no " +
                           tree_.RevisionLink(name, digest_text));
    }
    repository.tagged.insert(digest_text);
    Add({.digest_text = digest_text, .repository = name, .refs = {ref}, .links = {link}});
  }

  void Add(Tagged tagged) {
    anything_found_ = true;
    const auto [known, is_new] = tagged_index_.emplace(tagged.digest_text, tagged_.size());
    if (is_new) {
      tagged_.push_back(std::move(tagged));
      return;
    }
    Tagged& first = tagged_[known->second];
    first.refs.push_back(std::move(tagged.refs.front()));
    first.links.push_back(std::move(tagged.links.front()));
  }

  void ReadTagged(const Tagged& tagged) {
    Descriptor descriptor;
    descriptor.digest_text = tagged.digest_text;
    descriptor.digest = *ParseDigest(tagged.digest_text);
    if (!blobs_.Has(descriptor)) {
      for (const std::string& link : tagged.links) {
        report_.Guard(link, options_.strict,
                      [&] { blobs_.ThrowDangling(link, "a manifest", descriptor); });
      }
      return;
    }
    blobs_.SetRepository(tagged.repository);
    const ManifestsRead read = manifests_.Read(descriptor, tagged.refs.front());
    if (read.reached.size() > 1) reached_.emplace(tagged.digest_text, read.reached);
    AddImages(read, tagged.refs, options_.strict, builder_, report_);
  }

  // What an index names is as good as tagged.
  void CountUntagged() {
    std::int64_t count = 0;
    for (Repository& repository : repositories_) {
      const std::vector<std::string> roots(repository.tagged.begin(), repository.tagged.end());
      for (const std::string& root : roots) {
        const auto inner = reached_.find(root);
        if (inner != reached_.end()) {
          repository.tagged.insert(inner->second.begin(), inner->second.end());
        }
      }
      count += std::ranges::count_if(repository.revisions, [&](const std::string& digest_text) {
        return !repository.tagged.contains(digest_text);
      });
    }
    if (count > 0) report_.skipped[std::string(kUntagged)] += count;
  }

  const std::string& directory_;
  std::string wanted_;
  Selection selection_;
  const ReadOptions& options_;
  FleetBuilder& builder_;
  ReadReport& report_;
  RegistryTree tree_;
  std::shared_ptr<const LayoutFiles> files_;
  StorageManifests blobs_;
  ManifestReader manifests_;
  std::vector<Repository> repositories_;
  std::vector<Tagged> tagged_;  // in the order of their first tags
  SeededMap<std::string, std::size_t> tagged_index_;
  SeededMap<std::string, std::vector<std::string>> reached_;  // by indexes that are tagged
  bool is_repository_known_ = false;
  bool anything_found_ = false;
  KnownRefs known_;
  KnownRefs known_in_repository_;
};

}  // namespace

bool IsRegistryStorage(const std::string& directory) {
  return RegistryTree::RootIn(directory).has_value();
}

void ReadRegistryStorage(const std::string& directory, std::string_view ref,
                         const ReadOptions& options, FleetBuilder& builder, ReadReport& report) {
  ExpectDirectory(directory, "the storage of a registry");
  const std::optional<std::string> root = RegistryTree::RootIn(directory);
  if (!root) {
    throw InputError(directory, "",
                     "expected the storage of a registry, found neither docker/registry/v2 nor "
                     "repositories and blobs in it; nothing may have been pushed to it yet");
  }
  StorageReader(directory, *root, ref, options, builder, report).Read();
}

}  // namespace gneiss
