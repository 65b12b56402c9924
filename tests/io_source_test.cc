#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include "io/source/source.h"
#include "planner/digest.h"
#include "tests/source_files.h"

namespace gneiss {
namespace {

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

TEST_CASE("A transport of another version is named as such", "[io][source]") {
  for (const std::string source :
       {"docker-archive:x.tar", "oci-archive:x.tar", "dir:x", "docker://example.com/app:1",
        "registry://example.com", "registry-fs:x"}) {
    const std::string transport = source.substr(0, source.find(':'));
    CHECK(SourceErrorOf(source) == source + ": sources of transport \"" + transport +
                                       "\" are not read yet; this version reads fleet:FILE and "
                                       "oci:DIR[:REF]");
  }
}

TEST_CASE("A name that is neither a path nor a transport is an error", "[io][source]") {
  const std::string expected =
      ": expected a fleet file, an OCI layout or TRANSPORT:NAME, found nothing there; this version "
      "reads fleet:FILE and oci:DIR[:REF]";
  CHECK(SourceErrorOf("no/such/path") == "no/such/path" + expected);
  CHECK(SourceErrorOf("debian:12") == "debian:12" + expected);
  CHECK(SourceErrorOf("") ==
        "source: expected TRANSPORT:NAME or a path, found an empty name; this version reads "
        "fleet:FILE and oci:DIR[:REF]");
  CHECK(
      SourceErrorOf("fleet:") ==
      "source: expected a path after \"fleet:\", found nothing; this version reads fleet:FILE and "
      "oci:DIR[:REF]");
  CHECK(SourceErrorOf("oci:") ==
        "source: expected a path after \"oci:\", found nothing; this version reads fleet:FILE and "
        "oci:DIR[:REF]");
}

TEST_CASE("A directory of another kind is named for what it looks like", "[io][source]") {
  const TemporaryDirectory directory;
  const std::string expected = ": expected an OCI layout or a fleet file, found ";
  directory.Write("empty/file", "");
  CHECK(SourceErrorOf(directory.path("empty")) ==
        directory.path("empty") + expected + "neither an oci-layout file nor an index.json in it");
  directory.Write("dir/version", "Directory Transport Version: 1.1\n");
  directory.Write("dir/manifest.json", "{}");
  CHECK(SourceErrorOf(directory.path("dir")) ==
        directory.path("dir") + expected +
            "skopeo's directory form (dir:), which this version does not read");
  directory.Write("registry/docker/registry/v2/blobs/x", "");
  CHECK(SourceErrorOf(directory.path("registry")) ==
        directory.path("registry") + expected +
            "the storage of a registry (registry-fs:), which this version does not read");
}

TEST_CASE("An archive of images is named for what it is", "[io][source][corpus]") {
  const auto archive =
      CorpusPath("fixtures/containers-image/docker/archive/fixtures/almostempty.tar");
  if (!archive) return;
  CHECK(SourceErrorOf(*archive) ==
        *archive +
            ": expected a fleet file, one JSON object per line, found a tar archive "
            "(docker-archive: and oci-archive: are not read by this version)");
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
