#include "io/source/fleet_line_writer.h"

#include <cstdint>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

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

}  // namespace gneiss
