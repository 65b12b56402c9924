#include "io/bytes/compressed_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

namespace gneiss {

CompressedFile::CompressedFile(const OpenDirectory& directory, std::string name,
                               const CompressionOptions& options)
    : directory_(directory),
      name_(std::move(name)),
      compressor_(options),
      on_interrupt_(directory.descriptor(), name_),
      file_(openat(directory.descriptor(), name_.c_str(),
                   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0664)) {
  if (file_.get() < 0) Fail();
}

CompressedFile::~CompressedFile() {
  if (!is_finished_) unlinkat(directory_.descriptor(), name_.c_str(), 0);
}

void CompressedFile::Fail() const {
  throw std::system_error(errno, std::generic_category(), directory_.PathOf(name_));
}

void CompressedFile::Write(std::string_view bytes) {
  compressor_.Write(bytes, [this](std::string_view stored) { WriteStored(stored); });
}

void CompressedFile::Finish() {
  compressor_.Finish([this](std::string_view stored) { WriteStored(stored); });
  if (fsync(file_.get()) != 0) Fail();
  digest_ = hash_.Finish();
  is_finished_ = true;
}

void CompressedFile::WriteStored(std::string_view bytes) {
  hash_.Update(bytes);
  size_ += std::ssize(bytes);
  while (!bytes.empty()) {
    const ssize_t count = write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) Fail();
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace gneiss
