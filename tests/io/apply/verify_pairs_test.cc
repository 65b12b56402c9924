// `gneiss verify` as a proof: pairs of images that differ in one thing, which it must find and
// name, and pairs that are the same in other encodings, which must be equal.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "io/cli/command.h"
#include "planner/fleet/digest.h"
#include "tests/make/cli_run.h"
#include "tests/make/source_files.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {
namespace {

using PairJson = nlohmann::ordered_json;

constexpr std::string_view kOci = "application/vnd.oci.image.";
constexpr std::string_view kDocker = "application/vnd.docker.";

struct LayerBlob {
  std::string tar;
  std::string blob;
  std::string compression = "";  // of the media type: "", "+gzip", "+zstd"
};

LayerBlob Plain(const std::string& entries) {
  return {.tar = entries + EndBlocks(), .blob = entries + EndBlocks()};
}

struct PairImage {
  std::vector<LayerBlob> layers;
  // Between the braces of the config, but for rootfs, which closes it unless has_rootfs is false.
  std::string config = R"("os":"linux","architecture":"amd64","config":{"Env":["A=1","B=2"]})";
  bool has_rootfs = true;
  bool is_docker = false;
  bool is_nested = false;          // in an index
  std::string more_manifest = "";  // members after the others
};

std::string Quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

// A layout of one image.
void WriteLayout(const TemporaryDirectory& directory, const std::string& name,
                 const PairImage& image) {
  const auto blob = [&](std::string_view type, const std::string& content) {
    const std::string digest = FormatDigest(Sha256(content));
    directory.Write(name + "/blobs/sha256/" + digest.substr(7), content);
    return fmt::format(R"({{"mediaType":"{}","digest":"{}","size":{}}})", type, digest,
                       content.size());
  };
  std::string layers;
  std::string diff_ids;
  for (const LayerBlob& layer : image.layers) {
    const std::string type =
        image.is_docker
            ? fmt::format("{}image.rootfs.diff.tar{}", kDocker,
                          layer.compression.empty() ? "" : "." + layer.compression.substr(1))
            : fmt::format("{}layer.v1.tar{}", kOci, layer.compression);
    layers += (layers.empty() ? "" : ",") + blob(type, layer.blob);
    diff_ids += (diff_ids.empty() ? "" : ",") + Quoted(FormatDigest(Sha256(layer.tar)));
  }
  const std::string rootfs =
      image.has_rootfs ? fmt::format(R"(,"rootfs":{{"type":"layers","diff_ids":[{}]}})", diff_ids)
                       : "";
  const std::string config = "{" + image.config + rootfs + "}";
  const std::string config_type = image.is_docker
                                      ? fmt::format("{}container.image.v1+json", kDocker)
                                      : fmt::format("{}config.v1+json", kOci);
  const std::string manifest_type = image.is_docker
                                        ? fmt::format("{}distribution.manifest.v2+json", kDocker)
                                        : fmt::format("{}manifest.v1+json", kOci);
  std::string entry =
      blob(manifest_type,
           fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","config":{},"layers":[{}]{}}})",
                       manifest_type, blob(config_type, config), layers, image.more_manifest));
  if (image.is_nested) {
    entry.insert(entry.size() - 1, R"(,"platform":{"os":"linux","architecture":"amd64"})");
    entry = blob(fmt::format("{}index.v1+json", kOci),
                 fmt::format(R"({{"schemaVersion":2,"manifests":[{}]}})", entry));
  }
  entry.insert(entry.size() - 1,
               R"(,"annotations":{"org.opencontainers.image.ref.name":"shop:1"})");
  directory.Write(name + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  directory.Write(name + "/index.json",
                  fmt::format(R"({{"schemaVersion":2,"manifests":[{}]}})", entry));
}

struct PairRun {
  int code = 0;
  std::string text;                // of both streams
  std::vector<std::string> found;  // "PATH WHAT" of files, pointers of the config
};

PairRun Verify(const PairImage& left, const PairImage& right,
               const std::vector<std::string>& more = {}) {
  const TemporaryDirectory directory;
  WriteLayout(directory, "left", left);
  WriteLayout(directory, "right", right);
  std::vector<std::string> arguments = {"verify",  directory.path("left"),  directory.path("right"),
                                        "--store", directory.path("store"), "--quiet",
                                        "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const CliRun run = RunCli(arguments);
  PairRun result{.code = run.code, .text = run.out + run.err, .found = {}};
  if (run.out.empty()) return result;
  const PairJson report = PairJson::parse(run.out);
  for (const PairJson& image : report["images"]) {
    for (const PairJson& file : image["files"]) {
      result.found.push_back(
          fmt::format("{} {}", file["path"].get<std::string>(), file["what"].get<std::string>()));
    }
    for (const PairJson& config : image["config"]) {
      result.found.push_back(config["pointer"].get<std::string>());
    }
  }
  return result;
}

// What differs, and how it is told.
struct DifferentFiles {
  std::string name;
  std::vector<std::string> left;  // entries of each layer
  std::vector<std::string> right;
  std::string told;  // "PATH WHAT"
};

std::string FileWith(std::initializer_list<std::pair<std::string_view, std::string_view>> records,
                     std::string_view body = "1") {
  return Pax(records) + File("d/f", body);
}

std::string Device(char type, std::string major, std::string minor) {
  return TarEntry({.name = "d/n",
                   .type = type,
                   .device_major = std::move(major),
                   .device_minor = std::move(minor)});
}

std::vector<DifferentFiles> AllDifferentFiles() {
  const std::string d = Directory("d/");
  const std::string f = File("d/f", "1");
  const auto mode = [&](std::string text) {
    return d + TarEntry({.name = "d/f", .mode = std::move(text)}, "1");
  };
  const auto directory_mode = [](std::string text) {
    return TarEntry({.name = "d/", .type = '5', .mode = std::move(text)});
  };
  const std::string capability("\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  std::string other_capability = capability;
  other_capability[5] = '\5';
  const std::string many = std::string(5000, 'x');
  std::string one_byte = many;
  one_byte[4321] = 'y';
  return {
      {"mode", {d + f}, {mode("0000600")}, "d/f mode"},
      {"setuid", {mode("0000755")}, {mode("0004755")}, "d/f mode"},
      {"setgid", {mode("0000755")}, {mode("0002755")}, "d/f mode"},
      {"sticky", {directory_mode("0000777")}, {directory_mode("0001777")}, "d mode"},
      {"capability",
       {d + FileWith({{"SCHILY.xattr.security.capability", capability}})},
       {d + FileWith({{"SCHILY.xattr.security.capability", other_capability}})},
       "d/f xattrs"},
      {"capability lost",
       {d + FileWith({{"SCHILY.xattr.security.capability", capability}})},
       {d + f},
       "d/f xattrs"},
      {"user attribute", {d + f}, {d + FileWith({{"SCHILY.xattr.user.k", "v"}})}, "d/f xattrs"},
      {"attribute of a directory", {d}, {Pax({{"SCHILY.xattr.user.k", "v"}}) + d}, "d xattrs"},
      {"hard link against copy",
       {d + f + HardLink("d/g", "d/f")},
       {d + f + File("d/g", "1")},
       "d/g hard links"},
      {"which names are one file",
       {d + f + HardLink("d/g", "d/f") + File("d/h", "1")},
       {d + f + File("d/g", "1") + HardLink("d/h", "d/f")},
       "d/g hard links"},
      {"a nanosecond",
       {d + FileWith({{"mtime", "1700000000.000000001"}})},
       {d + FileWith({{"mtime", "1700000000.000000002"}})},
       "d/f mtime"},
      {"a second before 1970",
       {d + FileWith({{"mtime", "-1"}})},
       {d + FileWith({{"mtime", "-2"}})},
       "d/f mtime"},
      {"time of a directory",
       {TarEntry({.name = "d/", .type = '5', .mode = "0000755", .mtime = Octal(5)})},
       {d},
       "d mtime"},
      {"time of a symlink",
       {d + Symlink("d/l", "a")},
       {d + TarEntry({.name = "d/l", .type = '2', .link = "a", .mtime = Octal(7)})},
       "d/l mtime"},
      {"owner above 2^21",
       {d + FileWith({{"uid", "2097153"}})},
       {d + FileWith({{"uid", "2097154"}})},
       "d/f owner"},
      {"owner above 2^21 that octal would cut",
       {d + f},
       {d + FileWith({{"uid", "2097152"}})},
       "d/f owner"},
      {"group", {d + f}, {d + TarEntry({.name = "d/f", .gid = "0000012"}, "1")}, "d/f owner"},
      {"owner of a symlink",
       {d + Symlink("d/l", "a")},
       {d + TarEntry({.name = "d/l", .type = '2', .link = "a", .uid = "0000001"})},
       "d/l owner"},
      {"minor number",
       {d + Device('3', "0000001", "0000003")},
       {d + Device('3', "0000001", "0000005")},
       "d/n device"},
      {"major number",
       {d + Device('4', "0000007", "0000001")},
       {d + Device('4', "0000010", "0000001")},
       "d/n device"},
      {"char against block",
       {d + Device('3', "0000001", "0000003")},
       {d + Device('4', "0000001", "0000003")},
       "d/n type"},
      {"fifo against file", {d + Device('6', "", "")}, {d + File("d/n")}, "d/n type"},
      {"opaque marker",
       {d + f, Directory("d/") + File("d/.wh..wh..opq") + File("d/g")},
       {d + f, Directory("d/") + File("d/g")},
       "d/f path"},
      {"whiteout",
       {d + f + File("e"), File("d/.wh.f")},
       {d + f + File("e"), File("e")},
       "d/f path"},
      {"whiteout of a directory", {d + f, File(".wh.d")}, {d + f, File("d/.wh.f")}, "d path"},
      {"empty directory", {d}, {d + Directory("d/e/")}, "d/e path"},
      {"empty directory against empty file", {d + Directory("d/e")}, {d + File("d/e")}, "d/e type"},
      {"symlink target", {d + Symlink("d/l", "a")}, {d + Symlink("d/l", "b")}, "d/l link target"},
      {"symlink target with a slash",
       {d + Symlink("d/l", "a")},
       {d + Symlink("d/l", "a/")},
       "d/l link target"},
      {"symlink against what it names",
       {d + f + Symlink("d/l", "f")},
       {d + f + File("d/l", "1")},
       "d/l type"},
      {"size", {d + f}, {d + File("d/f", "11")}, "d/f size"},
      {"one byte", {d + File("d/f", many)}, {d + File("d/f", one_byte)}, "d/f content"},
      {"a zero more",
       {d + File("d/f", std::string(512, '\0'))},
       {d + File("d/f", std::string(513, '\0'))},
       "d/f size"},
      {"a file more", {d + f}, {d + f + File("d/g")}, "d/g path"},
      {"a name's case", {d + File("d/Makefile")}, {d + File("d/makefile")}, "d/Makefile path"},
      {"a name's normal form",
       {d + File("d/\xc3\xa9")},
       {d + File("d/e\xcc\x81")},
       "d/e\xcc\x81 path"},
      {"order of two layers",
       {d + File("d/f", "1"), File("d/f", "2")},
       {d + File("d/f", "2"), File("d/f", "1")},
       "d/f content"},
  };
}

TEST_CASE("One difference in the files is found and named by its path", "[io][verify_pairs]") {
  const std::vector<DifferentFiles> pairs = AllDifferentFiles();
  CHECK(pairs.size() >= 36);
  for (const DifferentFiles& pair : pairs) {
    PairImage left;
    PairImage right;
    for (const std::string& entries : pair.left) left.layers.push_back(Plain(entries));
    for (const std::string& entries : pair.right) right.layers.push_back(Plain(entries));
    const PairRun run = Verify(left, right);
    INFO(pair.name << '\n' << run.text);
    CHECK(run.code == kPolicyNotMet);
    CHECK(std::ranges::find(run.found, pair.told) != run.found.end());
    // And the other way round.
    CHECK(Verify(right, left).code == kPolicyNotMet);
  }
}

struct DifferentConfigs {
  std::string left;  // between the braces
  std::string right;
  std::string told;  // pointer
};

// Members of `config`.
DifferentConfigs Settings(const std::string& left, const std::string& right,
                          const std::string& told) {
  const auto whole = [](const std::string& settings) {
    return R"("os":"linux","architecture":"amd64","config":{)" + settings + "}";
  };
  return {whole(left), whole(right), "/config" + told};
}

std::vector<DifferentConfigs> AllDifferentConfigs() {
  const std::string platform = R"("os":"linux","architecture":"amd64")";
  return {
      Settings(R"("Env":["A=1","B=2"])", R"("Env":["B=2","A=1"])", "/Env/0"),
      Settings(R"("Env":["A=1"])", R"("Env":["A=2"])", "/Env/0"),
      Settings(R"("Env":["A=1"])", R"("Env":["A=1","A=1"])", "/Env/1"),
      Settings(R"("User":"app")", R"("User":"0")", "/User"),
      Settings(R"("User":"app")", R"("User":"app:app")", "/User"),
      Settings(R"("Volumes":{"/a":{}})", R"("Volumes":{"/a":{},"/b":{}})", "/Volumes/~1b"),
      Settings(R"("Volumes":{"/a":{}})", R"("Volumes":{"/A":{}})", "/Volumes/~1a"),
      Settings(R"("Healthcheck":{"Test":["CMD","a"]})", R"("Healthcheck":{"Test":["CMD","b"]})",
               "/Healthcheck/Test/1"),
      Settings(R"("Healthcheck":{"Test":["CMD"],"Interval":30000000000})",
               R"("Healthcheck":{"Test":["CMD"],"Interval":30000000001})", "/Healthcheck/Interval"),
      Settings(R"("Healthcheck":{"Test":["CMD"],"Retries":3})", R"("Healthcheck":{"Test":["CMD"]})",
               "/Healthcheck/Retries"),
      Settings(R"("Healthcheck":{"Test":["CMD"],"StartPeriod":1})",
               R"("Healthcheck":{"Test":["CMD"],"StartPeriod":2})", "/Healthcheck/StartPeriod"),
      Settings(R"("OnBuild":["RUN a"])", "", "/OnBuild"),
      Settings(R"("StopSignal":"SIGTERM")", R"("StopSignal":"SIGQUIT")", "/StopSignal"),
      Settings("", R"("StopTimeout":0)", "/StopTimeout"),
      Settings(R"("StopTimeout":1)", R"("StopTimeout":2)", "/StopTimeout"),
      Settings(R"("Shell":["/bin/sh","-c"])", R"("Shell":["/bin/bash","-c"])", "/Shell/0"),
      Settings(R"("Entrypoint":["a"])", R"("Entrypoint":["a","b"])", "/Entrypoint/1"),
      Settings(R"("Entrypoint":["a b"])", R"("Entrypoint":["a","b"])", "/Entrypoint/0"),
      Settings(R"("Cmd":["a"])", R"("Cmd":["b"])", "/Cmd/0"),
      Settings(R"("Cmd":["a"])", R"("Entrypoint":["a"])", "/Cmd"),
      Settings(R"("WorkingDir":"/")", R"("WorkingDir":"/srv")", "/WorkingDir"),
      Settings(R"("Labels":{"a":"1"})", R"("Labels":{"A":"1"})", "/Labels/a"),
      Settings(R"("Labels":{"a":""})", "", "/Labels"),
      Settings(R"("ExposedPorts":{"80/tcp":{}})", R"("ExposedPorts":{"80/udp":{}})",
               "/ExposedPorts/80~1tcp"),
      Settings(R"("ArgsEscaped":true)", "", "/ArgsEscaped"),
      Settings(R"("NobodyKnows":1)", R"("NobodyKnows":2)", "/NobodyKnows"),
      {platform, R"("os":"linux","architecture":"amd64","os.features":["a"])", "/os.features"},
      {platform, R"("os":"linux","architecture":"amd64","os.version":"1")", "/os.version"},
      // Spellings that Go takes for the same name, and members given again.
      Settings(R"("User":"app")", R"("User":"app","user":"root")", "/User"),
      Settings(R"("User":"app")", R"("USER":"root")", "/User"),
      Settings(R"("User":"app")", R"("U\u017fer":"root","User":"app","u\u017fER":"root")", "/User"),
      Settings(R"("WorkingDir":"/a")", R"("WorkingDir":"/a","wor\u212aingdir":"/b")",
               "/WorkingDir"),
      Settings(R"("Env":["A=1"])", R"("Env":["A=1"],"env":["A=2"])", "/Env/0"),
      Settings(R"("Cmd":["a"])", R"("cmd":["b"])", "/Cmd/0"),
      Settings("", R"("healthcheck":{"test":["CMD"]})", "/Healthcheck"),
      Settings(R"("Healthcheck":{"Test":["CMD"]})",
               R"("Healthcheck":{"Test":["CMD"]},"HEALTHCHECK":{"retries":5})",
               "/Healthcheck/Retries"),
      Settings("", R"("volumes":{"/v":{}})", "/Volumes"),
      Settings("", R"("exposedports":{"1/tcp":{}})", "/ExposedPorts"),
      Settings("", R"("labels":{"a":"b"})", "/Labels"),
      Settings("", R"("onbuild":["RUN a"])", "/OnBuild"),
      Settings("", R"("stopsignal":"SIGKILL")", "/StopSignal"),
      Settings("", R"("shell":["sh"])", "/Shell"),
      Settings("", R"("entrypoint":["sh"])", "/Entrypoint"),
      Settings(R"("Labels":{"a":"1"})", R"("Labels":{"a":"1"},"Labels":{"b":"2"})", "/Labels/b"),
      {platform + R"(,"config":{"User":"app"})",
       platform + R"(,"config":{"User":"app"},"Config":{"User":"root"})", "/config/User"},
      // The first of two objects is merged with the second.
      {platform + R"(,"config":{"Cmd":["a"]})",
       R"("config":{"Volumes":{"/v":{}}},)" + platform + R"(,"config":{"Cmd":["a"]})",
       "/config/Volumes"},
      // docker has a pointer here, which null empties.
      {platform + R"(,"config":{"User":"app"})",
       platform + R"(,"config":{"User":"app"},"Config":null)", "/config/User"},
  };
}

TEST_CASE("One difference in the configs is found and named by its pointer", "[io][verify_pairs]") {
  const std::vector<DifferentConfigs> pairs = AllDifferentConfigs();
  CHECK(pairs.size() >= 40);
  for (const DifferentConfigs& pair : pairs) {
    const PairImage left{.layers = {Plain(File("f"))}, .config = pair.left};
    const PairImage right{.layers = {Plain(File("f"))}, .config = pair.right};
    const PairRun run = Verify(left, right);
    INFO(pair.left << '\n' << pair.right << '\n' << run.text);
    CHECK(run.code == kPolicyNotMet);
    CHECK(std::ranges::find(run.found, pair.told) != run.found.end());
    CHECK(Verify(right, left).code == kPolicyNotMet);
  }
}

TEST_CASE("Another platform is another image", "[io][verify_pairs]") {
  const PairImage left{.layers = {Plain(File("f"))}};
  PairImage right = left;
  right.config = R"("os":"linux","architecture":"arm64","config":{"Env":["A=1","B=2"]})";
  CHECK(Verify(left, right).code == kPolicyNotMet);
  right.config =
      R"("os":"linux","architecture":"amd64","variant":"v2","config":{"Env":["A=1","B=2"]})";
  CHECK(Verify(left, right).code == kPolicyNotMet);
  right.config = R"("os":"freebsd","architecture":"amd64","config":{"Env":["A=1","B=2"]})";
  CHECK(Verify(left, right).code == kPolicyNotMet);
}

TEST_CASE("Layers and diff_ids under another spelling are what counts", "[io][verify_pairs]") {
  const PairImage left{.layers = {Plain(File("f"))}};
  const LayerBlob other = Plain(File("g"));
  PairImage right = left;
  right.config += fmt::format(R"(,"rootfs":{{"type":"layers","diff_ids":["{}"]}},"RootFS":{{)"
                              R"("type":"layers","diff_ids":["sha256:{}"]}})",
                              FormatDigest(Sha256(left.layers[0].tar)), std::string(64, '0'));
  right.has_rootfs = false;
  CHECK(Verify(left, right).found == std::vector<std::string>{"/rootfs/diff_ids/0"});

  // The blob of the other layer is there as the first layer of an image that differs as well.
  const TemporaryDirectory directory;
  WriteLayout(directory, "left", left);
  WriteLayout(directory, "right", {.layers = {other}});
  right = left;
  right.more_manifest =
      fmt::format(R"(,"Layers":[{{"mediaType":"{}layer.v1.tar","digest":"{}","size":{}}}])", kOci,
                  FormatDigest(Sha256(other.blob)), other.blob.size());
  WriteLayout(directory, "right", right);
  const CliRun run = RunCli({"verify", directory.path("left"), directory.path("right"), "--store",
                             directory.path("store"), "--quiet"});
  INFO(run.out << run.err);
  CHECK(run.code == kPolicyNotMet);
  CHECK(run.out.find("/rootfs/diff_ids/0") != std::string::npos);
}

struct SameImages {
  std::string name;
  PairImage left;
  PairImage right;
};

LayerBlob Compressed(const std::string& entries, const std::string& compression,
                     const std::string& blob) {
  return {.tar = entries + EndBlocks(), .blob = blob, .compression = compression};
}

std::string FileOfSparse() {
  // Old GNU format: 3 bytes at 0, a hole up to 2000, 4 bytes at 2000.
  std::string tail(167, '\0');
  const auto put = [&](std::size_t at, const std::string& text) {
    std::copy(text.begin(), text.end(), tail.begin() + static_cast<std::ptrdiff_t>(at - 345));
  };
  put(386, Octal(0) + '\0' + Octal(3) + '\0');
  put(410, Octal(2000) + '\0' + Octal(4) + '\0');
  put(483, Octal(2004) + '\0');
  return TarEntry({.name = "d/s", .type = 'S', .magic = std::string("ustar  \0", 8), .tail = tail},
                  "abcdefg");
}

std::string FileOfZeros() { return File("d/s", "abc" + std::string(1997, '\0') + "defg"); }

std::vector<SameImages> AllSameImages() {
  const std::string d = Directory("d/");
  const std::string entries = d + File("d/f", "1") + File("d/g", "22") + Symlink("d/l", "f");
  const std::string tar = entries + EndBlocks();
  const PairImage plain{.layers = {Plain(entries)}};
  const auto of = [](std::vector<std::string> layers) {
    PairImage image;
    for (const std::string& layer : layers) image.layers.push_back(Plain(layer));
    return image;
  };
  const auto with_config = [&](const std::string& config) {
    PairImage image = plain;
    image.config = config;
    return image;
  };
  const auto docker = [](PairImage image) {
    image.is_docker = true;
    return image;
  };
  const auto nested = [](PairImage image) {
    image.is_nested = true;
    return image;
  };
  const std::string platform = R"("os":"linux","architecture":"amd64")";
  const auto settings = [&](const std::string& text) {
    return with_config(platform + R"(,"config":{)" + text + "}");
  };
  const std::size_t half = tar.size() / 2;
  const std::string gnu = std::string("ustar  \0", 8);
  const std::string long_name = "d/" + std::string(120, 'n');
  return {
      {"gzip", plain, {.layers = {Compressed(entries, "+gzip", Gzip(tar))}}},
      {"zstd", plain, {.layers = {Compressed(entries, "+zstd", Zstd(tar))}}},
      {"gzip against zstd",
       {.layers = {Compressed(entries, "+gzip", Gzip(tar))}},
       {.layers = {Compressed(entries, "+zstd", Zstd(tar))}}},
      {"levels of gzip",
       {.layers = {Compressed(entries, "+gzip", Gzip(tar, false, 1))}},
       {.layers = {Compressed(entries, "+gzip", Gzip(tar, true, 9))}}},
      {"members of gzip",
       plain,
       {.layers = {Compressed(entries, "+gzip",
                              Gzip(tar.substr(0, half)) + Gzip("") + Gzip(tar.substr(half)))}}},
      {"frames of zstd",
       plain,
       {.layers = {Compressed(entries, "+zstd",
                              Zstd(tar.substr(0, half)) + Zstd(tar.substr(half)))}}},
      {"pax against ustar", of({d + File("d/f", "1")}),
       of({d + Pax({{"path", "d/f"}, {"size", "1"}, {"uid", "0"}}) + File("x", "1")})},
      {"gnu against ustar", of({d + File("d/f", "1")}),
       of({d + TarEntry({.name = "d/f", .magic = gnu}, "1")})},
      {"v7 against ustar", of({d + File("d/f", "1")}),
       of({d + TarEntry({.name = "d/f", .magic = std::string(8, '\0')}, "1")})},
      {"long names", of({d + Pax({{"path", long_name}}) + File("x", "1")}),
       of({d + LongName(long_name) + TarEntry({.name = "x", .magic = gnu}, "1")})},
      {"prefix", of({d + Directory("d/e/") + File("d/e/f", "1")}),
       of({d + Directory("d/e/") + TarEntry({.name = "f", .tail = "d/e"}, "1")})},
      {"base-256", of({d + TarEntry({.name = "d/f", .uid = Octal(7, 7)}, "1")}),
       of({d + TarEntry({.name = "d/f", .uid = Base256(7, 8), .magic = gnu}, "1")})},
      {"global header", plain,
       of({TarEntry({.name = "g", .type = 'g'}, PaxRecordText("comment", "x")) + entries})},
      {"order of entries", of({d + File("d/f", "1") + File("d/g", "22")}),
       of({d + File("d/g", "22") + File("d/f", "1")})},
      {"./ before names", of({d + File("d/f", "1")}), of({Directory("./d/") + File("./d/f", "1")})},
      {"/ before names, and twice", of({d + File("d/f", "1")}),
       of({Directory("/d") + File("/d//./f", "1")})},
      {"more layers", plain, of({d + File("d/f", "1"), File("d/g", "22"), Symlink("d/l", "f")})},
      {"squashed",
       of({d + File("d/f", "0") + File("d/gone"), File("d/f", "1") + File("d/.wh.gone")}),
       of({d + File("d/f", "1")})},
      {"opaque directory against whiteouts",
       of({d + File("d/a") + File("d/b"), d + File("d/.wh..wh..opq") + File("d/c")}),
       of({d + File("d/a") + File("d/b"), d + File("d/.wh.a") + File("d/.wh.b") + File("d/c")})},
      {"marker after its siblings", of({d + File("d/a"), d + File("d/.wh..wh..opq") + File("d/c")}),
       of({d + File("d/a"), d + File("d/c") + File("d/.wh..wh..opq")})},
      {"parents again", of({d + File("d/f", "1"), File("d/g", "22")}),
       of({d + File("d/f", "1"), d + File("d/g", "22")})},
      {"an empty layer", plain, of({entries, ""})},
      {"the name of a hard link that comes first",
       of({d + File("d/f", "1") + HardLink("d/g", "d/f")}),
       of({d + File("d/g", "1") + HardLink("d/f", "d/g")})},
      {"sparse against zeros", of({d + FileOfSparse()}), of({d + FileOfZeros()})},
      {"no end blocks", plain, {.layers = {{.tar = entries, .blob = entries}}}},
      {"docker's media types", plain, docker(plain)},
      {"an index", plain, nested(plain)},
      {"docker in an index, compressed", plain,
       nested(docker({.layers = {Compressed(entries, "+gzip", Gzip(tar))}}))},
      {"order of members", settings(R"("User":"a","Cmd":["b"])"),
       with_config(R"("config":{"Cmd":["b"],"User":"a"},"architecture":"amd64","os":"linux")")},
      {"case of members", settings(R"("User":"a","Env":["A=1"])"),
       settings(R"("USER":"a","env":["A=1"])")},
      {"escapes", settings(R"("User":"a","Cmd":["é/"])"),
       settings(R"("U\u0073er":"\u0061","Cmd":["\u00e9\/"])")},
      {"null against absent", settings(R"("User":"a")"),
       settings(R"("User":"a","Cmd":null,"Env":[],"Volumes":{},"Labels":null,"Tty":false)")},
      {"the same twice", settings(R"("User":"a")"), settings(R"("User":"b","user":"a")")},
      {"a second object that adds nothing", settings(R"("User":"a","Cmd":["b"])"),
       with_config(platform + R"(,"config":{"User":"a","Cmd":["b"]},"Config":{})")},
      {"entries of a set", settings(R"("Volumes":{"/v":{}})"),
       settings(R"("Volumes":{"/v":null})")},
      {"what no runtime takes from an image", settings(R"("User":"a")"),
       with_config(platform +
                   R"(,"config":{"User":"a","Hostname":"h","Image":"sha256:ab",)"
                   R"("AttachStdout":true},"container":"c","docker_version":"1",)"
                   R"("container_config":{"User":"b"},"created":"2020-01-01T00:00:00Z")")},
  };
}

TEST_CASE("The same image in another encoding is the same", "[io][verify_pairs]") {
  const std::vector<SameImages> pairs = AllSameImages();
  CHECK(pairs.size() >= 30);
  for (const SameImages& pair : pairs) {
    const PairRun run = Verify(pair.left, pair.right);
    INFO(pair.name << '\n' << run.text);
    CHECK(run.code == kDone);
    CHECK(Verify(pair.right, pair.left).code == kDone);
  }
}

TEST_CASE("The header of a hard link is applied to its file, as containerd does",
          "[io][verify_pairs]") {
  const std::string file = Directory("d/") + File("d/f", "1");
  PairImage left{.layers = {Plain(file + HardLink("d/g", "d/f"))}};
  const PairImage right{
      .layers = {Plain(
          file + Pax({{"mtime", "9.5"}, {"SCHILY.xattr.user.k", "v"}}) +
          TarEntry(
              {.name = "d/g", .type = '1', .link = "d/f", .mode = "0004711", .uid = "0000007"}))}};
  PairRun run = Verify(left, right);
  INFO(run.text);
  CHECK(run.code == kPolicyNotMet);
  CHECK(run.found == std::vector<std::string>{"d/f mode", "d/f owner", "d/f mtime", "d/f xattrs",
                                              "d/g mode", "d/g owner", "d/g mtime", "d/g xattrs"});
  // Which of the names has it does not matter.
  left.layers = {Plain(
      Directory("d/") + Pax({{"mtime", "9.5"}, {"SCHILY.xattr.user.k", "v"}}) +
      TarEntry({.name = "d/g", .mode = "0004711", .uid = "0000007"}, "1") +
      Pax({{"mtime", "9.5"}, {"SCHILY.xattr.user.k", "v"}}) +
      TarEntry({.name = "d/f", .type = '1', .link = "d/g", .mode = "0004711", .uid = "0000007"}))};
  run = Verify(left, right);
  CHECK(run.code == kDone);
}

TEST_CASE("A directory that no layer lists is as runtimes make it, but for the time",
          "[io][verify_pairs]") {
  const PairImage implied{.layers = {Plain(File("d/f", "1"))}};
  const auto listed = [](const TarHeader& header) {
    return PairImage{.layers = {Plain(TarEntry(header) + File("d/f", "1"))}};
  };
  const TarHeader directory{
      .name = "d/", .type = '5', .mode = "0000755", .mtime = Octal(1700000000)};
  CHECK(Verify(implied, listed(directory)).code == kDone);
  CHECK(Verify(listed(directory), implied).code == kDone);
  TarHeader other = directory;
  other.mode = "0000700";
  CHECK(Verify(implied, listed(other)).code == kPolicyNotMet);
  other = directory;
  other.uid = "0000007";
  CHECK(Verify(implied, listed(other)).code == kPolicyNotMet);
  // Nothing at all is another matter.
  const PairImage nothing{.layers = {Plain(File("e"))}};
  const PairImage emptied{.layers = {Plain(File("d/f") + File("e")), Plain(File("d/.wh.f"))}};
  const PairRun run = Verify(emptied, nothing);
  CHECK(run.code == kPolicyNotMet);
  CHECK(run.found == std::vector<std::string>{"d path"});
}

}  // namespace
}  // namespace gneiss
