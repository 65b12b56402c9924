#include "io/source/registry_storage.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "io/json/json_value.h"
#include "io/source/known_refs.h"
#include "io/source/layout_files.h"
#include "io/source/layout_manifests.h"
#include "io/source/manifest_reader.h"
#include "io/source/registry_tree.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
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
