#include "io/store/trusted_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace gneiss {
namespace {

// As many as Linux follows.
constexpr int kMaxSymlinks = 40;

struct Folder {
  OpenDescriptor descriptor;
  std::string path;
};

class DirectoryWalk {
 public:
  TrustedDirectory Run(std::string_view path) {
    PushComponents(path);
    stack_.push_back({OpenDescriptor(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)), "/"});
    if (stack_.back().descriptor.get() < 0) Fail(errno, "/");
    Judge(StatusOf(stack_.back().descriptor, "/"), "/");
    while (!rest_.empty()) {
      const std::string name = std::move(rest_.back());
      rest_.pop_back();
      if (!Enter(name)) return {.descriptor = OpenDescriptor(), .doubt = std::move(doubt_)};
    }
    return {.descriptor = std::move(stack_.back().descriptor), .doubt = std::move(doubt_)};
  }

 private:
  [[noreturn]] static void Fail(int error, const std::string& path) {
    throw std::system_error(error, std::generic_category(), path);
  }

  static struct stat StatusOf(const OpenDescriptor& descriptor, const std::string& path) {
    struct stat status {};
    if (fstat(descriptor.get(), &status) != 0) Fail(errno, path);
    return status;
  }

  void Judge(const struct stat& status, const std::string& path) {
    if (!doubt_.empty()) return;
    const std::string why = FindOtherWriter(status);
    if (!why.empty()) doubt_ = fmt::format("{} {}", path, why);
  }

  void PushComponents(std::string_view path) {
    const auto first = static_cast<std::ptrdiff_t>(rest_.size());
    while (!path.empty()) {
      const std::string_view name = path.substr(0, path.find('/'));
      if (!name.empty() && name != ".") rest_.emplace_back(name);
      path.remove_prefix(std::min(path.size(), name.size() + 1));
    }
    std::reverse(rest_.begin() + first, rest_.end());
  }

  // False when there is no such directory.
  bool Enter(const std::string& name) {
    if (name == "..") {
      if (stack_.size() > 1) stack_.pop_back();
      return true;
    }
    const Folder& above = stack_.back();
    const std::string path = above.path == "/" ? "/" + name : above.path + "/" + name;
    OpenDescriptor descriptor(
        openat(above.descriptor.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (descriptor.get() < 0) {
      if (errno == ENOENT) return false;
      Fail(errno, path);
    }
    const struct stat status = StatusOf(descriptor, path);
    Judge(status, path);
    if (S_ISLNK(status.st_mode)) {
      Follow(descriptor, path);
      return true;
    }
    if (!S_ISDIR(status.st_mode)) return false;
    stack_.push_back({std::move(descriptor), path});
    return true;
  }

  void Follow(const OpenDescriptor& symlink, const std::string& path) {
    if (++num_symlinks_ > kMaxSymlinks) Fail(ELOOP, path);
    std::array<char, PATH_MAX> target{};
    const ssize_t size = readlinkat(symlink.get(), "", target.data(), target.size());
    if (size < 0) Fail(errno, path);
    const std::string_view text(target.data(), static_cast<std::size_t>(size));
    if (text.starts_with('/')) stack_.resize(1);
    PushComponents(text);
  }

  std::vector<std::string> rest_;  // still to be entered, the next one last
  std::vector<Folder> stack_;      // entered, from the root down
  std::string doubt_;
  int num_symlinks_ = 0;
};

}  // namespace

std::string FindOtherWriter(const struct stat& status) {
  if (status.st_uid != 0 && status.st_uid != geteuid()) {
    return fmt::format("belongs to user {}", status.st_uid);
  }
  // The mode of a symlink means nothing.
  if (S_ISLNK(status.st_mode) || (status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return "";
  if (S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0) return "";
  return "can be written by others";
}

TrustedDirectory OpenTrustedDirectory(std::string_view path) {
  // The current directory is physical already, and judged like any other.
  const std::string absolute =
      path.starts_with('/') ? std::string(path)
                            : std::filesystem::current_path().string() + "/" + std::string(path);
  return DirectoryWalk().Run(absolute);
}

}  // namespace gneiss
