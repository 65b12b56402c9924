#include "io/registry/registry_source.h"

#include <fnmatch.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "io/bytes/parallel_for.h"
#include "io/registry/registry_client.h"
#include "io/registry/registry_reference.h"
#include "io/source/layout.h"
#include "io/source/manifest.h"
#include "io/source/manifest_reader.h"
#include "io/store/manifest_cache.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {

RegistryLayers::RegistryLayers(std::shared_ptr<RegistryClient> client)
    : client_(std::move(client)), path_("docker://" + client_->host()) {}

void RegistryLayers::Add(const Descriptor& blob, const std::string& repository) {
  if (blob.foreign) return;
  const std::lock_guard lock(mutex_);
  Place& place = places_[LayoutBlobs::NameOf(blob.digest_text)];
  // The first by name, whoever came first.
  if (!place.repository.empty() && place.repository <= repository) return;
  place = {.repository = repository, .digest_text = blob.digest_text, .size = blob.size};
}

std::optional<RegistryLayers::Place> RegistryLayers::Find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(std::string(name));
  if (found == places_.end()) return std::nullopt;
  return found->second;
}

std::string RegistryLayers::PathOf(std::string_view name) const {
  const std::optional<Place> place = Find(name);
  if (!place) return path_ + "/" + std::string(name);
  return path_ + "/" + place->repository + "@" + place->digest_text;
}

std::unique_ptr<ByteSource> RegistryLayers::Open(std::string_view name) const {
  const std::optional<Place> place = Find(name);
  if (!place) return nullptr;
  return client_->OpenBlob(place->repository, place->digest_text, place->size);
}

std::optional<Bytes> RegistryLayers::SizeOf(std::string_view name) const {
  const std::optional<Place> place = Find(name);
  if (!place) return std::nullopt;
  return place->size;
}

namespace {

constexpr std::string_view kImageScheme = "docker://";
constexpr std::string_view kPlaceScheme = "registry://";

bool MatchesAny(const std::vector<std::string>& patterns, const std::string& text) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
  });
}

// Manifests and configs of one repository, from the cache where it has them.
class RegistryManifests : public ManifestBlobs {
 public:
  RegistryManifests(RegistryClient& client, const ManifestCache& cache, RegistryLayers& layers,
                    std::string repository)
      : client_(client), cache_(cache), layers_(layers), repository_(std::move(repository)) {}

  std::string PathOf(BlobRole /*role*/, const Descriptor& descriptor) const override {
    return fmt::format("{}/{}@{}", client_.host(), repository_, descriptor.digest_text);
  }

  std::optional<std::string> Read(BlobRole role, const Descriptor& descriptor,
                                  ReadReport& report) override {
    const std::string& digest = descriptor.digest_text;
    // Whoever verifies an image asks for its config again.
    if (role == BlobRole::kConfig) layers_.Add(descriptor, repository_);
    std::optional<std::string> text = cache_.Read(digest);
    if (text) return text;
    if (role == BlobRole::kManifest) {
      if (auto fetched = client_.GetManifest(repository_, digest)) text = std::move(fetched->text);
    } else {
      text = client_.GetBlob(repository_, digest, descriptor.size, kMaxManifestBytes);
    }
    if (text) cache_.Write(digest, *text);
    if (text && !descriptor.digest.verifiable) {
      report.AddWarning("digest of an unknown algorithm, content not verified",
                        PathOf(role, descriptor));
    }
    return text;
  }

  void LookForLayer(const Descriptor& layer, ReadReport& /*report*/) override {
    layers_.Add(layer, repository_);
  }

 private:
  RegistryClient& client_;
  const ManifestCache& cache_;
  RegistryLayers& layers_;
  std::string repository_;
};

// A tag, or a digest that was asked for.
struct NamedManifest {
  std::string repository;
  std::string reference;
  std::string ref;  // HOST/REPO:TAG; empty for a digest
};

// A manifest or index, and all that is called so.
struct ManifestUnderRefs {
  Descriptor descriptor;
  std::string repository;         // one that has it
  std::vector<std::string> refs;  // sorted
};

class RegistryReader {
 public:
  RegistryReader(const std::string& host, const RegistryReadOptions& options,
                 const ReadOptions& read_options, FleetBuilder& builder, ReadReport& report)
      : options_(options),
        read_options_(read_options),
        builder_(builder),
        report_(report),
        client_(std::make_shared<RegistryClient>(host, options.client)),
        layers_(std::make_shared<RegistryLayers>(client_)),
        cache_(options.cache) {}

  void ReadPlace(const RegistryPlace& place) {
    const std::vector<std::string> repositories = ListRepositories(place);
    Finish(FindTags(repositories));
  }

  void ReadOne(const RegistryReference& asked) {
    NamedManifest one{.repository = asked.repository, .reference = {}, .ref = {}};
    if (!asked.digest_text.empty()) {
      one.reference = asked.digest_text;
    } else {
      one.reference = asked.tag.empty() ? "latest" : asked.tag;
      one.ref = fmt::format("{}/{}:{}", asked.host, asked.repository, one.reference);
      // Where only the one is asked for, its absence is no news of a tag that went.
      if (!Resolve(one)) {
        throw InputError(
            std::string(kImageScheme) + one.ref, "",
            fmt::format("expected an image, found none of that name; registry://{}/{} reads all of "
                        "the repository's tags",
                        asked.host, asked.repository));
      }
    }
    ++report_.num_selections;
    Finish({one});
  }

 private:
  std::vector<std::string> ListRepositories(const RegistryPlace& place) {
    NameList list;
    std::string no_catalogue;
    try {
      list = client_->ListRepositories();
    } catch (const InputError& error) {
      if (place.prefix.empty()) throw;
      no_catalogue = error.what();
    }
    if (list.num_refused > 0) {
      report_.AddWarning("repository whose name is none",
                         client_->host() + "/" + list.first_refused, list.num_refused);
    }
    std::vector<std::string> repositories;
    std::ranges::copy_if(
        list.names, std::back_inserter(repositories),
        [&](const std::string& name) { return IsRepositoryBelow(name, place.prefix); });
    if (!no_catalogue.empty()) {
      report_.AddWarning("no list of repositories, only " + place.prefix + " itself is read",
                         no_catalogue);
      repositories = {place.prefix};
    } else if (repositories.empty() && !place.prefix.empty()) {
      throw InputError(fmt::format("{}{}/{}", kPlaceScheme, place.host, place.prefix), "",
                       fmt::format("expected repositories at or below {}, found none among {}",
                                   place.prefix, list.names.size()));
    }
    std::erase_if(repositories,
                  [&](const std::string& repository) { return !MayHaveTags(repository); });
    std::ranges::sort(repositories);
    return repositories;
  }

  // Whether tags of the repository can be wanted at all.
  bool MayHaveTags(const std::string& repository) const {
    if (MatchesAny(options_.exclude, repository)) return false;
    if (options_.include.empty() || MatchesAny(options_.include, repository)) return true;
    return std::ranges::any_of(options_.include, [](const std::string& pattern) {
      return pattern.find(':') != std::string::npos;
    });
  }

  bool IsWanted(const std::string& repository, const std::string& tag) const {
    const std::string name = repository + ":" + tag;
    if (MatchesAny(options_.exclude, name)) return false;
    return options_.include.empty() || MatchesAny(options_.include, repository) ||
           MatchesAny(options_.include, name);
  }

  // Does `work` for each item on several threads. What goes wrong with one is a problem of its own,
  // in the order of the items.
  void ForEach(std::size_t count, const std::function<std::string(std::size_t)>& name_of,
               const std::function<void(std::size_t, ReadReport&)>& work) {
    std::vector<ReadReport> reports(count);
    ParallelFor(
        count, options_.jobs,
        [&](const ParallelItem& item) {
          reports[item.index].Guard(name_of(item.index), false,
                                    [&] { work(item.index, reports[item.index]); });
        },
        [&] { ShowProgress(); });
    for (const ReadReport& part : reports) report_.Merge(part, read_options_.strict);
  }

  void ShowProgress() const {
    if (read_options_.on_progress) read_options_.on_progress(client_->counts().body_bytes, 0);
  }

  std::vector<NamedManifest> FindTags(const std::vector<std::string>& repositories) {
    std::vector<std::vector<std::string>> tags(repositories.size());
    const auto path_of = [&](std::size_t i) { return client_->host() + "/" + repositories[i]; };
    ForEach(repositories.size(), path_of, [&](std::size_t i, ReadReport& report) {
      std::optional<NameList> list = client_->ListTags(repositories[i]);
      if (!list || list->names.empty()) {
        ++report.skipped["repository without tags"];
        return;
      }
      if (list->num_refused > 0) {
        report.AddWarning("tag whose name is none", path_of(i) + ":" + list->first_refused,
                          list->num_refused);
      }
      std::ranges::sort(list->names);
      tags[i] = std::move(list->names);
    });
    std::vector<NamedManifest> found;
    for (std::size_t i = 0; i < repositories.size(); ++i) {
      for (std::string& tag : tags[i]) {
        if (!IsWanted(repositories[i], tag)) continue;
        found.push_back({.repository = repositories[i],
                         .reference = tag,
                         .ref = fmt::format("{}:{}", path_of(i), tag)});
      }
    }
    return found;
  }

  // What a tag names now; nullopt when it is not there.
  std::optional<Descriptor> Resolve(const NamedManifest& named) {
    Descriptor descriptor;
    if (named.ref.empty()) {
      descriptor.digest_text = named.reference;
    } else {
      const std::optional<ManifestHead> head =
          client_->HeadManifest(named.repository, named.reference);
      if (!head) return std::nullopt;
      descriptor.digest_text = head->digest_text;
      descriptor.media_type = head->media_type;
    }
    if (descriptor.digest_text.empty()) {
      // Some registries do not say; then the manifest itself does.
      const std::optional<FetchedManifest> fetched =
          client_->GetManifest(named.repository, named.reference);
      if (!fetched) return std::nullopt;
      cache_.Write(fetched->digest_text, fetched->text);
      descriptor.digest_text = fetched->digest_text;
      descriptor.media_type = fetched->media_type;
    }
    descriptor.digest = *ParseDigest(descriptor.digest_text);
    return descriptor;
  }

  std::vector<ManifestUnderRefs> ResolveAll(const std::vector<NamedManifest>& named) {
    std::vector<std::optional<Descriptor>> descriptors(named.size());
    const auto name_of = [&](std::size_t i) { return named[i].ref; };
    ForEach(named.size(), name_of, [&](std::size_t i, ReadReport& report) {
      descriptors[i] = Resolve(named[i]);
      if (!descriptors[i]) report.AddWarning("tag that went away", named[i].ref);
    });
    // A digest names one manifest in whatever repository.
    std::map<std::string, ManifestUnderRefs> by_digest;
    for (std::size_t i = 0; i < named.size(); ++i) {
      if (!descriptors[i]) continue;
      ManifestUnderRefs& under = by_digest[descriptors[i]->digest_text];
      if (under.repository.empty()) {
        under.descriptor = *descriptors[i];
        under.repository = named[i].repository;
      }
      if (!named[i].ref.empty()) under.refs.push_back(named[i].ref);
    }
    std::vector<ManifestUnderRefs> all;
    for (auto& [digest, under] : by_digest) all.push_back(std::move(under));
    std::ranges::sort(all, {}, [](const ManifestUnderRefs& under) {
      return std::pair(under.refs.empty() ? std::string() : under.refs.front(),
                       under.descriptor.digest_text);
    });
    return all;
  }

  void Finish(const std::vector<NamedManifest>& named) {
    std::vector<ManifestUnderRefs> manifests = ResolveAll(named);
    std::vector<ManifestsRead> read(manifests.size());
    const auto name_of = [&](std::size_t i) {
      return fmt::format("{}/{}@{}", client_->host(), manifests[i].repository,
                         manifests[i].descriptor.digest_text);
    };
    ForEach(manifests.size(), name_of, [&](std::size_t i, ReadReport& /*report*/) {
      RegistryManifests blobs(*client_, cache_, *layers_, manifests[i].repository);
      ManifestReader reader(blobs, {.name = "the registry", .root = "the tag"}, read_options_);
      read[i] = reader.Read(manifests[i].descriptor,
                            manifests[i].refs.empty() ? std::string() : manifests[i].refs.front());
    });
    if (options_.newest_tags > 0) KeepNewest(read, manifests);
    report_.layouts.push_back(layers_);
    for (std::size_t i = 0; i < manifests.size(); ++i) {
      const bool was_named = !manifests[i].refs.empty();
      if (options_.newest_tags > 0 && !was_named) continue;
      AddImages(read[i], manifests[i].refs, read_options_.strict, builder_, report_);
    }
  }

  // Leaves each repository its newest refs.
  void KeepNewest(const std::vector<ManifestsRead>& read,
                  std::vector<ManifestUnderRefs>& manifests) {
    struct DatedRef {
      std::string created;
      std::string ref;
      auto operator<=>(const DatedRef&) const = default;
    };
    std::map<std::string, std::vector<DatedRef>> by_repository;
    for (std::size_t i = 0; i < manifests.size(); ++i) {
      std::string created;
      for (const ImageRead& image : read[i].images) {
        if (image.config) created = std::max(created, image.config->created);
      }
      for (const std::string& ref : manifests[i].refs) {
        by_repository[ref.substr(0, ref.rfind(':'))].push_back({created, ref});
      }
    }
    std::vector<std::string> kept;
    for (auto& [repository, refs] : by_repository) {
      std::ranges::sort(refs, std::greater{});
      if (std::ssize(refs) > options_.newest_tags) {
        report_.skipped["older tag"] += std::ssize(refs) - options_.newest_tags;
        refs.resize(static_cast<std::size_t>(options_.newest_tags));
      }
      for (DatedRef& dated : refs) kept.push_back(std::move(dated.ref));
    }
    std::ranges::sort(kept);
    for (ManifestUnderRefs& under : manifests) {
      std::erase_if(under.refs,
                    [&](const std::string& ref) { return !std::ranges::binary_search(kept, ref); });
    }
  }

  const RegistryReadOptions& options_;
  const ReadOptions& read_options_;
  FleetBuilder& builder_;
  ReadReport& report_;
  std::shared_ptr<RegistryClient> client_;
  std::shared_ptr<RegistryLayers> layers_;
  ManifestCache cache_;
};

}  // namespace

bool IsRegistrySource(std::string_view source) {
  return source.starts_with(kImageScheme) || source.starts_with(kPlaceScheme);
}

void ReadRegistry(std::string_view source, const RegistryReadOptions& options,
                  const ReadOptions& read_options, FleetBuilder& builder, ReadReport& report) {
  if (source.starts_with(kImageScheme)) {
    const RegistryReference asked = ParseRegistryReference(source.substr(kImageScheme.size()));
    RegistryReader(asked.host, options, read_options, builder, report).ReadOne(asked);
  } else {
    const RegistryPlace place = ParseRegistryPlace(source.substr(kPlaceScheme.size()));
    RegistryReader(place.host, options, read_options, builder, report).ReadPlace(place);
  }
}

}  // namespace gneiss
