#include "io/scan/scan_fleet.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet_builder.h"
#include "tests/make/random_inventory.h"
#include "tests/make/source_files.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

// Layers with blobs in a layout, and the fleet of one image that has them all. What a blob's text
// starts with decides what scanning it gives: "json", "bad", or a tar.
class Shop {
 public:
  // Returns the layer's digest.
  Digest AddLayer(const std::string& content, bool with_blob = true,
                  std::optional<Digest> diff_id = std::nullopt) {
    const Digest digest = Sha256(content);
    if (with_blob) WriteBlob(digest, content);
    record_.layers.push_back({.digest = digest,
                              .size = std::ssize(content),
                              .diff_id = diff_id,
                              .created_by = {},
                              .media_type = "application/vnd.oci.image.layer.v1.tar",
                              .digest_text = {}});
    return digest;
  }
  std::string WriteBlob(const Digest& digest, const std::string& content) const {
    return directory_.Write("layout/blobs/sha256/" + FormatDigest(digest).substr(7), content);
  }
  Fleet fleet() const {
    FleetBuilder builder;
    builder.Add(record_);
    return builder.Build();
  }
  LayerBlobs blobs() const {
    fs::create_directories(directory_.path("layout"));
    LayerBlobs blobs;
    blobs.AddLayout(OpenLayoutDirectory(directory_.path("layout")));
    return blobs;
  }
  std::string path(const std::string& name) const { return directory_.path(name); }

 private:
  TemporaryDirectory directory_;
  ImageRecord record_;
};

std::string ReadAll(ByteSource& blob, const ScanOptions& options) {
  std::string content;
  std::string buffer(1000, '\0');
  while (const std::size_t count = blob.Read(buffer)) {
    content.append(buffer, 0, count);
    if (options.on_progress) options.on_progress(static_cast<std::int64_t>(count));
  }
  return content;
}

// In place of ScanLayer: an inventory that is a function of the blob.
ScannedLayer ScanFake(ByteSource& blob, const ExpectedLayer& expected, const ScanOptions& options) {
  const std::string content = ReadAll(blob, options);
  const Digest digest = Sha256(content);
  if (digest != expected.digest.digest) {
    throw InputError(
        "", "byte " + std::to_string(content.size()),
        "expected " + FormatDigest(expected.digest.digest) + ", found " + FormatDigest(digest));
  }
  if (content.starts_with("bad")) throw InputError("", "tar byte 512", "expected a header");
  if (content.starts_with("json")) return {.inventory = {}, .not_a_tar = {.found = "JSON"}};
  std::mt19937_64 random(content.size());
  Inventory inventory = RandomInventory(random, content.size() % 50);
  inventory.layer = digest;
  inventory.diff_id = digest;
  inventory.extremes = {};  // within all limits
  inventory.overhead_bytes += std::ssize(content) - inventory.blob_size;
  if (inventory.overhead_bytes < 0) {
    for (Entry& entry : inventory.entries) entry.blob_bytes = 0;
    inventory.overhead_bytes = std::ssize(content);
  }
  inventory.blob_size = std::ssize(content);
  return {.inventory = std::move(inventory), .not_a_tar = {}};
}

FleetScanOptions WithJobs(std::int64_t jobs) {
  FleetScanOptions options;
  options.jobs = jobs;
  return options;
}

using Row = std::tuple<LayerOutcome, bool, Bytes, std::int64_t, std::string, std::string>;

std::vector<Row> RowsOf(const FleetScan& scan) {
  std::vector<Row> rows;
  for (const LayerScan& layer : scan.layers) {
    rows.emplace_back(layer.outcome, layer.was_read, layer.file_bytes, layer.num_entries,
                      layer.problem, layer.damage);
  }
  return rows;
}

std::map<LayerOutcome, int> OutcomesOf(const FleetScan& scan) {
  std::map<LayerOutcome, int> outcomes;
  for (const LayerScan& layer : scan.layers) ++outcomes[layer.outcome];
  return outcomes;
}

const LayerScan& Of(const FleetScan& scan, const Fleet& fleet, const Digest& digest) {
  const auto found = std::ranges::find(fleet.layers, digest, &Layer::digest);
  REQUIRE(found != fleet.layers.end());
  return scan.layers[static_cast<std::size_t>(found - fleet.layers.begin())];
}

// Contents of all files below a directory, by their path in it.
std::map<std::string, std::string> ContentsOf(const std::string& directory) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_directory()) continue;
    contents[fs::relative(entry.path(), directory).string()] = ReadWholeFile(entry.path().string());
  }
  return contents;
}

TEST_CASE("Each layer of a fleet gets its outcome, and a bad one stops no other",
          "[io][scan_fleet]") {
  Shop shop;
  const Digest tar = shop.AddLayer("tar one");
  const Digest json = shop.AddLayer("json {}");
  const Digest bad = shop.AddLayer("bad tar");
  const Digest none = shop.AddLayer("tar without a blob", false);
  const Digest changed = shop.AddLayer("tar changed");
  shop.WriteBlob(changed, "tar CHANGED");
  const Digest folder = shop.AddLayer("a folder", false);
  const std::string folder_path =
      shop.path("layout/blobs/sha256/" + FormatDigest(folder).substr(7));
  fs::create_directories(folder_path);
  const Fleet fleet = shop.fleet();
  InventoryStore store(shop.path("store"));

  const FleetScan first = ScanFleet(fleet, shop.blobs(), store, ScanFake, WithJobs(2));
  CHECK(Of(first, fleet, tar).outcome == LayerOutcome::kScanned);
  CHECK(Of(first, fleet, tar).was_read);
  CHECK(Of(first, fleet, tar).num_entries == 7);
  CHECK(Of(first, fleet, tar).file_bytes ==
        std::ssize(ReadWholeFile(store.PathOf({.digest = tar}))));
  CHECK(Of(first, fleet, json).outcome == LayerOutcome::kNotATar);
  CHECK(Of(first, fleet, json).problem == "JSON");
  CHECK(Of(first, fleet, bad).outcome == LayerOutcome::kBad);
  CHECK(Of(first, fleet, bad).problem == "tar byte 512: expected a header");
  CHECK(Of(first, fleet, none).outcome == LayerOutcome::kNoBlob);
  CHECK(Of(first, fleet, changed).problem == "byte 11: expected " + FormatDigest(changed) +
                                                 ", found " + FormatDigest(Sha256("tar CHANGED")));
  CHECK(Of(first, fleet, folder).outcome == LayerOutcome::kBad);
  CHECK(Of(first, fleet, folder).problem ==
        folder_path + ": expected a plain file, found a directory");

  const FleetScan second = ScanFleet(fleet, shop.blobs(), store, ScanFake, WithJobs(2));
  CHECK(Of(second, fleet, tar).outcome == LayerOutcome::kStored);
  CHECK_FALSE(Of(second, fleet, tar).was_read);
  CHECK(Of(second, fleet, tar).num_entries == 7);
  CHECK(Of(second, fleet, json).outcome == LayerOutcome::kNotATar);
  CHECK_FALSE(Of(second, fleet, json).was_read);
  CHECK(Of(second, fleet, json).problem == "JSON");
  CHECK(Of(second, fleet, bad).outcome == LayerOutcome::kBad);
}

TEST_CASE("A layer in the store needs no blob, and is held to the fleet's diff_id",
          "[io][scan_fleet]") {
  Shop with_blob;
  const Digest layer = with_blob.AddLayer("tar");
  const Fleet plain = with_blob.fleet();
  InventoryStore store(with_blob.path("store"));
  (void)ScanFleet(plain, with_blob.blobs(), store, ScanFake, WithJobs(1));
  CHECK(OutcomesOf(ScanFleet(plain, {}, store, ScanFake, WithJobs(1))) ==
        std::map<LayerOutcome, int>{{LayerOutcome::kStored, 1}});

  Shop right;
  right.AddLayer("tar", false, layer);
  CHECK(OutcomesOf(ScanFleet(right.fleet(), {}, store, ScanFake, WithJobs(1))) ==
        std::map<LayerOutcome, int>{{LayerOutcome::kStored, 1}});
  Shop wrong;
  wrong.AddLayer("tar", false, Sha256("other"));
  const FleetScan scan = ScanFleet(wrong.fleet(), {}, store, ScanFake, WithJobs(1));
  REQUIRE(scan.layers.size() == 1);
  CHECK(scan.layers[0].outcome == LayerOutcome::kBad);
  CHECK(scan.layers[0].problem == "expected a tar with diff_id " + FormatDigest(Sha256("other")) +
                                      ", found " + FormatDigest(layer));
}

TEST_CASE("A second run says of a layer what the first one would have said", "[io][scan_fleet]") {
  Shop shop;
  shop.AddLayer(File("../up") + File("a/b/c") + HardLink("h", "none") + EndBlocks());
  shop.AddLayer(Gzip(File(".wh..wh.aufs") + File("x", std::string(100'000, '\0')) + EndBlocks()));
  const Fleet fleet = shop.fleet();
  InventoryStore filled(shop.path("filled"));
  const FleetScan first = ScanFleet(fleet, shop.blobs(), filled, ScanLayer, WithJobs(1));
  const FleetScan second = ScanFleet(fleet, {}, filled, ScanLayer, WithJobs(1));
  int num_kinds = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(second.layers[i].outcome == LayerOutcome::kStored);
    CHECK(second.layers[i].warnings == first.layers[i].warnings);
    num_kinds += static_cast<int>(first.layers[i].warnings.size());
  }
  CHECK(num_kinds == 4);

  const auto expect_same = [&](const char* name, const auto& change, int num_expected = 1) {
    INFO(name);
    FleetScanOptions options = WithJobs(1);
    change(options.scan);
    InventoryStore empty(shop.path(std::string("empty ") + name));
    const auto fresh = ScanFleet(fleet, shop.blobs(), empty, ScanLayer, options);
    const auto stored = ScanFleet(fleet, shop.blobs(), filled, ScanLayer, options);
    int num_bad = 0;
    for (std::size_t i = 0; i < 2; ++i) {
      const bool is_bad = fresh.layers[i].outcome == LayerOutcome::kBad;
      num_bad += is_bad ? 1 : 0;
      CHECK((stored.layers[i].outcome == LayerOutcome::kBad) == is_bad);
      CHECK(stored.layers[i].problem.empty() == !is_bad);
      CHECK_FALSE(stored.layers[i].was_read);
    }
    CHECK(num_bad == num_expected);
    return stored;
  };
  expect_same("entries", [](ScanOptions& scan) { scan.limits.max_entries = 2; });
  expect_same("depth", [](ScanOptions& scan) { scan.limits.max_path_depth = 2; });
  expect_same("tar", [](ScanOptions& scan) { scan.limits.max_tar_bytes = 10'000; });
  expect_same("ratio", [](ScanOptions& scan) { scan.limits.ratio_begins_at = 10'000; });
  const FleetScan strict = expect_same(
      "strict", [](ScanOptions& scan) { scan.strict = true; }, 2);
  CHECK(strict.layers[0].problem ==
        "expected a hard link to an earlier entry of its layer, found a hard link to a lower "
        "layer, 1 time, at \"h\"");
  CHECK(strict.layers[1].problem ==
        "expected a layer without files of aufs, found aufs metadata, 1 time, at "
        "\".wh..wh.aufs\"");
}

TEST_CASE("A layer that means something else as the lowest is read for the fleet that has it",
          "[io][scan_fleet]") {
  Shop shop;
  const std::string tar = Symlink("l", "t") + File(".wh.l") + File("l/x") + EndBlocks();
  const Digest plain = shop.AddLayer(File("a") + EndBlocks());
  const Digest odd = shop.AddLayer(tar);
  const auto fleet_of = [&](std::vector<Digest> layers) {
    FleetBuilder builder;
    ImageRecord record;
    record.ref = "app:1";
    for (const Digest& digest : layers) {
      LayerRecord layer;
      layer.digest = digest;
      layer.size = std::ssize(digest == odd ? tar : File("a") + EndBlocks());
      record.layers.push_back(layer);
    }
    builder.Add(record);
    return builder.Build();
  };
  const Fleet above = fleet_of({plain, odd});
  const Fleet lowest = fleet_of({odd, plain});
  InventoryStore store(shop.path("store"));
  const auto scan = [&](const Fleet& fleet) {
    (void)ScanFleet(fleet, shop.blobs(), store, ScanLayer, WithJobs(1));
    return store.Read({.digest = odd}).scanned->inventory->warnings;
  };
  for (int round = 0; round < 2; ++round) {
    CHECK_FALSE(IsReadFor(true, scan(above)));
    CHECK_FALSE(IsReadFor(false, scan(lowest)));
  }
  CHECK(OutcomesOf(ScanFleet(lowest, {}, store, ScanLayer, WithJobs(1))) ==
        std::map<LayerOutcome, int>{{LayerOutcome::kStored, 2}});
}

TEST_CASE("A layer whose place in the store is taken is bad, the others are kept",
          "[io][scan_fleet]") {
  Shop shop;
  const Digest taken = shop.AddLayer("tar one");
  const Digest closed = shop.AddLayer("tar two");
  const Digest good = shop.AddLayer("tar three");
  const Fleet fleet = shop.fleet();
  InventoryStore store(shop.path("store"));
  const std::string taken_path = store.PathOf({.digest = taken});
  fs::create_directories(taken_path);
  const fs::path closed_path = store.PathOf({.digest = closed});
  REQUIRE(closed_path.parent_path() != fs::path(taken_path).parent_path());
  REQUIRE(closed_path.parent_path() != fs::path(store.PathOf({.digest = good})).parent_path());
  std::ofstream(closed_path.parent_path()) << "a file";

  const FleetScan scan = ScanFleet(fleet, shop.blobs(), store, ScanFake, WithJobs(1));
  const std::string end = "; this place in the store cannot be written";
  CHECK(Of(scan, fleet, taken).outcome == LayerOutcome::kBad);
  CHECK(Of(scan, fleet, taken).problem == taken_path + ": Is a directory" + end);
  CHECK(Of(scan, fleet, closed).outcome == LayerOutcome::kBad);
  CHECK(Of(scan, fleet, closed).problem ==
        closed_path.parent_path().string() + ": Not a directory" + end);
  CHECK(Of(scan, fleet, good).outcome == LayerOutcome::kScanned);
  CHECK(ContentsOf(store.directory()).size() == 2);
}

TEST_CASE("A damaged inventory is made again", "[io][scan_fleet]") {
  Shop shop;
  const Digest layer = shop.AddLayer("tar");
  const Fleet fleet = shop.fleet();
  InventoryStore store(shop.path("store"));
  (void)ScanFleet(fleet, shop.blobs(), store, ScanFake, WithJobs(1));
  const std::string path = store.PathOf({.digest = layer});
  const std::string good = ReadWholeFile(path);
  fs::resize_file(path, 3);
  const FleetScan scan = ScanFleet(fleet, shop.blobs(), store, ScanFake, WithJobs(1));
  CHECK(scan.layers[0].outcome == LayerOutcome::kScanned);
  CHECK(scan.layers[0].damage == path + ": expected an inventory, found a file of 3 bytes");
  CHECK(ReadWholeFile(path) == good);
}

TEST_CASE("Nothing is made where there is nothing to scan", "[io][scan_fleet]") {
  Shop shop;
  shop.AddLayer("tar", false);
  InventoryStore store("/proc/none");
  CHECK(OutcomesOf(ScanFleet(shop.fleet(), shop.blobs(), store, ScanFake, WithJobs(4))) ==
        std::map<LayerOutcome, int>{{LayerOutcome::kNoBlob, 1}});
}

TEST_CASE("A store that cannot be written is an error before any layer is read",
          "[io][scan_fleet]") {
  Shop shop;
  shop.AddLayer("tar");
  fs::create_directories(shop.path("store"));
  std::ofstream(shop.path("store/inventories")) << "a file";
  InventoryStore store(shop.path("store"));
  std::atomic<int> scans = 0;
  const auto count = [&](ByteSource& blob, const ExpectedLayer& layer, const ScanOptions& options) {
    ++scans;
    return ScanFake(blob, layer, options);
  };
  CHECK(MessageOf<std::system_error>([&] {
          (void)ScanFleet(shop.fleet(), shop.blobs(), store, count, WithJobs(1));
        }) == shop.path("store/inventories/v5: Not a directory"));
  CHECK(scans == 0);
}

TEST_CASE("A blob is taken from the layout that has it in the right size", "[io][layer_blobs]") {
  const TemporaryDirectory directory;
  const std::string digest = FormatDigest(Sha256("content"));
  const std::string name = "/blobs/sha256/" + digest.substr(7);
  LayerBlobs blobs;
  CHECK(blobs.Open(digest, 7) == nullptr);
  for (const char* layout : {"empty", "folder", "short", "good"}) {
    fs::create_directories(directory.path(layout));
    blobs.AddLayout(OpenLayoutDirectory(directory.path(layout)));
  }
  fs::create_directories(directory.path("folder") + name);
  CHECK(MessageOf<InputError>([&] { (void)blobs.Open(digest, 7); }) ==
        directory.path("folder") + name + ": expected a plain file, found a directory");
  directory.Write("short" + name, "con");
  CHECK(blobs.Open(digest, 7)->stored_size() == 3);
  directory.Write("good" + name, "content");
  CHECK(ReadAll(*blobs.Open(digest, 7), {}) == "content");
  fs::remove(directory.path("good") + name);
  fs::create_symlink(directory.path("short") + name, directory.path("good") + name);
  CHECK(blobs.Open(digest, 7)->stored_size() == 3);
}

TEST_CASE("The number of threads changes nothing", "[io][scan_fleet]") {
  Shop shop;
  for (int i = 0; i < 60; ++i) {
    const std::string kind = i % 7 == 0 ? "bad" : i % 5 == 0 ? "json" : "tar";
    shop.AddLayer(kind + std::string(static_cast<std::size_t>(37 * i), 'x') + std::to_string(i),
                  i % 11 != 0);
  }
  const Fleet fleet = shop.fleet();
  std::vector<std::vector<Row>> rows;
  for (const std::int64_t jobs : {1, 2, 8, 100}) {
    InventoryStore store(shop.path("store" + std::to_string(jobs)));
    std::atomic<Bytes> last = 0;
    FleetScanOptions options = WithJobs(jobs);
    options.on_progress = [&](const FleetScanProgress& progress) {
      CHECK(progress.bytes_read >= last);
      CHECK(progress.bytes_read <= progress.bytes_total);
      CHECK(progress.layers_done <= progress.layers_total);
      last = progress.bytes_read;
    };
    rows.push_back(RowsOf(ScanFleet(fleet, shop.blobs(), store, ScanFake, options)));
    CHECK(rows.back() == rows.front());
    CHECK(ContentsOf(store.directory()) == ContentsOf(shop.path("store1")));
  }
  CHECK(OutcomesOf(ScanFleet(fleet, shop.blobs(),
                             *std::make_unique<InventoryStore>(shop.path("store1")), ScanFake,
                             WithJobs(3)))[LayerOutcome::kScanned] == 0);
}

TEST_CASE("Threads that scan real layers leave the inventories that one does", "[io][scan_fleet]") {
  Shop shop;
  std::mt19937_64 random(9);
  for (int layer = 0; layer < 16; ++layer) {
    std::string tar = Directory("etc/");
    for (int file = 0; file < 20; ++file) {
      std::string body;
      for (std::uint64_t words = random() % 2000; words > 0; --words) {
        body += std::to_string(random() % 1000);
      }
      tar += File("etc/" + std::to_string(file), body);
    }
    // A diff_id for some, a wrong one for the last.
    tar += Symlink("link", std::to_string(layer)) + EndBlocks();
    std::optional<Digest> diff_id;
    if (layer % 2 == 1) diff_id = layer == 15 ? Sha256("other") : Sha256(tar);
    shop.AddLayer(layer % 4 == 0 ? tar : layer % 4 == 1 ? Zstd(tar) : Gzip(tar), true, diff_id);
  }
  const Fleet fleet = shop.fleet();
  InventoryStore alone(shop.path("alone"));
  const FleetScan one = ScanFleet(fleet, shop.blobs(), alone, ScanLayer, WithJobs(1));
  CHECK(OutcomesOf(one) ==
        std::map<LayerOutcome, int>{{LayerOutcome::kScanned, 15}, {LayerOutcome::kBad, 1}});
  InventoryStore together(shop.path("together"));
  CHECK(RowsOf(ScanFleet(fleet, shop.blobs(), together, ScanLayer, WithJobs(4))) == RowsOf(one));
  CHECK(ContentsOf(together.directory()) == ContentsOf(alone.directory()));
  for (const LayerScan& layer : one.layers) {
    if (layer.outcome == LayerOutcome::kScanned) CHECK(layer.num_entries == 22);
  }
}

TEST_CASE("A store that fails in the middle ends the scan with its error", "[io][scan_fleet]") {
  Shop shop;
  for (int i = 0; i < 20; ++i) shop.AddLayer("tar" + std::string(static_cast<std::size_t>(i), 'x'));
  InventoryStore store(shop.path("store"));
  // Where the layers' directories would be.
  fs::create_directories(shop.path("store/inventories/v5"));
  std::ofstream(shop.path("store/inventories/v5/sha256")) << "a file";
  CHECK_THAT(MessageOf<std::system_error>([&] {
               (void)ScanFleet(shop.fleet(), shop.blobs(), store, ScanFake, WithJobs(4));
             }),
             Catch::Matchers::Contains(": Not a directory; 0 of 20 layers were scanned"));
}

}  // namespace
}  // namespace gneiss
