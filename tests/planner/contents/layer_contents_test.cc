// What entries weigh in new layers.
#include "planner/contents/layer_contents.h"

#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/tiny_inventory.h"

namespace gneiss {
namespace {

constexpr Bytes kManyBytes = Bytes{1} << 30;  // beside which no prior counts

// A file of `size` bytes that takes `blob_bytes`.
Inventory OneFile(LayerCodec codec, const Recompression& sampled, Bytes blob_bytes = 1000,
                  Bytes size = 1'000'000) {
  Inventory inventory = MakeTinyInventory({tiny::File("a", "x")});
  inventory.codec = codec;
  inventory.sampled = sampled;
  inventory.entries[0].blob_bytes = blob_bytes;
  inventory.entries[0].size = inventory.entries[0].stored_size = size;
  return inventory;
}

Bytes WeighFirst(const LayerContents& contents) { return contents.NewBytesOf({0, 0}); }

TEST_CASE("Entries weigh in new layers what samples say", "[planner][layer_contents]") {
  LayerContents contents(1);
  contents.Add(0, OneFile(LayerCodec::kGzip,
                          {.stored = kManyBytes, .gzip = kManyBytes / 2, .zstd = kManyBytes / 4}));
  CHECK(WeighFirst(contents) == 1000);
  CHECK(contents.NewCodecName() == "today");
  CHECK(contents.IsOfNewCodec(0));
  contents.SetNewCodec(LayerCodec::kGzip);
  CHECK(WeighFirst(contents) == 500);
  CHECK(contents.NewCodecName() == "gzip");
  CHECK(contents.IsOfNewCodec(0));
  contents.SetNewCodec(LayerCodec::kZstd);
  CHECK(WeighFirst(contents) == 250);
  CHECK_FALSE(contents.IsOfNewCodec(0));
  contents.SetNewCodec(std::nullopt);
  CHECK(WeighFirst(contents) == 1000);
}

TEST_CASE("What hardly compresses weighs what it does", "[planner][layer_contents]") {
  const Recompression half{.stored = kManyBytes, .gzip = kManyBytes / 2, .zstd = kManyBytes / 2};
  for (const auto& [codec, blob_bytes, expected] :
       std::vector<std::tuple<LayerCodec, Bytes, Bytes>>{
           {LayerCodec::kGzip, 10'000, 10'000},  // of 10,512
           {LayerCodec::kZstd, 10'000, 10'000},
           {LayerCodec::kGzip, 8'410, 6'307},  // half way
           {LayerCodec::kGzip, 7'000, 3'500},
           {LayerCodec::kTar, 10'512, 5'256}}) {  // nothing is compressed yet
    LayerContents contents(1);
    contents.Add(0, OneFile(codec, half, blob_bytes, 10'000));
    contents.SetNewCodec(LayerCodec::kGzip);
    INFO(LayerCodecName(codec) << ' ' << blob_bytes);
    CHECK(WeighFirst(contents) == Approx(expected).margin(2));
  }
}

TEST_CASE("Layers of few samples are taken to be like others of their codec",
          "[planner][layer_contents]") {
  LayerContents contents(4);
  contents.Add(0, OneFile(LayerCodec::kGzip, {}));
  contents.Add(1, OneFile(LayerCodec::kGzip, {.stored = 1000, .gzip = 100'000, .zstd = 1}));
  contents.Add(2, OneFile(LayerCodec::kGzip,
                          {.stored = kManyBytes, .gzip = kManyBytes / 10 * 9, .zstd = kManyBytes}));
  contents.Add(3, OneFile(LayerCodec::kZstd, {}));
  contents.SetNewCodec(LayerCodec::kGzip);
  CHECK(contents.NewBytesOf({0, 0}) == 900);
  const Bytes of_few = contents.NewBytesOf({1, 0});
  CHECK(of_few > 900);
  CHECK(of_few < 1400);
  CHECK(contents.NewBytesOf({2, 0}) == 900);
  CHECK(contents.NewBytesOf({3, 0}) == 1000);  // nothing is known of its codec
}

TEST_CASE("No sample makes a weight that leaves the numbers", "[planner][layer_contents]") {
  constexpr Bytes kMost = std::numeric_limits<Bytes>::max();
  LayerContents contents(1);
  contents.Add(0, OneFile(LayerCodec::kGzip, {.stored = 1, .gzip = kMost, .zstd = 1}, kMost, 0));
  contents.SetNewCodec(LayerCodec::kGzip);
  CHECK(WeighFirst(contents) == LayerContents::kMaxNewBytes);
  contents.SetNewCodec(std::nullopt);
  CHECK(WeighFirst(contents) == LayerContents::kMaxNewBytes);
  // Sums of many are of such entries.
  LayerContents many(1);
  many.Add(0, OneFile(LayerCodec::kGzip, {.stored = 1, .gzip = kMost, .zstd = 1}));
  many.SetNewCodec(LayerCodec::kGzip);
  CHECK(WeighFirst(many) == 64'000);
  LayerContents huge(1);
  Inventory layer = OneFile(LayerCodec::kGzip, {.stored = 1, .gzip = kMost, .zstd = 1});
  layer.blob_size = kMost;
  huge.Add(0, std::move(layer));
  huge.SetNewCodec(LayerCodec::kGzip);
  CHECK(WeighFirst(huge) == 1000);
}

}  // namespace
}  // namespace gneiss
