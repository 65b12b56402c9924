#include "io/cli/terminal/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string_view>
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

namespace {

constexpr std::size_t kDefaultWidth = 80;  // of a terminal that does not say

std::string_view Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::size_t TerminalWidth(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const std::string_view columns = Environment("COLUMNS");
  std::size_t width = 0;
  std::from_chars(columns.data(), columns.data() + columns.size(), width);
  return width > 0 ? width : kDefaultWidth;
}

}  // namespace

Console ProbeConsole(std::ostream& out, std::ostream& err) {
  Console console{.out = &out, .err = &err};
  console.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  console.err_is_terminal = isatty(STDERR_FILENO) == 1;
  if (console.out_is_terminal) {
    console.width = TerminalWidth(STDOUT_FILENO);
    // no-color.org: set and not empty.
    console.colour = Environment("NO_COLOR").empty() && Environment("TERM") != "dumb";
  }
  return console;
}

}  // namespace gneiss
