// Layers of real tars, merged or taken apart, written and scanned again.
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "io/apply/layer_writer.h"
#include "io/bytes/compressor.h"
#include "planner/carve/generated_layout.h"
#include "planner/carve/layer_description.h"
#include "planner/contents/content_atoms.h"
#include "planner/contents/paths.h"
#include "planner/fleet/fleet_builder.h"
#include "tests/make/content_fleet.h"
#include "tests/make/random_tars.h"
#include "tests/make/rounds.h"
#include "tests/make/scan_result.h"
#include "tests/make/shown_files.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;
// Images of tars that lie in a layout.
class TarFleet {
 public:
  TarFleet(const std::vector<std::string>& blobs,
           const std::vector<std::vector<std::uint32_t>>& chains)
      : fleet_(Build(blobs, chains)), contents_(fleet_.layers.size()) {
    std::map<Digest, std::string> by_digest;
    for (const std::string& blob : blobs) {
      by_digest[Sha256(blob)] = blob;
      directory_.Write("layout/blobs/sha256/" + FormatDigest(Sha256(blob)).substr(7), blob);
    }
    blobs_.AddLayout(OpenLayoutDirectory(directory_.path("layout")));
    for (LayerIndex l = 0; l < fleet_.layers.size(); ++l) {
      contents_.Add(l, ScanTar(by_digest.at(fleet_.layers[l].digest)));
    }
  }

  const Fleet& fleet() const { return fleet_; }
  const LayerContents& contents() const { return contents_; }
  const LayerBlobs& blobs() const { return blobs_; }
  const TemporaryDirectory& directory() const { return directory_; }
  std::span<const LayerIndex> chain(ImageIndex i) const { return fleet_.chain(fleet_.images[i]); }
  std::string BlobPath(LayerIndex l) const {
    return directory_.path("layout/blobs/sha256/" +
                           FormatDigest(fleet_.layers[l].digest).substr(7));
  }

  ContentSpool Fill(const std::vector<NewLayer>& layers, std::int64_t jobs = 1) const {
    std::vector<EntryRef> wanted;
    for (const NewLayer& layer : layers) AppendContents(layer, wanted);
    ContentSpoolOptions options;
    options.jobs = jobs;
    return ContentSpool::Fill(fleet_, blobs_, contents_, wanted, OpenDirectory(directory_.path()),
                              options);
  }

  // The blobs of new layers, in their order.
  std::vector<std::string> Write(const std::vector<NewLayer>& layers,
                                 const CompressionOptions& compression = {},
                                 std::int64_t jobs = 1) const {
    const ContentSpool spool = Fill(layers, jobs);
    std::vector<std::string> blobs;
    for (const NewLayer& layer : layers) {
      const std::string path = directory_.path("new");
      const WrittenLayer written =
          WriteLayer(layer, contents_, spool, compression, OpenDirectory(directory_.path()), "new");
      blobs.push_back(ReadWholeFile(path));
      fs::remove(path);
      REQUIRE(written.digest == Sha256(blobs.back()));
      REQUIRE(written.size == std::ssize(blobs.back()));
      const Inventory found = ScanTar(blobs.back());
      REQUIRE(written.diff_id == found.diff_id);
      REQUIRE(written.tar_size == found.tar_size);
    }
    return blobs;
  }

 private:
  static Fleet Build(const std::vector<std::string>& blobs,
                     const std::vector<std::vector<std::uint32_t>>& chains) {
    FleetBuilder builder;
    for (std::size_t i = 0; i < chains.size(); ++i) {
      ImageRecord record;
      const std::string ref = fmt::format("app:{:03}", i);
      record.ref = ref;
      for (const std::uint32_t l : chains[i]) {
        record.layers.push_back({.digest = Sha256(blobs[l]),
                                 .size = std::ssize(blobs[l]),
                                 .diff_id = {},
                                 .created_by = {},
                                 .media_type = {},
                                 .digest_text = {}});
      }
      builder.Add(record);
    }
    return builder.Build();
  }

  TemporaryDirectory directory_;
  Fleet fleet_;
  LayerContents contents_;
  LayerBlobs blobs_;
};

// What the blobs show on top of each other.
ShownFiles ShowBlobs(const std::vector<std::string>& blobs) {
  LayerContents contents(blobs.size());
  std::vector<LayerIndex> chain;
  for (LayerIndex l = 0; l < blobs.size(); ++l) {
    contents.Add(l, ScanTar(blobs[l]));
    chain.push_back(l);
  }
  return ShowFiles(contents, chain);
}

struct RandomTarFleet {
  std::vector<std::string> blobs;
  std::vector<std::vector<std::uint32_t>> chains;

  RandomTarFleet(RandomTars& random, bool has_links) {
    for (unsigned l = 0; l < 4; ++l) blobs.push_back(random.Blob(has_links));
    chains.resize(1 + random.Below(3));
    for (std::size_t i = 0; i < chains.size(); ++i) {
      if (i > 0 && random.Below(3) != 0) chains[i] = chains[0];
      for (unsigned more = 1 + random.Below(3); more > 0; --more) {
        chains[i].push_back(random.Below(4));
      }
    }
  }
};

TEST_CASE("Written layers show what the layers they were merged of show", "[io][new_layer]") {
  RandomTars random(5);
  int num_compared = 0;
  for (int round = 0; round < NumRounds(100); ++round) {
    const bool has_links = random.Below(2) == 0;
    const RandomTarFleet made(random, has_links);
    const TarFleet tars(made.blobs, made.chains);
    const LayerContents& contents = tars.contents();
    for (ImageIndex i = 0; i < tars.fleet().images.size(); ++i) {
      const auto chain = tars.chain(i);
      if (ShowFiles(contents, chain).has_broken_links) continue;
      std::vector<NewLayer> layers;
      try {
        for (std::size_t at = 0; at < chain.size();) {
          const std::size_t length = 1 + random.Below(static_cast<unsigned>(chain.size() - at));
          const std::vector<std::vector<LayerIndex>> below = {
              {chain.begin(), chain.begin() + static_cast<std::ptrdiff_t>(at)}};
          layers.push_back(MergeLayers(contents, chain.subspan(at, length), at == 0, below));
          at += length;
        }
      } catch (const InputError&) {
        REQUIRE(has_links);
        continue;
      }
      const CompressionOptions compression{.codec = static_cast<LayerCodec>(random.Below(3)),
                                           .level = {}};
      const std::vector<std::string> blobs = tars.Write(layers, compression, 1 + random.Below(3));
      CAPTURE(round, i);
      REQUIRE(FindDifferences(ShowFiles(contents, chain), ShowBlobs(blobs)) == "");
      ++num_compared;
    }
  }
  REQUIRE(num_compared > NumRounds(80));
}

TEST_CASE("Written layers of entries show what the images did", "[io][new_layer]") {
  RandomTars random(6);
  int num_compared = 0;
  for (int round = 0; round < NumRounds(60); ++round) {
    const RandomTarFleet made(random, random.Below(2) == 0);
    const TarFleet tars(made.blobs, made.chains);
    const LayerContents& contents = tars.contents();
    const Fleet& fleet = tars.fleet();
    std::vector<ShownFiles> expected;
    std::vector<std::uint8_t> left_out;
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      // Layers made of entries give a directory that no layer lists what it is by itself.
      expected.push_back(ShowFiles(contents, tars.chain(i), /*copies=*/false));
      left_out.push_back(expected.back().has_broken_links ? 1 : 0);
    }
    const ContentAtoms atoms = FindContentAtoms(fleet, contents, {.left_out = left_out});
    std::vector<CarvedLayer> carved;
    for (AtomIndex a = 0; a < atoms.files.atoms.size(); ++a) {
      const auto images = atoms.files.atoms.signature(a);
      carved.push_back({.images = {images.begin(), images.end()}, .atoms = {a}});
    }
    const GeneratedLayout layout = MakeGeneratedLayout(atoms, contents, carved, 1000);
    std::vector<NewLayer> layers;
    for (const GeneratedLayer& layer : layout.layers) {
      std::vector<EntryRef> listed;
      for (const EntryRun& run : EntriesOfLayer(atoms, contents, layer)) {
        for (const std::uint32_t position : run.positions) {
          listed.push_back({run.layer, contents.layer_paths[run.layer].in_tar[position]});
        }
      }
      layers.push_back(TakeEntries(contents, tars.chain(layer.images.back()), listed));
    }
    const std::vector<std::string> blobs = tars.Write(layers);
    const auto of_image = layout.LayersOfImages(fleet.images.size());
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      if (left_out[i] != 0) continue;
      std::vector<std::string> chain;
      for (const std::uint32_t l : of_image[i]) chain.push_back(blobs[l]);
      CAPTURE(round, i);
      REQUIRE(FindDifferences(expected[i], ShowBlobs(chain)) == "");
      ++num_compared;
    }
  }
  REQUIRE(num_compared > NumRounds(40));
}

// One layer with everything that is hard to write.
std::string OddLayer() {
  const std::string long_name = std::string(200, 'l') + "/" + std::string(200, 'm');
  return Directory("./") + Directory("etc/") + File("etc/empty") +
         WithRecords({{"mtime", "-1.5"}, {"uid", "3000000"}}, File("etc/old", "old")) +
         WithRecords({{"path", "etc/not-utf8-\xff\xfe"}}, File("x", "bytes")) +
         WithRecords({{"path", "etc/caf\xc3\xa9"}}, File("x", "utf8")) +
         WithRecords({{"path", long_name}}, File("x", "long")) +
         WithRecords({{"linkpath", long_name}}, HardLink("etc/linked", "x")) +
         WithRecords({{"linkpath", long_name + "\xff"}}, Symlink("etc/symlink", "x")) +
         Symlink("etc/nowhere", "") +
         TarEntry({.name = "null",
                   .type = '3',
                   .device_major = Octal(1, 7),
                   .device_minor = Octal(3, 7)}) +
         TarEntry({.name = "fifo", .type = '6'}) +
         WithRecords({{"SCHILY.xattr.security.capability", std::string("\1\0\0\2", 4)}},
                     TarEntry({.name = "ping", .mode = "0004755"}, "ping")) +
         SparseFile("holes", 1'000'000, {{5000, "hello"}, {900'000, std::string(100, 'x')}}) +
         SparseFile("all-hole", 500'000, {}) + File("etc/.wh.gone") + File("var/.wh..wh..opq") +
         EndBlocks();
}

TEST_CASE("What is hard to write comes back as it was", "[io][new_layer]") {
  const TarFleet tars({Gzip(Directory("etc/") + File("etc/gone") + EndBlocks()), OddLayer()},
                      {{0, 1}});
  const std::vector<LayerIndex> upper = {tars.chain(0)[1]};
  const NewLayer merged = MergeLayers(tars.contents(), upper, false);
  const std::string tar = tars.Write({merged}, {.codec = LayerCodec::kTar, .level = {}}).front();
  const Inventory before = ScanTar(OddLayer());
  const Inventory after = ScanTar(tar);
  REQUIRE(after.entries.size() == before.entries.size());
  const ShownFiles expected = ShowBlobs({OddLayer()});
  REQUIRE(FindDifferences(expected, ShowBlobs({tar})) == "");
  // libarchive has the time before 1970 in the plain header, too.
  REQUIRE(after.warnings.size() == before.warnings.size() + 1);
  REQUIRE(Warnings(after).ends_with(Warnings(before)));
  REQUIRE(after.warnings.front().kind == "odd number in a header");
  for (const Entry& entry : after.entries) {
    if (after.path(entry) == "holes") REQUIRE(entry.stored_size == 2 * 4096);
    if (after.path(entry) == "all-hole") REQUIRE(entry.stored_size == 0);
    if (entry.type == EntryType::kWhiteout) REQUIRE(entry.mtime == 0);
  }
  // Whole seconds and plain names need no extended header.
  REQUIRE(tar.find("PaxHeader/empty") == std::string::npos);
  REQUIRE(tar.ends_with(std::string(1024, '\0')));
  REQUIRE(tar.find("GNUSparseFile.0/") != std::string::npos);
}

TEST_CASE("Other readers of tar list what was written", "[io][new_layer]") {
  if (std::system("tar --version >/dev/null 2>&1") != 0) {
    WARN("skipped: no tar");
    SUCCEED("skipped");
    return;
  }
  const TarFleet tars({OddLayer()}, {{0}});
  const NewLayer layer = MergeLayers(tars.contents(), tars.chain(0), true);
  const std::string blob = tars.Write({layer}).front();
  const std::string path = tars.directory().Write("odd.tar.gz", blob);
  const std::string list = tars.directory().path("list");
  REQUIRE(
      std::system(fmt::format("LC_ALL=C tar --numeric-owner -tvzf {} >{} 2>/dev/null", path, list)
                      .c_str()) == 0);
  const std::string text = ReadWholeFile(list);
  REQUIRE(std::ranges::count(text, '\n') == std::ssize(layer.entries));
  REQUIRE(text.find("3000000/0") != std::string::npos);
  REQUIRE(text.find("1000000 1970-01-01 00:00 holes") != std::string::npos);
  REQUIRE(text.find("crw-r--r-- 0/0             1,3") != std::string::npos);
  REQUIRE(text.find("not-utf8-\\377\\376") != std::string::npos);
}

TEST_CASE("A layer is the same bytes on every run and with any number of threads",
          "[io][new_layer]") {
  RandomTars random(8);
  for (int round = 0; round < 10; ++round) {
    std::vector<std::string> blobs = {OddLayer(), random.Blob(false), random.Blob(false)};
    const TarFleet tars(blobs, {{0, 1, 2}});
    const TarFleet again(blobs, {{0, 1, 2}});
    for (const LayerCodec codec : {LayerCodec::kTar, LayerCodec::kGzip, LayerCodec::kZstd}) {
      const CompressionOptions options{.codec = codec, .level = {}};
      const NewLayer layer = MergeLayers(tars.contents(), tars.chain(0), true);
      REQUIRE(tars.Write({layer}, options, 1) ==
              again.Write({MergeLayers(again.contents(), again.chain(0), true)}, options, 4));
    }
  }
}

TEST_CASE("Gzip has no name, time or system; levels are those of the codec", "[io][new_layer]") {
  const TarFleet tars({OddLayer()}, {{0}});
  const NewLayer layer = MergeLayers(tars.contents(), tars.chain(0), true);
  REQUIRE(tars.Write({layer}).front().substr(0, 10) ==
          std::string("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10));
  const std::string best = tars.Write({layer}, {.codec = LayerCodec::kGzip,
                                                .level = LevelsOf(LayerCodec::kGzip).highest})
                               .front();
  const std::string fast =
      tars.Write({layer}, {.codec = LayerCodec::kGzip, .level = LevelsOf(LayerCodec::kGzip).lowest})
          .front();
  REQUIRE(best.size() < fast.size());
  REQUIRE(LevelsOf(LayerCodec::kTar).standard == 0);
}

TEST_CASE("A large file with holes is written as small as it is", "[io][new_layer]") {
  const Bytes size = (kIsSanitized ? Bytes{64} << 20 : Bytes{2} << 30) + 5;
  const std::string blob =
      SparseFile("disk", size, {{0, "boot"}, {size - 4, "last"}}) + EndBlocks();
  TemporaryDirectory directory;
  directory.Write("layout/blobs/sha256/" + FormatDigest(Sha256(blob)).substr(7), blob);
  FleetBuilder builder;
  ImageRecord record;
  record.layers.push_back({.digest = Sha256(blob),
                           .size = std::ssize(blob),
                           .diff_id = {},
                           .created_by = {},
                           .media_type = {},
                           .digest_text = {}});
  builder.Add(record);
  const Fleet fleet = builder.Build();
  ContentSpoolOptions options;
  options.scan.limits.max_ratio = 1 << 30;
  LayerContents contents(1);
  contents.Add(0, *ScanBlob(blob, options.scan).inventory);
  LayerBlobs blobs;
  blobs.AddLayout(OpenLayoutDirectory(directory.path("layout")));
  const NewLayer layer = MergeLayers(contents, fleet.chain(fleet.images[0]), true);
  std::vector<EntryRef> wanted;
  AppendContents(layer, wanted);
  const SpoolNeeds needs = FindSpoolNeeds(contents, wanted);
  REQUIRE(needs.disk_bytes == 8);
  REQUIRE(needs.layers == std::vector<LayerIndex>{0});
  const OpenDirectory work(directory.path());
  const ContentSpool spool = ContentSpool::Fill(fleet, blobs, contents, wanted, work, options);
  const WrittenLayer written =
      WriteLayer(layer, contents, spool, {.codec = LayerCodec::kTar, .level = {}}, work, "new");
  REQUIRE(written.tar_size < 20'000);
  const Inventory found = *ScanBlob(ReadWholeFile(directory.path("new")), options.scan).inventory;
  REQUIRE(found.entries[0].size == size);
  REQUIRE(found.contents == contents.inventories[0]->contents);
}

TEST_CASE("Blobs that are not what they should be are named", "[io][new_layer]") {
  const std::string blob = File("a", "content of a") + EndBlocks();
  const TarFleet tars({blob}, {{0}});
  const std::vector<NewLayer> layers = {MergeLayers(tars.contents(), tars.chain(0), true)};
  const auto problem = [&] { return tars.Fill(layers).unreadable().at(0); };
  std::string damaged = blob;
  damaged[512] = 'X';
  tars.directory().Write("layout/blobs/sha256/" + FormatDigest(Sha256(blob)).substr(7), damaged);
  REQUIRE(problem() == "byte 0: expected a layer with digest " + FormatDigest(Sha256(blob)) +
                           ", found " + FormatDigest(Sha256(damaged)));
  fs::remove(tars.BlobPath(0));
  REQUIRE(problem() == "expected its blob in a source, found it in none");
}

TEST_CASE("An inventory that is not the layer's is found", "[io][new_layer]") {
  const std::string blob = File("a", "content of a") + File("b", "b") + EndBlocks();
  const TarFleet tars({blob}, {{0}});
  Inventory other = ScanTar(File("a", "content of x") + File("b", "b") + EndBlocks());
  LayerContents contents(1);
  contents.Add(0, std::move(other));
  const std::vector<EntryRef> wanted = {{0, 0}};
  const OpenDirectory work(tars.directory().path());
  const std::string problem =
      "expected what its inventory says, found another entry than \"a\"; scan it again into "
      "another --store";
  const auto fill = [&](std::span<const EntryRef> entries, const ContentSpoolOptions& options) {
    return ContentSpool::Fill(tars.fleet(), tars.blobs(), contents, entries, work, options)
        .unreadable();
  };
  REQUIRE(fill(wanted, {}) == std::map<LayerIndex, std::string>{{0, problem}});
  // Layers of which nothing is wanted are read on demand.
  REQUIRE(fill({}, {}).empty());
  const std::vector<LayerIndex> also_read = {0};
  REQUIRE(fill({}, {.scan = {}, .jobs = 1, .also_read = also_read, .on_progress = {}}).size() == 1);
}

std::vector<std::string> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& file : fs::directory_iterator(directory)) {
    names.push_back(file.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

TEST_CASE("What cannot be written is named, and nothing stays", "[io][new_layer]") {
  std::mt19937 random(9);
  std::string noise(300'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  const TarFleet tars({File("noise", noise) + EndBlocks()}, {{0}});
  const std::vector<NewLayer> layers = {MergeLayers(tars.contents(), tars.chain(0), true)};
  const ContentSpool spool = tars.Fill(layers);
  const std::vector<std::string> before = NamesIn(tars.directory().path());
  const OpenDirectory work(tars.directory().path());
  const auto write = [&](const std::string& name) {
    (void)WriteLayer(layers[0], tars.contents(), spool, {}, work, name);
  };
  REQUIRE_THROWS_WITH(write("no/such/file"),
                      tars.directory().path("no/such/file") + ": No such file or directory");
  const std::string there = tars.directory().Write("there", "mine");
  REQUIRE_THROWS_WITH(write("there"), there + ": File exists");
  REQUIRE(ReadWholeFile(there) == "mine");
  fs::remove(there);

  // A disk that fills up, as far as a process can tell.
  struct rlimit limit {};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  const rlim_t allowed = limit.rlim_cur;
  limit.rlim_cur = 100'000;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  const std::string path = tars.directory().path("new");
  std::string written;
  std::string spooled;
  try {
    write("new");
  } catch (const std::system_error& error) {
    written = error.what();
  }
  try {
    (void)tars.Fill(layers);
  } catch (const std::system_error& error) {
    spooled = error.what();
  }
  limit.rlim_cur = allowed;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  std::signal(SIGXFSZ, handler);
  REQUIRE(written == path + ": File too large");
  REQUIRE(spooled == "temporary file in " + tars.directory().path() + ": File too large");
  REQUIRE(NamesIn(tars.directory().path()) == before);
}

TEST_CASE("Extended attributes that no tar can name are refused", "[io][new_layer]") {
  const TarFleet tars({WithRecords({{"SCHILY.xattr.user.a%b", "v"}}, File("x", "1")) + EndBlocks()},
                      {{0}});
  const NewLayer layer = MergeLayers(tars.contents(), tars.chain(0), true);
  REQUIRE(MessageOf<InputError>([&] { (void)tars.Write({layer}); }) ==
          "entry \"x\": expected names of extended attributes in ASCII without '%' and '=', found "
          "\"user.a%b\"");
  REQUIRE(!fs::exists(tars.directory().path("new")));
}

}  // namespace
}  // namespace gneiss
