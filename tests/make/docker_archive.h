// Archives as `docker save` writes them, made in memory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "planner/fleet/digest.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {

inline std::string JsonTexts(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "\"" : ",\"") + text + "\"";
  return "[" + list + "]";
}

// A config with the diff_ids of `layers`, uncompressed tars; `more` is added to it.
inline std::string ConfigOf(const std::vector<std::string>& layers, const std::string& more = "") {
  std::vector<std::string> ids;
  for (const std::string& layer : layers) ids.push_back(FormatDigest(Sha256(layer)));
  return R"({"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":)" +
         JsonTexts(ids) + "}" + more + "}";
}

// An entry of manifest.json.
inline std::string SavedAs(const std::string& config, const std::vector<std::string>& refs,
                           const std::vector<std::string>& layers) {
  return R"({"Config":")" + config + R"(","RepoTags":)" +
         (refs.empty() ? "null" : JsonTexts(refs)) + R"(,"Layers":)" + JsonTexts(layers) + "}";
}

inline std::string SavedManifest(const std::string& entries) {
  return File("manifest.json", "[" + entries + "]");
}

}  // namespace gneiss
