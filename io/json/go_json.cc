#include "io/json/go_json.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gneiss {
namespace {

enum class GoKind : std::uint8_t {
  kPlain,  // a number, a truth value, a time
  kText,
  kStruct,
  kList,
  kMap,
};

struct GoField;

struct GoType {
  GoKind kind = GoKind::kPlain;
  bool is_pointer = false;
  bool is_fresh = false;            // decoded by itself, not over what was there before
  bool drops_unknown = false;       // struct{}, which every object is the same for
  std::span<const GoField> fields;  // of kStruct
  const GoType* element = nullptr;  // of kList and kMap
};

struct GoField {
  std::string_view name;  // ASCII
  const GoType* type;
};

constexpr GoType StructOf(std::span<const GoField> fields, bool is_pointer = false) {
  return {.kind = GoKind::kStruct, .is_pointer = is_pointer, .fields = fields};
}
constexpr GoType ListOf(const GoType& element) {
  return {.kind = GoKind::kList, .element = &element};
}
constexpr GoType MapOf(const GoType& element) {
  return {.kind = GoKind::kMap, .element = &element};
}

constexpr GoType kPlain{.kind = GoKind::kPlain};
constexpr GoType kPlainPointer{.kind = GoKind::kPlain, .is_pointer = true};
constexpr GoType kText{.kind = GoKind::kText};
constexpr GoType kTexts = ListOf(kText);
// docker's Cmd, Entrypoint and Shell have a decoder of their own.
constexpr GoType kFreshTexts{.kind = GoKind::kList, .is_fresh = true, .element = &kText};
constexpr GoType kTextMap = MapOf(kText);
constexpr GoType kNothing{.kind = GoKind::kStruct, .drops_unknown = true};
constexpr GoType kNames = MapOf(kNothing);

constexpr std::array<GoField, 5> kPlatformFields = {{{"architecture", &kText},
                                                     {"os", &kText},
                                                     {"os.version", &kText},
                                                     {"os.features", &kTexts},
                                                     {"variant", &kText}}};
constexpr GoType kPlatformType = StructOf(kPlatformFields, /*is_pointer=*/true);

constexpr std::array<GoField, 8> kDescriptorFields = {{{"mediaType", &kText},
                                                       {"digest", &kText},
                                                       {"size", &kPlain},
                                                       {"urls", &kTexts},
                                                       {"data", &kPlain},
                                                       {"annotations", &kTextMap},
                                                       {"artifactType", &kText},
                                                       {"platform", &kPlatformType}}};
constexpr GoType kDescriptor = StructOf(kDescriptorFields);
constexpr GoType kDescriptorPointer = StructOf(kDescriptorFields, /*is_pointer=*/true);
constexpr GoType kDescriptors = ListOf(kDescriptor);

constexpr std::array<GoField, 1> kSchema1LayerFields = {{{"blobSum", &kText}}};
constexpr GoType kSchema1Layer = StructOf(kSchema1LayerFields);
constexpr GoType kSchema1Layers = ListOf(kSchema1Layer);
constexpr std::array<GoField, 1> kSchema1StepFields = {{{"v1Compatibility", &kText}}};
constexpr GoType kSchema1Step = StructOf(kSchema1StepFields);
constexpr GoType kSchema1Steps = ListOf(kSchema1Step);

// Of images, indexes and schema 1 together: which of them it is, its reader finds out.
constexpr std::array<GoField, 10> kManifestFields = {{{"schemaVersion", &kPlain},
                                                      {"mediaType", &kText},
                                                      {"artifactType", &kText},
                                                      {"config", &kDescriptor},
                                                      {"layers", &kDescriptors},
                                                      {"manifests", &kDescriptors},
                                                      {"subject", &kDescriptorPointer},
                                                      {"annotations", &kTextMap},
                                                      {"fsLayers", &kSchema1Layers},
                                                      {"history", &kSchema1Steps}}};
constexpr GoType kManifest = StructOf(kManifestFields);

constexpr std::array<GoField, 6> kHealthcheckFields = {{{"Test", &kTexts},
                                                        {"Interval", &kPlain},
                                                        {"Timeout", &kPlain},
                                                        {"StartPeriod", &kPlain},
                                                        {"StartInterval", &kPlain},
                                                        {"Retries", &kPlain}}};
constexpr GoType kHealthcheck = StructOf(kHealthcheckFields, /*is_pointer=*/true);

// What a container is given. `words`: of the lists that docker decodes otherwise.
constexpr std::array<GoField, 25> SettingsFields(const GoType& words) {
  return {{{"Hostname", &kText},
           {"Domainname", &kText},
           {"User", &kText},
           {"AttachStdin", &kPlain},
           {"AttachStdout", &kPlain},
           {"AttachStderr", &kPlain},
           {"ExposedPorts", &kNames},
           {"Tty", &kPlain},
           {"OpenStdin", &kPlain},
           {"StdinOnce", &kPlain},
           {"Env", &kTexts},
           {"Cmd", &words},
           {"Healthcheck", &kHealthcheck},
           {"ArgsEscaped", &kPlain},
           {"Image", &kText},
           {"Volumes", &kNames},
           {"WorkingDir", &kText},
           {"Entrypoint", &words},
           {"NetworkDisabled", &kPlain},
           {"MacAddress", &kText},
           {"OnBuild", &kTexts},
           {"Labels", &kTextMap},
           {"StopSignal", &kText},
           {"StopTimeout", &kPlainPointer},
           {"Shell", &words}}};
}
constexpr std::array<GoField, 25> kOciSettingsFields = SettingsFields(kTexts);
constexpr std::array<GoField, 25> kDockerSettingsFields = SettingsFields(kFreshTexts);
constexpr GoType kOciSettings = StructOf(kOciSettingsFields);
constexpr GoType kDockerSettings = StructOf(kDockerSettingsFields);
constexpr GoType kDockerSettingsPointer = StructOf(kDockerSettingsFields, /*is_pointer=*/true);

constexpr std::array<GoField, 2> kRootfsFields = {{{"type", &kText}, {"diff_ids", &kTexts}}};
constexpr GoType kRootfs = StructOf(kRootfsFields);
constexpr GoType kRootfsPointer = StructOf(kRootfsFields, /*is_pointer=*/true);

constexpr std::array<GoField, 5> kStepFields = {{{"created", &kPlainPointer},
                                                 {"created_by", &kText},
                                                 {"author", &kText},
                                                 {"comment", &kText},
                                                 {"empty_layer", &kPlain}}};
constexpr GoType kStep = StructOf(kStepFields);
constexpr GoType kSteps = ListOf(kStep);

constexpr std::array<GoField, 16> ConfigFields(const GoType& settings,
                                               const GoType& container_settings,
                                               const GoType& rootfs) {
  return {{{"created", &kPlainPointer},
           {"author", &kText},
           {"architecture", &kText},
           {"os", &kText},
           {"os.version", &kText},
           {"os.features", &kTexts},
           {"variant", &kText},
           {"config", &settings},
           {"rootfs", &rootfs},
           {"history", &kSteps},
           {"id", &kText},
           {"parent", &kText},
           {"comment", &kText},
           {"container", &kText},
           {"container_config", &container_settings},
           {"docker_version", &kText}}};
}
constexpr std::array<GoField, 16> kOciConfigFields =
    ConfigFields(kOciSettings, kOciSettings, kRootfs);
constexpr std::array<GoField, 16> kDockerConfigFields =
    ConfigFields(kDockerSettingsPointer, kDockerSettings, kRootfsPointer);
constexpr GoType kOciConfig = StructOf(kOciConfigFields);
constexpr GoType kDockerConfig = StructOf(kDockerConfigFields);

constexpr std::array<GoField, 3> kSavedImageFields = {
    {{"Config", &kText}, {"RepoTags", &kTexts}, {"Layers", &kTexts}}};
constexpr GoType kSavedImage = StructOf(kSavedImageFields);
constexpr GoType kSavedImages = ListOf(kSavedImage);

// Whether `key` is `name` by simple folding: two letters beyond ASCII fold to one of ASCII, the
// long s and the sign of the kelvin.
bool IsFolded(std::string_view name, std::string_view key) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (const char c : name) {
    constexpr std::string_view kLongS = "\xc5\xbf";
    constexpr std::string_view kKelvin = "\xe2\x84\xaa";
    if (key.empty()) return false;
    if (lower(key.front()) == lower(c)) {
      key.remove_prefix(1);
    } else if (lower(c) == 's' && key.starts_with(kLongS)) {
      key.remove_prefix(kLongS.size());
    } else if (lower(c) == 'k' && key.starts_with(kKelvin)) {
      key.remove_prefix(kKelvin.size());
    } else {
      return false;
    }
  }
  return key.empty();
}

struct DecodedField;

// A variable of Go while a document is decoded into it.
struct Decoded {
  JsonValue value;                   // null, what is no container, a map, or what Go refuses
  bool is_container = false;         // a struct or a list, which is in the members below
  std::vector<DecodedField> fields;  // of a struct, those that the document has
  JsonValue::Object unknown;         // members of a struct that it has no field for
  // Of a list. What a shorter list has cut off is still there for a longer one to decode over.
  std::vector<Decoded> elements;
  std::size_t num_elements = 0;
};

struct DecodedField {
  std::size_t index = 0;  // in GoType::fields
  Decoded value;
};

class GoDecoder {
 public:
  std::int64_t num_replaced() const { return num_replaced_; }

  void Decode(JsonValue source, const GoType& type, Decoded& target) {
    if (type.is_fresh) target = {};
    if (source.kind() == JsonKind::kNull) {
      if (type.is_pointer || type.kind == GoKind::kList || type.kind == GoKind::kMap) target = {};
    } else if (type.kind == GoKind::kStruct && source.kind() == JsonKind::kObject) {
      DecodeStruct(std::get<JsonValue::Object>(source.variant()), type, target);
    } else if (type.kind == GoKind::kList && source.kind() == JsonKind::kArray) {
      DecodeList(std::get<JsonValue::Array>(source.variant()), *type.element, target);
    } else if (type.kind == GoKind::kMap && source.kind() == JsonKind::kObject) {
      DecodeMap(std::get<JsonValue::Object>(source.variant()), *type.element, target);
    } else {
      target = {};
      target.value = std::move(source);
    }
  }

  static JsonValue Take(Decoded&& decoded, const GoType& type) {
    if (!decoded.is_container) return std::move(decoded.value);
    if (type.kind == GoKind::kList) {
      JsonValue::Array elements;
      elements.reserve(decoded.num_elements);
      for (std::size_t i = 0; i < decoded.num_elements; ++i) {
        elements.push_back(TakeElement(std::move(decoded.elements[i]), *type.element));
      }
      return JsonValue(std::move(elements));
    }
    JsonValue::Object members;
    members.reserve(decoded.fields.size() + decoded.unknown.size());
    for (DecodedField& field : decoded.fields) {
      const GoField& known = type.fields[field.index];
      members.emplace_back(known.name, Take(std::move(field.value), *known.type));
    }
    std::ranges::move(decoded.unknown, std::back_inserter(members));
    return JsonValue(std::move(members));
  }

 private:
  void DecodeStruct(JsonValue::Object& source, const GoType& type, Decoded& target) {
    if (!target.is_container) target = {.value = {}, .is_container = true};
    std::vector<std::string_view> first_spelling(type.fields.size());
    std::set<std::string> other_spellings;
    for (auto& [key, value] : source) {
      const auto field = std::ranges::find_if(
          type.fields, [&, &name = key](const GoField& f) { return IsFolded(f.name, name); });
      if (field == type.fields.end()) {
        if (!type.drops_unknown) target.unknown.emplace_back(std::move(key), std::move(value));
        continue;
      }
      const auto index = static_cast<std::size_t>(field - type.fields.begin());
      if (first_spelling[index].empty()) {
        first_spelling[index] = key;
      } else if (key != first_spelling[index] && other_spellings.insert(key).second) {
        ++num_replaced_;
      }
      auto decoded = std::ranges::find(target.fields, index, &DecodedField::index);
      if (decoded == target.fields.end()) {
        decoded = target.fields.insert(decoded, {.index = index, .value = {}});
      }
      Decode(std::move(value), *field->type, decoded->value);
    }
  }

  void DecodeList(JsonValue::Array& source, const GoType& element, Decoded& target) {
    if (!target.is_container || source.empty()) target = {.value = {}, .is_container = true};
    if (target.elements.size() < source.size()) target.elements.resize(source.size());
    for (std::size_t i = 0; i < source.size(); ++i) {
      Decode(std::move(source[i]), element, target.elements[i]);
    }
    target.num_elements = source.size();
  }

  void DecodeMap(JsonValue::Object& source, const GoType& element, Decoded& target) {
    if (target.value.kind() != JsonKind::kObject) {
      target = {.value = JsonValue(JsonValue::Object())};
    }
    auto& members = std::get<JsonValue::Object>(target.value.variant());
    for (auto& [key, value] : source) {
      Decoded decoded;
      Decode(std::move(value), element, decoded);
      members.emplace_back(std::move(key), TakeElement(std::move(decoded), element));
    }
  }

  // What null leaves in a list or a map is the type's zero; of a struct with fields, and of a
  // number, its reader finds it missing.
  static JsonValue TakeElement(Decoded&& decoded, const GoType& type) {
    JsonValue value = Take(std::move(decoded), type);
    if (value.kind() != JsonKind::kNull) return value;
    if (type.kind == GoKind::kText) return JsonValue(std::string());
    if (type.kind == GoKind::kStruct && type.drops_unknown) return JsonValue(JsonValue::Object());
    return value;
  }

  std::int64_t num_replaced_ = 0;
};

JsonDocument AsGoReads(JsonDocument document, const GoType& type) {
  GoDecoder decoder;
  Decoded decoded;
  decoder.Decode(std::move(document.root), type, decoded);
  document.root = GoDecoder::Take(std::move(decoded), type);
  document.num_duplicate_keys += decoder.num_replaced();
  return document;
}

}  // namespace

JsonDocument ManifestAsGoReads(JsonDocument document) {
  return AsGoReads(std::move(document), kManifest);
}

JsonDocument ConfigAsGoReads(JsonDocument document, GoReader reader) {
  return AsGoReads(std::move(document), reader == GoReader::kDocker ? kDockerConfig : kOciConfig);
}

JsonDocument SavedImagesAsGoReads(JsonDocument document) {
  return AsGoReads(std::move(document), kSavedImages);
}

}  // namespace gneiss
