#include <cmath>
#include <optional>

#include "io/json/json_writer.h"
#include "io/report/questions/forecast.h"

namespace gneiss {
namespace {

// Whole bytes: what is expected is no more exact than that.
std::int64_t Whole(double bytes) { return std::llround(std::clamp(bytes, -9e18, 9e18)); }

Json JsonOf(const ForecastPoint& point) {
  return {{"time", point.time},
          {"bytes", Whole(point.bytes)},
          {"low_bytes", Whole(point.low)},
          {"high_bytes", Whole(point.high)}};
}

Json OrNull(const std::optional<std::int64_t>& time) { return time ? Json(*time) : Json(nullptr); }

void WriteCurve(const GrowthCurve& curve, const ForecastRequest& request, JsonWriter& json) {
  json.BeginObject();
  json.Field("name", curve.name);
  json.Field("bytes_a_month", Whole(curve.bytes_a_month));
  json.Field("bytes_a_month_margin", Whole(curve.bytes_a_month_margin));
  json.Field("season_seconds", curve.season);
  if (request.quota && curve.is_stored) {
    json.Field("over_quota", curve.is_over_quota);
    json.Field("quota_reached", OrNull(curve.reached));
    json.Field("quota_reached_earliest", OrNull(curve.reached_first));
    json.Field("quota_reached_latest", OrNull(curve.reached_last));
  }
  if (curve.costs) json.Field("costs", *curve.costs);
  json.Key("points");
  json.BeginArray();
  for (const GrowthPoint& point : curve.points) {
    json.Value({{"time", point.time}, {"bytes", Whole(point.bytes)}});
  }
  json.EndArray();
  json.Key("ahead");
  json.BeginArray();
  for (const ForecastPoint& point : curve.ahead) json.Value(JsonOf(point));
  json.EndArray();
  json.EndObject();
}

}  // namespace

void WriteForecastJson(const ForecastReport& report, std::ostream& out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema", "gneiss.forecast/1");
  json.Field("confidence", report.request.confidence);
  if (report.request.quota) json.Field("quota_bytes", *report.request.quota);
  if (report.request.price) json.Field("price_per_gb_month", *report.request.price);
  json.Key("curves");
  json.BeginArray();
  for (const GrowthCurve& curve : report.curves) WriteCurve(curve, report.request, json);
  json.EndArray();
  json.Key("tests");
  json.BeginArray();
  for (const ForecastTest& test : report.tests) {
    Json row = JsonOf(test.expected);
    row["curve"] = test.curve;
    row["found_bytes"] = Whole(test.found.bytes);
    json.Value(row);
  }
  json.EndArray();
  json.EndObject();
  json.Finish();
}

}  // namespace gneiss
