#include "io/source/registry_storage.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/source/layer_blobs.h"
#include "io/source/names.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

using Texts = std::vector<std::string>;

std::string DigestOf(std::string_view content) { return FormatDigest(Sha256(content)); }

// The storage of a registry under construction.
class Storage {
 public:
  Storage() { std::filesystem::create_directories(path("blobs")); }

  std::string directory() const { return files_.path("storage"); }
  std::string path(const std::string& name) const {
    return directory() + "/docker/registry/v2/" + name;
  }
  std::string DataOf(const std::string& digest) const {
    return path("blobs/sha256/" + digest.substr(7, 2) + "/" + digest.substr(7) + "/data");
  }
  std::string TagLink(const std::string& repository, const std::string& tag) const {
    return path("repositories/" + repository + "/_manifests/tags/" + tag + "/current/link");
  }
  std::string RevisionLink(const std::string& repository, const std::string& digest) const {
    return path("repositories/" + repository + "/_manifests/revisions/sha256/" + digest.substr(7) +
                "/link");
  }
  std::string LayerLink(const std::string& repository, const std::string& digest) const {
    return path("repositories/" + repository + "/_layers/sha256/" + digest.substr(7) + "/link");
  }
  void Write(const std::string& file, std::string_view content) const {
    files_.Write(file.substr(files_.path().size() + 1), content);
  }

  // Writes a blob and returns its descriptor.
  std::string Blob(const std::string& type, const std::string& content,
                   const std::string& members = "") const {
    Write(DataOf(DigestOf(content)), content);
    return fmt::format(
        R"({{"mediaType":"application/vnd.oci.image.{}","digest":"{}","size":{}{}}})", type,
        DigestOf(content), content.size(), members);
  }
  // Text of the manifest of an image of these layers.
  std::string Image(const Texts& layers,
                    const std::string& config = R"({"os":"linux","architecture":"amd64"})") const {
    Texts descriptors;
    for (const std::string& layer : layers) descriptors.push_back(Blob("layer.v1.tar", layer));
    return fmt::format(R"({{"schemaVersion":2,"config":{},"layers":[{}]}})",
                       Blob("config.v1+json", config), fmt::join(descriptors, ","));
  }
  // Makes a manifest one of a repository; returns its digest.
  std::string Push(const std::string& repository, const std::string& manifest) const {
    Blob("manifest.v1+json", manifest);
    const std::string digest = DigestOf(manifest);
    Write(RevisionLink(repository, digest), digest);
    return digest;
  }
  std::string Push(const std::string& repository, const std::string& manifest,
                   const std::string& tag) const {
    std::string digest = Push(repository, manifest);
    Write(TagLink(repository, tag), digest);
    return digest;
  }

 private:
  TemporaryDirectory files_;
};

struct StorageRead {
  Fleet fleet;
  ReadReport report;

  Texts refs() const {
    Texts refs;
    for (const TextIndex ref : fleet.refs) refs.emplace_back(fleet.text(ref));
    std::ranges::sort(refs);
    return refs;
  }
  Texts problems() const {
    Texts problems;
    for (const InputError& problem : report.problems) problems.emplace_back(problem.what());
    return problems;
  }
};

StorageRead ReadStorage(const std::string& directory, std::string_view ref = {},
                        const ReadOptions& options = {}) {
  FleetBuilder builder;
  StorageRead outcome;
  ReadRegistryStorage(directory, ref, options, builder, outcome.report);
  outcome.fleet = builder.Build();
  return outcome;
}

std::string StorageErrorOf(const std::string& directory, std::string_view ref = {},
                           const ReadOptions& options = {}) {
  return MessageOf<InputError>([&] { ReadStorage(directory, ref, options); });
}

TEST_CASE("Every tag of a registry's storage names an image", "[io][registry_storage]") {
  const Storage storage;
  const std::string one = storage.Image({"base", "app"});
  const std::string digest = storage.Push("team/app", one, "1");
  storage.Push("team/app", one, "latest");
  storage.Push("team", storage.Image({"base"}), "a");
  storage.Push("team/app/debug_tools", one, "1");
  for (const std::string root : {"", "/docker", "/docker/registry", "/docker/registry/v2"}) {
    INFO(root);
    const StorageRead read = ReadStorage(storage.directory() + root);
    CHECK(read.problems().empty());
    CHECK(CountsOf(read.report).empty());
    CHECK(read.report.skipped.empty());
    CHECK(read.report.missing_layer_blobs == 0);
    CHECK(read.refs() ==
          Texts{"team/app/debug_tools:1", "team/app:1", "team/app:latest", "team:a"});
    REQUIRE(read.fleet.images.size() == 2);
    CHECK(read.fleet.layers.size() == 2);
    LayerBlobs blobs;
    for (const auto& files : read.report.layouts) blobs.AddLayout(files);
    CHECK(blobs.Open(digest, std::ssize(one)) != nullptr);
    for (const Layer& layer : read.fleet.layers) {
      const auto blob = blobs.Open(read.fleet.digest_text(layer), layer.size);
      REQUIRE(blob != nullptr);
      CHECK(DigestOf(ReadWhole(*blob, "blob", layer.size, 100)) == read.fleet.digest_text(layer));
    }
  }
}

TEST_CASE("A manifest that many tags name is read once", "[io][registry_storage]") {
  const Storage storage;
  // Each reading of it would warn again.
  const std::string manifest =
      storage.Image({"a"}, R"({"os":"x","os":"linux","architecture":"amd64"})");
  for (int i = 0; i < 50; ++i) {
    storage.Push(i % 2 == 0 ? "even" : "odd", manifest, "v" + std::to_string(i));
  }
  const StorageRead read = ReadStorage(storage.directory());
  CHECK(CountsOf(read.report) == Counts{{"duplicate JSON key", 1}});
  CHECK(read.report.num_lines == 1);
  CHECK(read.fleet.images.size() == 1);
  CHECK(read.refs().size() == 50);
}

TEST_CASE("Manifests without a tag are counted, those of a tagged index are not",
          "[io][registry_storage]") {
  const Storage storage;
  const std::string amd64 = storage.Image({"a"});
  const std::string arm64 = storage.Image({"b"}, R"({"os":"linux","architecture":"arm64"})");
  storage.Push("app", amd64);
  storage.Push("app", arm64);
  const std::string index =
      fmt::format(R"({{"schemaVersion":2,"manifests":[{},{}]}})",
                  storage.Blob("manifest.v1+json", amd64,
                               R"(,"platform":{"os":"linux","architecture":"amd64"})"),
                  storage.Blob("manifest.v1+json", arm64,
                               R"(,"platform":{"os":"linux","architecture":"arm64"})"));
  storage.Push("app", index, "multi");
  const std::string old = storage.Push("app", storage.Image({"old"}));
  const std::string deleted = storage.Push("app", storage.Image({"deleted"}));
  std::filesystem::remove(storage.RevisionLink("app", deleted));
  // The same manifest in a repository that has no index of it.
  storage.Push("other", amd64);
  StorageRead read = ReadStorage(storage.directory());
  CHECK(read.problems().empty());
  CHECK(read.report.skipped == Counts{{"untagged manifest", 2}});
  CHECK(read.refs() == Texts{"app:multi", "app:multi"});
  CHECK(read.report.num_lines == 2);
  const StorageRead one =
      ReadStorage(storage.directory(), {},
                  {.platform = PlatformFilter("linux/arm64"), .strict = false, .on_progress = {}});
  CHECK(one.refs() == Texts{"app:multi"});
  CHECK(one.report.filtered_out == 1);
  CHECK(one.report.skipped == Counts{{"untagged manifest", 2}});

  CHECK(ReadStorage(storage.directory(), "app@" + old).refs() == Texts{"app@" + old});
  CHECK(ReadStorage(storage.directory(), "app@" + DigestOf(amd64)).refs() ==
        Texts{"app@" + DigestOf(amd64)});
  CHECK(ReadStorage(storage.directory(), "app@" + DigestOf(index)).refs() ==
        Texts{"app:multi", "app:multi"});
  CHECK(StorageErrorOf(storage.directory(), "app@" + deleted) ==
        storage.directory() + ": expected an image \"app@" + deleted +
            "\", found refs \"app:multi\"");
}

TEST_CASE("A ref selects a repository, a tag or a digest of a storage", "[io][registry_storage]") {
  const Storage storage;
  storage.Push("shop", storage.Image({"a"}), "1");
  const std::string two = storage.Push("shop", storage.Image({"b"}), "2");
  storage.Push("shop", storage.Image({"b"}), "two");
  storage.Push("shop/web", storage.Image({"c"}), "1");
  storage.Push("shop/empty", storage.Image({"d"}));
  const std::string& path = storage.directory();
  CHECK(ReadStorage(path, "shop").refs() == Texts{"shop:1", "shop:2", "shop:two"});
  CHECK(ReadStorage(path, "shop/web").refs() == Texts{"shop/web:1"});
  CHECK(ReadStorage(path, "shop:2").refs() == Texts{"shop:2"});
  CHECK(ReadStorage(path, "shop@" + two).refs() == Texts{"shop:2", "shop:two"});
  CHECK(ReadStorage(path, "shop:1").report.skipped.empty());
  // What no digest or tag is asked of may be broken.
  storage.Write(storage.TagLink("shop", "broken"), "no digest");
  for (const std::string ref : {"shop:1", "shop/web", "shop/web:1"}) {
    CHECK(ReadStorage(path, ref).problems().empty());
  }
  CHECK(ReadStorage(path, "shop@" + two).problems().empty());
  CHECK(ReadStorage(path, "shop").report.num_problems == 1);
  std::filesystem::remove_all(storage.path("repositories/shop/_manifests/tags/broken"));
  const StorageRead empty = ReadStorage(path, "shop/empty");
  CHECK(empty.refs().empty());
  CHECK(empty.report.skipped == Counts{{"untagged manifest", 1}});
  CHECK(StorageErrorOf(path, "shop:3") ==
        path + ": expected an image \"shop:3\", found refs \"shop:1\", \"shop:2\", \"shop:two\"");
  CHECK(StorageErrorOf(path, "web") ==
        path + ": expected an image \"web\", found refs \"shop\", \"shop/empty\", \"shop/web\"");
  CHECK(StorageErrorOf(path, "../shop:1") ==
        path +
            ": expected an image \"../shop:1\", found refs \"shop\", \"shop/empty\", \"shop/web\"");
}

TEST_CASE("Links that lead nowhere are bad images named by the link", "[io][registry_storage]") {
  const Storage storage;
  storage.Push("app", storage.Image({"good"}), "good");
  // A tag without its manifest: deleted, or collected as garbage.
  const std::string deleted = storage.Push("app", storage.Image({"deleted"}), "deleted");
  std::filesystem::remove(storage.RevisionLink("app", deleted));
  const std::string collected = storage.Push("app", storage.Image({"collected"}), "collected");
  std::filesystem::remove(storage.DataOf(collected));
  storage.Push("app", storage.Image({"x"}, R"({"os":"no"})"), "no-config");
  const std::string config = DigestOf(R"({"os":"no"})");
  std::filesystem::remove(storage.DataOf(config));
  // With a config that a strict reading takes.
  const std::string whole =
      R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[")" +
      DigestOf("layer") + R"("]}})";
  storage.Push("app", storage.Image({"layer"}, whole), "no-layer");
  std::filesystem::remove(storage.DataOf(DigestOf("layer")));
  std::filesystem::create_directories(storage.path("repositories/app/_manifests/tags/unlinked"));
  const StorageRead read = ReadStorage(storage.directory());
  CHECK(read.refs() == Texts{"app:good"});
  CHECK(read.problems() ==
        Texts{storage.TagLink("app", "deleted") +
                  ": expected a link to a manifest of the repository, found no " +
                  storage.RevisionLink("app", deleted),
              storage.TagLink("app", "unlinked") + ": expected a link to a manifest, found nothing",
              storage.TagLink("app", "collected") +
                  ": expected a link to a manifest that the storage holds, found no " +
                  storage.DataOf(collected),
              storage.LayerLink("app", config) +
                  ": expected a link to the config of an image that the storage holds, found no " +
                  storage.DataOf(config),
              storage.LayerLink("app", DigestOf("layer")) +
                  ": expected a link to a layer that the storage holds, found no " +
                  storage.DataOf(DigestOf("layer"))});
  CHECK(StorageErrorOf(storage.directory(), "app:no-layer",
                       {.platform = {}, .strict = true, .on_progress = {}}) ==
        read.problems().back());
}

TEST_CASE("A manifest of an index that the storage lacks costs its image alone",
          "[io][registry_storage]") {
  const Storage storage;
  const std::string amd64 = storage.Image({"a"});
  const std::string arm64 = storage.Image({"b"});
  storage.Push(
      "app",
      fmt::format(R"({{"schemaVersion":2,"manifests":[{},{}]}})",
                  storage.Blob("manifest.v1+json", amd64), storage.Blob("manifest.v1+json", arm64)),
      "multi");
  std::filesystem::remove(storage.DataOf(DigestOf(arm64)));
  // One that was never pushed is a platform left out; of one that was, only the link is left.
  const StorageRead sparse = ReadStorage(storage.directory());
  CHECK(sparse.refs() == Texts{"app:multi"});
  CHECK(sparse.problems().empty());
  CHECK(sparse.report.warnings.contains(
      "manifest of an index that is not there, as of platforms left out"));
  storage.Write(storage.RevisionLink("app", DigestOf(arm64)), DigestOf(arm64));
  const StorageRead read = ReadStorage(storage.directory());
  CHECK(read.refs() == Texts{"app:multi"});
  CHECK(read.problems() ==
        Texts{storage.RevisionLink("app", DigestOf(arm64)) +
              ": expected a link to a manifest that the storage holds, found no " +
              storage.DataOf(DigestOf(arm64))});
}

TEST_CASE("Broken links and blobs of a storage are errors with what they hold",
          "[io][registry_storage]") {
  const Storage storage;
  storage.Push("app", storage.Image({"good"}), "0");
  storage.Write(storage.TagLink("app", "1"), "");
  storage.Write(storage.TagLink("app", "2"), "sha256:../../../../../etc/passwd");
  storage.Write(storage.TagLink("app", "3"), DigestOf("x") + "\n");
  storage.Write(storage.TagLink("app", "4"), std::string(5000, 'a'));
  std::filesystem::create_directories(storage.TagLink("app", "5"));
  const std::string changed = storage.Push("app", storage.Image({"changed"}), "6");
  storage.Write(storage.DataOf(changed), "{}");
  const std::string text = storage.Push("app", "no JSON", "7");
  const std::string expected =
      ": expected a digest, as sha256: and 64 hexadecimal digits in lower case, found ";
  const StorageRead read = ReadStorage(storage.directory());
  CHECK(read.refs() == Texts{"app:0"});
  CHECK(read.problems() ==
        Texts{storage.TagLink("app", "1") + expected + "\"\"",
              storage.TagLink("app", "2") + expected + "\"sha256:../../../../../etc/passwd\"",
              storage.TagLink("app", "3") + expected + "\"" + DigestOf("x") + "\\x0a\"",
              storage.TagLink("app", "4") + expected + "a file of 5000 bytes",
              storage.TagLink("app", "5") + ": expected a plain file, found a directory",
              storage.DataOf(changed) + ": expected content of digest " + changed + ", found " +
                  DigestOf("{}"),
              storage.DataOf(text) + ":byte 2: not JSON: syntax error while parsing value - "
                                     "invalid literal"});
}

// Does something to a file that no registry does; returns whether a file of that name, of whatever
// content, is left.
bool Damage(const std::string& file, int how, const Storage& storage) {
  std::filesystem::remove_all(file);
  switch (how) {
    case 0:
      return false;
    case 1:
      std::filesystem::create_directory(file);
      return false;
    case 2:
      std::filesystem::create_symlink("nowhere", file);
      return false;
    case 3:
      storage.Write(file, "");
      return true;
    default:
      storage.Write(file, "sha256:" + std::string(64, 'f'));
      return true;
  }
}

TEST_CASE("Whatever is damaged in a storage costs the images that need it and no other",
          "[io][registry_storage]") {
  std::mt19937 random(20240609);
  const auto below = [&](int limit) {
    return std::uniform_int_distribution<int>(0, limit - 1)(random);
  };
  int num_read = 0;
  int num_bad = 0;
  for (int round = 0; round < 40; ++round) {
    const Storage storage;
    // Of each ref the files that must be whole, and those that only must be there.
    struct Needs {
      std::set<std::string> whole;
      std::set<std::string> there;
    };
    std::map<std::string, Needs> needs;
    for (int tag = 0; tag < 12; ++tag) {
      const std::string repository = "r" + std::to_string(below(3));
      const std::string config =
          fmt::format(R"({{"os":"linux","architecture":"amd64","n":{}}})", below(4));
      Texts layers;
      for (int l = 0; l < 3; ++l) layers.push_back("layer " + std::to_string(below(8)));
      const std::string manifest = storage.Image(layers, config);
      const std::string name = "t" + std::to_string(tag);
      const std::string digest = storage.Push(repository, manifest, name);
      Needs& of_tag = needs[repository + ":" + name];
      of_tag.whole = {storage.TagLink(repository, name), storage.DataOf(digest),
                      storage.DataOf(DigestOf(config))};
      of_tag.there = {storage.RevisionLink(repository, digest)};
      for (const std::string& layer : layers) of_tag.there.insert(storage.DataOf(DigestOf(layer)));
    }
    std::set<std::string> files;
    for (const auto& [ref, need] : needs) {
      files.insert(need.whole.begin(), need.whole.end());
      files.insert(need.there.begin(), need.there.end());
    }
    const Texts all(files.begin(), files.end());
    std::set<std::string> changed;
    std::set<std::string> gone;
    for (int i = below(6); i >= 0; --i) {
      const std::string& file = all[static_cast<std::size_t>(below(static_cast<int>(all.size())))];
      gone.erase(file);
      changed.insert(file);
      if (!Damage(file, below(5), storage)) gone.insert(file);
    }
    Texts expected;
    for (const auto& [ref, need] : needs) {
      const bool is_whole = std::ranges::none_of(
          need.whole, [&](const std::string& file) { return changed.contains(file); });
      const bool is_there = std::ranges::none_of(
          need.there, [&](const std::string& file) { return gone.contains(file); });
      if (is_whole && is_there) expected.push_back(ref);
    }
    const StorageRead read = ReadStorage(storage.directory());
    CHECK(read.refs() == expected);
    CHECK((read.report.num_problems == 0) == (expected.size() == needs.size()));
    for (const std::string& problem : read.problems()) {
      CHECK(problem.starts_with(storage.directory() + "/"));
      CHECK(problem.find('\n') == std::string::npos);
    }
    num_read += static_cast<int>(expected.size());
    num_bad += static_cast<int>(read.report.num_problems);
  }
  CHECK(num_read > 100);
  CHECK(num_bad > 100);
}

TEST_CASE("The walk through a storage follows no links and no odd names",
          "[io][registry_storage]") {
  const Storage storage;
  storage.Push("app", storage.Image({"a"}), "1");
  const std::string repositories = storage.path("repositories");
  std::filesystem::create_directory_symlink(repositories, repositories + "/loop");
  std::filesystem::create_directory_symlink("1", repositories + "/app/_manifests/tags/2");
  storage.Push("App", storage.Image({"b"}), "1");
  storage.Push("app", storage.Image({"c"}), "-x");
  std::filesystem::create_directories(repositories + "/app/_manifests/revisions/sha256/abc");
  // The longest name there is, and one part more.
  std::string deep = "a";
  while (deep.size() < kMaxRepositoryName) deep += "/a";
  storage.Push(deep, storage.Image({"d"}), "1");
  storage.Push(deep + "/a", storage.Image({"d"}), "1");
  const StorageRead read = ReadStorage(storage.directory());
  CHECK(read.problems().empty());
  CHECK(read.refs() == Texts{deep + ":1", "app:1"});
  CHECK(CountsOf(read.report) == Counts{{"no digest, passed over", 1},
                                        {"no name of a repository, passed over", 2},
                                        {"no name of a tag, passed over", 1},
                                        {"symbolic link, not followed", 2}});
}

TEST_CASE("A directory that is no storage of a registry is an error", "[io][registry_storage]") {
  const TemporaryDirectory directory;
  CHECK(StorageErrorOf(directory.path("none")) ==
        directory.path("none") + ": expected the storage of a registry, found nothing there");
  const std::string file = directory.Write("file", "x");
  CHECK(StorageErrorOf(file) == file + ": expected the storage of a registry, found a file");
  CHECK(StorageErrorOf(directory.path()) ==
        directory.path() +
            ": expected the storage of a registry, found neither docker/registry/v2 nor "
            "repositories and blobs in it; nothing may have been pushed to it yet");
  CHECK_FALSE(IsRegistryStorage(directory.path()));
  std::filesystem::create_directories(directory.path("v2/repositories/app/_uploads"));
  std::filesystem::create_directories(directory.path("v2/blobs"));
  CHECK(IsRegistryStorage(directory.path()));
  CHECK(ReadStorage(directory.path()).fleet.images.empty());
}

TEST_CASE("Names of repositories and tags follow the distribution spec", "[io][repository_name]") {
  for (const std::string name : {"a", "0", "library/debian", "a.b_c__d-e---f/0", "a/b/c/d"}) {
    INFO(name);
    CHECK(IsRepositoryName(name));
  }
  for (const std::string name : {"", "/", "a/", "/a", "a//b", "A", "a_", "_a", ".a", "a..b",
                                 "a___b", "a.-b", "a:1", "..", "a/../b", "caf\xc3\xa9", "a b"}) {
    INFO(name);
    CHECK_FALSE(IsRepositoryName(name));
  }
  CHECK(IsRepositoryName(std::string(255, 'a')));
  CHECK_FALSE(IsRepositoryName(std::string(256, 'a')));
  for (const std::string name : {"1", "latest", "_x", "V1.0-rc.1_2", "a.", "a-"}) {
    INFO(name);
    CHECK(IsTagName(name));
  }
  for (const std::string name : {"", ".", "-x", "a/b", "a:b", "a b", "\xc3\xa9"}) {
    INFO(name);
    CHECK_FALSE(IsTagName(name));
  }
  CHECK(IsTagName(std::string(128, 'a')));
  CHECK_FALSE(IsTagName(std::string(129, 'a')));
}

}  // namespace
}  // namespace gneiss
