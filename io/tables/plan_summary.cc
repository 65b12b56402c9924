#include "io/tables/plan_summary.h"

#include <optional>
#include <utility>
#include <variant>

#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "io/source/document_schema.h"
#include "planner/fleet/bytes.h"

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

}  // namespace gneiss
