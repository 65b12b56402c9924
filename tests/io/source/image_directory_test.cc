#include "io/source/image_directory.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/source/layer_blobs.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

using Texts = std::vector<std::string>;

// An image directory under construction, named "shop".
class ImageDirectory {
 public:
  ImageDirectory() { Write("version", "Directory Transport Version: 1.1\n"); }

  std::string path() const { return files_.path("shop"); }
  std::string path(const std::string& name) const { return path() + "/" + name; }
  std::string Write(const std::string& name, std::string_view content) const {
    return files_.Write("shop/" + name, content);
  }
  static std::string HexOf(std::string_view content) {
    return FormatDigest(Sha256(content)).substr(7);
  }
  // Writes a blob and returns its descriptor.
  std::string Blob(const std::string& type, const std::string& content,
                   const std::string& ending = "", const std::string& members = "") const {
    Write(HexOf(content) + ending, content);
    return fmt::format(
        R"({{"mediaType":"application/vnd.oci.image.{}","digest":"sha256:{}","size":{}{}}})", type,
        HexOf(content), content.size(), members);
  }
  // Text of the manifest of an image of these layers.
  std::string Image(const Texts& layers, const std::string& ending = "",
                    const std::string& config = R"({"os":"linux","architecture":"amd64"})") const {
    Texts descriptors;
    for (const std::string& layer : layers) {
      descriptors.push_back(Blob("layer.v1.tar", layer, ending));
    }
    return fmt::format(R"({{"schemaVersion":2,"config":{},"layers":[{}]}})",
                       Blob("config.v1+json", config, ending), fmt::join(descriptors, ","));
  }

 private:
  TemporaryDirectory files_;
};

struct DirectoryRead {
  Fleet fleet;
  ReadReport report;
  LayerBlobs blobs;

  Texts problems() const {
    Texts problems;
    for (const InputError& problem : report.problems) problems.emplace_back(problem.what());
    return problems;
  }
};

DirectoryRead ReadDirectory(const std::string& directory, const ReadOptions& options = {}) {
  FleetBuilder builder;
  DirectoryRead read;
  ReadImageDirectory(directory, options, builder, read.report);
  read.fleet = builder.Build();
  for (const auto& files : read.report.layouts) read.blobs.AddLayout(files);
  return read;
}

std::string DirectoryErrorOf(const std::string& directory) {
  return MessageOf<InputError>([&] { ReadDirectory(directory); });
}

TEST_CASE("An image directory has one image, called as the directory is", "[io][image_directory]") {
  for (const std::string ending : {"", ".tar"}) {
    INFO(ending);
    const ImageDirectory directory;
    const std::string manifest = directory.Image({"base", "app"}, ending);
    directory.Write("manifest.json", manifest);
    directory.Write("signature-1", "not read");
    CHECK(IsImageDirectory(directory.path()));
    const DirectoryRead read = ReadDirectory(directory.path());
    CHECK(read.problems().empty());
    CHECK(CountsOf(read.report).empty());
    CHECK(read.report.skipped.empty());
    CHECK(read.report.missing_layer_blobs == 0);
    CHECK(read.report.num_lines == 1);
    REQUIRE(read.fleet.images.size() == 1);
    const Image& image = read.fleet.images[0];
    REQUIRE(image.num_refs == 1);
    CHECK(read.fleet.text(read.fleet.refs[0]) == "shop");
    CHECK(read.fleet.text(image.platform) == "linux/amd64");
    CHECK(image.manifest_size == std::ssize(manifest));
    CHECK(FormatDigest(image.identity) == FormatDigest(Sha256(manifest)));
    // All blobs are found by their digests: layers, the config and the manifest.
    CHECK(read.blobs.Open(FormatDigest(Sha256(manifest)), std::ssize(manifest)) != nullptr);
    for (const std::string content : {"base", "app", R"({"os":"linux","architecture":"amd64"})"}) {
      const auto blob =
          read.blobs.Open(FormatDigest(Sha256(content)), static_cast<Bytes>(content.size()));
      REQUIRE(blob != nullptr);
      CHECK(ReadWhole(*blob, "blob", kUnknownSize, 100) == content);
    }
    CHECK(read.blobs.Open(FormatDigest(Sha256("else")), 4) == nullptr);
  }
}

TEST_CASE("An image directory of an index has an image for each platform",
          "[io][image_directory]") {
  const ImageDirectory directory;
  const std::string amd64 = directory.Image({"a"});
  const std::string arm64 = directory.Image({"a"}, "", R"({"os":"linux","architecture":"arm64"})");
  const auto entry = [&](const std::string& manifest, const std::string& architecture) {
    return directory.Blob("manifest.v1+json", manifest, ".manifest.json",
                          R"(,"platform":{"os":"linux","architecture":")" + architecture + "\"}");
  };
  directory.Write("manifest.json", R"({"schemaVersion":2,"manifests":[)" + entry(amd64, "amd64") +
                                       "," + entry(arm64, "arm64") + "]}");
  const DirectoryRead read = ReadDirectory(directory.path());
  CHECK(read.problems().empty());
  CHECK(read.fleet.images.size() == 2);
  CHECK(read.fleet.refs.size() == 2);
  for (const TextIndex ref : read.fleet.refs) CHECK(read.fleet.text(ref) == "shop");

  // skopeo copies one platform of an index where it is told to.
  std::filesystem::remove(directory.path(ImageDirectory::HexOf(arm64) + ".manifest.json"));
  const DirectoryRead partial = ReadDirectory(directory.path());
  CHECK(partial.problems().empty());
  CHECK(partial.fleet.images.size() == 1);
  CHECK(partial.report.num_lines == 1);
  const ReadWarning& left_out = partial.report.warnings.at(
      "manifest of an index that is not there, as of platforms left out");
  CHECK(left_out.count == 1);
  CHECK(left_out.first == directory.path("manifest.json") + " (linux/arm64)");
  const DirectoryRead one = ReadDirectory(
      directory.path(),
      {.platform = PlatformFilter("linux/amd64"), .strict = false, .on_progress = {}});
  CHECK(one.problems().empty());
  CHECK(one.report.filtered_out == 1);
}

TEST_CASE("Blobs of an image directory that are missing or changed are told",
          "[io][image_directory]") {
  const ImageDirectory directory;
  directory.Write("manifest.json", directory.Image({"gone", "grown"}));
  std::filesystem::remove(directory.path(ImageDirectory::HexOf("gone")));
  directory.Write(ImageDirectory::HexOf("grown"), "grown more");
  const DirectoryRead layers = ReadDirectory(directory.path());
  CHECK(layers.fleet.images.size() == 1);
  CHECK(layers.report.missing_layer_blobs == 1);
  CHECK(layers.report.warnings.at("layer blob of another size than its descriptor says").first ==
        directory.path(ImageDirectory::HexOf("grown")));

  const std::string config =
      directory.path(ImageDirectory::HexOf(R"({"os":"linux","architecture":"amd64"})"));
  std::filesystem::resize_file(config, 5);
  CHECK(ReadDirectory(directory.path()).problems() ==
        Texts{config + ": expected 37 bytes, as its descriptor says, found 5"});
  std::filesystem::remove(config);
  const DirectoryRead without = ReadDirectory(directory.path());
  CHECK(without.problems().empty());
  CHECK(without.report.warnings.at("image without its config blob").first == config);
}

TEST_CASE("Links in an image directory are not followed", "[io][image_directory]") {
  const ImageDirectory directory;
  directory.Write("manifest.json", directory.Image({"a"}));
  const std::string config =
      directory.path(ImageDirectory::HexOf(R"({"os":"linux","architecture":"amd64"})"));
  std::filesystem::rename(config, directory.path("elsewhere"));
  std::filesystem::create_symlink("elsewhere", config);
  CHECK(ReadDirectory(directory.path()).problems() ==
        Texts{config + ": expected a plain file, found a symbolic link"});
}

TEST_CASE("A digest too long for a file's name is of a blob that is not there",
          "[io][image_directory]") {
  const ImageDirectory directory;
  const std::string digest = "other:" + std::string(1000, 'a');
  directory.Write("manifest.json",
                  fmt::format(R"({{"config":{},"layers":[{{"digest":"{}","size":1}}]}})",
                              directory.Blob("config.v1+json", "{}"), digest));
  const DirectoryRead read = ReadDirectory(directory.path());
  CHECK(read.problems().empty());
  CHECK(read.report.missing_layer_blobs == 1);
  CHECK(read.blobs.Open(digest, 1) == nullptr);
  directory.Write("manifest.json",
                  fmt::format(R"({{"manifests":[{{"digest":"{}","size":1}}]}})", digest));
  CHECK(ReadDirectory(directory.path()).problems() ==
        Texts{directory.path(digest.substr(6)) +
              ": expected a manifest, found no such blob in the directory"});
}

TEST_CASE("A manifest.json that is none is a bad image", "[io][image_directory]") {
  const ImageDirectory directory;
  const std::string path = directory.Write("manifest.json", "<html>");
  CHECK(ReadDirectory(directory.path()).problems() ==
        Texts{path + ":byte 1: not JSON: syntax error while parsing value - invalid literal"});
  directory.Write("manifest.json", "null");
  CHECK(ReadDirectory(directory.path()).problems() ==
        Texts{path + ": expected a manifest, a JSON object, found null"});
  directory.Write("manifest.json", R"([{"Config":"c","RepoTags":null,"Layers":[]}])");
  CHECK(ReadDirectory(directory.path()).problems() ==
        Texts{path + ": expected a manifest, a JSON object, found an array"});
  directory.Write("manifest.json", R"({"schemaVersion":1,"fsLayers":[]})");
  const DirectoryRead old = ReadDirectory(directory.path());
  CHECK(old.problems().empty());
  CHECK(old.report.skipped == Counts{{"docker schema 1 manifest", 1}});
}

TEST_CASE("A directory that is no image directory is an error", "[io][image_directory]") {
  const std::string expected =
      ": expected an image directory, as `skopeo copy SOURCE dir:DIR` writes it, found ";
  const ImageDirectory directory;
  CHECK_FALSE(IsImageDirectory(directory.path()));
  CHECK(DirectoryErrorOf(directory.path()) ==
        directory.path() + expected + "no manifest.json in it");
  CHECK(DirectoryErrorOf(directory.path("none")) ==
        directory.path("none") + expected + "nothing there");
  const std::string version = directory.path("version");
  CHECK(DirectoryErrorOf(version) == version + expected + "a file");

  directory.Write("manifest.json", directory.Image({}));
  const std::string other = version + ": expected \"Directory Transport Version: 1.1\", found ";
  directory.Write("version", "Directory Transport Version: 2.0\n");
  CHECK(DirectoryErrorOf(directory.path()) == other + "\"Directory Transport Version: 2.0\"");
  directory.Write("version", std::string(5000, 'x'));
  CHECK(DirectoryErrorOf(directory.path()) == other + "a file of 5000 bytes");
  directory.Write("version", "Directory Transport Version: 1.0");
  CHECK(ReadDirectory(directory.path()).fleet.images.size() == 1);
  std::filesystem::remove(version);
  CHECK(CountsOf(ReadDirectory(directory.path()).report) ==
        Counts{{"image directory without a version file", 1}});
}

}  // namespace
}  // namespace gneiss
