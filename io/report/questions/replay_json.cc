#include <vector>

#include "io/json/json_writer.h"
#include "io/report/questions/replay.h"

namespace gneiss {
namespace {

Json JsonOf(const ReplayReport& report, const ReplayPeriod& period) {
  return {{"period", DateText(period.end - 1, report.step)},
          {"end", period.end},
          {"held_at", HeldAt(report, period)},
          {"moves", period.moves},
          {"removals", period.removals},
          {"pulls", period.pulls},
          {"lost_pulls", period.lost_pulls},
          {"tags", period.tags},
          {"images", period.images},
          {"layers", period.layers},
          {"logical_bytes", period.logical},
          {"stored_bytes", period.stored},
          {"pushed_bytes", period.pushed},
          {"fetched_bytes", period.fetched}};
}

void WritePeriods(const ReplayReport& report, const std::vector<ReplayPeriod>& periods,
                  JsonWriter& json) {
  json.Key("periods");
  json.BeginArray();
  for (const ReplayPeriod& period : periods) json.Value(JsonOf(report, period));
  json.EndArray();
}

}  // namespace

void WriteReplayJson(const ReplayReport& report, std::ostream& out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema", "gneiss.replay/1");
  json.Field("events", report.events);
  json.Field("first_time", report.first_time);
  json.Field("last_time", report.last_time);
  json.Field("unknown_images", report.unknown_images);
  Json model = {{"fetches", report.has_pulls ? "pulls" : "moves"}, {"nodes", report.num_nodes}};
  if (!report.has_pulls) model["images_per_node"] = report.images_per_node;
  json.Field("model", model);
  WritePeriods(report, report.periods, json);
  if (report.planned) {
    json.Key("planned");
    json.BeginObject();
    json.Field("plan", report.planned->plan);
    json.Field("planned_images", report.planned->planned);
    json.Field("following_images", report.planned->followed);
    json.Field("unchanged_images", report.planned->unchanged);
    WritePeriods(report, report.planned->periods, json);
    json.EndObject();
  }
  json.EndObject();
  json.Finish();
}

}  // namespace gneiss
