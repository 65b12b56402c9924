#include "io/source/manifest.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "io/json/go_json.h"
#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "planner/fleet/platform.h"

namespace gneiss {

void CountDuplicateKeys(std::int64_t count, const std::string& path, ReadReport& report) {
  if (count > 0) report.AddWarning("duplicate JSON key", path, count);
}

void ApplyConfig(const ImageConfig& config, const std::string& path, ImageRecord& record,
                 ReadReport& report) {
  CountDuplicateKeys(config.num_duplicate_keys, path, report);
  if (record.platform.empty()) record.platform = config.platform;
  record.is_windows |= config.is_windows;
  record.created = config.created;
  record.entry_point = config.entry_point;
  record.search_path = config.search_path;
  // The annotations come sorted; both lists may be long in a hostile image.
  const std::size_t num_annotations = record.labels.size();
  for (const auto& [key, value] : config.labels) {
    const auto annotations = std::span(record.labels).first(num_annotations);
    if (!std::ranges::binary_search(annotations, key, {}, &LabelRecord::key)) {
      record.labels.push_back({key, value});
    }
  }
  if (config.diff_ids.size() == record.layers.size()) {
    for (std::size_t i = 0; i < record.layers.size(); ++i) {
      record.layers[i].diff_id = config.diff_ids[i].digest;
    }
  } else if (!config.diff_ids.empty()) {
    report.AddWarning("diff_ids do not match layers", path);
  }
  for (const HistoryEntry& entry : config.history) {
    record.steps.push_back({.created_by = entry.created_by,
                            .created = entry.created,
                            .makes_layer = !entry.empty_layer});
  }
  const auto num_instructions =
      std::ranges::count(config.history, false, &HistoryEntry::empty_layer);
  if (num_instructions == std::ssize(record.layers)) {
    auto layer = record.layers.begin();
    for (const HistoryEntry& entry : config.history) {
      if (!entry.empty_layer) (layer++)->created_by = entry.created_by;
    }
  } else if (!config.history.empty()) {
    report.AddWarning("history does not match layers", path);
  }
}

namespace {

constexpr std::string_view kCosignMediaTypes = "application/vnd.dev.cosign.";
constexpr std::string_view kUnknownPlatform = "unknown/unknown";

constexpr std::array<std::string_view, 2> kManifestMediaTypes = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json"};
constexpr std::array<std::string_view, 2> kIndexMediaTypes = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json"};
constexpr std::array<std::string_view, 2> kSchema1MediaTypes = {
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws"};
// octet-stream: docker wrote it for a while (schema2.json of containers/image, glassfish:4.0).
constexpr std::array<std::string_view, 3> kConfigMediaTypes = {
    "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json",
    "application/octet-stream"};

template <std::size_t N>
bool Contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// Member `key` of an object, nullptr when absent or null.
const JsonValue* Find(const JsonValue& object, std::string_view key) {
  const JsonValue* const value = object.Find(key);
  return value == nullptr || value->kind() == JsonKind::kNull ? nullptr : value;
}

std::string TextMember(const JsonValue& object, std::string_view key, const JsonPath& path) {
  const JsonValue* const value = Find(object, key);
  if (value == nullptr) return {};
  return std::string(ReadText(TreeJson(*value), path.member(key)));
}

// An object of strings; other scalars count as their text.
Annotations ReadAnnotations(const JsonValue& object, std::string_view key, const JsonPath& path) {
  Annotations annotations;
  const JsonValue* const value = Find(object, key);
  if (value == nullptr) return annotations;
  const JsonPath map_path = path.member(key);
  ExpectKind(TreeJson(*value), JsonKind::kObject, map_path, "an object of strings");
  for (const auto& [name, member] : value->members()) {
    if (member.kind() == JsonKind::kNull) continue;
    if (member.kind() == JsonKind::kArray || member.kind() == JsonKind::kObject) {
      ThrowExpected(map_path.member(name), "a string", Describe(TreeJson(member)));
    }
    annotations.emplace_back(name, member.kind() == JsonKind::kText
                                       ? std::string(member.text())
                                       : TreeJson(member).scalar_text());
  }
  // Of equal keys the last one wins.
  std::ranges::reverse(annotations);
  std::ranges::stable_sort(annotations, {}, &Annotations::value_type::first);
  const auto repeats = std::ranges::unique(annotations, {}, &Annotations::value_type::first);
  annotations.erase(repeats.begin(), repeats.end());
  return annotations;
}

std::string ReadPlatformOf(const JsonValue& object, const JsonPath& path) {
  return FormatPlatform(TextMember(object, "os", path), TextMember(object, "architecture", path),
                        TextMember(object, "variant", path));
}

Descriptor ReadDescriptor(const JsonValue& value, const JsonPath& path) {
  ExpectKind(TreeJson(value), JsonKind::kObject, path, "a descriptor, an object");
  Descriptor descriptor;
  descriptor.media_type = TextMember(value, "mediaType", path);
  descriptor.artifact_type = TextMember(value, "artifactType", path);

  const JsonPath digest_path = path.member("digest");
  const JsonValue* const digest = Find(value, "digest");
  if (digest == nullptr) ThrowMissing(digest_path, kExpectedDigest);
  descriptor.digest = ReadDigest(TreeJson(*digest), digest_path);
  descriptor.digest_text = digest->text();

  const JsonPath size_path = path.member("size");
  const JsonValue* const size = Find(value, "size");
  if (size == nullptr) ThrowMissing(size_path, "the blob's bytes, a whole number");
  descriptor.size = ReadSize(TreeJson(*size), size_path);

  if (const JsonValue* const platform = Find(value, "platform")) {
    const JsonPath platform_path = path.member("platform");
    ExpectKind(TreeJson(*platform), JsonKind::kObject, platform_path,
               "an object with os and architecture");
    descriptor.platform = ReadPlatformOf(*platform, platform_path);
  }
  descriptor.annotations = ReadAnnotations(value, "annotations", path);
  if (const JsonValue* const urls = Find(value, "urls")) {
    descriptor.foreign = ReadHasUrls(TreeJson(*urls), path.member("urls"));
  }
  return descriptor;
}

// Media type of the config as far as it can be had; classification comes before validation, because
// what is no image need not look like one (artifacts with `"layers": null` and an empty digest).
std::string ConfigMediaType(const JsonValue& root, const JsonPath& path) {
  const JsonValue* const config = Find(root, "config");
  if (config == nullptr || config->kind() != JsonKind::kObject) return {};
  return TextMember(*config, "mediaType", path.member("config"));
}

bool HasLayerOfType(const JsonValue& root, std::string_view prefix) {
  const JsonValue* const layers = Find(root, "layers");
  if (layers == nullptr || layers->kind() != JsonKind::kArray) return false;
  return std::ranges::any_of(layers->elements(), [&](const JsonValue& layer) {
    const JsonValue* const type = layer.Find("mediaType");
    return type != nullptr && type->kind() == JsonKind::kText && type->text().starts_with(prefix);
  });
}

ManifestKind KindOfImageManifest(const JsonValue& root, const JsonPath& path) {
  if (HasLayerOfType(root, kInTotoMediaType)) return ManifestKind::kAttestation;
  if (Find(root, "subject") != nullptr) return ManifestKind::kReferrer;
  if (!TextMember(root, "artifactType", path).empty()) return ManifestKind::kArtifact;
  const std::string config_type = ConfigMediaType(root, path);
  if (!config_type.empty() && !Contains(kConfigMediaTypes, config_type)) {
    return ManifestKind::kArtifact;
  }
  // cosign's signatures of before OCI 1.1 wear an image config.
  if (HasLayerOfType(root, kCosignMediaTypes)) return ManifestKind::kReferrer;
  return ManifestKind::kImage;
}

void ReadImage(const JsonValue& root, const JsonPath& path, Manifest& manifest) {
  const JsonValue* const config = Find(root, "config");
  if (config == nullptr) ThrowMissing(path.member("config"), "a descriptor, an object");
  manifest.config = ReadDescriptor(*config, path.member("config"));
  const JsonPath layers_path = path.member("layers");
  const JsonValue* const layers = Find(root, "layers");
  if (layers == nullptr) ThrowMissing(layers_path, "an array of layers");
  ExpectKind(TreeJson(*layers), JsonKind::kArray, layers_path, "an array of layers");
  std::int64_t index = 0;
  for (const JsonValue& layer : layers->elements()) {
    manifest.layers.push_back(ReadDescriptor(layer, layers_path.element(index++)));
  }
}

void ReadIndex(const JsonValue& root, const JsonPath& path, Manifest& manifest) {
  manifest.kind = ManifestKind::kIndex;
  const JsonPath entries_path = path.member("manifests");
  const JsonValue& entries = *Find(root, "manifests");
  ExpectKind(TreeJson(entries), JsonKind::kArray, entries_path, "an array of descriptors");
  std::int64_t index = 0;
  for (const JsonValue& entry : entries.elements()) {
    try {
      manifest.manifests.push_back(ReadDescriptor(entry, entries_path.element(index++)));
    } catch (const InputError& error) {
      manifest.bad_entries.push_back(error);
    }
  }
  if (Find(root, "subject") != nullptr) {
    manifest.kind = ManifestKind::kReferrer;
  } else if (!TextMember(root, "artifactType", path).empty()) {
    manifest.kind = ManifestKind::kArtifact;
  }
}

// Whether a schema 1 layer is one of the empty ones that schema 2 leaves out. Schema 1 is passed
// over in any case, so a history that cannot be read is no error.
bool IsThrowaway(const JsonValue& root, std::size_t index) {
  const JsonValue* const history = Find(root, "history");
  if (history == nullptr || history->kind() != JsonKind::kArray) return false;
  if (index >= history->elements().size()) return false;
  const JsonValue* const text = history->elements()[index].Find("v1Compatibility");
  if (text == nullptr || text->kind() != JsonKind::kText) return false;
  try {
    const JsonDocument entry = ParseJson(text->text());
    const JsonValue* const mark = entry.root.Find("throwaway");
    return mark != nullptr && mark->kind() == JsonKind::kBoolean && std::get<bool>(mark->variant());
  } catch (const InputError&) {
    return false;
  }
}

// Layers of schema 1: newest first, without sizes, empty ones included.
void ReadSchema1(const JsonValue& root, const JsonPath& path, Manifest& manifest) {
  manifest.kind = ManifestKind::kSchema1;
  const JsonPath layers_path = path.member("fsLayers");
  const JsonValue* const layers = Find(root, "fsLayers");
  if (layers == nullptr) ThrowMissing(layers_path, "an array of layers");
  ExpectKind(TreeJson(*layers), JsonKind::kArray, layers_path, "an array of layers");
  const JsonValue::Array& elements = layers->elements();
  for (std::size_t i = elements.size(); i-- > 0;) {
    const JsonPath layer_path = layers_path.element(static_cast<std::int64_t>(i));
    const JsonPath digest_path = layer_path.member("blobSum");
    const JsonValue* const digest = Find(elements[i], "blobSum");
    if (digest == nullptr) ThrowMissing(digest_path, kExpectedDigest);
    Descriptor layer;
    layer.digest = ReadDigest(TreeJson(*digest), digest_path);
    layer.digest_text = digest->text();
    if (!IsThrowaway(root, i)) manifest.layers.push_back(std::move(layer));
  }
}

JsonDocument ParseBounded(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    throw InputError("expected at most " + std::to_string(max_bytes) + " bytes of JSON, found " +
                     std::to_string(text.size()));
  }
  return ParseJson(text);
}

// First text of an array of texts; empty for anything else: what a container starts is not worth
// losing an image for.
std::string FirstText(const JsonValue& object, std::string_view key) {
  const JsonValue* const value = Find(object, key);
  if (value == nullptr || value->kind() != JsonKind::kArray || value->elements().empty()) return "";
  const JsonValue& first = value->elements().front();
  return first.kind() == JsonKind::kText ? std::string(first.text()) : "";
}

void ReadEntryPoint(const JsonValue& settings, ImageConfig& config) {
  std::string program = FirstText(settings, "Entrypoint");
  if (program.empty()) program = FirstText(settings, "Cmd");
  if (program.empty()) return;
  if (program.find('/') == std::string::npos) {
    config.search_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    if (const JsonValue* const env = Find(settings, "Env");
        env != nullptr && env->kind() == JsonKind::kArray) {
      for (const JsonValue& variable : env->elements()) {
        if (variable.kind() != JsonKind::kText) continue;
        const std::string_view text = variable.text();
        if (text.starts_with("PATH=")) config.search_path = text.substr(5);
      }
    }
  } else if (!program.starts_with('/')) {
    const JsonValue* const directory = Find(settings, "WorkingDir");
    const bool given = directory != nullptr && directory->kind() == JsonKind::kText;
    program = (given ? std::string(directory->text()) : "") + "/" + program;
  }
  config.entry_point = std::move(program);
}

}  // namespace

std::string_view FindAnnotation(const Annotations& annotations, std::string_view key) {
  const auto found = std::ranges::find(annotations, key, &Annotations::value_type::first);
  return found == annotations.end() ? std::string_view() : std::string_view(found->second);
}

std::string_view NameOf(ManifestKind kind) {
  switch (kind) {
    case ManifestKind::kImage:
      return "image manifest";
    case ManifestKind::kIndex:
      return "index";
    case ManifestKind::kSchema1:
      return "docker schema 1 manifest";
    case ManifestKind::kArtifact:
      return "artifact manifest";
    case ManifestKind::kReferrer:
      return "referrer manifest";
    case ManifestKind::kAttestation:
      return "attestation manifest";
    case ManifestKind::kUnknown:
      break;
  }
  return "manifest of unknown media type";
}

bool IsNondistributable(std::string_view media_type) {
  return media_type.starts_with("application/vnd.oci.image.layer.nondistributable.") ||
         media_type.starts_with("application/vnd.docker.image.rootfs.foreign.");
}

Manifest ParseManifest(std::string_view text, std::size_t max_bytes) {
  const JsonDocument document = ManifestAsGoReads(ParseBounded(text, max_bytes));
  const JsonValue& root = document.root;
  const JsonPath path;
  ExpectKind(TreeJson(root), JsonKind::kObject, path, "a manifest, a JSON object");

  Manifest manifest;
  manifest.num_duplicate_keys = document.num_duplicate_keys;
  manifest.media_type = TextMember(root, "mediaType", path);
  std::int64_t schema_version = 2;
  if (const JsonValue* const version = Find(root, "schemaVersion")) {
    const JsonPath version_path = path.member("schemaVersion");
    schema_version = ReadWhole(TreeJson(*version), version_path, "a whole number");
    if (schema_version != 1 && schema_version != 2) {
      ThrowExpected(version_path, "1 or 2", std::to_string(schema_version));
    }
  }
  if (schema_version == 1) {
    ReadSchema1(root, path, manifest);
    return manifest;
  }
  // By the bare presence of the keys: `"layers": null` beside `manifests` is as ambiguous.
  const bool has_layers = root.Find("layers") != nullptr;
  const bool has_manifests = root.Find("manifests") != nullptr;
  if (has_layers && has_manifests) {
    throw InputError("expected either layers, of an image, or manifests, of an index, found both");
  }
  if (!has_layers && !has_manifests) {
    throw InputError("expected layers, of an image, or manifests, of an index, found neither");
  }
  manifest.annotations = ReadAnnotations(root, "annotations", path);
  if (has_manifests) {
    if (Find(root, "manifests") == nullptr) {
      ThrowExpected(path.member("manifests"), "an array of descriptors", "null");
    }
    ReadIndex(root, path, manifest);
    return manifest;
  }
  manifest.kind = KindOfImageManifest(root, path);
  if (manifest.kind == ManifestKind::kImage) ReadImage(root, path, manifest);
  return manifest;
}

ManifestKind KindOf(const Descriptor& descriptor) {
  if (descriptor.platform == kUnknownPlatform ||
      FindAnnotation(descriptor.annotations, "vnd.docker.reference.type") ==
          "attestation-manifest") {
    return ManifestKind::kAttestation;
  }
  if (Contains(kSchema1MediaTypes, descriptor.media_type)) return ManifestKind::kSchema1;
  if (Contains(kIndexMediaTypes, descriptor.media_type)) {
    return descriptor.artifact_type.empty() ? ManifestKind::kIndex : ManifestKind::kArtifact;
  }
  // Without a media type only the content can say.
  if (!descriptor.media_type.empty() && !Contains(kManifestMediaTypes, descriptor.media_type)) {
    return ManifestKind::kUnknown;
  }
  // OCI 1.1 lets a descriptor repeat the manifest's config type as its artifact type.
  if (!descriptor.artifact_type.empty() && !Contains(kConfigMediaTypes, descriptor.artifact_type)) {
    return ManifestKind::kArtifact;
  }
  return ManifestKind::kImage;
}

ImageConfig ParseImageConfig(std::string_view text) {
  const JsonDocument document = ConfigAsGoReads(ParseBounded(text, kMaxManifestBytes));
  const JsonValue& root = document.root;
  const JsonPath path;
  ExpectKind(TreeJson(root), JsonKind::kObject, path, "an image config, a JSON object");

  ImageConfig config;
  config.num_duplicate_keys = document.num_duplicate_keys;
  config.platform = ReadPlatformOf(root, path);
  config.is_windows = IsWindows(TextMember(root, "os", path));
  config.created = TextMember(root, "created", path);
  if (const JsonValue* const settings = Find(root, "config")) {
    const JsonPath settings_path = path.member("config");
    ExpectKind(TreeJson(*settings), JsonKind::kObject, settings_path, "an object");
    config.labels = ReadAnnotations(*settings, "Labels", settings_path);
    ReadEntryPoint(*settings, config);
  }
  if (const JsonValue* const rootfs = Find(root, "rootfs")) {
    const JsonPath rootfs_path = path.member("rootfs");
    ExpectKind(TreeJson(*rootfs), JsonKind::kObject, rootfs_path, "an object");
    if (const JsonValue* const diff_ids = Find(*rootfs, "diff_ids")) {
      const JsonPath ids_path = rootfs_path.member("diff_ids");
      ExpectKind(TreeJson(*diff_ids), JsonKind::kArray, ids_path, "an array of digests");
      std::int64_t index = 0;
      for (const JsonValue& id : diff_ids->elements()) {
        config.diff_ids.push_back(ReadDigest(TreeJson(id), ids_path.element(index++)));
      }
    }
  }
  if (const JsonValue* const history = Find(root, "history")) {
    const JsonPath history_path = path.member("history");
    ExpectKind(TreeJson(*history), JsonKind::kArray, history_path, "an array of history entries");
    std::int64_t index = 0;
    for (const JsonValue& element : history->elements()) {
      const JsonPath entry_path = history_path.element(index++);
      HistoryEntry& entry = config.history.emplace_back();
      if (element.kind() == JsonKind::kNull) continue;  // one that says nothing, to Go
      ExpectKind(TreeJson(element), JsonKind::kObject, entry_path, "an object");
      entry.created_by = TextMember(element, "created_by", entry_path);
      entry.created = TextMember(element, "created", entry_path);
      if (const JsonValue* const mark = Find(element, "empty_layer")) {
        ExpectKind(TreeJson(*mark), JsonKind::kBoolean, entry_path.member("empty_layer"),
                   "true or false");
        entry.empty_layer = std::get<bool>(mark->variant());
      }
    }
  }
  return config;
}

}  // namespace gneiss
