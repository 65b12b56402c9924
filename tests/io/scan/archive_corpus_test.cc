// Archives that others wrote, from the corpus, with the verdict that each must get.
#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "io/scan/scan_layer.h"
#include "io/source/layer_blobs.h"
#include "io/source/source.h"
#include "planner/contents/overlay.h"
#include "planner/contents/paths.h"
#include "planner/waste/dive_efficiency.h"
#include "tests/make/scan_result.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

using Texts = std::vector<std::string>;

// The fleet of a source with all of its layers scanned.
class ScannedSource {
 public:
  explicit ScannedSource(const std::string& source) {
    FleetBuilder builder;
    ReadSource(source, {}, builder, report_);
    fleet_ = builder.Build();
    LayerBlobs blobs;
    for (const auto& layout : report_.layouts) blobs.AddLayout(layout);
    for (const Layer& layer : fleet_.layers) {
      const auto blob = blobs.Open(fleet_.digest_text(layer), layer.size);
      REQUIRE(blob != nullptr);
      std::optional<Digest> diff_id;
      if (layer.diff_id != kNone) diff_id = fleet_.diff_ids[layer.diff_id];
      ScannedLayer scanned = ScanLayer(*blob,
                                       {.digest = {.digest = layer.digest},
                                        .size = layer.size,
                                        .media_type = {},
                                        .diff_id = diff_id},
                                       {});
      REQUIRE(scanned.inventory.has_value());
      inventories_.push_back(*std::move(scanned.inventory));
      paths_.push_back(tree_.Add(inventories_.back()));
    }
  }

  const Fleet& fleet() const { return fleet_; }
  const ReadReport& report() const { return report_; }
  const Inventory& inventory(LayerIndex layer) const { return inventories_[layer]; }

  Texts refs() const {
    Texts refs;
    for (const TextIndex ref : fleet_.refs) refs.emplace_back(fleet_.text(ref));
    std::ranges::sort(refs);
    return refs;
  }
  // Positions of the image's layers in Fleet::layers.
  std::vector<LayerIndex> chain(std::size_t image) const {
    const auto chain = fleet_.chain(fleet_.images.at(image));
    return {chain.begin(), chain.end()};
  }
  // All that is seen in the image, without directories, sorted; and the contents hidden in it.
  Texts Files(std::size_t image, Bytes* hidden_bytes = nullptr) const {
    Overlay overlay(tree_);
    std::vector<Hiding> hidden;
    for (const LayerIndex l : chain(image)) {
      overlay.Push({.layer = l, .inventory = &inventories_[l], .paths = &paths_[l]}, hidden);
    }
    Texts files;
    overlay.ForEachSeen([&](PathIndex path, EntryRef) {
      if (!overlay.IsDirectory(path)) files.push_back(tree_.key(path));
    });
    std::ranges::sort(files);
    if (hidden_bytes != nullptr) {
      *hidden_bytes = 0;
      for (const Hiding& hiding : hidden) {
        *hidden_bytes += inventories_[hiding.hidden.layer].entries[hiding.hidden.entry].size;
      }
    }
    return files;
  }

 private:
  ReadReport report_;
  Fleet fleet_;
  PathTree tree_;
  std::deque<Inventory> inventories_;
  std::deque<LayerPaths> paths_;
};

std::string SourceErrorIn(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name;
  const std::string error = MessageOf<InputError>([&] { ScannedSource source(path); });
  REQUIRE(error.starts_with(path));
  return error.substr(path.size());
}

TEST_CASE("Files that a whiteout deletes are gone from the final tree", "[io][archive][corpus]") {
  const auto folder = CorpusPath("fixtures/go-containerregistry/pkg/v1/mutate/testdata");
  if (!folder) return;
  Bytes hidden = 0;
  CHECK(ScannedSource(*folder + "/whiteout_image.tar").Files(0, &hidden) == Texts{"bar.txt"});
  const ScannedSource directory(*folder + "/whiteout_dir.tar");
  CHECK(directory.refs() == Texts{"localhost:5000/whiteout:latest"});
  CHECK(directory.chain(0).size() == 4);
  CHECK(directory.inventory(0).codec == LayerCodec::kGzip);
  CHECK(directory.Files(0) == Texts{"a/baz", "b/bar"});
}

TEST_CASE("A file that is written again shadows the bytes below it", "[io][archive][corpus]") {
  const auto path =
      CorpusPath("fixtures/go-containerregistry/pkg/v1/mutate/testdata/overwritten_file.tar");
  if (!path) return;
  Bytes hidden = 0;
  const ScannedSource source(*path);
  CHECK(source.Files(0, &hidden) == Texts{"bar.txt", "foo.txt"});
  CHECK(hidden == 4);
}

TEST_CASE("The archives of go-containerregistry have their images", "[io][archive][corpus]") {
  const auto folder = CorpusPath("fixtures/go-containerregistry/pkg/v1/tarball/testdata");
  if (!folder) return;
  const ScannedSource one(*folder + "/test_image_1.tar");
  CHECK(one.refs() == Texts{"bazel/v1/tarball:test_image_1"});
  const ScannedSource two(*folder + "/test_image_2.tar");
  CHECK(two.refs() == Texts{"bazel/v1/tarball:test_image_2"});

  const ScannedSource bundle(*folder + "/test_bundle.tar");
  CHECK(bundle.refs() == Texts{"test_image_1", "test_image_2"});
  REQUIRE(bundle.fleet().layers.size() == 2);
  CHECK(bundle.fleet().layers[0].digest == one.fleet().layers.at(0).digest);
  CHECK(bundle.fleet().layers[1].digest == two.fleet().layers.at(0).digest);
  CHECK(ScannedSource("docker-archive:" + *folder + "/test_bundle.tar:test_image_2").refs() ==
        Texts{"test_image_2"});
  CHECK(ScannedSource("docker-archive:" + *folder + "/test_bundle.tar:@1").refs() ==
        Texts{"test_image_1"});

  const ScannedSource link(*folder + "/test_link.tar");
  CHECK(link.refs() == Texts{"bazel/v1/tarball:test_image_1", "bazel/v1/tarball:test_image_3"});
  CHECK(link.chain(0) == std::vector<LayerIndex>{0});
  CHECK(link.chain(1) == std::vector<LayerIndex>{0, 1});
  CHECK(link.fleet().layers[0].digest == one.fleet().layers[0].digest);

  const ScannedSource hello(*folder + "/hello-world-v25.tar");
  CHECK(hello.fleet().images.size() == 1);
  CHECK(hello.Files(0) == Texts{"hello"});
  for (const ScannedSource* const source : {&one, &two, &bundle, &link, &hello}) {
    CHECK(source->report().num_problems == 0);
    CHECK(CountsOf(source->report()).empty());
  }
}

TEST_CASE("Archives with one layer under several names and histories have that layer",
          "[io][archive][corpus]") {
  const auto folder = CorpusPath("fixtures/go-containerregistry/pkg/v1");
  if (!folder) return;
  const ScannedSource image(*folder + "/mutate/testdata/source_image.tar");
  CHECK(image.refs() == Texts{"bazel/pkg/v1/mutate:source_image"});
  const ScannedSource history(*folder +
                              "/mutate/testdata/source_image_with_empty_layer_history.tar");
  CHECK(history.refs() == image.refs());
  const ScannedSource loaded(*folder + "/tarball/testdata/test_load_manifest.tar");
  CHECK(loaded.refs() == Texts{"bazel/v1/tarball:test_image_1"});
  for (const ScannedSource* const source : {&image, &history, &loaded}) {
    CHECK(source->report().num_problems == 0);
    CHECK(CountsOf(source->report()).empty());
    REQUIRE(source->fleet().layers.size() == 1);
    CHECK(FormatDigest(source->fleet().layers[0].digest) ==
          "sha256:8897395fd26dc44ad0e2a834335b33198cb41ac4d98dfddf58eced3853fa7b17");
    CHECK(source->fleet().text(source->fleet().layers[0].created_by) == "bazel build ...");
  }
}

// The digests of a fleet's layers, its refs and what was wrong.
std::string EverythingIn(const std::string& source) {
  FleetBuilder builder;
  ReadReport report;
  ReadSource(source, {}, builder, report);
  const Fleet fleet = builder.Build();
  std::string text;
  for (const Layer& layer : fleet.layers) text += FormatDigest(layer.digest) + "\n";
  for (const TextIndex ref : fleet.refs) text += std::string(fleet.text(ref)) + "\n";
  for (const InputError& problem : report.problems) text += std::string(problem.what()) + "\n";
  return text;
}

TEST_CASE("An archive that is cut short is refused, or whole but for its padding",
          "[io][archive][corpus]") {
  const auto folder = CorpusPath("fixtures");
  if (!folder) return;
  const TemporaryDirectory directory;
  std::mt19937 random(20240608);
  for (const std::string name :
       {"/go-containerregistry/pkg/v1/tarball/testdata/test_link.tar",
        "/go-containerregistry/pkg/v1/tarball/testdata/hello-world-v25.tar",
        "/go-containerregistry/pkg/v1/mutate/testdata/whiteout_dir.tar",
        "/dive/test-oci-gzip-image.tar"}) {
    INFO(name);
    const std::string plain = ReadWholeFile(*folder + name);
    // At one path, as layouts in archives are named by it.
    const std::string path = directory.Write("archive.tar", plain);
    const std::string whole = EverythingIn(path);
    int num_refused = 0;
    for (const bool compressed : {false, true}) {
      const std::string bytes = compressed ? Gzip(plain) : plain;
      for (int cut = 0; cut < 40; ++cut) {
        // Shorter ones do not look like archives.
        const std::size_t size = std::uniform_int_distribution<std::size_t>(
            compressed ? 20 : 512, bytes.size() - 1)(random);
        INFO(size << " of " << bytes.size() << " bytes");
        directory.Write("archive.tar", std::string_view(bytes).substr(0, size));
        try {
          const std::string read = EverythingIn(path);
          CHECK(read == whole);
          CHECK_FALSE(compressed);
        } catch (const InputError& error) {
          ++num_refused;
          CHECK(std::string(error.what()).starts_with(path + ":"));
          CHECK(std::string(error.what()).find('\n') == std::string::npos);
        }
      }
    }
    CHECK(num_refused > 60);
  }
}

TEST_CASE("Tars that hold no image are refused in one line", "[io][archive][corpus]") {
  const auto folder = CorpusPath("fixtures");
  if (!folder) return;
  const std::string google = *folder + "/go-containerregistry/pkg/";
  const std::string neither =
      ": expected an archive of images, found a tar with neither manifest.json nor index.json in "
      "it; write one with `docker save` or `skopeo copy`";
  CHECK(SourceErrorIn(google + "v1/tarball/testdata", "no_manifest.tar") == neither);
  CHECK(SourceErrorIn(google + "v1/tarball/testdata", "null_manifest.tar") ==
        ":manifest.json: expected an array of images, found null");
  CHECK(SourceErrorIn(google + "crane/testdata", "content.tar") == neither);
  CHECK(SourceErrorIn(google + "crane/testdata", "content.tar.zst") == neither);
  CHECK(SourceErrorIn(*folder + "/dive", "test-gzip-image.tar") == neither);
}

TEST_CASE("The almost empty archive has one layer of 1,536 bytes", "[io][archive][corpus]") {
  const auto path = CorpusPath("fixtures/containers-image/docker/archive/fixtures/almostempty.tar");
  if (!path) return;
  const ScannedSource source(*path);
  REQUIRE(source.fleet().layers.size() == 1);
  CHECK(source.fleet().layers[0].size == 1536);
  CHECK(source.fleet().images.at(0).num_refs == 1);
}

TEST_CASE("One image in four codecs has the same entries", "[io][archive][corpus]") {
  const auto folder = CorpusPath("fixtures/dive");
  if (!folder) return;
  std::vector<std::string> lists;
  for (const auto& [name, codec] :
       {std::pair("uncompressed", LayerCodec::kTar), std::pair("gzip", LayerCodec::kGzip),
        std::pair("zstd", LayerCodec::kZstd), std::pair("estargz", LayerCodec::kGzip)}) {
    INFO(name);
    const ScannedSource source(*folder + "/test-oci-" + name + "-image.tar");
    REQUIRE(source.chain(0).size() == 1);
    const Inventory& inventory = source.inventory(0);
    CHECK(inventory.codec == codec);
    CHECK(Warnings(inventory) == "");
    std::string list = List(inventory);
    for (const Entry& entry : inventory.entries) {
      if (entry.content != kNone) list += FormatDigest(inventory.contents[entry.content]) + "\n";
    }
    lists.push_back(list);
  }
  CHECK(lists[0].starts_with("file README.md 11189\nsha256:f8b8addc"));
  for (const std::string& list : lists) CHECK(list == lists[0]);
}

TEST_CASE("Dive's figures of its own test image come out to the last digit",
          "[io][archive][corpus]") {
  const auto path = CorpusPath("fixtures/dive/test-docker-image.tar");
  if (!path) return;
  const ScannedSource source(*path);
  std::vector<const Inventory*> chain;
  for (const LayerIndex l : source.chain(0)) chain.push_back(&source.inventory(l));
  CHECK(chain.size() == 14);
  const DiveEfficiency found = ComputeDiveEfficiency(chain);
  CHECK(found.size_bytes == 1220598);
  CHECK(found.user_bytes == 66237);
  CHECK(found.wasted_bytes == 32025);
  CHECK(found.efficiency == 0.9844212134184309);
}

}  // namespace
}  // namespace gneiss
