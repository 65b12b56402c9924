#include "io/source/layout_files.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "io/source/layout_blobs.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

class LayoutDirectory : public LayoutFiles {
 public:
  explicit LayoutDirectory(std::string path) : path_(std::move(path)) {}

  const std::string& path() const override { return path_; }
  std::string repository() const override {
    std::error_code ignored;
    fs::path path = fs::path(path_).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    if (path.filename() == "." || path.filename() == ".." || path.filename().empty()) {
      path = fs::canonical(path_, ignored);
    }
    return path.filename().string();
  }
  std::string directory() const override { return path_; }

  std::string PathOf(std::string_view name) const override {
    return path_ + "/" + std::string(name);
  }
  std::unique_ptr<ByteSource> Open(std::string_view name) const override {
    return OpenPlainFile(PathOf(name));
  }
  std::optional<Bytes> SizeOf(std::string_view name) const override {
    std::error_code failed;
    const std::uintmax_t size = fs::file_size(PathOf(name), failed);
    if (failed) return std::nullopt;
    return static_cast<Bytes>(size);
  }

 private:
  std::string path_;
};

class BlobDirectory : public LayoutFiles {
 public:
  BlobDirectory(const std::string& path, std::function<std::string(std::string_view)> file_of)
      : directory_(path), file_of_(std::move(file_of)) {}

  const std::string& path() const override { return directory_.path(); }
  std::string repository() const override { return {}; }
  std::string directory() const override { return directory_.directory(); }

  std::string PathOf(std::string_view name) const override {
    const std::optional<std::string> digest_text = LayoutBlobs::DigestIn(name);
    return directory_.PathOf(digest_text ? file_of_(*digest_text) : name);
  }
  std::unique_ptr<ByteSource> Open(std::string_view name) const override {
    const std::optional<std::string> digest_text = LayoutBlobs::DigestIn(name);
    return digest_text ? directory_.Open(file_of_(*digest_text)) : nullptr;
  }
  std::optional<Bytes> SizeOf(std::string_view name) const override {
    const std::optional<std::string> digest_text = LayoutBlobs::DigestIn(name);
    return digest_text ? directory_.SizeOf(file_of_(*digest_text)) : std::nullopt;
  }

 private:
  LayoutDirectory directory_;
  std::function<std::string(std::string_view)> file_of_;
};

}  // namespace

void ExpectDirectory(const std::string& directory, std::string_view expected) {
  if (fs::is_directory(directory)) return;
  throw InputError(directory, "",
                   "expected " + std::string(expected) +
                       (fs::exists(directory) ? ", found a file" : ", found nothing there"));
}

std::shared_ptr<const LayoutFiles> OpenLayoutDirectory(const std::string& directory) {
  ExpectDirectory(directory, "the directory of an OCI layout");
  return std::make_shared<LayoutDirectory>(directory);
}

std::shared_ptr<const LayoutFiles> OpenBlobDirectory(
    const std::string& directory, std::function<std::string(std::string_view)> file_of) {
  return std::make_shared<BlobDirectory>(directory, std::move(file_of));
}

std::optional<std::string> ReadFile(const LayoutFiles& files, std::string_view name,
                                    Bytes expected_size, std::size_t max_bytes) {
  const std::unique_ptr<ByteSource> file = files.Open(name);
  if (file == nullptr) return std::nullopt;
  return ReadWhole(*file, files.PathOf(name), expected_size, max_bytes);
}

}  // namespace gneiss
