// The two streams of a run and what is known of the terminals behind them. Data goes to `out`,
// words and progress to `err`.
#pragma once

#include <array>
#include <cstddef>
#include <ostream>
#include <streambuf>
#include <string>

namespace gneiss {

// An output stream over a file descriptor that never loses an error: a failed write throws.

// Buffered unless `buffered` is false. The destructor writes nothing: call flush() first, so that a
// failure is seen.
class DescriptorStream : public std::ostream {
 public:
  // `name` is what errors call it. Does not own the descriptor.
  DescriptorStream(int descriptor, std::string name, bool buffered);

 private:
  class Buffer : public std::streambuf {
   public:
    Buffer(int descriptor, std::string name, bool buffered);

   protected:
    int_type overflow(int_type c) override;
    std::streamsize xsputn(const char* text, std::streamsize count) override;
    int sync() override;

   private:
    static constexpr std::size_t kBufferBytes = 65536;

    void Write(const char* bytes, std::size_t count);
    void WriteBuffered();

    int descriptor_;
    std::string name_;
    std::size_t capacity_;
    std::array<char, kBufferBytes> bytes_;
  };

  Buffer buffer_;
};

// The streams must outlive the console. Writing to `out` throws std::system_error when it fails.
struct Console {
  std::ostream* out;
  std::ostream* err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  std::size_t width = 0;  // columns of the terminal behind `out`, 0 when it is none
  bool colour = false;    // `out` may carry escape sequences
};

// What the environment says of standard output and error: isatty, window size, COLUMNS, NO_COLOR,
// TERM.
[[nodiscard]] Console ProbeConsole(std::ostream& out, std::ostream& err);

}  // namespace gneiss
