#include <array>
#include <string_view>
#include <utility>

#include "io/json/json_writer.h"
#include "io/report/questions/policy.h"

namespace gneiss {
namespace {

std::string_view UnitName(PolicyUnit unit) {
  static constexpr std::array<std::string_view, 3> kNames = {"bytes", "count", "millionths"};
  return kNames[static_cast<std::size_t>(unit)];
}

Json PolicyResultJson(const PolicyResult& result) {
  const PolicyRule rule = result.limit.rule;
  const bool has_limit = rule != PolicyRule::kAllowedBases && rule != PolicyRule::kNoSecrets;
  Json json = {{"rule", PolicyRuleName(rule)}, {"verdict", PolicyVerdictName(result.verdict)}};
  if (!result.repositories.empty()) json["repositories"] = result.repositories;
  json["line"] = result.limit.line;
  json["unit"] = UnitName(result.limit.unit);
  if (result.num_checked > 0) json["figure"] = result.figure;
  if (has_limit) json["limit"] = result.limit.value;
  if (!result.limit.patterns.empty()) json["patterns"] = result.limit.patterns;
  json["checked"] = result.num_checked;
  if (!result.not_judged.empty()) json["why"] = result.not_judged;
  Json offences = Json::array();
  for (const PolicyOffence& offence : result.offences) {
    Json row = {{"name", offence.name}};
    if (has_limit) row["figure"] = offence.figure;
    if (!offence.detail.empty()) row["detail"] = offence.detail;
    offences.push_back(std::move(row));
  }
  json["offences"] = std::move(offences);
  return json;
}

}  // namespace

void WritePolicyJson(const PolicyReport& report, std::int64_t bad_images, std::ostream& out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema", "gneiss.check/1");
  json.Field("met", report.is_met());
  json.Field("passed", report.count(PolicyVerdict::kPass));
  json.Field("failed", report.count(PolicyVerdict::kFail));
  json.Field("not_judged", report.count(PolicyVerdict::kNotJudged));
  json.Field("not_judged_passes", report.unjudged_passes);
  json.Field("bad_images", bad_images);
  json.Key("rules");
  json.BeginArray();
  for (const PolicyResult& result : report.results) json.Value(PolicyResultJson(result));
  json.EndArray();
  json.EndObject();
  json.Finish();
}

}  // namespace gneiss
