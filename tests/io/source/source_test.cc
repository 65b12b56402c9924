#include "io/source/source.h"

#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include "planner/fleet/digest.h"
#include "tests/make/source_files.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {
namespace {

const std::string kReadable =
    "this version reads fleet:FILE, oci:DIR[:REF], oci-archive:FILE[:REF], "
    "docker-archive:FILE[:REF], dir:DIR, registry-fs:DIR[:REF], "
    "docker://HOST/REPO[:TAG|@DIGEST] and registry://HOST[/PREFIX]";
constexpr char kLine[] = R"({"ref":"a:1","layers":[]})";

struct SourceRead {
  Fleet fleet;
  ReadReport report;
};

SourceRead Read(const std::string& source) {
  FleetBuilder builder;
  SourceRead outcome;
  ReadSource(source, {}, builder, outcome.report);
  outcome.fleet = builder.Build();
  return outcome;
}

std::string SourceErrorOf(const std::string& source) {
  return MessageOf<InputError>([&] { Read(source); });
}

// Writes a layout with one image of tag "1" into `folder`.
void WriteLayout(const TemporaryDirectory& directory, const std::string& folder) {
  const auto blob = [&](const std::string& content) {
    const std::string digest = FormatDigest(Sha256(content));
    directory.Write(folder + "/blobs/sha256/" + digest.substr(7), content);
    return R"("digest":")" + digest + R"(","size":)" + std::to_string(content.size());
  };
  const std::string manifest = blob(R"({"config":{)" + blob("{}") + R"(},"layers":[]})");
  directory.Write(folder + "/index.json",
                  "{\"manifests\":[{" + manifest +
                      R"(,"annotations":{"org.opencontainers.image.ref.name":"1"}}]})");
  directory.Write(folder + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
}

TEST_CASE("A transport says how its source is read", "[io][source]") {
  const TemporaryDirectory directory;
  const std::string file = directory.Write("fleet.ndjson", kLine);
  WriteLayout(directory, "layout");
  CHECK(Read("fleet:" + file).fleet.images.size() == 1);
  CHECK(Read("oci:" + directory.path("layout")).fleet.images.size() == 1);
  CHECK(Read("oci:" + directory.path("layout:1")).fleet.images.size() == 1);
  CHECK(Read("oci:" + directory.path("layout:layout:1")).fleet.images.size() == 1);
  CHECK(SourceErrorOf("oci:" + directory.path("layout:2")) ==
        directory.path("layout") + ": expected an image \"2\", found refs \"layout:1\"");
  CHECK(SourceErrorOf("fleet:" + directory.path("layout")) ==
        directory.path("layout") +
            ": expected a fleet file, one JSON object per line, found a directory");
  CHECK(SourceErrorOf("oci:" + file) ==
        file + ": expected the directory of an OCI layout, found a file");
}

TEST_CASE("A bare path is read as what it is", "[io][source]") {
  const TemporaryDirectory directory;
  WriteLayout(directory, "layout");
  CHECK(Read(directory.path("layout")).fleet.images.size() == 1);
  std::filesystem::remove(directory.path("layout/oci-layout"));
  CHECK(Read(directory.path("layout")).fleet.images.size() == 1);
  CHECK(Read(directory.Write("fleet", kLine)).fleet.images.size() == 1);
  CHECK(Read(directory.Write("fleet.gz", Gzip(kLine))).fleet.images.size() == 1);
}

TEST_CASE("A colon in the name of a directory or file is part of it", "[io][source]") {
  const TemporaryDirectory directory;
  WriteLayout(directory, "lay:out");
  CHECK(Read("oci:" + directory.path("lay:out")).fleet.images.size() == 1);
  CHECK(Read("oci:" + directory.path("lay:out:1")).fleet.images.size() == 1);
  CHECK(Read(directory.path("lay:out")).fleet.images.size() == 1);
  CHECK(Read("fleet:" + directory.Write("a:b", kLine)).fleet.images.size() == 1);
  CHECK(Read(directory.path("a:b")).fleet.images.size() == 1);
}

TEST_CASE("Several sources make one fleet", "[io][source]") {
  const TemporaryDirectory directory;
  WriteLayout(directory, "layout");
  const std::string file = directory.Write("fleet.ndjson", R"({"ref":"b:1","layers":[]})");
  FleetBuilder builder;
  ReadReport report;
  ReadSource(file, {}, builder, report);
  ReadSource("oci:" + directory.path("layout"), {}, builder, report);
  CHECK(report.num_lines == 2);
  CHECK(builder.Build().images.size() == 2);
}

TEST_CASE("A live registry without a host is an error that says what is missing", "[io][source]") {
  CHECK(SourceErrorOf("docker:app:1") ==
        "docker:app:1: expected a host after \"docker://\", found \"app:1\" after \"docker:\"");
  CHECK(SourceErrorOf("registry:/x").find("after \"registry://\"") != std::string::npos);
}

TEST_CASE("A name that is neither a path nor a transport is an error", "[io][source]") {
  const std::string expected =
      ": expected a fleet file, an OCI layout, an archive of images or TRANSPORT:NAME, found "
      "nothing "
      "there; " +
      kReadable;
  CHECK(SourceErrorOf("no/such/path") == "no/such/path" + expected);
  CHECK(SourceErrorOf("debian:12") == "debian:12" + expected);
  CHECK(SourceErrorOf("") ==
        "source: expected TRANSPORT:NAME or a path, found an empty name; " + kReadable);
  for (const std::string source :
       {"fleet:", "oci:", "oci-archive:", "docker-archive:", "dir:", "registry-fs:"}) {
    CHECK(SourceErrorOf(source) ==
          "source: expected a path after \"" + source + "\", found nothing; " + kReadable);
  }
}

TEST_CASE("A bare directory is read as what it is", "[io][source]") {
  const TemporaryDirectory directory;
  const std::string config = "{}";
  const auto described = [](const std::string& content) {
    return R"({"digest":")" + FormatDigest(Sha256(content)) + R"(","size":)" +
           std::to_string(content.size()) + "}";
  };
  const std::string manifest = R"({"config":)" + described(config) + R"(,"layers":[]})";
  const std::string manifest_digest = FormatDigest(Sha256(manifest));
  directory.Write("im:age/version", "Directory Transport Version: 1.1\n");
  directory.Write("im:age/manifest.json", manifest);
  directory.Write("im:age/" + FormatDigest(Sha256(config)).substr(7), config);
  for (const std::string& content : {config, manifest}) {
    const std::string hex = FormatDigest(Sha256(content)).substr(7);
    directory.Write(
        "stor:age/docker/registry/v2/blobs/sha256/" + hex.substr(0, 2) + "/" + hex + "/data",
        content);
  }
  const std::string manifests = "stor:age/docker/registry/v2/repositories/team/app/_manifests/";
  directory.Write(manifests + "tags/1/current/link", manifest_digest);
  directory.Write(manifests + "revisions/sha256/" + manifest_digest.substr(7) + "/link",
                  manifest_digest);
  const auto ref_of = [&](const std::string& prefix, const std::string& path) {
    const SourceRead read = Read(prefix + directory.path(path));
    CHECK(CountsOf(read.report).empty());
    REQUIRE(read.fleet.refs.size() == 1);
    return std::string(read.fleet.text(read.fleet.refs[0]));
  };
  CHECK(ref_of("", "im:age") == "im:age");
  CHECK(ref_of("dir:", "im:age") == "im:age");
  for (const std::string path : {"stor:age", "stor:age/docker", "stor:age/docker/registry/v2"}) {
    CHECK(ref_of("", path) == "team/app:1");
    CHECK(ref_of("registry-fs:", path) == "team/app:1");
    CHECK(ref_of("registry-fs:", path + ":team/app:1") == "team/app:1");
  }
  CHECK(Read("registry-fs:" + directory.path("stor:age:team/app:1")).report.num_selections == 1);
  CHECK(Read("registry-fs:" + directory.path("stor:age:team/app")).report.num_selections == 0);
  CHECK(Read("dir:" + directory.path("im:age")).report.num_selections == 1);

  const std::string expected =
      ": expected an OCI layout, an image directory, the storage of a registry or a fleet file, "
      "found ";
  directory.Write("other/file", "");
  CHECK(SourceErrorOf(directory.path("other")) ==
        directory.path("other") + expected +
            "a directory without index.json, manifest.json with version, or docker/registry/v2 in "
            "it");
  std::filesystem::create_directory(directory.path("empty"));
  CHECK(SourceErrorOf(directory.path("empty")) ==
        directory.path("empty") + expected + "an empty directory");
}

// An archive of both kinds, of an image in layers/1 of tag "1"; manifest.json names it old:1.
std::string WriteArchive(const TemporaryDirectory& directory, const std::string& name,
                         bool with_manifest, bool with_index) {
  WriteLayout(directory, "layout");
  std::string tar;
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(directory.path("layout/blobs"))) {
    if (!file.is_regular_file()) continue;
    tar += File(std::filesystem::relative(file.path(), directory.path("layout")).string(),
                ReadWholeFile(file.path().string()));
  }
  if (with_index) {
    for (const std::string file : {"index.json", "oci-layout"}) {
      tar += File(file, ReadWholeFile(directory.path("layout/" + file)));
    }
  }
  tar += File("config", "{}");
  if (with_manifest) {
    tar += File("manifest.json", R"([{"Config":"config","RepoTags":["old:1"],"Layers":[]}])");
  }
  return directory.Write(name, tar + EndBlocks());
}

TEST_CASE("An archive is read as what its transport says, or as what it is", "[io][source]") {
  const TemporaryDirectory directory;
  const auto ref_of = [](const std::string& source) {
    const SourceRead read = Read(source);
    REQUIRE(read.fleet.refs.size() == 1);
    return std::string(read.fleet.text(read.fleet.refs[0]));
  };
  const std::string both = WriteArchive(directory, "both.tar", true, true);
  CHECK(ref_of(both) == "old:1");
  CHECK(ref_of("docker-archive:" + both) == "old:1");
  CHECK(ref_of("docker-archive:" + both + ":old:1") == "old:1");
  CHECK(ref_of("docker-archive:" + both + ":@0") == "old:1");
  CHECK(ref_of("oci-archive:" + both) == "both:1");
  CHECK(ref_of("oci-archive:" + both + ":1") == "both:1");
  const std::string index = WriteArchive(directory, "in:dex.tar", false, true);
  CHECK(ref_of(index) == "in:dex:1");
  CHECK(ref_of("oci-archive:" + index + ":1") == "in:dex:1");
  CHECK(SourceErrorOf("docker-archive:" + index) ==
        index + ": expected an archive of `docker save`, found no manifest.json in it");
  CHECK(SourceErrorOf("oci-archive:" + index + ":2") ==
        index + ": expected an image \"2\", found refs \"in:dex:1\"");
  const std::string manifest = WriteArchive(directory, "manifest.tar.gz", true, false);
  directory.Write("manifest.tar.gz", Gzip(ReadWholeFile(manifest)));
  CHECK(ref_of(manifest) == "old:1");
  CHECK(SourceErrorOf("oci-archive:" + manifest) ==
        manifest + ": expected an OCI layout, found no index.json in it");
  const std::string neither = WriteArchive(directory, "neither.tar", false, false);
  CHECK(SourceErrorOf(neither) ==
        neither +
            ": expected an archive of images, found a tar with neither manifest.json nor "
            "index.json in it; write one with `docker save` or `skopeo copy`");
  CHECK(SourceErrorOf("fleet:" + both) ==
        both +
            ": expected a fleet file, one JSON object per line, found a tar archive, which "
            "docker-archive:FILE or oci-archive:FILE reads");
  CHECK(SourceErrorOf("oci-archive:" + directory.path("none.tar")) ==
        directory.path("none.tar") + ": expected an archive of images, found nothing there");
  CHECK(SourceErrorOf("docker-archive:" + directory.path("layout")) ==
        directory.path("layout") + ": expected an archive of images, found a directory");
}

TEST_CASE("Problems in an archive name the archive and the member", "[io][source]") {
  const TemporaryDirectory directory;
  const std::string path =
      directory.Write("a.tar", File("index.json", R"({"manifests":[{"digest":"sha256:)" +
                                                      std::string(64, 'a') + R"(","size":2}]})"));
  const SourceRead read = Read(path);
  REQUIRE(read.report.problems.size() == 1);
  CHECK(read.report.problems[0].what() ==
        path + ":blobs/sha256/" + std::string(64, 'a') +
            ": expected a manifest, found no such blob in the layout");
  CHECK(CountsOf(read.report) == Counts{{"layout without an oci-layout file", 1}});
}

TEST_CASE("Problems are counted beyond those that are kept, or thrown", "[io][source]") {
  ReadReport report;
  for (int i = 0; i < 150; ++i) {
    report.AddProblem(InputError("s", std::to_string(i), "bad"), false);
  }
  CHECK(report.num_problems == 150);
  CHECK(report.problems.size() == ReadReport::kMaxKept);
  CHECK(report.problems.back().place() == "99");
  CHECK_THROWS_WITH(report.AddProblem(InputError("s", "7", "bad"), true), "s:7: bad");
  CHECK(report.num_problems == 150);
}

}  // namespace
}  // namespace gneiss
