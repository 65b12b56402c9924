#include "io/source/fleet_line_writer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/bytes/line_reader.h"
#include "io/source/fleet_line.h"
#include "io/text/screen_text.h"
#include "planner/fleet/fleet_builder.h"

namespace gneiss {
namespace {

// `text` as a JSON string. Bytes from 0x20 up are passed on as they are.
void AppendString(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

// The keys are ours and need no escape; `key` carries its comma, e.g. ",\"size\":".
void AppendText(std::string_view key, std::string_view text, std::string& out) {
  if (text.empty()) return;
  out += key;
  AppendString(text, out);
}

void AppendNumber(std::string_view key, std::int64_t number, std::string& out) {
  out += key;
  const fmt::format_int digits(number);
  out.append(digits.data(), digits.size());
}

void AppendDigest(std::string_view key, const Digest& digest, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  char hex[64];
  for (std::size_t i = 0; i < 32; ++i) {
    hex[2 * i] = kHex[digest.bytes[i] >> 4];
    hex[2 * i + 1] = kHex[digest.bytes[i] & 15];
  }
  out += key;
  out += "\"sha256:";
  out.append(hex, sizeof hex);
  out += '"';
}

void AppendLayer(const LayerRecord& layer, bool full, std::string& out) {
  if (layer.verifiable) {
    AppendDigest("{\"digest\":", layer.digest, out);
  } else {
    AppendText("{\"digest\":", layer.digest_text, out);
  }
  AppendNumber(",\"size\":", layer.size, out);
  if (full) {
    AppendText(",\"media_type\":", layer.media_type, out);
    if (layer.diff_id) AppendDigest(",\"diff_id\":", *layer.diff_id, out);
    if (layer.uncompressed_size != kUnknownSize) {
      AppendNumber(",\"uncompressed_size\":", layer.uncompressed_size, out);
    }
    AppendText(",\"created_by\":", layer.created_by, out);
    // Where it is stored instead is not known, only that it is elsewhere.
    if (layer.foreign) out += ",\"urls\":[\"\"]";
  }
  out += '}';
}

void AppendLabels(const std::vector<LabelRecord>& labels, std::string& out) {
  if (labels.empty()) return;
  out += ",\"labels\":{";
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) out += ',';
    AppendString(labels[i].key, out);
    out += ':';
    AppendString(labels[i].value, out);
  }
  out += '}';
}

void AppendHistory(const std::vector<StepRecord>& steps, std::string& out) {
  if (steps.empty()) return;
  out += ",\"history\":[";
  for (std::size_t i = 0; i < steps.size(); ++i) {
    out += i > 0 ? ",{\"created_by\":" : "{\"created_by\":";
    AppendString(steps[i].created_by, out);
    AppendText(",\"created\":", steps[i].created, out);
    if (!steps[i].makes_layer) out += ",\"empty_layer\":true";
    out += '}';
  }
  out += ']';
}

void AppendPools(const std::vector<PoolRecord>& pools, std::string& out) {
  if (pools.empty()) return;
  out += ",\"pools\":[";
  for (std::size_t i = 0; i < pools.size(); ++i) {
    out += i > 0 ? ",{\"name\":" : "{\"name\":";
    AppendString(pools[i].name, out);
    if (pools[i].nodes) AppendNumber(",\"nodes\":", *pools[i].nodes, out);
    out += '}';
  }
  out += ']';
}

}  // namespace

void AppendFleetLine(const ImageRecord& record, FleetLineStyle style, std::string& text) {
  const bool full = style == FleetLineStyle::kFull;
  text += "{\"ref\":";
  AppendString(record.ref, text);
  AppendText(",\"platform\":", record.platform, text);
  if (record.manifest_digest && record.manifest_verifiable) {
    AppendDigest(",\"manifest_digest\":", *record.manifest_digest, text);
  } else if (record.manifest_digest) {
    AppendText(",\"manifest_digest\":", record.manifest_digest_text, text);
  }
  if (full) {
    if (record.manifest_size != kUnknownSize) {
      AppendNumber(",\"manifest_size\":", record.manifest_size, text);
    }
    if (record.config_digest) AppendDigest(",\"config_digest\":", *record.config_digest, text);
    if (record.config_size != kUnknownSize) {
      AppendNumber(",\"config_size\":", record.config_size, text);
    }
    AppendText(",\"created\":", record.created, text);
    AppendText(",\"entry_point\":", record.entry_point, text);
    AppendText(",\"search_path\":", record.search_path, text);
    AppendLabels(record.labels, text);
    AppendHistory(record.steps, text);
    AppendPools(record.pools, text);
  }
  if (record.pulls) AppendNumber(",\"pulls\":", *record.pulls, text);
  text += ",\"layers\":[";
  for (std::size_t i = 0; i < record.layers.size(); ++i) {
    if (i > 0) text += ',';
    AppendLayer(record.layers[i], full, text);
  }
  text += "]}\n";
}

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

Fleet JoinFleets(const Fleet& first, const Fleet& second) {
  FleetBuilder builder;
  FleetLineParser parser;
  std::string padded;
  const auto add = [&](std::string_view line) {
    padded.assign(line);
    padded.append(LineReader::kPadding, '\0');
    const FleetLine parsed = parser.Parse(std::string_view(padded).substr(0, line.size()));
    if (parsed.image != nullptr) builder.Add(*parsed.image);
  };
  WriteFleetLines(first, add);
  WriteFleetLines(second, add);
  return builder.Build();
}

}  // namespace gneiss
