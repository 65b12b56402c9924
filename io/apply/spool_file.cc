#include "io/apply/spool_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace gneiss {
namespace {

[[noreturn]] void FailSpool(int error, const std::string& directory) {
  throw std::system_error(error, std::generic_category(), "temporary file in " + directory);
}

OpenDescriptor OpenNameless(const std::string& directory) {
  OpenDescriptor file(open(directory.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
  if (file.get() >= 0) return file;
  // EISDIR: an old kernel.
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) FailSpool(errno, directory);
  std::string path = directory + "/.gneiss-spool-XXXXXX";
  file = OpenDescriptor(mkostemp(path.data(), O_CLOEXEC));
  if (file.get() < 0) FailSpool(errno, directory);
  unlink(path.c_str());
  return file;
}

}  // namespace

SpoolFile::SpoolFile(const std::string& directory)
    : directory_(directory), file_(OpenNameless(directory)) {}

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
  while (!buffer.empty()) {
    const ssize_t count = pread(file_.get(), buffer.data(), buffer.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) FailSpool(count < 0 ? errno : EIO, directory_);
    offset += count;
    buffer = buffer.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace gneiss
