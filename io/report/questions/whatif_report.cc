#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "io/report/questions/whatif.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {

std::string NameWithPlatform(const Fleet& fleet, ImageIndex image) {
  const Image& named = fleet.images[image];
  std::string name = fleet.name(named);
  if (named.num_refs > 1) name += fmt::format(" +{}", named.num_refs - 1);
  const bool several = std::ranges::any_of(
      fleet.images, [&](const Image& other) { return other.platform != named.platform; });
  if (several && named.platform != 0) name.append(" ").append(fleet.text(named.platform));
  return Printable(name);
}

Json ImageJson(const Fleet& fleet, ImageIndex image) {
  const Image& named = fleet.images[image];
  Json refs = Json::array();
  for (const TextIndex ref : fleet.refs_of(named)) refs.push_back(fleet.text(ref));
  Json row = {{"refs", std::move(refs)}};
  if (named.platform != 0) row["platform"] = fleet.text(named.platform);
  if (named.has_manifest_digest) row["manifest_digest"] = fleet.digest_text(named.identity, false);
  return row;
}

void WriteWhatifHead(const WhatifQuestion& question, JsonWriter& json) {
  json.Field("schema", "gneiss.whatif/1");
  json.Field("question", question.name);
  json.Field("scope", ScopeName(question.scope));
  json.Field("layers_only", question.layers_only);
  json.Field("bad_images", question.bad_images);
  json.Field("images", question.fleet->images.size());
}

void PrintWhatifNotes(const WhatifQuestion& question, const ScreenStyle& style, std::ostream& out) {
  const auto preset = std::ranges::find(ScopePresets(), question.scope, &ScopePreset::scope);
  std::string counted = "layers only";
  if (!question.layers_only) {
    const Fleet& fleet = *question.fleet;
    const auto unknown = std::ranges::count_if(fleet.images, [](const Image& image) {
      return image.config_size == kUnknownSize || image.manifest_size == kUnknownSize;
    });
    counted = "layers, configs, manifests";
    if (unknown > 0) {
      counted += fmt::format(" (not of known size in {})", FormatCounted(unknown, "image"));
    }
  }
  out << Dim(fmt::format("scope {}: {}; {}", preset->name, preset->why, UnitsNote(style.units)),
             style)
      << '\n'
      << Dim("counted: " + counted, style) << '\n';
}

std::string SizeInWords(Bytes size, const ScreenStyle& style) {
  const std::string text = FormatBytes(size, style.units);
  return style.units == ByteUnits::kRaw ? text + " bytes" : text;
}

}  // namespace gneiss
