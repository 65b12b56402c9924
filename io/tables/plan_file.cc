#include "io/tables/plan_file.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "io/bytes/byte_source.h"
#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "io/source/document_rules.h"
#include "io/tables/record_lines.h"
#include "planner/fleet/bytes.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

constexpr std::string_view kSummarySchema = "gneiss.plan/1";
constexpr std::size_t kMaxSummaryBytes = std::size_t{2} << 30;

const JsonValue& MemberOf(const JsonValue& object, std::string_view key, const JsonPath& path,
                          std::string_view expected) {
  const JsonValue* const value = object.Find(key);
  if (value == nullptr) ThrowMissing(path.member(key), expected);
  return *value;
}

const JsonValue& ObjectOf(const JsonValue& object, std::string_view key, const JsonPath& path) {
  const JsonValue& value = MemberOf(object, key, path, "an object");
  ExpectKind(TreeJson(value), JsonKind::kObject, path.member(key), "an object");
  return value;
}

std::string TextOf(const JsonValue& object, std::string_view key, const JsonPath& path) {
  return std::string(ReadText(TreeJson(MemberOf(object, key, path, "a string")), path.member(key)));
}

// A whole number of either sign.
std::int64_t NumberOf(const JsonValue& object, std::string_view key, const JsonPath& path) {
  const JsonValue& value = MemberOf(object, key, path, "a whole number");
  const TreeJson json(value);
  ExpectKind(json, JsonKind::kNumber, path.member(key), "a whole number");
  const std::optional<std::int64_t> whole = json.whole();
  if (!whole) ThrowExpected(path.member(key), "a whole number", json.scalar_text());
  return *whole;
}

double FractionOf(const JsonValue& object, std::string_view key, const JsonPath& path) {
  const JsonValue& value = MemberOf(object, key, path, "a number");
  ExpectKind(TreeJson(value), JsonKind::kNumber, path.member(key), "a number");
  return std::visit(
      [](const auto& v) {
        if constexpr (std::is_arithmetic_v<std::decay_t<decltype(v)>>) {
          return static_cast<double>(v);
        } else {
          return 0.0;
        }
      },
      value.variant());
}

template <typename F>
void ForEachIn(const JsonValue& object, std::string_view key, const JsonPath& path, const F& f) {
  const JsonValue& value = MemberOf(object, key, path, "an array");
  const JsonPath place = path.member(key);
  ExpectKind(TreeJson(value), JsonKind::kArray, place, "an array");
  std::int64_t index = 0;
  for (const JsonValue& element : value.elements()) {
    const JsonPath at = place.element(index++);
    ExpectKind(TreeJson(element), JsonKind::kObject, at, "an object");
    f(element, at);
  }
}

PlanFigures FiguresIn(const JsonValue& object, std::string_view key, const JsonPath& path) {
  const JsonValue& value = ObjectOf(object, key, path);
  const JsonPath place = path.member(key);
  return {.cost = NumberOf(value, "cost", place),
          .storage_bytes = NumberOf(value, "storage_bytes", place),
          .transfer_bytes = NumberOf(value, "transfer_bytes", place),
          .layer_references = NumberOf(value, "layer_references", place)};
}

class PlanSummaryReader {
 public:
  PlanSummary Read(std::string_view text) {
    const JsonDocument document = ParseJson(text);
    const JsonPath root;
    ExpectKind(TreeJson(document.root), JsonKind::kObject, root, "an object");
    const std::string schema = TextOf(document.root, "schema", root);
    if (schema != kSummarySchema) {
      ThrowExpected(root.member("schema"), "\"gneiss.plan/1\"", Quote(schema));
    }
    const JsonValue& fleet = ObjectOf(document.root, "fleet", root);
    const JsonPath fleet_path = root.member("fleet");
    plan_.images = NumberOf(fleet, "images", fleet_path);
    plan_.logical_bytes = NumberOf(fleet, "logical_bytes", fleet_path);
    plan_.physical_bytes = NumberOf(fleet, "physical_bytes", fleet_path);
    plan_.model =
        TextOf(ObjectOf(document.root, "model", root), "description", root.member("model"));
    ForEachIn(document.root, "levels", root, [&](const JsonValue& level, const JsonPath& path) {
      plan_.current = FiguresIn(level, "current", path);
      AddLevel(level, TextOf(level, "level", path), "planned", path);
    });
    // The level that moves images between versions of their bases.
    AddLevel(ObjectOf(document.root, "bases", root), "rebase", "moved", root.member("bases"));
    return std::move(plan_);
  }

 private:
  void AddLevel(const JsonValue& level, std::string name, std::string_view planned,
                const JsonPath& path) {
    plan_.levels.push_back({.name = std::move(name),
                            .planned = FiguresIn(level, planned, path),
                            .gap = FractionOf(level, "gap", path),
                            .status = TextOf(level, "status", path)});
    ForEachIn(level, "recommendations", path,
              [&](const JsonValue& recommendation, const JsonPath& place) {
                AddRecommendation(recommendation, place);
              });
  }

  void AddRecommendation(const JsonValue& json, const JsonPath& path) {
    RecommendationSummary summary{
        .id = TextOf(json, "id", path),
        .kind = TextOf(json, "kind", path),
        .title = TextOf(json, "title", path),
        .saves_cost = NumberOf(json, "saves_cost", path),
        .saves_storage_bytes = NumberOf(json, "saves_storage_bytes", path),
        .saves_transfer_bytes = NumberOf(json, "saves_transfer_bytes", path)};
    const JsonValue& images = MemberOf(json, "images", path, "an array");
    const JsonPath place = path.member("images");
    ExpectKind(TreeJson(images), JsonKind::kArray, place, "an array");
    std::int64_t index = 0;
    for (const JsonValue& image : images.elements()) {
      summary.images.emplace_back(ReadText(TreeJson(image), place.element(index++)));
    }
    plan_.recommendations.push_back(std::move(summary));
  }

  PlanSummary plan_;
};

}  // namespace

PlanSummary ParsePlanSummary(const std::string& path, std::string_view text) {
  try {
    PlanSummary plan = PlanSummaryReader().Read(text);
    plan.path = path;
    return plan;
  } catch (const InputError& error) {
    throw error.WithSource(path, error.place());
  }
}

PlanSummary ReadPlanSummary(const std::string& path) {
  return ParsePlanSummary(path, ReadDocument(path, "a plan", kMaxSummaryBytes));
}

namespace {

constexpr std::size_t kMaxPlanBytes = std::size_t{2} << 30;
constexpr std::string_view kPlanSchema = "gneiss.plan/1";
constexpr std::size_t kMaxLayerIdBytes = 100;

const JsonValue& Required(const JsonValue& object, std::string_view key, const JsonPath& path,
                          std::string_view expected) {
  const JsonValue* const value = object.Find(key);
  if (value == nullptr) ThrowMissing(path.member(key), expected);
  return *value;
}

const JsonValue::Array& RequiredArray(const JsonValue& object, std::string_view key,
                                      const JsonPath& path, std::string_view expected) {
  const JsonValue& value = Required(object, key, path, expected);
  ExpectKind(TreeJson(value), JsonKind::kArray, path.member(key), expected);
  return value.elements();
}

std::string_view RequiredText(const JsonValue& object, std::string_view key, const JsonPath& path) {
  return ReadText(TreeJson(Required(object, key, path, "a string")), path.member(key));
}

// [A-Za-z0-9_.-], as in a tag.
bool IsLayerId(std::string_view text) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && text.size() <= kMaxLayerIdBytes && is_letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return is_letter(c) || c == '.' || c == '-'; });
}

// "0-5,9" into ranges that rise and do not touch each other's numbers.
std::vector<std::pair<std::uint32_t, std::uint32_t>> ReadRanges(const JsonValue& value,
                                                                const JsonPath& path) {
  const std::string_view text = ReadText(TreeJson(value), path);
  const auto fail = [&](std::string_view expected, std::string_view found) {
    ThrowExpected(path, expected, Quote(found));
  };
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
  std::string_view rest = text;
  while (true) {
    const std::string_view item = rest.substr(0, rest.find(','));
    const auto number = [&](std::string_view digits) {
      std::uint32_t parsed = 0;
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), parsed);
      if (error == std::errc::result_out_of_range || (error == std::errc() && parsed == kNone)) {
        fail("positions below 4294967295", item);
      }
      if (error != std::errc() || end != digits.data() + digits.size()) {
        fail("positions as \"0-5,9\"", item);
      }
      return parsed;
    };
    const std::size_t dash = item.find('-');
    const std::uint32_t first = number(item.substr(0, dash));
    const std::uint32_t last =
        dash == std::string_view::npos ? first : number(item.substr(dash + 1));
    if (last < first) fail("a range that ends after its start", item);
    if (!ranges.empty() && first <= ranges.back().second) {
      fail("positions in rising order, each once", item);
    }
    ranges.emplace_back(first, last);
    if (item.size() == rest.size()) return ranges;
    rest.remove_prefix(item.size() + 1);
  }
}

class PlanReader {
 public:
  PlanFile Read(std::string_view text) {
    const JsonDocument document = ParseJson(text);
    const JsonPath root;
    ExpectKind(TreeJson(document.root), JsonKind::kObject, root, "a plan, a JSON object");
    const JsonValue* const schema = document.root.Find("schema");
    if (schema == nullptr) {
      ThrowMissing(root.member("schema"), "\"gneiss.plan/1\" as `gneiss plan -o FILE` writes it");
    }
    if (schema->kind() != JsonKind::kText || schema->text() != kPlanSchema) {
      ThrowExpected(root.member("schema"), "\"gneiss.plan/1\"", Describe(TreeJson(*schema)));
    }
    PlanFile plan{.codec = ReadCodec(document.root, root)};
    const JsonPath levels_path = root.member("levels");
    std::int64_t index = 0;
    for (const JsonValue& value :
         RequiredArray(document.root, "levels", root, "an array of levels")) {
      const JsonPath path = levels_path.element(index++);
      plan.levels.push_back(ReadLevel(value, path));
      const PlanFileLevel& level = plan.levels.back();
      if (std::ranges::count(plan.levels, level.name, &PlanFileLevel::name) > 1) {
        ThrowExpected(path.member("level"), "each level once", Quote(level.name));
      }
    }
    if (plan.levels.empty()) ThrowExpected(levels_path, "a level at least", "none");
    return plan;
  }

 private:
  using LayerIds = SeededMap<std::string, std::uint32_t>;

  static std::optional<LayerCodec> ReadCodec(const JsonValue& plan, const JsonPath& path) {
    const JsonValue* const model = plan.Find("model");
    if (model == nullptr || model->Find("compression") == nullptr) return std::nullopt;
    const JsonPath model_path = path.member("model");
    const std::string_view name = RequiredText(*model, "compression", model_path);
    for (const LayerCodec codec : {LayerCodec::kGzip, LayerCodec::kZstd}) {
      if (name == LayerCodecName(codec)) return codec;
    }
    if (name == "today") return std::nullopt;
    ThrowExpected(model_path.member("compression"), "gzip, zstd or today", Quote(name));
  }

  static PlanFileLevel ReadLevel(const JsonValue& value, const JsonPath& path) {
    ExpectKind(TreeJson(value), JsonKind::kObject, path, "a level, an object");
    PlanFileLevel level;
    level.name = RequiredText(value, "level", path);
    const bool is_squash = level.name == "squash";
    if (!is_squash && level.name != "bases" && level.name != "carve") {
      ThrowExpected(path.member("level"), "squash, bases or carve", Quote(level.name));
    }
    LayerIds ids;
    if (!is_squash) ReadLayers(value, path, level, ids);
    const JsonPath images_path = path.member("images");
    std::int64_t index = 0;
    for (const JsonValue& image : RequiredArray(value, "images", path, "an array of images")) {
      level.images.push_back(ReadImage(image, images_path.element(index++), ids));
    }
    ReadBases(value, path, level, ids);
    return level;
  }

  static void ReadLayers(const JsonValue& value, const JsonPath& path, PlanFileLevel& level,
                         LayerIds& ids) {
    const JsonPath layers_path = path.member("layers");
    std::int64_t index = 0;
    for (const JsonValue& element : RequiredArray(value, "layers", path, "an array of layers")) {
      const JsonPath layer_path = layers_path.element(index++);
      ExpectKind(TreeJson(element), JsonKind::kObject, layer_path, "a layer, an object");
      PlanLayer layer;
      layer.id = RequiredText(element, "id", layer_path);
      if (!IsLayerId(layer.id)) {
        ThrowExpected(layer_path.member("id"),
                      "an id of at most 100 letters, digits, '_', '.', '-'", Quote(layer.id));
      }
      if (!ids.emplace(layer.id, static_cast<std::uint32_t>(level.layers.size())).second) {
        ThrowExpected(layer_path.member("id"), "each id once", Quote(layer.id));
      }
      layer.size = ReadSize(TreeJson(Required(element, "size", layer_path, "a size in bytes")),
                            layer_path.member("size"));
      const JsonPath from_path = layer_path.member("from");
      std::int64_t from_index = 0;
      for (const JsonValue& from :
           RequiredArray(element, "from", layer_path, "an array of layers and their entries")) {
        layer.from.push_back(ReadEntries(from, from_path.element(from_index++)));
      }
      level.layers.push_back(std::move(layer));
    }
  }

  static PlanEntries ReadEntries(const JsonValue& value, const JsonPath& path) {
    ExpectKind(TreeJson(value), JsonKind::kObject, path, "a layer and its entries, an object");
    PlanEntries entries;
    const JsonValue& digest = Required(value, "digest", path, kExpectedDigest);
    entries.digest = ReadDigest(TreeJson(digest), path.member("digest")).digest;
    entries.digest_text = digest.text();
    entries.ranges = ReadRanges(Required(value, "entries", path, "positions as \"0-5,9\""),
                                path.member("entries"));
    entries.place = path.text();
    return entries;
  }

  static PlanImage ReadImage(const JsonValue& value, const JsonPath& path, const LayerIds& ids) {
    ExpectKind(TreeJson(value), JsonKind::kObject, path, "an image, an object");
    PlanImage image;
    image.place = path.text();
    const JsonValue* const digest = value.Find("manifest_digest");
    if (digest == nullptr) {
      ThrowMissing(path.member("manifest_digest"),
                   "the manifest's digest: the plan is of a source that does not know it");
    }
    image.manifest_digest = ReadDigest(TreeJson(*digest), path.member("manifest_digest")).digest;
    image.name = digest->text();
    const JsonPath refs_path = path.member("refs");
    std::int64_t index = 0;
    for (const JsonValue& ref : RequiredArray(value, "refs", path, "an array of refs")) {
      const std::string_view text = ReadText(TreeJson(ref), refs_path.element(index));
      if (index++ == 0 && !text.empty()) image.name = text;
    }
    const JsonPath layers_path = path.member("layers");
    index = 0;
    for (const JsonValue& layer : RequiredArray(value, "layers", path, "an array of layers")) {
      image.layers.push_back(ReadImageLayer(layer, layers_path.element(index++), ids));
    }
    return image;
  }

  static PlanImageLayer ReadImageLayer(const JsonValue& value, const JsonPath& path,
                                       const LayerIds& ids) {
    constexpr std::string_view kExpected = "an object with either `from` or `entries`";
    ExpectKind(TreeJson(value), JsonKind::kObject, path, kExpected);
    const JsonValue* const entries = value.Find("entries");
    PlanImageLayer layer;
    if ((entries == nullptr) == (value.Find("from") == nullptr)) {
      ThrowExpected(path, kExpected, entries == nullptr ? "neither" : "both");
    }
    if (entries != nullptr) {
      const auto found =
          ids.find(std::string(ReadText(TreeJson(*entries), path.member("entries"))));
      if (found == ids.end()) {
        ThrowExpected(path.member("entries"), "the id of one of the level's layers",
                      Quote(entries->text()));
      }
      layer.new_layer = found->second;
      return layer;
    }
    const JsonPath from_path = path.member("from");
    std::int64_t index = 0;
    for (const JsonValue& digest : RequiredArray(value, "from", path, "an array of digests")) {
      layer.from.push_back(ReadDigest(TreeJson(digest), from_path.element(index++)).digest);
    }
    if (layer.from.empty()) ThrowExpected(from_path, "a digest at least", "none");
    return layer;
  }

  static void ReadBases(const JsonValue& value, const JsonPath& path, PlanFileLevel& level,
                        const LayerIds& ids) {
    if (level.name != "bases" || value.Find("bases") == nullptr) return;
    const JsonPath bases_path = path.member("bases");
    std::int64_t index = 0;
    for (const JsonValue& element : RequiredArray(value, "bases", path, "an array of bases")) {
      const JsonPath base_path = bases_path.element(index++);
      ExpectKind(TreeJson(element), JsonKind::kObject, base_path, "a base, an object");
      const auto layer_of = [&](std::string_view key) {
        const std::string_view id = RequiredText(element, key, base_path);
        const auto found = ids.find(std::string(id));
        if (found == ids.end()) {
          ThrowExpected(base_path.member(key), "the id of one of the level's layers", Quote(id));
        }
        return found->second;
      };
      PlanBase base{.layer = layer_of("layer")};
      if (element.Find("on") != nullptr) {
        base.on = layer_of("on");
        if (std::ranges::find(level.bases, base.on, &PlanBase::layer) == level.bases.end()) {
          ThrowExpected(base_path.member("on"), "the layer of an earlier base",
                        Quote(level.layers[base.on].id));
        }
      }
      if (std::ranges::find(level.bases, base.layer, &PlanBase::layer) != level.bases.end()) {
        ThrowExpected(base_path.member("layer"), "each base once",
                      Quote(level.layers[base.layer].id));
      }
      level.bases.push_back(base);
    }
  }
};

}  // namespace

const PlanFileLevel& PlanFile::Level(std::string_view name) const {
  std::string names;
  for (const PlanFileLevel& level : levels) {
    if (level.name == name) return level;
    names += (names.empty() ? "" : ", ") + level.name;
  }
  if (!name.empty()) {
    throw InputError(path, "", fmt::format("expected level {}, found {}", name, names));
  }
  if (levels.size() == 1) return levels.front();
  throw InputError(path, "",
                   fmt::format("expected one level, found {}; say which with --level", names));
}

PlanFile ParsePlanFile(const std::string& path, std::string_view text) {
  try {
    PlanFile plan = PlanReader().Read(text);
    plan.path = path;
    plan.digest = Sha256(text);
    return plan;
  } catch (const InputError& error) {
    throw error.WithSource(path, error.place());
  }
}

PlanFile ReadPlanFile(const std::string& path) {
  const std::unique_ptr<ByteSource> file = OpenFile(path, "a plan file");
  std::string text;
  WithPath(path, [&] { text = ReadText(*file, "a plan", kMaxPlanBytes); });
  return ParsePlanFile(path, text);
}

}  // namespace gneiss
