#include "io/apply/spool_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace gneiss {
namespace {

[[noreturn]] void FailSpool(int error, const std::string& directory) {
  throw std::system_error(error, std::generic_category(), "temporary file in " + directory);
}

OpenDescriptor OpenNameless(const OpenDirectory& directory) {
  OpenDescriptor file(openat(directory.descriptor(), ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
  if (file.get() >= 0) return file;
  // EISDIR: an old kernel.
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
    FailSpool(errno, directory.path());
  }
  for (int number = 0;; ++number) {
    const std::string name = fmt::format(".gneiss-spool-{}", number);
    file = OpenDescriptor(openat(directory.descriptor(), name.c_str(),
                                 O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() >= 0) {
      unlinkat(directory.descriptor(), name.c_str(), 0);
      return file;
    }
    if (errno != EEXIST) FailSpool(errno, directory.path());
  }
}

}  // namespace

SpoolFile::SpoolFile(const OpenDirectory& directory)
    : directory_(directory.path()), file_(OpenNameless(directory)) {}

void SpoolFile::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(file_.get(), bytes.data(), bytes.size(), end_);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) FailSpool(errno, directory_);
    end_ += count;
    bytes.remove_prefix(static_cast<std::size_t>(count));
    ends_in_hole_ = false;
  }
}

void SpoolFile::AppendHole(Bytes count) {
  end_ = CheckedAdd(end_, count);
  ends_in_hole_ = true;
}

void SpoolFile::TruncateTo(Bytes end) {
  if (ftruncate(file_.get(), end) != 0) FailSpool(errno, directory_);
  end_ = end;
  ends_in_hole_ = false;
}

void SpoolFile::Complete() {
  if (ends_in_hole_) TruncateTo(end_);
}

void SpoolFile::Read(Bytes offset, std::span<char> buffer) const {
  // Through the page cache holes cost more than all else that is done with them. The position that
  // this sets is nobody's.
  const off_t data = lseek(file_.get(), offset, SEEK_DATA);
  if (data >= offset + std::ssize(buffer) || (data < 0 && errno == ENXIO && offset < end_)) {
    std::ranges::fill(buffer, '\0');
    return;
  }
  while (!buffer.empty()) {
    const ssize_t count = pread(file_.get(), buffer.data(), buffer.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) FailSpool(count < 0 ? errno : EIO, directory_);
    offset += count;
    buffer = buffer.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace gneiss
