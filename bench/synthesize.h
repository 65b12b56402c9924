// A made-up registry of any size that resembles Docker Hub (bench/fleet_shape.h has the figures):
// the history of its repositories, one push after the other, from a seed.
//
// Sharing comes about as it does in life. Repositories hold lines (a version of a variant), a line
// is a run of tags. A line starts FROM an earlier image, on a root of its own, or on the first
// steps of its repository's previous line. Of a line's chain the lower part is rebuilt when its
// base moves or its dependencies do, after a run of tags; the upper part with each tag. Some tags
// change only the configuration. Some builders repeat the empty layer, some reproduce layers that
// other chains have, and some bases are pushed again by another tool: same contents, other digests.
// Released tags get aliases, some lines have several platforms.
//
// Leaves out: contents of layers (digests are numbers made wide, not hashes of anything), deleted
// tags, attestations, digests other than sha256, everything that is wrong in a hostile fleet.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/source/fleet_line_writer.h"
#include "planner/fleet/fleet_builder.h"

namespace gneiss {

struct SynthesisOptions {
  std::int64_t num_images = 1000;  // distinct manifests; aliases come on top
  std::uint64_t seed = 1;
  // Give layers their instruction and diff_id, images their configuration, time and labels. Without
  // it the images, layers, sizes and pulls are the same ones, made faster.
  bool details = true;
};

struct SyntheticLayer {
  Digest digest;
  Bytes size = 0;
  std::optional<Digest> diff_id;
  std::string_view media_type;  // static; empty without details
  std::string created_by;
};

struct SyntheticLabel {
  std::string_view key;  // static
  std::string value;
};

// One ref of one image. An alias repeats its image in all but ref and pulls.
struct SyntheticImage {
  std::string ref;
  std::string_view platform;  // static
  Digest manifest_digest;
  std::optional<Digest> config_digest;
  Bytes config_size = kUnknownSize;
  Bytes manifest_size = kUnknownSize;
  std::string created;
  std::optional<std::int64_t> pulls;
  std::vector<SyntheticLayer> layers;
  std::vector<SyntheticLabel> labels;

  // Views into this image.
  void CopyTo(ImageRecord& record) const;
};

// A short fleet is the beginning of a long one: num_images only ends what Next gives. Memory grows
// with the images that others build on, some 6 % of all: 20 MiB at a million images.
class FleetSynthesizer {
 public:
  // REQUIRES: options.num_images >= 0.
  explicit FleetSynthesizer(const SynthesisOptions& options);
  ~FleetSynthesizer();

  // Replaces `image` by the next one and returns true, or returns false at the end. Reuses the
  // storage that `image` brings.
  bool Next(SyntheticImage& image);

 private:
  class Registry;
  std::unique_ptr<Registry> registry_;
};

// Writes the fleet as NDJSON in blocks of about 1 MiB. What `write` throws passes through.
void WriteSyntheticFleet(const SynthesisOptions& options, FleetLineStyle style,
                         const std::function<void(std::string_view)>& write);

// Adds the fleet to `builder` without the way through text.
void AddSyntheticFleet(const SynthesisOptions& options, FleetBuilder& builder);

}  // namespace gneiss
