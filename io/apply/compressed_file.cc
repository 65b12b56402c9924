#include "io/apply/compressed_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <system_error>

namespace gneiss {

CompressedFile::CompressedFile(const std::string& path, const CompressionOptions& options)
    : path_(path),
      compressor_(options),
      on_interrupt_(path),
      file_(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666)) {
  if (file_.get() < 0) throw std::system_error(errno, std::generic_category(), path_);
}

CompressedFile::~CompressedFile() {
  if (!is_finished_) unlink(path_.c_str());
}

void CompressedFile::Write(std::string_view bytes) {
  compressor_.Write(bytes, [this](std::string_view stored) { WriteStored(stored); });
}

void CompressedFile::Finish() {
  compressor_.Finish([this](std::string_view stored) { WriteStored(stored); });
  if (fsync(file_.get()) != 0) throw std::system_error(errno, std::generic_category(), path_);
  digest_ = hash_.Finish();
  is_finished_ = true;
}

void CompressedFile::WriteStored(std::string_view bytes) {
  hash_.Update(bytes);
  size_ += std::ssize(bytes);
  while (!bytes.empty()) {
    const ssize_t count = write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw std::system_error(errno, std::generic_category(), path_);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace gneiss
