#include "io/source/fleet_snapshot.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "io/source/fleet_line_writer.h"
#include "io/text/screen_text.h"
#include "planner/fleet/fleet_builder.h"

namespace gneiss {
namespace {

class SnapshotWriter {
 public:
  SnapshotWriter(const Fleet& fleet, const std::function<void(std::string_view line)>& write)
      : fleet_(fleet), write_(write) {}

  void Write() {
    // Each pool's nodes once, with the first image on it.
    is_pool_told_.assign(fleet_.pools.size(), false);
    for (const Image& image : fleet_.images) WriteImage(image);
  }

 private:
  void WriteImage(const Image& image) {
    const std::span<const TextIndex> refs = fleet_.refs_of(image);
    record_.Clear();
    texts_.clear();
    texts_.reserve(1 + image.num_layers);
    FillIdentity(image);
    FillDetails(image);
    const std::vector<std::vector<LabelRecord>> labels = LabelsByLine(image);
    const std::size_t num_lines = std::max({refs.size(), labels.size(), std::size_t{1}});
    for (std::size_t i = 0; i < num_lines; ++i) {
      if (i == 1) ForgetDetails();
      record_.ref =
          refs.empty() ? std::string_view() : fleet_.text(refs[std::min(i, refs.size() - 1)]);
      record_.labels = i < labels.size() ? labels[i] : std::vector<LabelRecord>();
      line_.clear();
      AppendFleetLine(record_, FleetLineStyle::kFull, line_);
      // Fleet files are read by people too.
      line_ = PrintableJson(std::move(line_));
      write_(line_);
    }
  }

  // What tells the image from others.
  void FillIdentity(const Image& image) {
    if (image.has_manifest_digest) {
      texts_.push_back(fleet_.digest_text(image.identity, false));
      record_.manifest_digest = image.identity;
      record_.manifest_digest_text = texts_.back();
      record_.manifest_verifiable = texts_.back() == FormatDigest(image.identity);
    }
    if (image.has_config) record_.config_digest = image.config_digest;
    for (const LayerIndex l : fleet_.chain(image)) {
      const Layer& layer = fleet_.layers[l];
      LayerRecord& made = record_.layers.emplace_back();
      made.digest = layer.digest;
      made.verifiable = layer.verifiable;
      made.size = layer.size;
      if (!layer.verifiable) {
        texts_.push_back(fleet_.digest_text(layer));
        made.digest_text = texts_.back();
      }
    }
  }

  void FillDetails(const Image& image) {
    record_.platform = fleet_.text(image.platform);
    record_.config_size = image.config_size;
    record_.manifest_size = image.manifest_size;
    record_.created = fleet_.text(image.created);
    record_.entry_point = fleet_.text(image.entry_point);
    record_.search_path = fleet_.text(image.search_path);
    record_.pulls = image.pulls;
    for (std::size_t i = 0; i < record_.layers.size(); ++i) {
      const Layer& layer = fleet_.layers[fleet_.chain(image)[i]];
      LayerRecord& made = record_.layers[i];
      made.foreign = layer.foreign;
      made.uncompressed_size = layer.uncompressed_size;
      if (layer.diff_id != kNone) made.diff_id = fleet_.diff_ids[layer.diff_id];
      made.created_by = fleet_.text(layer.created_by);
      made.media_type = fleet_.text(layer.media_type);
    }
    for (const Step& step : fleet_.history(image)) {
      record_.steps.push_back({.created_by = fleet_.text(step.created_by),
                               .created = fleet_.text(step.created),
                               .makes_layer = step.makes_layer});
    }
    for (const PoolIndex p : fleet_.pools_of(image)) {
      const Pool& pool = fleet_.pools[p];
      PoolRecord& made = record_.pools.emplace_back();
      made.name = fleet_.text(pool.name);
      if (!is_pool_told_[p]) made.nodes = pool.nodes;
      is_pool_told_[p] = true;
    }
  }

  void ForgetDetails() {
    record_.config_size = record_.manifest_size = kUnknownSize;
    record_.created = record_.entry_point = record_.search_path = {};
    record_.pulls.reset();
    record_.steps.clear();
    record_.pools.clear();
    for (LayerRecord& layer : record_.layers) {
      layer.foreign = false;
      layer.uncompressed_size = kUnknownSize;
      layer.diff_id.reset();
      layer.created_by = layer.media_type = {};
    }
  }

  // An object has each key once: the n-th value of a key goes to the n-th line.
  std::vector<std::vector<LabelRecord>> LabelsByLine(const Image& image) const {
    std::vector<std::vector<LabelRecord>> lines;
    std::size_t line = 0;
    TextIndex key = 0;
    for (const Label& label : fleet_.labels_of(image)) {
      line = lines.empty() || label.key != key ? 0 : line + 1;
      key = label.key;
      if (lines.size() <= line) lines.resize(line + 1);
      lines[line].push_back({.key = fleet_.text(key), .value = fleet_.text(label.value)});
    }
    return lines;
  }

  const Fleet& fleet_;
  const std::function<void(std::string_view line)>& write_;
  std::vector<bool> is_pool_told_;
  ImageRecord record_;
  std::vector<std::string> texts_;  // reserved: views into it stay
  std::string line_;
};

}  // namespace

void WriteFleetLines(const Fleet& fleet, const std::function<void(std::string_view line)>& write) {
  SnapshotWriter(fleet, write).Write();
}

}  // namespace gneiss
