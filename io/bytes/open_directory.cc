#include "io/bytes/open_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "io/bytes/compressor.h"
#include "io/bytes/file_head.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

}  // namespace

void FailAt(int error, const std::string& path) {
  throw std::system_error(error, std::generic_category(), path);
}

OpenDirectory::OpenDirectory(const std::string& path)
    : descriptor_(open(path.c_str(), kDirectoryFlags)), path_(path) {
  if (descriptor_.get() < 0) FailAt(errno, path_);
}

std::string OpenDirectory::PathOf(std::string_view name) const {
  return fmt::format("{}/{}", path_, name);
}

struct stat OpenDirectory::Status() const {
  struct stat status {};
  if (fstat(descriptor(), &status) != 0) FailAt(errno, path_);
  return status;
}

std::optional<struct stat> OpenDirectory::StatusOf(const std::string& name) const {
  struct stat status {};
  if (fstatat(descriptor(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return status;
  if (errno != ENOENT) FailAt(errno, PathOf(name));
  return std::nullopt;
}

std::vector<std::string> OpenDirectory::Names() const {
  // A descriptor of its own: the position in a directory is its descriptor's.
  const int copy = openat(descriptor(), ".", kDirectoryFlags);
  if (copy < 0) FailAt(errno, path_);
  const std::unique_ptr<DIR, CloseDirectory> opened(fdopendir(copy));
  if (opened == nullptr) {
    const int error = errno;
    close(copy);
    FailAt(error, path_);
  }
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* const entry = readdir(opened.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) FailAt(errno, path_);
  std::ranges::sort(names);
  return names;
}

std::optional<OpenDirectory> OpenDirectory::Open(const std::string& name) const {
  OpenDescriptor opened(openat(descriptor(), name.c_str(), kDirectoryFlags | O_NOFOLLOW));
  if (opened.get() >= 0) return OpenDirectory(std::move(opened), PathOf(name));
  const int error = errno;
  if (error == ENOENT) return std::nullopt;
  // Of a link Linux says that it is no directory.
  if (error != ENOTDIR && error != ELOOP) FailAt(error, PathOf(name));
  const std::optional<struct stat> status = StatusOf(name);
  throw InputError(PathOf(name), "",
                   fmt::format("expected a directory, found {}",
                               status && S_ISLNK(status->st_mode) ? "a symbolic link" : "a file"));
}

OpenDirectory OpenDirectory::Make(const std::string& name, mode_t mode) const {
  if (mkdirat(descriptor(), name.c_str(), mode) == 0) {
    Sync();
  } else if (errno != EEXIST) {
    FailAt(errno, PathOf(name));
  }
  std::optional<OpenDirectory> made = Open(name);
  if (!made) FailAt(ENOENT, PathOf(name));
  return *std::move(made);
}

std::unique_ptr<ByteSource> OpenDirectory::OpenFile(const std::string& name) const {
  return OpenPlainFileIn(descriptor(), name, PathOf(name));
}

void OpenDirectory::WriteFile(const std::string& name, std::string_view text) const {
  CompressedFile file(*this, name, {.codec = LayerCodec::kTar});  // as it is
  file.Write(text);
  file.Finish();
}

void OpenDirectory::Move(const std::string& name, const OpenDirectory& to,
                         const std::string& to_name) const {
  if (renameat(descriptor(), name.c_str(), to.descriptor(), to_name.c_str()) != 0) {
    FailAt(errno, to.PathOf(to_name));
  }
}

void OpenDirectory::Remove(const std::string& name) const {
  if (unlinkat(descriptor(), name.c_str(), 0) != 0 && errno != ENOENT) FailAt(errno, PathOf(name));
}

void OpenDirectory::RemoveDirectory(const std::string& name) const {
  if (unlinkat(descriptor(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    FailAt(errno, PathOf(name));
  }
}

void OpenDirectory::Sync() const {
  // Some network file systems cannot sync a directory, and do not need to.
  if (fsync(descriptor()) != 0 && errno != EINVAL && errno != ENOTSUP) FailAt(errno, path_);
}

}  // namespace gneiss
