#include "io/source/fleet_line.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <deque>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <simdjson.h>

#include "io/bytes/line_reader.h"
#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "io/source/manifest.h"
#include "planner/fleet/platform.h"

namespace gneiss {
namespace {

static_assert(LineReader::kPadding >= simdjson::SIMDJSON_PADDING);

// Cursor over a simdjson document; see json_field.h for the members.
class SimdJson {
 public:
  explicit SimdJson(simdjson::dom::element element) : element_(element) {}

  JsonKind kind() const {
    switch (element_.type()) {
      case simdjson::dom::element_type::ARRAY:
        return JsonKind::kArray;
      case simdjson::dom::element_type::OBJECT:
        return JsonKind::kObject;
      case simdjson::dom::element_type::INT64:
      case simdjson::dom::element_type::UINT64:
      case simdjson::dom::element_type::DOUBLE:
        return JsonKind::kNumber;
      case simdjson::dom::element_type::STRING:
        return JsonKind::kText;
      case simdjson::dom::element_type::BOOL:
        return JsonKind::kBoolean;
      case simdjson::dom::element_type::NULL_VALUE:
        break;
    }
    return JsonKind::kNull;
  }
  std::string_view text() const { return element_.get_string().value_unsafe(); }
  std::optional<std::int64_t> whole() const {
    std::int64_t number = 0;
    if (element_.get_int64().get(number) == simdjson::SUCCESS) return number;
    if (!element_.is_double()) return std::nullopt;
    return WholeNumber(element_.get_double().value_unsafe());
  }
  std::string scalar_text() const {
    switch (element_.type()) {
      case simdjson::dom::element_type::INT64:
        return std::to_string(element_.get_int64().value_unsafe());
      case simdjson::dom::element_type::UINT64:
        return std::to_string(element_.get_uint64().value_unsafe());
      case simdjson::dom::element_type::DOUBLE:
        return NumberText(element_.get_double().value_unsafe());
      case simdjson::dom::element_type::BOOL:
        return element_.get_bool().value_unsafe() ? "true" : "false";
      default:
        return "null";
    }
  }
  template <typename F>
  void ForEachElement(const F& f) const {
    const simdjson::dom::array elements = element_.get_array().value_unsafe();
    for (const simdjson::dom::element element : elements) f(SimdJson(element));
  }
  template <typename F>
  void ForEachMember(const F& f) const {
    const simdjson::dom::object members = element_.get_object().value_unsafe();
    for (const auto& [key, value] : members) f(key, SimdJson(value));
  }

 private:
  simdjson::dom::element element_;
};

// Equal texts beyond the first of each. Quadratic for the few keys an object has, sorted for many.
std::int64_t CountRepeats(std::vector<std::string_view>& texts) {
  std::int64_t repeats = 0;
  if (texts.size() > 16) {
    std::ranges::sort(texts);
    for (std::size_t i = 1; i < texts.size(); ++i) repeats += texts[i] == texts[i - 1] ? 1 : 0;
    return repeats;
  }
  for (std::size_t i = 1; i < texts.size(); ++i) {
    const auto end = texts.begin() + static_cast<std::ptrdiff_t>(i);
    repeats += std::find(texts.begin(), end, texts[i]) != end ? 1 : 0;
  }
  return repeats;
}

// Keys of the objects in a line, the most frequent first; the enums index them.
enum ImageKey {
  kRef,
  kPlatform,
  kLayers,
  kManifestDigest,
  kConfigDigest,
  kConfigSize,
  kManifestSize,
  kCreated,
  kHistory,
  kLabels,
  kPulls,
  kPools,
  kEntryPoint,
  kSearchPath
};
constexpr std::array<std::string_view, 14> kImageKeys = {
    "ref",         "platform",      "layers",      "manifest_digest", "config_digest",
    "config_size", "manifest_size", "created",     "history",         "labels",
    "pulls",       "pools",         "entry_point", "search_path"};
enum LayerKey { kDigest, kSize, kMediaType, kCreatedBy, kDiffId, kUncompressedSize, kUrls };
constexpr std::array<std::string_view, 7> kLayerKeys = {
    "digest", "size", "media_type", "created_by", "diff_id", "uncompressed_size", "urls"};
enum HistoryKey { kHistoryCreatedBy, kHistoryCreated, kEmptyLayer };
constexpr std::array<std::string_view, 3> kHistoryKeys = {"created_by", "created", "empty_layer"};
enum PoolKey { kPoolName, kPoolNodes };
constexpr std::array<std::string_view, 2> kPoolKeys = {"name", "nodes"};
enum PlatformKey { kOs, kArchitecture, kVariant };
constexpr std::array<std::string_view, 3> kPlatformKeys = {"os", "architecture", "variant"};

// Position of `key` in kKeys, kKeys.size() when it is none of them. The lengths are known to the
// compiler, so each comparison is a few loads.
template <const auto& kKeys>
std::size_t FindKey(std::string_view key) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    std::size_t found = kKeys.size();
    static_cast<void>(
        ((key.size() == kKeys[I].size() &&
          std::memcmp(key.data(), kKeys[I].data(), kKeys[I].size()) == 0 && (found = I, true)) ||
         ...));
    return found;
  }
  (std::make_index_sequence<kKeys.size()>());
}

}  // namespace

// The record under construction and the buffers that outlive a line, so that a line of the usual
// kind allocates nothing.
class FleetLineParser::Fields {
 public:
  FleetLine Parse(std::string_view line);

 private:
  // The known members of an object by key; null and absent are both nullptr.
  template <const auto& kKeys, typename Json>
  class Members {
   public:
    Members(const Json& object, Fields& fields) {
      fields.unknown_keys_.clear();
      std::array<bool, kKeys.size()> seen{};
      object.ForEachMember([&](std::string_view key, const Json& value) {
        const std::size_t found = FindKey<kKeys>(key);
        if (found == kKeys.size()) {
          fields.unknown_keys_.push_back(key);
          return;
        }
        if (seen[found]) ++fields.line_.num_duplicate_keys;
        seen[found] = true;
        values_[found].reset();
        if (value.kind() != JsonKind::kNull) values_[found] = value;
      });
      fields.line_.num_duplicate_keys += CountRepeats(fields.unknown_keys_);
    }

    const Json* operator[](std::size_t key) const {
      return values_[key] ? &*values_[key] : nullptr;
    }

   private:
    std::array<std::optional<Json>, kKeys.size()> values_;
  };

  template <typename Json>
  void ReadImage(const Json& root);
  template <typename Json>
  std::string_view ReadPlatform(const Json& value, const JsonPath& path);
  template <typename Json>
  void ReadLayers(const Json& value, const JsonPath& path);
  template <typename Json>
  LayerRecord ReadLayer(const Json& value, const JsonPath& path);
  template <typename Json>
  void ReadHistory(const Json& value, const JsonPath& path);
  template <typename Json>
  void ReadLabels(const Json& value, const JsonPath& path);
  template <typename Json>
  void ReadPools(const Json& value, const JsonPath& path);

  std::string_view Own(std::string text) { return owned_.emplace_back(std::move(text)); }

  simdjson::dom::parser parser_;
  JsonDocument document_;  // of a line that only the slow parser takes
  ImageRecord record_;
  FleetLine line_;
  std::vector<std::string_view> unknown_keys_;
  std::vector<std::string_view> instructions_;  // of the history's entries that made a layer
  std::deque<std::string> owned_;               // texts that are not in the line as such
};

FleetLine FleetLineParser::Fields::Parse(std::string_view line) {
  record_.Clear();
  owned_.clear();
  line_ = FleetLine{.image = &record_};
  if (parser_.capacity() < line.size()) {
    const std::size_t capacity = std::bit_ceil(std::max(line.size(), std::size_t{64} << 10));
    if (parser_.allocate(capacity, kMaxJsonDepth) != simdjson::SUCCESS ||
        parser_.doc.allocate(capacity) != simdjson::SUCCESS) {
      throw std::bad_alloc();
    }
  }
  simdjson::dom::element root;
  if (parser_.parse(line.data(), line.size(), false).get(root) == simdjson::SUCCESS) {
    ReadImage(SimdJson(root));
  } else {
    // The slow parser says what is wrong and where. It also takes integers beyond 64 bits, which
    // only an unknown key may have.
    document_ = ParseJson(line);
    ReadImage(TreeJson(document_.root));
  }
  return line_;
}

template <typename Json>
void FleetLineParser::Fields::ReadImage(const Json& root) {
  const JsonPath path;
  ExpectKind(root, JsonKind::kObject, path, "a JSON object that describes one image");
  const Members<kImageKeys, Json> members(root, *this);
  const auto member = [&](ImageKey key) { return path.member(kImageKeys[key]); };

  if (const Json* const ref = members[kRef]) record_.ref = ReadText(*ref, member(kRef));
  if (const Json* const platform = members[kPlatform]) {
    record_.platform = ReadPlatform(*platform, member(kPlatform));
    line_.is_attestation = record_.platform == "unknown/unknown";
  }
  if (const Json* const digest = members[kManifestDigest]) {
    const ParsedDigest parsed = ReadDigest(*digest, member(kManifestDigest));
    record_.manifest_digest = parsed.digest;
    record_.manifest_verifiable = parsed.verifiable;
    record_.manifest_digest_text = digest->text();
  }
  if (const Json* const digest = members[kConfigDigest]) {
    record_.config_digest = ReadDigest(*digest, member(kConfigDigest)).digest;
  }
  if (const Json* const size = members[kConfigSize]) {
    record_.config_size = ReadSize(*size, member(kConfigSize));
  }
  if (const Json* const size = members[kManifestSize]) {
    record_.manifest_size = ReadSize(*size, member(kManifestSize));
  }
  if (const Json* const created = members[kCreated]) {
    record_.created = ReadText(*created, member(kCreated));
  }
  if (const Json* const text = members[kEntryPoint]) {
    record_.entry_point = ReadText(*text, member(kEntryPoint));
  }
  if (const Json* const text = members[kSearchPath]) {
    record_.search_path = ReadText(*text, member(kSearchPath));
  }
  if (const Json* const pulls = members[kPulls]) {
    record_.pulls = ReadWhole(*pulls, member(kPulls), "a whole number of pulls");
  }
  if (members[kLayers] == nullptr) ThrowMissing(member(kLayers), "an array of layers");
  ReadLayers(*members[kLayers], member(kLayers));
  if (const Json* const history = members[kHistory]) ReadHistory(*history, member(kHistory));
  if (const Json* const labels = members[kLabels]) ReadLabels(*labels, member(kLabels));
  if (const Json* const pools = members[kPools]) ReadPools(*pools, member(kPools));
}

template <typename Json>
std::string_view FleetLineParser::Fields::ReadPlatform(const Json& value, const JsonPath& path) {
  std::string_view platform;
  if (value.kind() == JsonKind::kObject) {
    const Members<kPlatformKeys, Json> members(value, *this);
    const auto part = [&](PlatformKey key) {
      return members[key] == nullptr ? std::string_view()
                                     : ReadText(*members[key], path.member(kPlatformKeys[key]));
    };
    platform = Own(FormatPlatform(part(kOs), part(kArchitecture), part(kVariant)));
    if (!IsPlatform(platform)) {
      ThrowExpected(path, "an object with os and architecture", Quote(platform));
    }
    return platform;
  }
  ExpectKind(value, JsonKind::kText, path, "a string OS/ARCHITECTURE[/VARIANT]");
  platform = value.text();
  if (platform.empty()) return platform;
  if (!IsPlatform(platform)) {
    ThrowExpected(path, "OS/ARCHITECTURE[/VARIANT] such as linux/arm64/v8", Quote(platform));
  }
  const bool is_lower = std::ranges::none_of(platform, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (is_lower) return platform;
  const std::size_t slash = platform.find('/');
  return Own(FormatPlatform(platform.substr(0, slash), platform.substr(slash + 1), {}));
}

template <typename Json>
void FleetLineParser::Fields::ReadLayers(const Json& value, const JsonPath& path) {
  ExpectKind(value, JsonKind::kArray, path, "an array of layers");
  std::int64_t index = 0;
  value.ForEachElement([&](const Json& layer) {
    record_.layers.push_back(ReadLayer(layer, path.element(index++)));
  });
}

template <typename Json>
LayerRecord FleetLineParser::Fields::ReadLayer(const Json& value, const JsonPath& path) {
  ExpectKind(value, JsonKind::kObject, path, "an object with digest and size");
  const Members<kLayerKeys, Json> members(value, *this);
  const auto member = [&](LayerKey key) { return path.member(kLayerKeys[key]); };

  LayerRecord layer;
  if (members[kDigest] == nullptr) ThrowMissing(member(kDigest), kExpectedDigest);
  const ParsedDigest digest = ReadDigest(*members[kDigest], member(kDigest));
  layer.digest = digest.digest;
  layer.verifiable = digest.verifiable;
  layer.digest_text = members[kDigest]->text();
  if (members[kSize] == nullptr) ThrowMissing(member(kSize), "the layer's bytes, a whole number");
  layer.size = ReadSize(*members[kSize], member(kSize));
  if (const Json* const text = members[kMediaType]) {
    layer.media_type = ReadText(*text, member(kMediaType));
    line_.is_attestation |= layer.media_type == kInTotoMediaType;
  }
  if (const Json* const text = members[kCreatedBy]) {
    layer.created_by = ReadText(*text, member(kCreatedBy));
  }
  if (const Json* const diff_id = members[kDiffId]) {
    layer.diff_id = ReadDigest(*diff_id, member(kDiffId)).digest;
  }
  if (const Json* const size = members[kUncompressedSize]) {
    layer.uncompressed_size = ReadSize(*size, member(kUncompressedSize));
  }
  if (const Json* const urls = members[kUrls]) layer.foreign = ReadHasUrls(*urls, member(kUrls));
  return layer;
}

// Gives the layers their instructions where they have none and the counts agree.
template <typename Json>
void FleetLineParser::Fields::ReadHistory(const Json& value, const JsonPath& path) {
  ExpectKind(value, JsonKind::kArray, path, "an array of history entries");
  instructions_.clear();
  bool marks_empty_layers = false;
  std::int64_t index = 0;
  value.ForEachElement([&](const Json& entry) {
    const JsonPath entry_path = path.element(index++);
    ExpectKind(entry, JsonKind::kObject, entry_path, "an object with created_by");
    const Members<kHistoryKeys, Json> members(entry, *this);
    std::string_view instruction;
    if (const Json* const text = members[kHistoryCreatedBy]) {
      instruction = ReadText(*text, entry_path.member(kHistoryKeys[kHistoryCreatedBy]));
    }
    std::string_view created;
    if (const Json* const text = members[kHistoryCreated]) {
      created = ReadText(*text, entry_path.member(kHistoryKeys[kHistoryCreated]));
    }
    bool is_empty = false;
    if (const Json* const mark = members[kEmptyLayer]) {
      ExpectKind(*mark, JsonKind::kBoolean, entry_path.member(kHistoryKeys[kEmptyLayer]),
                 "true or false");
      is_empty = mark->scalar_text() == "true";
      marks_empty_layers = true;
    }
    record_.steps.push_back(
        {.created_by = instruction, .created = created, .makes_layer = !is_empty});
    if (!is_empty) instructions_.push_back(instruction);
  });
  if (instructions_.size() != record_.layers.size()) {
    line_.history_mismatch = marks_empty_layers;
    return;
  }
  const bool known = std::ranges::any_of(
      record_.layers, [](const LayerRecord& layer) { return !layer.created_by.empty(); });
  if (known) return;
  for (std::size_t i = 0; i < instructions_.size(); ++i) {
    record_.layers[i].created_by = instructions_[i];
  }
}

template <typename Json>
void FleetLineParser::Fields::ReadLabels(const Json& value, const JsonPath& path) {
  ExpectKind(value, JsonKind::kObject, path, "an object of strings");
  value.ForEachMember([&](std::string_view key, const Json& label) {
    if (label.kind() == JsonKind::kText) {
      record_.labels.push_back({.key = key, .value = label.text()});
    } else if (label.kind() == JsonKind::kArray || label.kind() == JsonKind::kObject) {
      ThrowExpected(path.member(key), "a string", Describe(label));
    } else if (label.kind() != JsonKind::kNull) {
      record_.labels.push_back({.key = key, .value = Own(label.scalar_text())});
    }
  });
  if (record_.labels.size() < 2) return;
  // Of equal keys the last one wins.
  std::ranges::stable_sort(record_.labels, {}, &LabelRecord::key);
  std::ranges::reverse(record_.labels);
  const auto repeats = std::ranges::unique(record_.labels, {}, &LabelRecord::key);
  line_.num_duplicate_keys += static_cast<std::int64_t>(repeats.size());
  record_.labels.erase(repeats.begin(), repeats.end());
}

template <typename Json>
void FleetLineParser::Fields::ReadPools(const Json& value, const JsonPath& path) {
  ExpectKind(value, JsonKind::kArray, path, "an array of pools");
  std::int64_t index = 0;
  value.ForEachElement([&](const Json& element) {
    const JsonPath pool_path = path.element(index++);
    PoolRecord pool;
    if (element.kind() == JsonKind::kText) {
      pool.name = element.text();
    } else {
      ExpectKind(element, JsonKind::kObject, pool_path,
                 "a pool's name or an object with name and nodes");
      const Members<kPoolKeys, Json> members(element, *this);
      const JsonPath name_path = pool_path.member(kPoolKeys[kPoolName]);
      if (members[kPoolName] == nullptr) ThrowMissing(name_path, "a pool's name");
      pool.name = ReadText(*members[kPoolName], name_path);
      if (const Json* const nodes = members[kPoolNodes]) {
        pool.nodes =
            ReadWhole(*nodes, pool_path.member(kPoolKeys[kPoolNodes]), "a whole number of nodes");
      }
    }
    if (pool.name.empty()) ThrowExpected(pool_path, "a pool's name", "an empty one");
    record_.pools.push_back(pool);
  });
}

FleetLineParser::FleetLineParser() : fields_(std::make_unique<Fields>()) {}
FleetLineParser::~FleetLineParser() = default;

FleetLine FleetLineParser::Parse(std::string_view line) { return fields_->Parse(line); }

}  // namespace gneiss
