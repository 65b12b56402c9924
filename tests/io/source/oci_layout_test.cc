#include "io/source/oci_layout.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <openssl/evp.h>

#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

constexpr char kManifestType[] = "application/vnd.oci.image.manifest.v1+json";
constexpr char kIndexType[] = "application/vnd.oci.image.index.v1+json";
constexpr char kConfigType[] = "application/vnd.oci.image.config.v1+json";
constexpr char kLayerType[] = "application/vnd.oci.image.layer.v1.tar+gzip";

std::string Sha512Text(std::string_view content) {
  std::array<unsigned char, 64> bytes;
  unsigned int length = 0;
  REQUIRE(EVP_Digest(content.data(), content.size(), bytes.data(), &length, EVP_sha512(),
                     nullptr) == 1);
  std::string text = "sha512:";
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

std::string Described(const std::string& media_type, const std::string& digest, std::size_t size,
                      const std::string& members = "") {
  return R"({"mediaType":")" + media_type + R"(","digest":")" + digest + R"(","size":)" +
         std::to_string(size) + members + "}";
}

std::string RefName(const std::string& name) {
  return R"(,"annotations":{"org.opencontainers.image.ref.name":")" + name + "\"}";
}

std::string ForPlatform(const std::string& os, const std::string& architecture) {
  return R"(,"platform":{"os":")" + os + R"(","architecture":")" + architecture + "\"}";
}

std::string Listed(const std::vector<std::string>& items) {
  std::string list;
  for (const std::string& item : items) list += (list.empty() ? "" : ",") + item;
  return "[" + list + "]";
}

std::string IndexOf(const std::vector<std::string>& descriptors) {
  return R"({"schemaVersion":2,"manifests":)" + Listed(descriptors) + "}";
}

// A layout under construction, in a directory named "shop".
class Layout {
 public:
  Layout() { Write("oci-layout", R"({"imageLayoutVersion":"1.0.0"})"); }

  std::string path() const { return directory_.path("shop"); }
  std::string BlobPath(const std::string& digest) const {
    const std::size_t colon = digest.find(':');
    return path() + "/blobs/" + digest.substr(0, colon) + "/" + digest.substr(colon + 1);
  }
  std::string Write(const std::string& name, std::string_view content) const {
    return directory_.Write("shop/" + name, content);
  }
  // Writes a blob and returns its descriptor.
  std::string Blob(const std::string& media_type, const std::string& content,
                   const std::string& members = "") const {
    const std::string digest = FormatDigest(Sha256(content));
    Write("blobs/sha256/" + digest.substr(7), content);
    return Described(media_type, digest, content.size(), members);
  }
  // Writes config, manifest and layers of an image whose layers have the contents `layers`.
  std::string Image(const std::vector<std::string>& layers, const std::string& members = "",
                    const std::string& config = R"({"os":"linux","architecture":"amd64"})") const {
    std::vector<std::string> descriptors;
    for (const std::string& layer : layers) descriptors.push_back(Blob(kLayerType, layer));
    return Blob(kManifestType,
                R"({"schemaVersion":2,"config":)" + Blob(kConfigType, config) + R"(,"layers":)" +
                    Listed(descriptors) + "}",
                members);
  }
  void Index(const std::vector<std::string>& descriptors) const {
    Write("index.json", IndexOf(descriptors));
  }

 private:
  TemporaryDirectory directory_;
};

struct LayoutRead {
  Fleet fleet;
  ReadReport report;

  // Refs of all images, sorted.
  std::vector<std::string> refs() const {
    std::vector<std::string> refs;
    for (const TextIndex ref : fleet.refs) refs.emplace_back(fleet.text(ref));
    std::ranges::sort(refs);
    return refs;
  }
  std::vector<std::string> problems() const {
    std::vector<std::string> problems;
    for (const InputError& problem : report.problems) problems.emplace_back(problem.what());
    return problems;
  }
};

LayoutRead ReadLayout(const std::string& path, std::string_view ref = {},
                      const ReadOptions& options = {}) {
  FleetBuilder builder;
  LayoutRead outcome;
  ReadOciLayout(OpenLayoutDirectory(path), ref, options, builder, outcome.report);
  outcome.fleet = builder.Build();
  return outcome;
}

ReadOptions OnlyPlatform(std::string_view platform) {
  return {.platform = PlatformFilter(platform), .strict = false, .on_progress = {}};
}

std::string LayoutErrorOf(const std::string& path, std::string_view ref = {},
                          const ReadOptions& options = {}) {
  return MessageOf<InputError>([&] { ReadLayout(path, ref, options); });
}

using Texts = std::vector<std::string>;

// Digest in a descriptor that Layout made.
std::string DigestIn(const std::string& descriptor) {
  const std::size_t at = descriptor.find(R"("digest":")") + 10;
  return descriptor.substr(at, descriptor.find('"', at) - at);
}

TEST_CASE("An image of a layout has what manifest and config say", "[io][oci_layout]") {
  const Layout layout;
  const std::string config_text =
      R"({"os":"linux","architecture":"arm64","variant":"v8","created":"2024-05-06T07:08:09Z",)"
      R"("config":{"Labels":{"team":"config","only":"config"}},"rootfs":{"diff_ids":["sha256:)" +
      std::string(64, '1') + R"(","sha256:)" + std::string(64, '2') +
      R"("]},"history":[{"created_by":"/bin/sh -c #(nop) ADD x"},{"created_by":"ENV","empty_layer":true},)"
      R"({"created_by":"RUN make"}]})";
  const std::string config = layout.Blob(kConfigType, config_text);
  const std::string text = R"({"schemaVersion":2,"config":)" + config + R"(,"layers":[)" +
                           layout.Blob(kLayerType, "base") + "," + layout.Blob(kLayerType, "app") +
                           R"(],"annotations":{"team":"manifest"}})";
  const std::string manifest = layout.Blob(kManifestType, text, RefName("1.0"));
  layout.Index({manifest});

  const LayoutRead outcome = ReadLayout(layout.path());
  CHECK(outcome.problems().empty());
  CHECK(outcome.report.num_lines == 1);
  CHECK(outcome.report.warnings.empty());
  CHECK(outcome.report.skipped.empty());
  CHECK(outcome.report.missing_layer_blobs == 0);
  const Fleet& fleet = outcome.fleet;
  REQUIRE(fleet.images.size() == 1);
  const Image& image = fleet.images[0];
  CHECK(outcome.refs() == Texts{"shop:1.0"});
  CHECK(image.has_manifest_digest);
  CHECK(FormatDigest(image.identity) == DigestIn(manifest));
  CHECK(image.manifest_size == std::ssize(text));
  CHECK(image.has_config);
  CHECK(FormatDigest(image.config_digest) == DigestIn(config));
  CHECK(image.config_size == std::ssize(config_text));
  CHECK(fleet.text(image.platform) == "linux/arm64/v8");
  CHECK(fleet.text(image.created) == "2024-05-06T07:08:09Z");
  CHECK(fleet.label(image, "team") == "manifest");
  CHECK(fleet.label(image, "only") == "config");
  CHECK(image.num_labels == 2);
  REQUIRE(fleet.layers.size() == 2);
  CHECK(fleet.layers[0].size == 4);
  CHECK(fleet.digest_text(fleet.layers[0]) == FormatDigest(Sha256("base")));
  CHECK(fleet.text(fleet.layers[0].created_by) == "/bin/sh -c #(nop) ADD x");
  CHECK(fleet.text(fleet.layers[1].created_by) == "RUN make");
  CHECK(fleet.text(fleet.layers[1].media_type) == kLayerType);
  REQUIRE(fleet.layers[1].diff_id != kNone);
  CHECK(FormatDigest(fleet.diff_ids[fleet.layers[1].diff_id]) == "sha256:" + std::string(64, '2'));
}

TEST_CASE("Refs come from the annotations of the entry", "[io][oci_layout]") {
  const Layout layout;
  const std::string containerd =
      R"(,"annotations":{"io.containerd.image.name":"docker.io/library/app:3",)"
      R"("org.opencontainers.image.ref.name":"3"})";
  layout.Index({layout.Image({"a"}, RefName("1.0")), layout.Image({"b"}, RefName("registry/app")),
                layout.Image({"c"}, RefName("app:2")), layout.Image({"d"}, containerd),
                layout.Image({"e"})});
  const Texts expected = {"app:2", "docker.io/library/app:3", "registry/app", "shop:1.0"};
  CHECK(ReadLayout(layout.path()).refs() == expected);
  CHECK(ReadLayout(layout.path() + "/").refs() == expected);
  CHECK(ReadLayout(layout.path() + "/blobs/..").refs() == expected);
  CHECK(ReadLayout(layout.path()).fleet.images.size() == 5);
}

TEST_CASE("Nested indexes hand their ref down to every platform", "[io][oci_layout]") {
  const Layout layout;
  const std::string inner = layout.Blob(
      kIndexType, IndexOf({layout.Image({"a"}, ForPlatform("linux", "amd64")),
                           layout.Image({"b"}, ForPlatform("linux", "arm64") + RefName("inner"))}));
  const std::string outer = layout.Blob(kIndexType, IndexOf({inner}), RefName("outer"));
  layout.Index({outer, inner});
  const LayoutRead outcome = ReadLayout(layout.path());
  CHECK(outcome.problems().empty());
  // Twice through `outer`, twice bare; the bare path has only the inner entry's own name.
  CHECK(outcome.report.num_lines == 4);
  CHECK(outcome.fleet.images.size() == 2);
  CHECK(outcome.refs() == Texts{"shop:inner", "shop:outer", "shop:outer"});
}

TEST_CASE("A platform filter asks for no blob of another platform", "[io][oci_layout]") {
  const Layout layout;
  const std::string absent = FormatDigest(Sha256("absent"));
  layout.Index({layout.Image({"a"}, ForPlatform("linux", "amd64")),
                Described(kManifestType, absent, 6, ForPlatform("linux", "arm64")),
                layout.Image({"b"}, "", R"({"os":"linux","architecture":"s390x"})")});
  const LayoutRead outcome = ReadLayout(layout.path(), {}, OnlyPlatform("linux/amd64"));
  CHECK(outcome.problems().empty());
  CHECK(outcome.report.num_lines == 3);
  CHECK(outcome.report.filtered_out == 2);
  REQUIRE(outcome.fleet.images.size() == 1);
  CHECK(outcome.fleet.text(outcome.fleet.images[0].platform) == "linux/amd64");
  CHECK(ReadLayout(layout.path()).problems() ==
        Texts{layout.BlobPath(absent) + ": expected a manifest, found no such blob in the layout"});
}

TEST_CASE("What is no image is counted and passed over", "[io][oci_layout]") {
  const Layout layout;
  const auto absent = [](char c) { return "sha256:" + std::string(64, c); };
  const std::string config = layout.Blob(kConfigType, "{}");
  const auto manifest = [&](const std::string& layers, const std::string& members) {
    return layout.Blob(kManifestType,
                       R"({"config":)" + config + R"(,"layers":)" + layers + members + "}");
  };
  layout.Index(
      {layout.Image({"a"}),
       Described(kManifestType, absent('0'), 1,
                 R"(,"annotations":{"vnd.docker.reference.type":"attestation-manifest"})"),
       Described(kManifestType, absent('1'), 1, ForPlatform("unknown", "unknown") + RefName("x")),
       manifest(Listed({layout.Blob("application/vnd.in-toto+json", "{}")}), ""),
       manifest("[]", R"(,"subject":)" + config), manifest("[]", R"(,"artifactType":"x/y")"),
       Described(kManifestType, absent('2'), 1, R"(,"artifactType":"x/y")"),
       Described("application/vnd.docker.distribution.manifest.v1+prettyjws", absent('3'), 1),
       Described("application/vnd.example.unknown", absent('4'), 1)});
  const LayoutRead outcome = ReadLayout(layout.path());
  CHECK(outcome.problems().empty());
  CHECK(outcome.report.num_lines == 1);
  CHECK(outcome.fleet.images.size() == 1);
  CHECK(outcome.report.skipped == Counts{{"artifact manifest", 2},
                                         {"attestation manifest", 3},
                                         {"docker schema 1 manifest", 1},
                                         {"manifest of unknown media type", 1},
                                         {"referrer manifest", 1}});
}

TEST_CASE("Layers that are not there are counted once and never opened", "[io][oci_layout]") {
  const Layout layout;
  const std::string absent = Described(kLayerType, FormatDigest(Sha256("absent")), 6);
  const std::string foreign = Described(kLayerType, FormatDigest(Sha256("foreign")), 7,
                                        R"(,"urls":["https://example.com"])");
  const std::string other_size = Described(kLayerType, DigestIn(layout.Blob(kLayerType, "x")), 99);
  // A layer blob that may not be opened, or would block if it were.
  const std::string pipe = FormatDigest(Sha256("pipe"));
  REQUIRE(mkfifo(layout.BlobPath(pipe).c_str(), 0600) == 0);
  const std::string config = layout.Blob(kConfigType, R"({"os":"linux","architecture":"amd64"})");
  const auto image = [&](const std::string& tag) {
    return layout.Blob(kManifestType,
                       R"({"config":)" + config + R"(,"layers":)" +
                           Listed({absent, foreign, other_size, Described(kLayerType, pipe, 0)}) +
                           R"(,"annotations":{"tag":")" + tag + "\"}}");
  };
  layout.Index({image("1"), image("2")});
  const LayoutRead outcome = ReadLayout(layout.path());
  CHECK(outcome.problems().empty());
  CHECK(outcome.fleet.images.size() == 2);
  CHECK(outcome.report.missing_layer_blobs == 2);  // the absent one, and the pipe, which is no blob
  CHECK(CountsOf(outcome.report) ==
        Counts{{"layer blob of another size than its descriptor says", 1}});
  CHECK(std::ranges::count(outcome.fleet.layers, true, &Layer::foreign) == 1);
}

TEST_CASE("An image without its config blob is an image", "[io][oci_layout]") {
  const Layout layout;
  const std::string config = Described(kConfigType, FormatDigest(Sha256("absent")), 6);
  const std::string text =
      R"({"config":)" + config + R"(,"layers":)" + Listed({layout.Blob(kLayerType, "a")}) + "}";
  layout.Index({layout.Blob(kManifestType, text, ForPlatform("linux", "amd64"))});
  const LayoutRead outcome = ReadLayout(layout.path());
  CHECK(outcome.problems().empty());
  CHECK(CountsOf(outcome.report) == Counts{{"image without its config blob", 1}});
  REQUIRE(outcome.fleet.images.size() == 1);
  CHECK(outcome.fleet.text(outcome.fleet.images[0].platform) == "linux/amd64");
}

TEST_CASE("History and diff_ids of another count than the layers are left out",
          "[io][oci_layout]") {
  const Layout layout;
  layout.Index({layout.Image({"a", "b"}, "",
                             R"({"rootfs":{"diff_ids":["sha256:)" + std::string(64, '1') +
                                 R"("]},"history":[{"created_by":"x"}]})")});
  const LayoutRead outcome = ReadLayout(layout.path());
  CHECK(CountsOf(outcome.report) ==
        Counts{{"diff_ids do not match layers", 1}, {"history does not match layers", 1}});
  REQUIRE(outcome.fleet.layers.size() == 2);
  CHECK(outcome.fleet.layers[0].diff_id == kNone);
  CHECK(outcome.fleet.text(outcome.fleet.layers[0].created_by).empty());
}

TEST_CASE("A blob that is not what its descriptor says is an error with both values",
          "[io][oci_layout]") {
  const Layout layout;
  const std::string good = layout.Image({"a"}, RefName("good"));
  const std::string changed = layout.Image({"b"}, RefName("changed"));
  std::string text = ReadWholeFile(layout.BlobPath(DigestIn(changed)));
  text[text.find(R"("schemaVersion":2)") + 15] = ' ';
  const std::string found = FormatDigest(Sha256(text));
  layout.Write("blobs/sha256/" + DigestIn(changed).substr(7), text);
  const std::string shorter = layout.Image({"c"});
  const std::size_t full = std::filesystem::file_size(layout.BlobPath(DigestIn(shorter)));
  std::filesystem::resize_file(layout.BlobPath(DigestIn(shorter)), full - 1);
  const std::string bad_config =
      layout.Blob(kConfigType, R"({"os":"linux","architecture":"mips"})");
  const std::string image_of_bad_config =
      layout.Blob(kManifestType, R"({"config":)" + bad_config + R"(,"layers":[]})");
  const std::string replaced = R"({"os":"linux","architecture":"MIPS"})";
  layout.Write("blobs/sha256/" + DigestIn(bad_config).substr(7), replaced);
  layout.Index({changed, shorter, image_of_bad_config, good});

  const LayoutRead outcome = ReadLayout(layout.path());
  CHECK(outcome.refs() == Texts{"shop:good"});
  CHECK(outcome.report.num_lines == 4);
  CHECK(outcome.problems() ==
        Texts{layout.BlobPath(DigestIn(changed)) + ": expected content of digest " +
                  DigestIn(changed) + ", found " + found,
              layout.BlobPath(DigestIn(shorter)) + ": expected " + std::to_string(full) +
                  " bytes, as its descriptor says, found " + std::to_string(full - 1),
              layout.BlobPath(DigestIn(bad_config)) + ": expected content of digest " +
                  DigestIn(bad_config) + ", found " + FormatDigest(Sha256(replaced))});
  CHECK(LayoutErrorOf(layout.path(), {}, {.platform = {}, .strict = true, .on_progress = {}}) ==
        outcome.problems()[0]);
}

TEST_CASE("Bad JSON in one blob is an error of that image only", "[io][oci_layout]") {
  const Layout layout;
  const std::string both = layout.Blob(kManifestType, R"({"layers":[],"manifests":[]})");
  const std::string no_json = layout.Blob(kManifestType, "<html>");
  const std::string bad_config = layout.Blob(kConfigType, R"({"os":5})");
  const std::string image =
      layout.Blob(kManifestType, R"({"config":)" + bad_config + R"(,"layers":[]})");
  const std::string traversal = Described(kManifestType, "sha256:../../x", 5);
  const std::string large = Described(kManifestType, FormatDigest(Sha256("large")), 5'000'000);
  layout.Write("blobs/sha256/" + DigestIn(large).substr(7), std::string(5'000'000, ' '));
  layout.Index({both, no_json, image, traversal, large, layout.Image({"a"})});
  const LayoutRead outcome = ReadLayout(layout.path());
  CHECK(outcome.fleet.images.size() == 1);
  CHECK(outcome.problems() ==
        Texts{layout.path() + "/index.json: manifests[3].digest: expected a digest, as sha256: and "
                              "64 hexadecimal digits in lower case, found \"sha256:../../x\"",
              layout.BlobPath(DigestIn(both)) +
                  ": expected either layers, of an image, or manifests, of an index, found both",
              layout.BlobPath(DigestIn(no_json)) +
                  ":byte 1: not JSON: syntax error while parsing value - invalid literal",
              layout.BlobPath(DigestIn(bad_config)) + ": os: expected a string, found 5",
              layout.BlobPath(DigestIn(large)) +
                  ": expected at most 4194304 bytes of JSON, found 5000000"});
}

TEST_CASE("Blobs that are not plain files are not followed", "[io][oci_layout]") {
  const Layout layout;
  const std::string content = R"({"config":)" + layout.Blob(kConfigType, "{}") + R"(,"layers":[]})";
  const std::string digest = FormatDigest(Sha256(content));
  const std::string outside = layout.Write("../outside", content);
  std::filesystem::create_symlink(outside, layout.BlobPath(digest));
  const std::string folder = FormatDigest(Sha256("folder"));
  std::filesystem::create_directory(layout.BlobPath(folder));
  const std::string pipe = FormatDigest(Sha256("pipe"));
  REQUIRE(mkfifo(layout.BlobPath(pipe).c_str(), 0600) == 0);
  layout.Index({Described(kManifestType, digest, content.size()),
                Described(kManifestType, folder, 1), Described(kManifestType, pipe, 1)});
  CHECK(ReadLayout(layout.path()).problems() ==
        Texts{layout.BlobPath(digest) + ": expected a plain file, found a symbolic link",
              layout.BlobPath(folder) + ": expected a plain file, found a directory",
              layout.BlobPath(pipe) + ": expected a plain file, found something else"});
}

TEST_CASE("sha512 digests are verified, those of unknown algorithms taken with a warning",
          "[io][oci_layout]") {
  const Layout layout;
  const std::string content = R"({"config":)" + layout.Blob(kConfigType, "{}") + R"(,"layers":[]})";
  const std::string sha512 = Sha512Text(content);
  layout.Write("blobs/sha512/" + sha512.substr(7), content);
  const std::string wrong = Sha512Text("else");
  layout.Write("blobs/sha512/" + wrong.substr(7), content);
  layout.Write("blobs/rot13/abc", content);
  layout.Index({Described(kManifestType, sha512, content.size()),
                Described(kManifestType, wrong, content.size()),
                Described(kManifestType, "rot13:abc", content.size())});
  const LayoutRead outcome = ReadLayout(layout.path());
  CHECK(outcome.problems() == Texts{layout.BlobPath(wrong) + ": expected content of digest " +
                                    wrong + ", found " + sha512});
  CHECK(CountsOf(outcome.report) ==
        Counts{{"digest of an unknown algorithm, content not verified", 1}});
  Texts names;
  for (const Image& image : outcome.fleet.images) names.push_back(outcome.fleet.name(image));
  std::ranges::sort(names);
  CHECK(names == Texts{"rot13:abc", sha512});
}

TEST_CASE("An index that contains itself is followed once and reported", "[io][oci_layout]") {
  const Layout layout;
  // Only a digest that cannot be verified makes a cycle.
  const std::string image = layout.Image({"a"});
  std::string first(R"({"manifests":[)" + image + ",");
  const std::size_t size = first.size() + Described(kIndexType, "x:two", 1000).size() + 2;
  const std::string second_text = IndexOf({Described(kIndexType, "x:one", size)});
  first += Described(kIndexType, "x:two", second_text.size() + 900);
  const std::string padded = second_text + std::string(900, ' ');
  first += "]}";
  layout.Write("blobs/x/one", first + std::string(size - first.size(), ' '));
  layout.Write("blobs/x/two", padded);
  layout.Index({Described(kIndexType, "x:one", size, RefName("1"))});
  const LayoutRead outcome = ReadLayout(layout.path());
  CHECK(outcome.refs() == Texts{"shop:1"});
  CHECK(outcome.problems() ==
        Texts{layout.BlobPath("x:one") + ": index contains itself: x:one is listed again 2 levels "
                                         "below index.json; it is not followed again"});
}

TEST_CASE("Indexes nest 8 deep and no deeper", "[io][oci_layout]") {
  const Layout layout;
  std::string descriptor = layout.Image({"a"});
  for (int depth = 1; depth <= 8; ++depth)
    descriptor = layout.Blob(kIndexType, IndexOf({descriptor}));
  layout.Index({descriptor});
  CHECK(ReadLayout(layout.path()).fleet.images.size() == 1);
  const std::string image_index = layout.Blob(kIndexType, IndexOf({layout.Image({"a"})}));
  layout.Index({layout.Blob(kIndexType, IndexOf({descriptor}))});
  const LayoutRead outcome = ReadLayout(layout.path());
  CHECK(outcome.fleet.images.empty());
  CHECK(outcome.problems() ==
        Texts{layout.BlobPath(DigestIn(image_index)) +
              ": expected indexes nested at most 8 deep, found a deeper one"});
}

TEST_CASE("Indexes that share entries many times over are read once per ref", "[io][oci_layout]") {
  const Layout layout;
  std::string descriptor = layout.Image({"a"});
  // Without a memory 20^8 visits.
  for (int depth = 1; depth <= 8; ++depth) {
    descriptor = layout.Blob(kIndexType, IndexOf(Texts(20, descriptor)));
  }
  layout.Index({descriptor});
  const LayoutRead outcome = ReadLayout(layout.path());
  CHECK(outcome.problems().empty());
  CHECK(outcome.report.num_lines == 1);
  CHECK(outcome.fleet.images.size() == 1);
}

TEST_CASE("A ref selects by full name, tag or digest", "[io][oci_layout]") {
  const Layout layout;
  const std::string inner = layout.Image({"a"}, ForPlatform("linux", "amd64"));
  const std::string index =
      layout.Blob(kIndexType, IndexOf({inner, layout.Image({"b"}, ForPlatform("linux", "arm64"))}),
                  RefName("multi"));
  const std::string single = layout.Image({"c"}, RefName("localhost:5000/app:2"));
  layout.Index({index, single, layout.Image({"d"}, RefName("other"))});
  CHECK(ReadLayout(layout.path(), "multi").fleet.images.size() == 2);
  CHECK(ReadLayout(layout.path(), "shop:multi").fleet.images.size() == 2);
  CHECK(ReadLayout(layout.path(), "localhost:5000/app:2").refs() == Texts{"localhost:5000/app:2"});
  CHECK(ReadLayout(layout.path(), "2").refs() == Texts{"localhost:5000/app:2"});
  CHECK(ReadLayout(layout.path(), DigestIn(index)).fleet.images.size() == 2);
  CHECK(ReadLayout(layout.path(), "@" + DigestIn(single)).refs() == Texts{"localhost:5000/app:2"});
  const LayoutRead by_inner_digest = ReadLayout(layout.path(), DigestIn(inner));
  CHECK(by_inner_digest.fleet.images.size() == 1);
  CHECK(by_inner_digest.refs() == Texts{"shop:multi"});
  CHECK(by_inner_digest.report.num_lines == 1);
  // A platform that the image does not have is not a wrong name.
  CHECK(ReadLayout(layout.path(), "multi", OnlyPlatform("linux/s390x")).report.filtered_out == 2);
}

TEST_CASE("A ref that names nothing is an error that shows what there is", "[io][oci_layout]") {
  const Layout layout;
  layout.Index({layout.Image({"a"}, RefName("1")), layout.Image({"b"}, RefName("x/y:2"))});
  CHECK(LayoutErrorOf(layout.path(), "3") ==
        layout.path() + ": expected an image \"3\", found refs \"shop:1\", \"x/y:2\"");
  CHECK(LayoutErrorOf(layout.path(), "sha256:" + std::string(64, 'f')) ==
        layout.path() + ": expected an image \"sha256:" + std::string(64, 'f') +
            "\", found refs \"shop:1\", \"x/y:2\"");
  Texts many;
  for (int i = 0; i < 9; ++i) many.push_back(layout.Image({"a"}, RefName(std::to_string(i))));
  layout.Index(many);
  CHECK(LayoutErrorOf(layout.path(), "x") ==
        layout.path() +
            ": expected an image \"x\", found refs \"shop:0\", \"shop:1\", \"shop:2\", "
            "\"shop:3\", \"shop:4\" and perhaps more");
  layout.Index({layout.Image({"a"})});
  CHECK(LayoutErrorOf(layout.path(), "1") ==
        layout.path() + ": expected an image \"1\", found no refs");
}

TEST_CASE("A directory that is no layout is an error", "[io][oci_layout]") {
  const TemporaryDirectory directory;
  CHECK(LayoutErrorOf(directory.path("missing")) ==
        directory.path("missing") +
            ": expected the directory of an OCI layout, found nothing there");
  const std::string file = directory.Write("file", "x");
  CHECK(LayoutErrorOf(file) == file + ": expected the directory of an OCI layout, found a file");
  CHECK(LayoutErrorOf(directory.path()) ==
        directory.path() + ": expected an OCI layout, found no index.json in it");
}

TEST_CASE("An index.json that cannot be used is an error", "[io][oci_layout]") {
  const Layout layout;
  const std::string index = layout.path() + "/index.json";
  layout.Write("index.json", "{");
  CHECK(LayoutErrorOf(layout.path()) ==
        index +
            ":byte 2: not JSON: syntax error while parsing object key - unexpected end of input; "
            "expected string literal");
  layout.Write("index.json", "[]");
  CHECK(LayoutErrorOf(layout.path()) ==
        index + ": expected a manifest, a JSON object, found an array");
  layout.Write("index.json", R"({"config":)" + layout.Blob(kConfigType, "{}") + R"(,"layers":[]})");
  CHECK(LayoutErrorOf(layout.path()) ==
        index + ": expected an index with manifests, found one manifest");
  layout.Write("index.json", R"({"manifests":5})");
  CHECK(LayoutErrorOf(layout.path()) ==
        index + ": manifests: expected an array of descriptors, found 5");
}

TEST_CASE("A layout without its oci-layout file is read with a warning", "[io][oci_layout]") {
  const Layout layout;
  layout.Index({layout.Image({"a"})});
  std::filesystem::remove(layout.path() + "/oci-layout");
  const LayoutRead outcome = ReadLayout(layout.path());
  CHECK(outcome.fleet.images.size() == 1);
  CHECK(CountsOf(outcome.report) == Counts{{"layout without an oci-layout file", 1}});
  const std::string marker = layout.Write("oci-layout", R"({"imageLayoutVersion":"2.0.0"})");
  CHECK(LayoutErrorOf(layout.path()) ==
        marker + ": expected imageLayoutVersion 1.0.0, found \"2.0.0\"");
  layout.Write("oci-layout", "{}");
  CHECK(LayoutErrorOf(layout.path()) == marker + ": expected imageLayoutVersion 1.0.0, found none");
}

TEST_CASE("Duplicate keys in any of the documents are counted", "[io][oci_layout]") {
  const Layout layout;
  const std::string config =
      layout.Blob(kConfigType, R"({"os":"x","os":"linux","architecture":"amd64"})");
  const std::string manifest =
      layout.Blob(kManifestType, R"({"layers":7,"config":)" + config + R"(,"layers":[]})");
  layout.Write("index.json", R"({"x":1,"x":2,"manifests":[)" + manifest + "]}");
  const LayoutRead outcome = ReadLayout(layout.path());
  CHECK(CountsOf(outcome.report) == Counts{{"duplicate JSON key", 3}});
  REQUIRE(outcome.fleet.images.size() == 1);
  CHECK(outcome.fleet.text(outcome.fleet.images[0].platform) == "linux/amd64");
}

// Layouts that other projects wrote.

TEST_CASE("What breaks a rule of the image spec is refused where the reading is strict",
          "[io][oci_layout]") {
  const ReadOptions strict = {.platform = {}, .strict = true, .on_progress = {}};
  const std::string rootfs = R"(,"rootfs":{"type":"layers","diff_ids":[)"
                             "\"" +
                             FormatDigest(Sha256("a")) + "\"]}}";
  const std::string config = R"({"os":"linux","architecture":"amd64")" + rootfs;
  Layout layout;
  layout.Index({layout.Image({"a"}, RefName("1"), config)});
  CHECK(ReadLayout(layout.path(), {}, strict).refs() == Texts{"shop:1"});

  // Each is an image today, or passed over.
  const auto error = [&](const std::string& entry, std::size_t num_images) {
    layout.Index({entry});
    const LayoutRead read = ReadLayout(layout.path());
    CHECK(read.report.num_problems == 0);
    CHECK(read.fleet.images.size() == num_images);
    return LayoutErrorOf(layout.path(), {}, strict);
  };
  const std::string odd = R"({"os":"linux")" + rootfs;
  CHECK(error(layout.Image({"a"}, "", odd), 1) ==
        layout.BlobPath(FormatDigest(Sha256(odd))) +
            ": architecture: expected a name, found no such key");
  const std::string media_type =
      "mediaType: expected a media type, as \"type/subtype\" of RFC 6838, found \"invalid\"";
  const std::string artifact =
      layout.Blob(kManifestType, R"({"schemaVersion":2,"config":)" +
                                     layout.Blob("invalid", config) + R"(,"layers":[]})");
  CHECK(error(artifact, 0) == layout.BlobPath(DigestIn(artifact)) + ": config." + media_type);
  const std::string index = layout.path() + "/index.json";
  CHECK(error(layout.Blob("invalid", "{}"), 0) == index + ": manifests[0]." + media_type);

  layout.Index({layout.Image({"a"}, "", config)});
  layout.Write("oci-layout", R"({"imageLayoutVersion":"1.1.0"})");
  CHECK(ReadLayout(layout.path()).report.num_problems == 0);
  const std::string version = layout.path() + "/oci-layout";
  CHECK(LayoutErrorOf(layout.path(), {}, strict) ==
        version + ": imageLayoutVersion: expected \"1.0.0\", found \"1.1.0\"");
  std::filesystem::remove(version);
  CHECK(LayoutErrorOf(layout.path(), {}, strict) ==
        version + ": expected the version of the layout, found no such file");
}

TEST_CASE("A layout with 7 refs has 10 manifests below them", "[io][oci_layout][corpus]") {
  const auto path =
      CorpusPath("fixtures/containers-image/oci/layout/fixtures/delete_image_multiple_images");
  if (!path) return;
  const LayoutRead outcome = ReadLayout(*path);
  CHECK(outcome.report.num_lines == 10);
  CHECK(outcome.report.skipped.empty());
  CHECK(outcome.report.missing_layer_blobs == 0);
  // The manifest of 1.0.0 gives its config one byte too many, so that ref is refused.
  CHECK(outcome.problems() ==
        Texts{*path +
              "/blobs/sha256/913cf3a39d377faf89ed388ad913a318a390488c9f34c46e43424795cdabffe8: "
              "expected 585 bytes, as its descriptor says, found 584"});
  const std::string name = "delete_image_multiple_images:";
  CHECK(outcome.refs() == Texts{name + "3", name + "3.16.7", name + "3.16.7", name + "3.17.5",
                                name + "3.18", name + "3.18.3", name + "3.18.3", name + "latest",
                                name + "latest"});
  CHECK(outcome.fleet.images.size() == 5);
  CHECK(ReadLayout(*path, "latest", OnlyPlatform("linux/386")).fleet.images.size() == 1);
  CHECK(LayoutErrorOf(*path, "9.9") == *path + ": expected an image \"9.9\", found refs \"" + name +
                                           "3\", \"" + name + "3.17.5\", \"" + name + "3.18\", \"" +
                                           name + "3.18.3\", \"" + name +
                                           "latest\" and perhaps more");
}

TEST_CASE("Layouts without blobs list every image as missing", "[io][oci_layout][corpus]") {
  const auto root = CorpusPath("fixtures/containers-image/oci/layout/fixtures");
  if (!root) return;
  const LayoutRead two = ReadLayout(*root + "/two_images_manifest");
  CHECK(two.report.num_lines == 2);
  CHECK(two.report.num_problems == 2);
  CHECK(CountsOf(two.report) == Counts{{"layout without an oci-layout file", 1}});
  const LayoutRead lookups = ReadLayout(*root + "/name_lookups");
  CHECK(lookups.report.num_problems == 4);
  CHECK(lookups.report.skipped == Counts{{"manifest of unknown media type", 1}});
  CHECK(ReadLayout(*root + "/manifest").report.num_problems == 1);
}

TEST_CASE("Manifests whose config has another size are refused", "[io][oci_layout][corpus]") {
  const auto root = CorpusPath("fixtures/containers-image/oci/layout/fixtures");
  if (!root) return;
  CHECK(ReadLayout(*root + "/delete_image_only_one_image").problems() ==
        Texts{*root +
              "/delete_image_only_one_image/blobs/sha256/"
              "a527179158cd5cebc11c152b8637b47ce96c838ba2aa0de66d14f45cedc11423: expected 585 "
              "bytes, as its descriptor says, found 740"});
  // Its blobs lie in a directory that the layout does not name.
  CHECK(ReadLayout(*root + "/delete_image_shared_blobs_dir").problems() ==
        Texts{*root +
              "/delete_image_shared_blobs_dir/blobs/sha256/"
              "eaa95f3cfaac07c8a5153eb77c933269586ad0226c83405776be08547e4d2a18: expected a "
              "manifest, found no such blob in the layout"});
  const LayoutRead identical = ReadLayout(*root + "/delete_image_two_identical_references");
  CHECK(identical.problems().empty());
  CHECK(identical.fleet.images.size() == 2);
  CHECK(identical.refs() == Texts(2, "delete_image_two_identical_references:1.0.0"));
}

TEST_CASE("The layouts of go-containerregistry are read", "[io][oci_layout][corpus]") {
  const auto root = CorpusPath("fixtures/go-containerregistry/pkg/v1/layout/testdata");
  if (!root) return;
  const LayoutRead nested = ReadLayout(*root + "/test_index");
  CHECK(nested.problems().empty());
  CHECK(nested.report.num_lines == 3);
  CHECK(nested.report.skipped == Counts{{"manifest of unknown media type", 1}});
  CHECK(nested.fleet.images.size() == 1);
  CHECK(nested.refs() == Texts{"test_index:1", "test_index:3", "test_index:4"});
  CHECK(nested.fleet.text(nested.fleet.layers.at(0).created_by) == "bazel build ...");
  CHECK(nested.fleet.layers.at(0).size == 167);

  const LayoutRead one = ReadLayout(*root + "/test_index_one_image");
  CHECK(one.problems().empty());
  CHECK(one.refs().empty());
  CHECK(one.fleet.images.size() == 1);
  CHECK(one.fleet.layers.at(0).size == 114);

  CHECK(ReadLayout(*root + "/test_index_media_type").report.skipped ==
        Counts{{"artifact manifest", 1}});
  CHECK(ReadLayout(*root + "/test_gc_image_unknown_mediatype").report.skipped ==
        Counts{{"manifest of unknown media type", 1}});
  const LayoutRead collected = ReadLayout(*root + "/test_gc_index");
  CHECK(collected.problems().empty());
  CHECK(collected.refs() == Texts{"test_gc_index:1", "test_gc_index:3", "test_gc_index:4"});
}

}  // namespace
}  // namespace gneiss
