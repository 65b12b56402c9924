// A comparison of two fleets is the same at any number of threads. Called as a library, so that
// TSan need not build the command line.
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "io/apply/side_reading.h"
#include "io/apply/verify_fleets.h"
#include "io/source/layer_blobs.h"
#include "io/source/source.h"
#include "io/store/inventory_store.h"
#include "planner/fleet/fleet_builder.h"
#include "tests/make/layout_maker.h"
#include "tests/make/source_files.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {
namespace {

constexpr int kNumImages = 24;

std::string Tar(const std::string& entries) { return entries + EndBlocks(); }

// Images of two layers that share the lower one; every third shows other contents when `changed`.
void WriteImages(const LayoutMaker& layout, bool changed) {
  std::vector<std::string> descriptors;
  for (int i = 0; i < kNumImages; ++i) {
    const std::string content =
        fmt::format("{}{}", i, changed && i % 3 == 0 ? "changed" : "as it was");
    // The same file system, cut otherwise on the other side.
    const std::string upper = File("own", content) + File("shared");
    const std::vector<std::string> tars =
        changed ? std::vector{Tar(Directory("d/") + File("d/x", "x") + upper)}
                : std::vector{Tar(Directory("d/") + File("d/x", "x")), Tar(upper)};
    descriptors.push_back(layout.Image(fmt::format("shop:{}", i), tars));
  }
  layout.Index(descriptors);
}

struct LoadedSide {
  explicit LoadedSide(const std::string& directory) {
    FleetBuilder builder;
    ReadReport report;
    ReadSource("oci:" + directory, {}, builder, report);
    REQUIRE(report.num_problems == 0);
    for (const auto& layout : report.layouts) blobs.AddLayout(layout);
    fleet = std::move(builder).Build();
  }

  Fleet fleet;
  LayerBlobs blobs;
};

using Row = std::tuple<int, ImageIndex, ImageIndex, std::int64_t, Bytes>;

struct Outcome {
  std::vector<Row> rows;
  std::int64_t num_paths = 0;
  Bytes file_bytes = 0;
  std::int64_t num_blobs_read = 0;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome Compare(const LoadedSide& left, const LoadedSide& right, const std::string& store_folder,
                std::int64_t jobs) {
  InventoryStore store(store_folder);
  const VerifyOptions options{.files = {}, .jobs = jobs};
  const VerifySide left_side{left.fleet, left.blobs, {}, 0};
  const VerifySide right_side{right.fleet, right.blobs, {}, 0};
  PairedSides paired = PairSides(left_side, right_side, options);
  SideReadingOptions reading;
  reading.scan.jobs = jobs;
  SideReading right_reading = ReadSide(right.fleet, right.blobs, store, paired.right, reading);
  SideReading left_reading = ReadSide(left.fleet, left.blobs, store, paired.left, reading);
  const VerifyReport report = VerifyFleets(left_side, right_side, std::move(paired),
                                           {left_reading, right_reading}, store, options);
  Outcome outcome{{}, report.num_paths, report.file_bytes, report.num_blobs_read};
  for (const ImageVerdict& image : report.images) {
    outcome.rows.emplace_back(static_cast<int>(image.verdict), image.left, image.right,
                              image.files.num_differences, image.files.num_paths);
  }
  return outcome;
}

TEST_CASE("A comparison is the same at any number of threads", "[io][verify_threads]") {
  const TemporaryDirectory directory;
  WriteImages(LayoutMaker(directory.path("before")), false);
  WriteImages(LayoutMaker(directory.path("after")), true);
  const LoadedSide left(directory.path("before"));
  const LoadedSide right(directory.path("after"));
  const Outcome one = Compare(left, right, directory.path("store1"), 1);
  REQUIRE(one.rows.size() == kNumImages);
  std::int64_t num_different = 0;
  for (const Row& row : one.rows) {
    num_different += std::get<0>(row) == static_cast<int>(Verdict::kDifferent) ? 1 : 0;
  }
  CHECK(num_different == kNumImages / 3);
  CHECK(one.num_blobs_read > kNumImages);
  for (const std::int64_t jobs : {2, 4, 8}) {
    CHECK(Compare(left, right, directory.path("store" + std::to_string(jobs)), jobs) == one);
  }
}

}  // namespace
}  // namespace gneiss
