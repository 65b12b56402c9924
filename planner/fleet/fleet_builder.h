// Collects images from any number of sources and makes the Fleet of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// One image as a source gives it. Views need to live for the call to FleetBuilder::Add only.
struct LayerRecord {
  Digest digest;
  bool verifiable = true;
  bool foreign = false;
  Bytes size = 0;
  Bytes uncompressed_size = kUnknownSize;
  std::optional<Digest> diff_id;
  std::string_view created_by;
  std::string_view media_type;
  std::string_view digest_text;  // needed only when !verifiable
};

struct LabelRecord {
  std::string_view key;
  std::string_view value;
};

struct StepRecord {
  std::string_view created_by;
  std::string_view created;
  bool makes_layer = true;
};

struct PoolRecord {
  std::string_view name;
  std::optional<std::int64_t> nodes;  // nullopt: given with the pool's name elsewhere
};

struct ImageRecord {
  std::string_view ref;       // may be empty
  std::string_view platform;  // may be empty
  bool is_windows = false;    // its config says so, whatever the platform; or the platform does
  std::optional<Digest> manifest_digest;
  bool manifest_verifiable = true;
  std::string_view manifest_digest_text;  // needed only when !manifest_verifiable
  std::optional<Digest> config_digest;
  Bytes config_size = kUnknownSize;
  Bytes manifest_size = kUnknownSize;
  std::string_view created;
  std::string_view entry_point;
  std::string_view search_path;
  std::optional<std::int64_t> pulls;
  std::vector<LayerRecord> layers;
  std::vector<StepRecord> steps;  // the image's history, may be empty
  std::vector<LabelRecord> labels;
  std::vector<PoolRecord> pools;

  void Clear();
};

// Contradictions that do not make an image unusable; the first or smallest value is kept.
struct FleetWarnings {
  std::int64_t twin_diff_ids = 0;      // layers: one digest, several diff_ids: the smallest is kept
  std::int64_t empty_chains = 0;       // images without layers
  std::int64_t repeated_layers = 0;    // a digest more than once in one manifest (distinct images)
  std::int64_t several_platforms = 0;  // images under several platforms: the smallest is kept
  std::int64_t unverifiable = 0;       // distinct layers whose digest is not a sha256
  std::int64_t images_without_pool = 0;  // while other images have one
};

class FleetBuilder {
 public:
  FleetBuilder();

  // Add refuses images with more layers. 0: any number, as before the call.
  void LimitLayers(std::int64_t max_layers) { max_layers_ = max_layers; }

  // Adds one image, or one more ref of an image already there. Copies what it keeps.
  // Throws InputError, and leaves the builder as it was, when a digest comes with a second size, a
  // manifest digest with a second list of layers, or a pool with a second number of nodes; when the
  // image has too many layers, or is so large or so often pulled that sums over the fleet would
  // suffer.
  void Add(const ImageRecord& record);

  std::int64_t num_images() const { return static_cast<std::int64_t>(fleet_.images.size()); }

  // The fleet in canonical order. Call once; the builder is empty afterwards. Throws InputError
  // when a pool was named that no line gave nodes for, or when sums of sizes leave int64.
  Fleet Build(FleetWarnings* warnings = nullptr);

 private:
  // Something that lines say of an image, kept flat until Build sorts it by image.
  template <typename Value>
  struct Said {
    ImageIndex image;
    Value value;

    friend auto operator<=>(const Said&, const Said&) = default;
  };

  void Validate(const ImageRecord& record, ImageIndex known_image) const;
  void ValidateSums(const ImageRecord& record, ImageIndex known_image) const;
  void AddToSums(const ImageRecord& record, bool is_new);
  void ValidatePools(const ImageRecord& record) const;
  LayerIndex InternLayer(const LayerRecord& record);
  std::uint32_t InternSteps(const std::vector<StepRecord>& steps);
  void Merge(ImageIndex index, const ImageRecord& record);
  void KeepOpaque(const Digest& key, std::string_view text);
  void CheckPools() const;
  void OrderImages();
  void OrderLayers();
  void ShareConfigSizes();

  std::int64_t max_layers_ = 0;
  Bytes logical_bytes_ = 0;  // of all images, and what their pulls move
  Bytes moved_bytes_ = 0;
  Fleet fleet_;
  std::vector<Said<TextIndex>> refs_;
  std::vector<Said<Label>> labels_;
  std::vector<Said<PoolIndex>> pools_;
  std::vector<std::uint8_t> pulls_given_;  // per image
  DigestIndex image_index_;
  DigestIndex layer_index_;
  DigestIndex diff_id_index_;
  std::unordered_map<TextIndex, PoolIndex> pool_index_;
  struct StepHash {
    std::size_t operator()(const Step& step) const;
  };
  std::unordered_map<Step, std::uint32_t, StepHash> step_index_;
  std::unordered_set<LayerIndex> has_two_diff_ids_;
  std::unordered_set<ImageIndex> has_two_platforms_;
  FleetWarnings warnings_;
};

}  // namespace gneiss
