#include "io/source/image_directory.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "io/bytes/byte_source.h"
#include "io/json/json_value.h"
#include "io/source/layout.h"
#include "io/source/manifest_reader.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {
namespace {

constexpr std::string_view kVersionFile = "version";
constexpr std::string_view kManifestFile = "manifest.json";
constexpr std::string_view kVersionBefore = "Directory Transport Version: 1.";
constexpr std::size_t kMaxVersionBytes = 4096;
constexpr ManifestPlace kDirectoryPlace = {.name = "the directory", .root = kManifestFile};

std::string FileIn(const std::string& directory, std::string_view name) {
  return directory + "/" + std::string(name);
}

void CheckDirectoryVersion(const std::string& directory, ReadReport& report) {
  const std::string path = FileIn(directory, kVersionFile);
  const std::unique_ptr<ByteSource> file = OpenPlainFile(path);
  if (file == nullptr) {
    report.AddWarning("image directory without a version file", directory);
    return;
  }
  std::string text = "a file of " + std::to_string(file->stored_size()) + " bytes";
  if (file->stored_size() <= static_cast<std::int64_t>(kMaxVersionBytes)) {
    const std::string content = ReadWhole(*file, path, kUnknownSize, kMaxVersionBytes);
    if (content.starts_with(kVersionBefore)) return;
    text = Quote(content.substr(0, content.find('\n')));
  }
  throw InputError(path, "", "expected \"" + std::string(kVersionBefore) + "1\", found " + text);
}

// The file of a blob. Manifests have two names more; the root's has one that says no digest.
std::string NameInDirectory(const std::string& directory, std::string_view digest_text,
                            std::string_view root_digest) {
  if (digest_text == root_digest) return std::string(kManifestFile);
  const std::string hex(digest_text.substr(digest_text.find(':') + 1));
  for (const std::string_view ending : {"", ".tar", ".manifest.json"}) {
    std::string name = hex + std::string(ending);
    std::error_code ignored;  // a name too long is not there
    const auto status = std::filesystem::symlink_status(FileIn(directory, name), ignored);
    if (std::filesystem::exists(status)) return name;
  }
  return hex;
}

}  // namespace

bool IsImageDirectory(const std::string& directory) {
  return std::filesystem::exists(FileIn(directory, kVersionFile)) &&
         std::filesystem::exists(FileIn(directory, kManifestFile));
}

void ReadImageDirectory(const std::string& directory, const ReadOptions& options,
                        FleetBuilder& builder, ReadReport& report) {
  ExpectDirectory(directory, "an image directory, as `skopeo copy SOURCE dir:DIR` writes it");
  const std::string path = FileIn(directory, kManifestFile);
  const std::unique_ptr<ByteSource> file = OpenPlainFile(path);
  if (file == nullptr) {
    throw InputError(
        directory, "",
        "expected an image directory, as `skopeo copy SOURCE dir:DIR` writes it, found "
        "no manifest.json in it");
  }
  CheckDirectoryVersion(directory, report);
  const std::string text = ReadWhole(*file, path, kUnknownSize, kMaxManifestBytes);
  Descriptor root;
  root.digest.digest = Sha256(text);
  root.digest_text = FormatDigest(root.digest.digest);
  root.size = std::ssize(text);
  const std::shared_ptr<const LayoutFiles> files =
      OpenBlobDirectory(directory, [directory, root_digest = root.digest_text](auto digest_text) {
        return NameInDirectory(directory, digest_text, root_digest);
      });
  report.layouts.push_back(files);
  ++report.num_selections;
  LayoutManifests blobs(files, options);
  ManifestReader manifests(blobs, kDirectoryPlace, options);
  // Named as a layout there would be.
  const std::string ref = OpenLayoutDirectory(directory)->repository();
  AddImages(manifests.Read(root, ref), {}, options.strict, builder, report);
}

}  // namespace gneiss
