// An output stream over a file descriptor that never loses an error: a failed write throws.
#pragma once

#include <array>
#include <ostream>
#include <streambuf>
#include <string>

namespace gneiss {

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

}  // namespace gneiss
