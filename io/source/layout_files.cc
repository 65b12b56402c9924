#include "io/source/layout_files.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "planner/input_error.h"

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

}  // namespace

std::shared_ptr<const LayoutFiles> OpenLayoutDirectory(const std::string& directory) {
  if (!fs::is_directory(directory)) {
    throw InputError(directory, "",
                     fs::exists(directory)
                         ? "expected the directory of an OCI layout, found a file"
                         : "expected the directory of an OCI layout, found nothing there");
  }
  return std::make_shared<LayoutDirectory>(directory);
}

std::optional<std::string> ReadFile(const LayoutFiles& files, std::string_view name,
                                    Bytes expected_size, std::size_t max_bytes) {
  const std::unique_ptr<ByteSource> file = files.Open(name);
  if (file == nullptr) return std::nullopt;
  return ReadWhole(*file, files.PathOf(name), expected_size, max_bytes);
}

}  // namespace gneiss
