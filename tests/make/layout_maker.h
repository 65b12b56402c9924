// OCI layouts of known contents, for tests: blobs by digest, images of tars, an index.json.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "planner/fleet/digest.h"
#include "tests/make/source_files.h"

namespace gneiss {

// A layout in a directory of the test's.
class LayoutMaker {
 public:
  explicit LayoutMaker(std::string directory) : directory_(std::move(directory)) {
    Write("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  }

  const std::string& path() const { return directory_; }
  std::string BlobPath(const std::string& digest) const {
    return directory_ + "/blobs/sha256/" + digest.substr(7);
  }
  std::string ReadBlob(const std::string& digest) const { return ReadWholeFile(BlobPath(digest)); }

  static std::string DigestOf(std::string_view content) { return FormatDigest(Sha256(content)); }
  static std::string Described(std::string_view type, std::string_view content,
                               std::string_view members = "") {
    return fmt::format(
        R"({{"mediaType":"application/vnd.oci.image.{}","digest":"{}","size":{}{}}})", type,
        DigestOf(content), content.size(), members);
  }
  // Writes a blob and returns its descriptor.
  std::string Blob(std::string_view type, std::string_view content,
                   std::string_view members = "") const {
    Write("blobs/sha256/" + DigestOf(content).substr(7), content);
    return Described(type, content, members);
  }
  // Writes an image of these tars and returns its descriptor, with its name. `history`: elements of
  // an array.
  std::string Image(std::string_view name, const std::vector<std::string>& tars,
                    std::string_view history = "", std::string_view config_members = "") const {
    std::vector<std::string> layers;
    std::vector<std::string> diff_ids;
    for (const std::string& tar : tars) {
      layers.push_back(Blob("layer.v1.tar", tar));
      diff_ids.push_back('"' + DigestOf(tar) + '"');
    }
    const std::string config = fmt::format(
        R"({{"os":"linux","architecture":"amd64"{},"rootfs":{{"type":"layers","diff_ids":[{}]}},"history":[{}]}})",
        config_members, fmt::join(diff_ids, ","), history);
    const std::string manifest =
        fmt::format(R"({{"schemaVersion":2,"config":{},"layers":[{}]}})",
                    Blob("config.v1+json", config), fmt::join(layers, ","));
    return Blob("manifest.v1+json", manifest, Named(name));
  }
  static std::string Named(std::string_view name) {
    if (name.empty()) return "";
    return fmt::format(R"(,"annotations":{{"org.opencontainers.image.ref.name":"{}"}})", name);
  }
  static std::string IndexOf(const std::vector<std::string>& descriptors) {
    return fmt::format(R"({{"schemaVersion":2,"manifests":[{}]}})", fmt::join(descriptors, ","));
  }
  void Index(const std::vector<std::string>& descriptors) const {
    Write("index.json", IndexOf(descriptors));
  }

 private:
  void Write(const std::string& name, std::string_view content) const {
    const std::filesystem::path file = std::filesystem::path(directory_) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
  }

  std::string directory_;
};

}  // namespace gneiss
