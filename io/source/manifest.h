// Image manifests, indexes and configs as plain structs: OCI image spec 1.1, docker schema 2 and
// manifest lists; of docker schema 1 only the list of layers. Knows no files: digests and sizes are
// checked for form here, and against content by whoever fetched the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/source/source.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/fleet_builder.h"

namespace gneiss {

// Larger manifests and configs are refused, as registries and clients do.
inline constexpr std::size_t kMaxManifestBytes = std::size_t{4} << 20;

// Of the layers of an attestation.
inline constexpr std::string_view kInTotoMediaType = "application/vnd.in-toto+json";

using Annotations = std::vector<std::pair<std::string, std::string>>;  // sorted, each key once

// Whether a layer of this media type may not be handed on: most places do not hold it, whether or
// not `urls` say which one does.
[[nodiscard]] bool IsNondistributable(std::string_view media_type);

// Value of `key`, empty when absent.
[[nodiscard]] std::string_view FindAnnotation(const Annotations& annotations, std::string_view key);

struct Descriptor {
  std::string media_type;
  std::string digest_text;    // of valid grammar: its parts are safe as names of files
  ParsedDigest digest;        // of digest_text
  Bytes size = kUnknownSize;  // known except in schema 1
  std::string artifact_type;
  std::string platform;  // "os/arch[/variant]", empty when not given
  Annotations annotations;
  bool foreign = false;  // has urls: stored elsewhere
};

enum class ManifestKind {
  kImage,
  kIndex,
  kSchema1,      // docker schema 1: without sizes, so no image for the fleet
  kArtifact,     // artifactType, or a config that is no image config
  kReferrer,     // has a subject: signature, SBOM, ... of another manifest
  kAttestation,  // in-toto statements of buildkit
  kUnknown,      // of a media type that the spec says to ignore
};

// Name of what is passed over, e.g. "attestation manifest"; for images and indexes their own names.
[[nodiscard]] std::string_view NameOf(ManifestKind kind);

struct Manifest {
  ManifestKind kind = ManifestKind::kImage;
  std::string media_type;  // as the text gives it, may be empty
  Annotations annotations;
  std::optional<Descriptor> config;   // images
  std::vector<Descriptor> layers;     // images and schema 1, base layer first
  std::vector<Descriptor> manifests;  // indexes
  // Entries of an index that are no descriptors; the others are in `manifests`.
  std::vector<InputError> bad_entries;
  std::int64_t num_duplicate_keys = 0;
};

// Parses a manifest or an index; layers and config are filled in for images only. Throws InputError
// without source when the text is not one: not JSON, nested too deep, larger than `max_bytes`, both
// `layers` and `manifests`, neither, an unknown schemaVersion, a bad descriptor of an image.
[[nodiscard]] Manifest ParseManifest(std::string_view text,
                                     std::size_t max_bytes = kMaxManifestBytes);

// What an entry of an index is as far as it says itself; kImage and kIndex are to be opened.
[[nodiscard]] ManifestKind KindOf(const Descriptor& descriptor);

struct HistoryEntry {
  std::string created_by;
  std::string created;       // RFC 3339, as given
  bool empty_layer = false;  // made no layer
};

struct ImageConfig {
  std::string platform;  // "os/arch[/variant]", empty when not given
  bool is_windows = false;
  std::string created;  // RFC 3339, as given
  std::vector<ParsedDigest> diff_ids;
  std::vector<HistoryEntry> history;
  Annotations labels;
  std::string
      entry_point;  // Image::entry_point of planner/fleet/fleet.h; empty when nothing is started
  std::string search_path;  // of a bare name: the config's PATH, else what runtimes take
  std::int64_t num_duplicate_keys = 0;
};

// Parses an image config (OCI and docker). Throws InputError without source, as ParseManifest does.
[[nodiscard]] ImageConfig ParseImageConfig(std::string_view text);

// What an image's config adds to what its manifest says of it.

// Fills in what `record`, made from a manifest, does not say yet; `record` keeps views of `config`.
// Lists that do not match the layers are left out with a warning, as are duplicate keys; `path` is
// what the warning calls the config.
void ApplyConfig(const ImageConfig& config, const std::string& path, ImageRecord& record,
                 ReadReport& report);

// Counts members of a JSON document at `path` that a later one replaces.
void CountDuplicateKeys(std::int64_t count, const std::string& path, ReadReport& report);

}  // namespace gneiss
