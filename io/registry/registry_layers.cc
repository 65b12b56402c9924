#include "io/registry/registry_layers.h"

#include <utility>

#include "io/source/layout_blobs.h"

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

}  // namespace gneiss
