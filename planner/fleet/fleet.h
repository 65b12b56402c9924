// A fleet: all images of one run with their layers and their demand, keyed by digest. Immutable
// once built by FleetBuilder. Flat: images, layers and references are arrays; strings live in one
// pool.
//
// Order is canonical, a function of the content alone: images by (smallest ref, platform,
// identity), layers by their first use in that order. So the order of the input never shows in a
// result.
//
// Leaves out: contents of layers (inventories), and everything computed (graph, trie, accounting).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/text_pool.h"

namespace gneiss {

using ImageIndex = std::uint32_t;
using LayerIndex = std::uint32_t;
using PoolIndex = std::uint32_t;

inline constexpr std::uint32_t kNone = 0xffffffffU;  // "no such index", for every index type
inline constexpr Bytes kUnknownSize = -1;

// One distinct layer blob.
struct Layer {
  Digest digest;
  Bytes size = 0;                          // compressed bytes, as stored and transferred
  Bytes uncompressed_size = kUnknownSize;  // bytes of the tar
  std::uint32_t diff_id = kNone;           // index into Fleet::diff_ids
  TextIndex created_by = 0;                // instruction that made it, where known
  TextIndex media_type = 0;
  bool verifiable = true;  // digest is a sha256
  bool foreign = false;    // has `urls`: stored elsewhere, not by the registry
  bool is_lowest = false;  // of some image
};

// One manifest for one platform. Identity: its manifest digest; without one its list of layers and
// its config, as far as that is known.
struct Image {
  Digest identity;
  Digest config_digest;  // meaningless unless has_config
  Bytes config_size = kUnknownSize;
  Bytes manifest_size = kUnknownSize;
  std::int64_t pulls = 1;         // summed over the refs that gave a number; 1 when none did
  std::uint64_t first_layer = 0;  // into Fleet::layer_references
  std::uint32_t num_layers = 0;   // positions of the chain, repeated layers included
  std::uint32_t num_refs = 0;
  std::uint64_t first_ref = 0;    // into Fleet::refs
  std::uint32_t first_label = 0;  // into Fleet::labels
  std::uint32_t num_labels = 0;
  std::uint32_t first_pool = 0;  // into Fleet::pool_references
  std::uint32_t num_pools = 0;
  TextIndex platform = 0;  // "os/arch[/variant]", empty when not known
  TextIndex created = 0;   // RFC 3339, as given
  // The program that a container starts: first word of the config's Entrypoint, else of its Cmd,
  // made absolute by its WorkingDir unless it is a bare name, and the PATH to look for that in.
  TextIndex entry_point = 0;
  TextIndex search_path = 0;
  std::uint32_t last_step = kNone;   // of its history, into Fleet::steps; kNone: not known
  bool is_windows = false;           // by a platform that a source gives, or by its config
  bool has_manifest_digest = false;  // identity is the manifest's digest
  bool has_config = false;
};

// One step of an image's history as its config tells it. Images that are built on one base have its
// steps in common, so steps point to those before them.
struct Step {
  std::uint32_t previous = kNone;  // into Fleet::steps
  TextIndex created_by = 0;
  TextIndex created = 0;     // RFC 3339, as given
  bool makes_layer = false;  // the next one of the chain

  friend bool operator==(const Step&, const Step&) = default;
};

// A label of a config or an annotation of a manifest.
struct Label {
  TextIndex key = 0;
  TextIndex value = 0;

  friend auto operator<=>(const Label&, const Label&) = default;
};

// A node pool: `nodes` machines, each of which runs every image assigned to the pool.
struct Pool {
  TextIndex name = 0;
  std::int64_t nodes = 0;
};

// REQUIRES on all accessors: indices in range.
struct Fleet {
  std::vector<Image> images;
  std::vector<Layer> layers;
  std::vector<Digest> diff_ids;
  std::vector<LayerIndex> layer_references;  // chains of all images, end to end, base layer first
  std::vector<TextIndex> refs;               // "repository:tag", sorted within an image
  std::vector<Step> steps;                   // each comes after its previous one
  std::vector<Label> labels;                 // sorted within an image
  std::vector<Pool> pools;                   // sorted by name
  std::vector<PoolIndex> pool_references;    // sorted within an image
  TextPool texts;
  // Full texts of digests that are not sha256, sorted by key.
  std::vector<std::pair<Digest, std::string>> opaque_digests;

  std::span<const LayerIndex> chain(const Image& image) const {
    return {layer_references.data() + image.first_layer, image.num_layers};
  }
  std::span<const TextIndex> refs_of(const Image& image) const {
    return {refs.data() + image.first_ref, image.num_refs};
  }
  std::span<const Label> labels_of(const Image& image) const {
    return {labels.data() + image.first_label, image.num_labels};
  }
  std::span<const PoolIndex> pools_of(const Image& image) const {
    return {pool_references.data() + image.first_pool, image.num_pools};
  }
  // First step first; empty when the history is not known. Its layers may be other than the chain.
  std::vector<Step> history(const Image& image) const;
  std::string_view text(TextIndex index) const { return texts[index]; }

  // Value of label `key` on `image`, empty when absent.
  std::string_view label(const Image& image, std::string_view key) const;

  // The digest as its source wrote it.
  std::string digest_text(const Digest& digest, bool verifiable = true) const;
  std::string digest_text(const Layer& layer) const {
    return digest_text(layer.digest, layer.verifiable);
  }

  // First ref of the image, else its identity; what a report calls it.
  std::string name(const Image& image) const;
};

// Parts of a ref "[HOST[:PORT]/]NAMESPACE/.../NAME[:TAG][@DIGEST]". Views into `ref`.
struct RefParts {
  std::string_view host;  // empty unless the first component has a '.' or ':', or is localhost
  std::string_view repository;  // path without host and tag, "(no ref)" for an empty ref
  std::string_view name_space;  // first component of the repository, "library" when it has only one
  std::string_view tag;         // tag or digest, may be empty
};
[[nodiscard]] RefParts SplitRef(std::string_view ref);

// `ref` as short as docker takes it: "docker.io/library/x" and "index.docker.io/x" are "x". A view.
[[nodiscard]] std::string_view ShortRef(std::string_view ref);

// In one spelling: short, without "library/", with its digest or else its tag, "latest" if none.
[[nodiscard]] std::string CanonicalRef(std::string_view ref);

// Whether a user who writes `name` means `ref`: they are equal when short, and a name without a tag
// means :latest.
[[nodiscard]] bool NamesRef(std::string_view name, std::string_view ref);

}  // namespace gneiss
