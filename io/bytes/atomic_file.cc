#include "io/bytes/atomic_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <random>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "io/bytes/interrupt.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

// ".gneiss-<16 hexadecimal digits>.tmp": short, whatever the name of the file.
constexpr std::string_view kPrefix = ".gneiss-";
constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr std::time_t kOldSeconds = 24 * 60 * 60;

[[noreturn]] void Fail(int error, const std::string& path) {
  throw std::system_error(error, std::generic_category(), path);
}

std::string TemporaryName() {
  // Names only have to differ between writers; O_EXCL decides in the end.
  thread_local std::mt19937_64 random{std::random_device{}() |
                                      (std::uint64_t{std::random_device{}()} << 32)};
  // A forked process goes on with the same random numbers, but not under the same number.
  const std::uint64_t process = static_cast<std::uint64_t>(getpid()) * 0x9e3779b97f4a7c15U;
  return fmt::format("{}{:016x}{}", kPrefix, random() ^ process, kTemporarySuffix);
}

bool IsTemporary(std::string_view name) {
  return name.starts_with(kPrefix) && name.ends_with(kTemporarySuffix) &&
         name.size() == kPrefix.size() + 16 + kTemporarySuffix.size();
}

struct CloseListing {
  void operator()(DIR* directory) const { closedir(directory); }
};

// Whether `name` in a directory is still the file behind `descriptor`.
bool IsStillThere(int descriptor, int directory, const std::string& name) {
  struct stat opened {};
  struct stat named {};
  return fstat(descriptor, &opened) == 0 &&
         fstatat(directory, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// A temporary file of this process alone; unlinked on destruction unless renamed.
class TemporaryFile {
 public:
  // `directory` stays open; `path` is what it is called.
  TemporaryFile(int directory, const std::string& path, mode_t mode)
      : directory_(directory),
        name_(TemporaryName()),
        on_interrupt_(path + "/" + name_),
        descriptor_(openat(directory, name_.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)) {
    if (descriptor_.get() < 0 && errno != EEXIST) Fail(errno, path);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_.get() >= 0 && !renamed_) unlinkat(directory_, name_.c_str(), 0);
  }

  // Whether the file is this writer's and stays: false when another one has the name, or a
  // RemoveLeftovers came before the lock. Then there is nothing, and the next name may do.
  bool IsHeld() const {
    if (descriptor_.get() < 0) return false;
    // Where there are no locks, leftovers are told by their age.
    if (flock(descriptor_.get(), LOCK_EX | LOCK_NB) != 0) return errno != EWOULDBLOCK;
    return IsStillThere(descriptor_.get(), directory_, name_);
  }

  void Write(std::string_view bytes, const std::string& target, Sync sync) {
    while (!bytes.empty()) {
      const ssize_t count = write(descriptor_.get(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) Fail(errno, target);
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    if (sync == Sync::kYes && fsync(descriptor_.get()) != 0) Fail(errno, target);
  }

  // To the last name of `target`, in the same directory.
  void RenameTo(const std::string& target) {
    const std::string name = fs::path(target).filename().string();
    if (renameat(directory_, name_.c_str(), directory_, name.c_str()) != 0) Fail(errno, target);
    renamed_ = true;
  }

 private:
  int directory_;
  std::string name_;
  RemovedOnInterrupt on_interrupt_;  // from before the file is there
  OpenDescriptor descriptor_;        // closed, and so unlocked, after the rename
  bool renamed_ = false;
};

void RemoveLeftover(const std::string& path) {
  // For writing, without which network file systems give no lock.
  const OpenDescriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0) return;
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    struct stat status {};
    if (errno == EWOULDBLOCK || fstat(file.get(), &status) != 0) return;
    if (std::time(nullptr) - status.st_mtime < kOldSeconds) return;
  }
  // A writer that opened it but did not lock it yet will see that it is gone, and take another.
  unlink(path.c_str());
}

std::string ParentOf(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

OpenDescriptor DescriptorOf(const std::string& directory) {
  OpenDescriptor opened(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0) Fail(errno, directory);
  return opened;
}

void SyncOpened(int directory, const std::string& path) {
  // Some network file systems cannot sync a directory, and do not need to.
  if (fsync(directory) != 0 && errno != EINVAL && errno != ENOTSUP) Fail(errno, path);
}

void WriteInto(int directory, const std::string& path, std::string_view bytes, Sync sync,
               mode_t mode) {
  for (;;) {
    TemporaryFile file(directory, ParentOf(path), mode);
    if (!file.IsHeld()) continue;
    file.Write(bytes, path, sync);
    file.RenameTo(path);
    break;
  }
  if (sync == Sync::kYes) SyncOpened(directory, ParentOf(path));
}

}  // namespace

void SyncDirectory(const std::string& directory) {
  SyncOpened(DescriptorOf(directory).get(), directory);
}

void WriteAtomically(const std::string& path, std::string_view bytes, Sync sync) {
  WriteInto(DescriptorOf(ParentOf(path)).get(), path, bytes, sync, 0666);
}

void WriteAtomicallyAt(int directory, const std::string& path, std::string_view bytes,
                       mode_t mode) {
  WriteInto(directory, path, bytes, Sync::kYes, mode);
}

void RemoveLeftovers(const std::string& directory) {
  const std::unique_ptr<DIR, CloseListing> opened(opendir(directory.c_str()));
  if (opened == nullptr) return;
  while (const dirent* const entry = readdir(opened.get())) {
    const std::string_view name = entry->d_name;
    if (IsTemporary(name)) RemoveLeftover(fmt::format("{}/{}", directory, name));
  }
}

void MakeDirectories(const std::string& directory, mode_t mode) {
  if (mkdir(directory.c_str(), mode) == 0) {
    SyncDirectory(ParentOf(directory));
    return;
  }
  const int error = errno;
  // Also made by another process, or on a file system that is read-only but has it.
  struct stat status {};
  if (stat(directory.c_str(), &status) == 0) {
    if (!S_ISDIR(status.st_mode)) Fail(ENOTDIR, directory);
    return;
  }
  const std::string parent = ParentOf(directory);
  if (error != ENOENT || parent == directory) Fail(error, directory);
  MakeDirectories(parent, mode);
  if (mkdir(directory.c_str(), mode) != 0 && errno != EEXIST) Fail(errno, directory);
  SyncDirectory(parent);
}

void ExpectWritableDirectory(const std::string& directory) {
  const OpenDescriptor opened = DescriptorOf(directory);
  TemporaryFile file(opened.get(), directory, 0666);
}

}  // namespace gneiss
