#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "io/bytes/byte_source.h"
#include "io/tables/event_file.h"
#include "io/tables/history_tables.h"
#include "planner/cost/layout.h"
#include "planner/fleet/calendar.h"
#include "planner/questions/growth_forecast.h"
#include "planner/questions/tag_replay.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

double InGigabytes(Bytes bytes) { return std::round(static_cast<double>(bytes) / 1e8) / 10; }

TEST_CASE("A replay of the official images holds what their history is known to hold",
          "[io][replay][corpus]") {
  const auto data = CorpusPath("data");
  if (!data) return;
  const auto path = [&](const std::string& table) {
    return *data + "/official-history-" + table + ".ndjson.gz";
  };
  const auto open = [&](const std::string& table) { return OpenFile(path(table), table); };
  const TagEvents events = ReadEvents(open("events"), path("events"));
  const HistoryTables tables =
      ReadHistoryTables(open("manifests"), path("manifests"), open("layers"), path("layers"));
  REQUIRE(events.events.size() == 166'231);
  REQUIRE(tables.fleet.images.size() == 40'194);
  const std::vector<ImageIndex> images = ImagesOfManifests(events, tables.fleet, tables.by_number);
  REQUIRE(std::ranges::find(images, kNone) == images.end());
  const std::vector<ReplayPeriod> months =
      ReplayTags(events, images, tables.fleet, CurrentLayout(tables.fleet),
                 {.ends = PeriodEnds(events.events.front().time, events.events.back().time,
                                     CalendarStep::kMonth)});
  std::map<std::string, const ReplayPeriod*> by_month;
  for (const ReplayPeriod& month : months) {
    by_month[DateText(month.end - 1, CalendarStep::kMonth)] = &month;
  }
  REQUIRE(by_month.size() == 17);
  CHECK(InGigabytes(by_month.at("2016-09")->stored) == Approx(39.1));
  CHECK(by_month.at("2016-09")->images == 633);
  CHECK(InGigabytes(by_month.at("2017-08")->stored) == Approx(63.4));
  CHECK(by_month.at("2017-08")->images == 890);
  CHECK(InGigabytes(by_month.at("2017-09")->stored) == Approx(147.4).margin(0.06));
  CHECK(by_month.at("2017-09")->images == 2455);
  CHECK(by_month.at("2018-01")->stored == 171'655'457'577);
  CHECK(by_month.at("2018-01")->images == 3145);

  // Learned until the month before images of several platforms came.
  std::vector<GrowthPoint> learned;
  for (const ReplayPeriod& month : months) {
    if (month.end > by_month.at("2017-06")->end) break;
    learned.push_back({.time = month.end, .bytes = static_cast<double>(month.stored)});
  }
  const GrowthForecast forecast(learned, 0.8);
  for (const char* const month : {"2017-07", "2017-08"}) {
    const auto found = static_cast<double>(by_month.at(month)->stored);
    const ForecastPoint expected = forecast.At(by_month.at(month)->end);
    CHECK(std::abs(expected.bytes / found - 1) < 0.02);
    CHECK(found > expected.low);
    CHECK(found < expected.high);
  }
}

}  // namespace
}  // namespace gneiss
