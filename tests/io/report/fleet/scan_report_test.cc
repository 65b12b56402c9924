#include "io/report/fleet/scan_report.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "planner/fleet/digest.h"
#include "planner/fleet/fleet_builder.h"

namespace gneiss {
namespace {

// Two images on one base; a layer for each outcome. Digests are those of one-letter texts.
struct Scanned {
  Fleet fleet;
  FleetScan scan;
};

Scanned TwoImages() {
  FleetBuilder builder;
  const auto layer = [](const char* name, Bytes size, const char* created_by = "") {
    return LayerRecord{.digest = Sha256(name),
                       .size = size,
                       .diff_id = {},
                       .created_by = created_by,
                       .media_type = {},
                       .digest_text = {}};
  };
  ImageRecord record;
  record.ref = "web/shop:1";
  record.layers = {layer("base", 1000), layer("bad", 200, "RUN \x1b[31mmake"), layer("bad", 200)};
  builder.Add(record);
  record.ref = "web/shop:2";
  record.layers = {layer("base", 1000), layer("bad", 200), layer("stored", 30), layer("none", 4),
                   layer("json", 5)};
  builder.Add(record);
  Scanned scanned{.fleet = builder.Build(), .scan = {}};
  for (const Layer& found : scanned.fleet.layers) {
    LayerScan result;
    if (found.digest == Sha256("base")) {
      result = {.outcome = LayerOutcome::kScanned,
                .was_read = true,
                .tar_size = 5120,
                .num_entries = 10,
                .num_packages = 3,
                .os_release = {.id = "debian", .version_id = "12", .codename = "bookworm"},
                .warnings = {{.kind = "aufs metadata", .count = 2, .first = ".wh..wh.x"},
                             {.kind = "owner out of range", .count = 1, .first = "\xff\n"}},
                .file_bytes = 345};
      result.damage = "store/x.inv: expected an inventory, found another kind of file";
    } else if (found.digest == Sha256("bad")) {
      result.outcome = LayerOutcome::kBad;
      result.problem = "tar byte 512: expected a header, found \n";
    } else if (found.digest == Sha256("stored")) {
      result = {.outcome = LayerOutcome::kStored, .tar_size = 2048, .num_entries = 10};
      result.warnings = {{.kind = "aufs metadata", .count = 5, .first = ".wh..wh.y"}};
      result.file_bytes = 355;
    } else if (found.digest == Sha256("json")) {
      result = {.outcome = LayerOutcome::kNotATar, .was_read = true, .file_bytes = 79};
      result.problem = "JSON";
    }
    scanned.scan.layers.push_back(result);
  }
  return scanned;
}

TEST_CASE("A scan's totals sum over outcomes, and bad layers name their images", "[io][scan]") {
  const Scanned scanned = TwoImages();
  const ScanReport report = MakeScanReport(scanned.fleet, scanned.scan);
  CHECK(report.all.layers == 5);
  CHECK(report.all.blob_bytes == 1239);
  CHECK(report.all.entries == 20);
  CHECK(report.all.store_bytes == 779);
  ScanTotals sum;
  for (const ScanTotals& totals : report.outcomes) {
    sum.layers += totals.layers;
    sum.blob_bytes += totals.blob_bytes;
    sum.tar_bytes += totals.tar_bytes;
  }
  CHECK(sum.layers == report.all.layers);
  CHECK(sum.blob_bytes == report.all.blob_bytes);
  CHECK(sum.tar_bytes == report.all.tar_bytes);
  CHECK(report.of(LayerOutcome::kNoBlob).blob_bytes == 4);
  CHECK(report.bytes_read == 1005);
  CHECK(report.bytes_unpacked == 5120);
  REQUIRE(report.oddities.size() == 2);
  CHECK(report.oddities[0].kind == "aufs metadata");
  CHECK(report.oddities[0].count == 7);
  CHECK(report.oddities[0].num_layers == 2);
  CHECK(report.num_damaged == 1);
  REQUIRE(report.bad.size() == 1);
  CHECK(report.bad[0].num_images == 2);  // one of them has it twice
  CHECK(scanned.fleet.name(scanned.fleet.images[report.bad[0].image]) == "web/shop:1");
  CHECK(report.no_blobs.size() == 1);
  CHECK(report.not_tars.size() == 1);
}

TEST_CASE("A scan is shown as a table and a line for each bad layer", "[io][scan]") {
  const Scanned scanned = TwoImages();
  const ScanReport report = MakeScanReport(scanned.fleet, scanned.scan);
  std::ostringstream out;
  PrintScan(scanned.fleet, scanned.scan, report, {}, 0, out);
  const auto digest = [](const char* name) { return FormatDigest(Sha256(name)); };
  const ScanOddity& aufs = report.oddities[0];
  const std::string first_aufs =
      FormatDigest(scanned.fleet.layers[aufs.layer].digest).substr(0, 19) + ": " + aufs.where;
  CHECK(out.str() ==
        "layers        number    blobs  unpacked  entries  inventories\n"
        "scanned            1  1.00 kB   5.12 kB       10        345 B\n"
        "in the store       1     30 B   2.05 kB       10        355 B\n"
        "blob missing       1      4 B       0 B        0          0 B\n"
        "not a tar          1      5 B       0 B        0         79 B\n"
        "bad                1    200 B       0 B        0          0 B\n"
        "TOTAL              5  1.24 kB   7.17 kB       20        779 B\n"
        "read 1.00 kB of blobs, unpacked 5.12 kB; 39.0 bytes of inventory an entry\n"
        "\n"
        "odd but accepted\n"
        "aufs metadata: 7 times in 2 layers, first in " +
            first_aufs + "\nowner out of range: 1 time in 1 layer, first in " +
            digest("base").substr(0, 19) +
            ": \\xff\\n\n"
            "\n"
            "no tar: nothing to know of their contents\n" +
            digest("json") +
            " of web/shop:2: JSON\n"
            "\n"
            "no source has their blob: their contents stay unknown\n" +
            digest("none") +
            " of web/shop:2\n"
            "\n"
            "bad layers: their contents stay unknown\n" +
            digest("bad") +
            " of web/shop:1 and 1 other image (`RUN \\x1b[31mmake`): tar byte 512: expected a "
            "header, found \\n\n");
}

TEST_CASE("A list of a scan is cut where it is told to be", "[io][scan]") {
  Scanned scanned = TwoImages();
  for (LayerScan& layer : scanned.scan.layers) {
    layer = {.outcome = LayerOutcome::kBad, .problem = "expected a header"};
  }
  const ScanReport report = MakeScanReport(scanned.fleet, scanned.scan);
  std::ostringstream out;
  PrintScan(scanned.fleet, scanned.scan, report, {}, 2, out);
  CHECK_THAT(out.str(), Catch::Matchers::Contains("; - bytes of inventory an entry\n"));
  CHECK_THAT(out.str(), Catch::Matchers::EndsWith(": expected a header\n[3 others]\n"));
}

TEST_CASE("A scan as JSON has raw integers and every layer that was left out", "[io][scan]") {
  const Scanned scanned = TwoImages();
  const ScanReport report = MakeScanReport(scanned.fleet, scanned.scan);
  std::ostringstream out;
  WriteScanJson(scanned.fleet, scanned.scan, report, 3, out);
  const auto written = nlohmann::json::parse(out.str());
  CHECK(written["schema"] == "gneiss.scan/1");
  CHECK(written["images"] == 2);
  CHECK(written["bad_images"] == 3);
  CHECK(written["layers"]["scanned"] == nlohmann::json{{"layers", 1},
                                                       {"blob_bytes", 1000},
                                                       {"tar_bytes", 5120},
                                                       {"entries", 10},
                                                       {"store_bytes", 345}});
  CHECK(written["layers"]["all"]["layers"] == 5);
  CHECK(written["bytes_read"] == 1005);
  std::vector<nlohmann::json> inventories = written["inventories"];
  std::ranges::sort(inventories, {},
                    [](const nlohmann::json& row) { return -row["packages"].get<int>(); });
  CHECK(inventories ==
        std::vector<nlohmann::json>{
            {{"layer", FormatDigest(Sha256("base"))},
             {"entries", 10},
             {"packages", 3},
             {"os_release",
              {{"id", "debian"}, {"version_id", "12"}, {"version_codename", "bookworm"}}}},
            {{"layer", FormatDigest(Sha256("stored"))}, {"entries", 10}, {"packages", 0}}});
  const auto warning = [](const char* kind, int count, const char* layer, const char* where) {
    return nlohmann::json{
        {"kind", kind}, {"count", count}, {"layer", FormatDigest(Sha256(layer))}, {"where", where}};
  };
  std::vector<nlohmann::json> warnings = written["warnings"];
  std::ranges::sort(warnings, {},
                    [](const nlohmann::json& row) { return row["count"].get<int>(); });
  CHECK(warnings == std::vector{warning("owner out of range", 1, "base", "\ufffdff\n"),
                                warning("aufs metadata", 2, "base", ".wh..wh.x"),
                                warning("aufs metadata", 5, "stored", ".wh..wh.y")});
  CHECK(written["damaged_inventories"] == 1);
  CHECK(written["bad"] ==
        nlohmann::json::array({{{"digest", FormatDigest(Sha256("bad"))},
                                {"size", 200},
                                {"image", "web/shop:1"},
                                {"images", 2},
                                {"created_by", "RUN \x1b[31mmake"},
                                {"problem", "tar byte 512: expected a header, found \n"}}}));
  CHECK(written["not_a_tar"][0]["found"] == "JSON");
  CHECK(written["no_blob"][0]["digest"] == FormatDigest(Sha256("none")));
  CHECK_FALSE(written["no_blob"][0].contains("problem"));
}

}  // namespace
}  // namespace gneiss
