#include "io/cli/terminal/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "io/cli/terminal/console.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kPublicMode = 0666;

// What mkstemp does not do: the mode that open would have given.
mode_t DefaultMode() {
  const mode_t mask = umask(0);
  umask(mask);
  return kPublicMode & ~mask;
}

}  // namespace

OutputFile::OutputFile(const std::string& path, Console& console)
    : console_(&console), path_(path) {
  if (path_.empty() || path_ == "-") return;
  struct stat status {};
  const bool exists = stat(path_.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) Fail(EISDIR, path_);
  if (exists && !S_ISREG(status.st_mode)) {
    descriptor_ = open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) Fail(errno, path_);
  } else {
    // Through a symbolic link, so that the rename replaces the file and not the link.
    if (exists) {
      path_ = fs::canonical(path_).string();
    } else if (fs::is_symlink(fs::symlink_status(path_))) {
      path_ = (fs::path(path_).parent_path() / fs::read_symlink(path_)).string();
    }
    constexpr mode_t kPermissions = 07777;
    OpenTemporary(exists ? status.st_mode & kPermissions : DefaultMode());
  }
  file_ = std::make_unique<DescriptorStream>(descriptor_, path_, true);
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_.empty()) {
    unlink(temporary_.c_str());
    on_interrupt_.reset();
  }
}

std::ostream& OutputFile::stream() {
  return file_ == nullptr ? *console_->out : static_cast<std::ostream&>(*file_);
}

void OutputFile::Finish() {
  stream().flush();
  if (descriptor_ < 0) return;
  if (!temporary_.empty() && fsync(descriptor_) != 0) Fail(errno, path_);
  const int descriptor = std::exchange(descriptor_, -1);
  if (close(descriptor) != 0) Fail(errno, path_);
  if (temporary_.empty()) return;
  if (rename(temporary_.c_str(), path_.c_str()) != 0) Fail(errno, path_);
  temporary_.clear();
  on_interrupt_.reset();
}

void OutputFile::OpenTemporary(mode_t mode) {
  // A random name of its own: two runs may write one file, and the last one wins whole.
  const fs::path target(path_);
  temporary_ =
      (target.parent_path() / fmt::format(".{}.XXXXXX", target.filename().string())).string();
  descriptor_ = mkostemp(temporary_.data(), O_CLOEXEC);
  if (descriptor_ < 0) {
    const int error = errno;
    temporary_.clear();
    Fail(error, path_);
  }
  on_interrupt_.emplace(temporary_);
  if (fchmod(descriptor_, mode) != 0) {
    const int error = errno;
    close(descriptor_);
    unlink(temporary_.c_str());
    on_interrupt_.reset();
    Fail(error, path_);
  }
}

void OutputFile::Fail(int error, const std::string& path) const {
  throw std::system_error(error, std::generic_category(), path);
}

}  // namespace gneiss
