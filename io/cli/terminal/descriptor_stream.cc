#include "io/cli/terminal/descriptor_stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace gneiss {

DescriptorStream::DescriptorStream(int descriptor, std::string name, bool buffered)
    : std::ostream(nullptr), buffer_(descriptor, std::move(name), buffered) {
  rdbuf(&buffer_);
  // Makes operator<< let the buffer's own exception through.
  exceptions(std::ios::badbit);
}

DescriptorStream::Buffer::Buffer(int descriptor, std::string name, bool buffered)
    : descriptor_(descriptor), name_(std::move(name)), capacity_(buffered ? kBufferBytes : 0) {
  setp(bytes_.data(), bytes_.data() + capacity_);
}

DescriptorStream::Buffer::int_type DescriptorStream::Buffer::overflow(int_type c) {
  WriteBuffered();
  if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
  const char character = traits_type::to_char_type(c);
  if (capacity_ == 0) {
    Write(&character, 1);
  } else {
    *pptr() = character;
    pbump(1);
  }
  return c;
}

std::streamsize DescriptorStream::Buffer::xsputn(const char* text, std::streamsize count) {
  if (count > epptr() - pptr()) WriteBuffered();
  if (count > epptr() - pptr()) {
    Write(text, static_cast<std::size_t>(count));
  } else {
    std::copy_n(text, count, pptr());
    pbump(static_cast<int>(count));
  }
  return count;
}

int DescriptorStream::Buffer::sync() {
  WriteBuffered();
  return 0;
}

void DescriptorStream::Buffer::WriteBuffered() {
  const auto count = static_cast<std::size_t>(pptr() - pbase());
  // Emptied first: after a failure the bytes are lost, and not written again by the next call.
  setp(bytes_.data(), bytes_.data() + capacity_);
  Write(bytes_.data(), count);
}

void DescriptorStream::Buffer::Write(const char* bytes, std::size_t count) {
  while (count > 0) {
    const ssize_t written = ::write(descriptor_, bytes, count);
    if (written < 0) {
      if (errno == EINTR) continue;
      throw std::system_error(errno, std::generic_category(), name_);
    }
    bytes += written;
    count -= static_cast<std::size_t>(written);
  }
}

}  // namespace gneiss
