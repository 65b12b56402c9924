#include "io/apply/image_rewriter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/json/json_edit.h"
#include "io/json/json_writer.h"
#include "io/source/manifest.h"
#include "io/text/rfc3339.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::string_view kOciManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kOciConfigType = "application/vnd.oci.image.config.v1+json";
constexpr std::string_view kDockerManifestType =
    "application/vnd.docker.distribution.manifest.v2+json";
constexpr std::string_view kDockerConfigType = "application/vnd.docker.container.image.v1+json";

std::string_view LayerType(LayerCodec codec, bool is_docker) {
  if (is_docker) {
    return codec == LayerCodec::kGzip ? "application/vnd.docker.image.rootfs.diff.tar.gzip"
                                      : "application/vnd.docker.image.rootfs.diff.tar";
  }
  switch (codec) {
    case LayerCodec::kGzip:
      return "application/vnd.oci.image.layer.v1.tar+gzip";
    case LayerCodec::kZstd:
      return "application/vnd.oci.image.layer.v1.tar+zstd";
    case LayerCodec::kTar:
      break;
  }
  return "application/vnd.oci.image.layer.v1.tar";
}

std::string DescriptorText(std::string_view type, const Digest& digest, Bytes size) {
  return Json({{"mediaType", type}, {"digest", FormatDigest(digest)}, {"size", size}}).dump();
}

std::string ArrayText(std::span<const std::string> elements) {
  return fmt::format("[{}]", fmt::join(elements, ","));
}

// One entry of a history, in the text of its config.
struct HistoryItem {
  std::string_view text;
  const HistoryEntry* entry;
};

std::string NewestOf(std::span<const HistoryItem> items) {
  std::string newest;
  std::optional<UtcTime> newest_time;
  for (const HistoryItem& item : items) {
    const std::optional<UtcTime> time = ParseRfc3339(item.entry->created);
    if (!time || (newest_time && *time <= *newest_time)) continue;
    newest_time = time;
    newest = item.entry->created;
  }
  return newest;
}

// The entry of a layer made of contents.
std::string MadeEntry(const ChainLayer& layer, const std::string& created) {
  Json entry = Json::object();
  if (!created.empty()) entry["created"] = created;
  entry["created_by"] = layer.created_by;
  if (!layer.comment.empty()) entry["comment"] = layer.comment;
  return entry.dump();
}

// The entries of layers that became one: the last of them, with the instructions of all.
std::string JoinedEntry(std::span<const HistoryItem> items, const ChainLayer& layer) {
  std::string created_by;
  for (const HistoryItem& item : items) {
    const std::string_view whole = item.entry->created_by;
    const std::string_view line = whole.substr(0, whole.find('\n'));
    if (line.empty()) continue;
    if (!created_by.empty()) created_by += " && ";
    created_by += line;
  }
  const std::string_view last = items.back().text;
  JsonEdit edit(last);
  if (const std::string created = NewestOf(items); !created.empty()) {
    edit.Set(last, "created", JsonText(created));
  }
  edit.Set(last, "created_by", JsonText(created_by));
  edit.Set(last, "comment", JsonText(layer.comment));
  return std::move(edit).Finish();
}

class HistoryRewriter {
 public:
  HistoryRewriter(std::string_view history, const ImageConfig& config) {
    const std::vector<std::string_view> elements = ElementsOf(history);
    for (std::size_t i = 0; i < elements.size(); ++i) {
      // An entry that says nothing, to Go, and becomes one that can be added to.
      const std::string_view text = elements[i] == "null" ? "{}" : elements[i];
      items_.push_back({.text = text, .entry = &config.history[i]});
      if (!config.history[i].empty_layer) makers_.push_back(items_.back());
    }
  }

  std::string Rewrite(std::span<const ChainLayer> layers, std::size_t num_old_layers) const {
    std::vector<std::string> entries;
    if (makers_.size() != num_old_layers) {
      for (const HistoryItem& item : items_) entries.push_back(AsEmpty(item));
      for (const ChainLayer& layer : layers) entries.push_back(Unexplained(layer));
    } else if (std::ranges::all_of(layers, [](const ChainLayer& l) { return l.num_layers == 0; })) {
      const std::string created = NewestOf(makers_);
      for (const ChainLayer& layer : layers) entries.push_back(MadeEntry(layer, created));
      for (const HistoryItem& item : items_) {
        if (item.entry->empty_layer) entries.emplace_back(item.text);
      }
    } else {
      AddJoined(layers, entries);
    }
    return ArrayText(entries);
  }

 private:
  void AddJoined(std::span<const ChainLayer> layers, std::vector<std::string>& entries) const {
    std::size_t layer = 0;
    std::size_t position = 0;
    for (const HistoryItem& item : items_) {
      if (item.entry->empty_layer) {
        entries.emplace_back(item.text);
        continue;
      }
      const ChainLayer& at = layers[layer];
      if (++position < std::size_t{at.first} + at.num_layers) continue;
      ++layer;
      entries.push_back(at.num_layers == 1
                            ? std::string(item.text)
                            : JoinedEntry(std::span(makers_).subspan(at.first, at.num_layers), at));
    }
  }

  static std::string AsEmpty(const HistoryItem& item) {
    if (item.entry->empty_layer) return std::string(item.text);
    JsonEdit edit(item.text);
    edit.Set(item.text, "empty_layer", "true");
    return std::move(edit).Finish();
  }

  static std::string Unexplained(const ChainLayer& layer) {
    ChainLayer named = layer;
    if (named.created_by.empty()) {
      named.created_by = layer.is_new ? "gneiss: joined layers" : "gneiss: a layer as it was";
    }
    return MadeEntry(named, {});
  }

  std::vector<HistoryItem> items_;
  std::vector<HistoryItem> makers_;  // those that made a layer
};

std::string DiffIds(const ImageConfig& config, std::span<const ChainLayer> layers,
                    std::size_t num_old_layers) {
  std::vector<std::string> ids;
  const bool has_all = config.diff_ids.size() == num_old_layers;
  for (const ChainLayer& layer : layers) {
    // Of a kept layer the config's own, whatever its algorithm.
    if (!layer.is_new && has_all && config.diff_ids[layer.first].verifiable) {
      ids.push_back(JsonText(FormatDigest(config.diff_ids[layer.first].digest)));
      continue;
    }
    if (!layer.diff_id) {
      throw InputError(
          fmt::format("rootfs.diff_ids: expected a sha256 for each of {} layers, found "
                      "{}",
                      num_old_layers, config.diff_ids.size()));
    }
    ids.push_back(JsonText(FormatDigest(*layer.diff_id)));
  }
  return ArrayText(ids);
}

// Of "os/arch[/variant]".
Json PlatformJson(std::string_view platform) {
  const std::size_t slash = platform.find('/');
  const std::string_view rest =
      slash == std::string_view::npos ? std::string_view() : platform.substr(slash + 1);
  const std::size_t second = rest.find('/');
  Json json = {{"architecture", rest.substr(0, second)}, {"os", platform.substr(0, slash)}};
  if (second != std::string_view::npos) json["variant"] = rest.substr(second + 1);
  return json;
}

bool IsDocker(const Manifest& manifest) {
  return manifest.media_type == kDockerManifestType ||
         (manifest.media_type.empty() && manifest.config->media_type == kDockerConfigType);
}

// What is rewritten stands once more under a name that Go takes for the same, and would win there.
[[noreturn]] void ThrowOtherSpelling(std::string_view document, std::string_view name) {
  throw InputError(fmt::format(
      "expected a {} with {} once, found it again or in other spelling; build the image anew",
      document, name));
}

bool HasDiffIds(const ImageConfig& config, std::string_view diff_ids) {
  const std::vector<std::string_view> elements = ElementsOf(diff_ids);
  return std::ranges::equal(elements, config.diff_ids, {}, {},
                            [](const auto& id) { return JsonText(FormatDigest(id.digest)); });
}

}  // namespace

std::string RewriteConfig(std::string_view config, std::span<const ChainLayer> layers,
                          std::size_t num_old_layers) {
  const ImageConfig parsed = ParseImageConfig(config);
  const std::string_view root = TrimJson(config);
  JsonEdit edit(config);
  const std::string diff_ids = DiffIds(parsed, layers, num_old_layers);
  if (const std::string_view rootfs = FindMember(root, "rootfs"); !rootfs.empty()) {
    edit.Set(rootfs, "diff_ids", diff_ids);
  } else {
    edit.Set(root, "rootfs", R"({"type":"layers","diff_ids":)" + diff_ids + "}");
  }
  std::size_t num_entries = parsed.history.size();
  if (const std::string_view history = FindMember(root, "history"); !parsed.history.empty()) {
    if (ElementsOf(history).size() != num_entries) ThrowOtherSpelling("config", "history");
    const std::string entries = HistoryRewriter(history, parsed).Rewrite(layers, num_old_layers);
    num_entries = ElementsOf(entries).size();
    edit.Set(root, "history", entries);
  }
  std::string rewritten = std::move(edit).Finish();
  const ImageConfig found = ParseImageConfig(rewritten);
  if (!HasDiffIds(found, diff_ids)) ThrowOtherSpelling("config", "rootfs.diff_ids");
  if (found.history.size() != num_entries) ThrowOtherSpelling("config", "history");
  return rewritten;
}

std::string RewriteManifest(std::string_view manifest, std::span<const ChainLayer> layers,
                            LayerCodec codec, std::string_view new_config,
                            const BaseReference* base) {
  const Manifest parsed = ParseManifest(manifest);
  if (parsed.kind != ManifestKind::kImage) {
    throw InputError(fmt::format("expected an image manifest, found an {}", NameOf(parsed.kind)));
  }
  const bool is_docker = IsDocker(parsed);
  if (is_docker && codec == LayerCodec::kZstd) {
    throw InputError(
        "expected an OCI manifest for layers in zstd, found one of docker's, which has no such "
        "layers; --compression gzip writes what it has");
  }
  const std::string_view root = TrimJson(manifest);
  const std::vector<std::string_view> old_layers = ElementsOf(FindMember(root, "layers"));
  if (old_layers.size() < parsed.layers.size()) ThrowOtherSpelling("manifest", "layers");
  std::vector<std::string> descriptors;
  for (const ChainLayer& layer : layers) {
    descriptors.push_back(
        layer.is_new ? DescriptorText(LayerType(codec, is_docker), layer.digest, layer.size)
                     : std::string(old_layers[layer.first]));
  }
  JsonEdit edit(manifest);
  edit.Set(root, "config", RewriteDescriptor(FindMember(root, "config"), new_config));
  edit.Set(root, "layers", ArrayText(descriptors));
  if (base != nullptr) {
    const std::string_view annotations = FindMember(root, "annotations");
    const std::string_view old = annotations.empty() ? "{}" : annotations;
    JsonEdit named(old);
    named.Set(old, "org.opencontainers.image.base.name", JsonText(base->name));
    named.Set(old, "org.opencontainers.image.base.digest", JsonText(base->digest_text));
    edit.Set(root, "annotations", std::move(named).Finish());
  }
  std::string rewritten = std::move(edit).Finish();
  const Manifest found = ParseManifest(rewritten);
  if (!found.config || !found.config->digest.verifiable ||
      found.config->digest.digest != Sha256(new_config)) {
    ThrowOtherSpelling("manifest", "config");
  }
  if (!std::ranges::equal(found.layers, layers, [&](const auto& left, const ChainLayer& layer) {
        return layer.is_new ? left.digest.verifiable && left.digest.digest == layer.digest
                            : left.digest_text == parsed.layers[layer.first].digest_text;
      })) {
    ThrowOtherSpelling("manifest", "layers");
  }
  return rewritten;
}

std::string RewriteDescriptor(std::string_view descriptor, std::string_view new_content) {
  JsonEdit edit(descriptor);
  edit.Set(descriptor, "digest", JsonText(FormatDigest(Sha256(new_content))));
  edit.Set(descriptor, "size", std::to_string(new_content.size()));
  const std::string resized = std::move(edit).Finish();
  JsonEdit without(resized);
  without.Remove(resized, "data");
  return std::move(without).Finish();
}

std::string MakeConfig(std::string_view platform, std::span<const ChainLayer> layers) {
  Json config = PlatformJson(platform);
  config["config"] = Json::object();
  Json diff_ids = Json::array();
  Json history = Json::array();
  for (const ChainLayer& layer : layers) {
    diff_ids.push_back(FormatDigest(*layer.diff_id));
    history.push_back({{"created_by", layer.created_by}, {"comment", layer.comment}});
  }
  config["rootfs"] = {{"type", "layers"}, {"diff_ids", std::move(diff_ids)}};
  config["history"] = std::move(history);
  return config.dump();
}

std::string MakeDescriptor(std::string_view manifest, std::string_view platform,
                           std::string_view name) {
  Json descriptor = {{"mediaType", kOciManifestType},
                     {"digest", FormatDigest(Sha256(manifest))},
                     {"size", manifest.size()}};
  if (!platform.empty()) descriptor["platform"] = PlatformJson(platform);
  descriptor["annotations"] = {{"org.opencontainers.image.ref.name", name}};
  return descriptor.dump();
}

std::string MakeManifest(std::span<const ChainLayer> layers, LayerCodec codec,
                         std::string_view config, const BaseReference* base) {
  const std::string bare = fmt::format(
      R"({{"schemaVersion":2,"mediaType":"{}","config":{},"layers":[]}})", kOciManifestType,
      DescriptorText(kOciConfigType, Sha256(config), std::ssize(config)));
  return RewriteManifest(bare, layers, codec, config, base);
}

}  // namespace gneiss
