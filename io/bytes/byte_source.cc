#include "io/bytes/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

#include <zlib.h>
#include <zstd.h>

#include "io/bytes/file_head.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet.h"

namespace gneiss {
namespace {

constexpr std::size_t kInputBytes = std::size_t{128} << 10;
constexpr std::int64_t kSkippedBytes = std::int64_t{128} << 10;  // in one step
constexpr int kMaxZstdWindowLog = 27;  // 128 MiB, what zstd itself accepts without being told

class FileSource : public ByteSource {
 public:
  FileSource(std::string path, int descriptor, const struct stat& opened)
      : path_(std::move(path)), descriptor_(descriptor), opened_(opened) {}
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  ~FileSource() override { close(descriptor_); }

  std::size_t Read(std::span<char> buffer) override {
    while (true) {
      const ssize_t count = read(descriptor_, buffer.data(), buffer.size());
      if (count >= 0) {
        position_ += count;
        return static_cast<std::size_t>(count);
      }
      if (errno != EINTR) throw std::system_error(errno, std::generic_category(), path_);
    }
  }
  std::int64_t Skip(std::int64_t count) override {
    // Of pipes and devices the size is not known.
    if (stored_size() == 0) return ByteSource::Skip(count);
    count = std::min(std::max<std::int64_t>(stored_size() - position_, 0), count);
    if (lseek(descriptor_, count, SEEK_CUR) < 0) {
      throw std::system_error(errno, std::generic_category(), path_);
    }
    position_ += count;
    return count;
  }
  std::int64_t stored_position() const override { return position_; }
  std::int64_t stored_size() const override {
    return S_ISREG(opened_.st_mode) ? static_cast<std::int64_t>(opened_.st_size) : 0;
  }
  bool has_changed() const override {
    struct stat now {};
    return fstat(descriptor_, &now) == 0 &&
           (now.st_size != opened_.st_size || now.st_mtim.tv_sec != opened_.st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != opened_.st_mtim.tv_nsec);
  }

 private:
  std::string path_;
  int descriptor_;
  struct stat opened_;
  std::int64_t position_ = 0;
};

class MemorySource : public ByteSource {
 public:
  MemorySource(std::string_view bytes, std::size_t chunk) : bytes_(bytes), chunk_(chunk) {}

  std::size_t Read(std::span<char> buffer) override {
    std::size_t count = std::min(buffer.size(), bytes_.size() - position_);
    if (chunk_ != 0) count = std::min(count, chunk_);
    std::copy_n(bytes_.data() + position_, count, buffer.data());
    position_ += count;
    return count;
  }
  std::int64_t stored_position() const override { return static_cast<std::int64_t>(position_); }
  std::int64_t stored_size() const override { return static_cast<std::int64_t>(bytes_.size()); }

 private:
  std::string_view bytes_;
  std::size_t chunk_;
  std::size_t position_ = 0;
};

// Stored bytes in a buffer that decoders take from, and the place of each of them.
class UnpackedFile {
 public:
  explicit UnpackedFile(std::unique_ptr<ByteSource> source)
      : source_(std::move(source)), buffer_(kInputBytes) {}

  // Up to `count` bytes without taking them; fewer only where the bytes end.
  std::string_view Peek(std::size_t count) {
    while (end_ - begin_ < count && Refill()) {
    }
    return view().substr(0, count);
  }
  // What is buffered, after reading more if nothing is. Empty where the bytes end.
  std::string_view Some() {
    if (begin_ == end_) Refill();
    return view();
  }
  // Moves stored bytes to `target`, past the buffer once that is empty; 0 where the bytes end.
  std::size_t CopyTo(std::span<char> target) {
    if (begin_ == end_) return source_->Read(target);
    const std::size_t count = std::min(target.size(), end_ - begin_);
    std::copy_n(buffer_.data() + begin_, count, target.data());
    begin_ += count;
    return count;
  }
  std::int64_t Skip(std::int64_t count) {
    const auto buffered = std::min(count, static_cast<std::int64_t>(end_ - begin_));
    begin_ += static_cast<std::size_t>(buffered);
    return buffered + source_->Skip(count - buffered);
  }
  // REQUIRES: that many are buffered.
  void Take(std::size_t count) { begin_ += count; }

  // Offset of the next byte.
  std::int64_t position() const {
    return source_->stored_position() - static_cast<std::int64_t>(end_ - begin_);
  }
  const ByteSource& source() const { return *source_; }

 private:
  std::string_view view() const { return {buffer_.data() + begin_, end_ - begin_}; }

  bool Refill() {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    const std::size_t count = source_->Read(std::span(buffer_).subspan(end_));
    end_ += count;
    return count > 0;
  }

  std::unique_ptr<ByteSource> source_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// What the decoders share: where an error is, and progress in stored bytes.
class DecodedSource : public ByteSource {
 public:
  explicit DecodedSource(UnpackedFile stored) : stored_(std::move(stored)) {}
  std::int64_t stored_position() const override { return stored_.position(); }
  std::int64_t stored_size() const override { return stored_.source().stored_size(); }
  bool has_changed() const override { return stored_.source().has_changed(); }

 protected:
  InputError ErrorHere(std::string problem) const {
    return InputError("", "byte " + std::to_string(stored_.position()), std::move(problem));
  }

  UnpackedFile stored_;
};

class PlainSource : public DecodedSource {
 public:
  using DecodedSource::DecodedSource;

  std::size_t Read(std::span<char> buffer) override { return stored_.CopyTo(buffer); }
  std::int64_t Skip(std::int64_t count) override { return stored_.Skip(count); }
};

class GzipSource : public DecodedSource {
 public:
  explicit GzipSource(UnpackedFile stored) : DecodedSource(std::move(stored)) {
    // +16: gzip wrapper only, zlib then checks CRC-32 and ISIZE of every member.
    if (inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) throw std::bad_alloc();
  }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;
  ~GzipSource() override { inflateEnd(&stream_); }

  std::size_t Read(std::span<char> buffer) override {
    const auto capacity =
        static_cast<uInt>(std::min<std::size_t>(buffer.size(), std::size_t{1} << 30));
    stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream_.avail_out = capacity;
    while (!ended_ && stream_.avail_out == capacity) Step();
    return capacity - stream_.avail_out;
  }
  bool is_compressed() const override { return true; }
  std::int64_t trailing_bytes() const override { return trailing_bytes_; }

 private:
  void Step() {
    const std::string_view input = stored_.Some();
    if (input.empty()) {
      throw ErrorHere("gzip stream ends early; the file is truncated, fetch or write it again");
    }
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    const int status = inflate(&stream_, Z_NO_FLUSH);
    stored_.Take(input.size() - stream_.avail_in);
    if (status == Z_STREAM_END) {
      StartNextMember();
    } else if (status == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      throw ErrorHere(std::string("gzip stream is damaged: ") +
                      (stream_.msg != nullptr ? stream_.msg : "needs a dictionary"));
    }
  }

  // After a member: another one, possibly behind zero padding; or the end, possibly with garbage.
  void StartNextMember() {
    while (!stored_.Some().empty() && stored_.Some().front() == '\0') {
      const std::string_view input = stored_.Some();
      stored_.Take(std::min(input.find_first_not_of('\0'), input.size()));
    }
    const std::string_view next = stored_.Peek(2);
    // A lone first byte of the magic can only be a member cut short.
    if (!next.empty() && (next == "\x1f\x8b" || next == "\x1f")) {
      if (inflateReset(&stream_) != Z_OK) throw ErrorHere("gzip stream cannot be continued");
      return;
    }
    ended_ = true;
    while (!stored_.Some().empty()) {
      trailing_bytes_ += static_cast<std::int64_t>(stored_.Some().size());
      stored_.Take(stored_.Some().size());
    }
  }

  z_stream stream_{};
  bool ended_ = false;
  std::int64_t trailing_bytes_ = 0;
};

class ZstdSource : public DecodedSource {
 public:
  explicit ZstdSource(UnpackedFile stored)
      : DecodedSource(std::move(stored)), context_(ZSTD_createDCtx(), &ZSTD_freeDCtx) {
    if (context_ == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kMaxZstdWindowLog);
  }

  std::size_t Read(std::span<char> buffer) override {
    ZSTD_outBuffer output{.dst = buffer.data(), .size = buffer.size(), .pos = 0};
    while (output.pos == 0) {
      const std::string_view stored = stored_.Some();
      if (stored.empty() && !inside_frame_) return 0;
      ZSTD_inBuffer input{.src = stored.data(), .size = stored.size(), .pos = 0};
      const std::size_t status = ZSTD_decompressStream(context_.get(), &output, &input);
      stored_.Take(input.pos);
      if (ZSTD_isError(status)) {
        // The decoder does not say where in its input; that is one buffer at most.
        throw ErrorHere(std::string("zstd stream is damaged here or within 128 KiB: ") +
                        ZSTD_getErrorName(status));
      }
      inside_frame_ = status != 0;
      // The decoder may still hold output when the input is used up; only then is this the end.
      if (stored.empty() && output.pos == 0 && inside_frame_) {
        throw ErrorHere("zstd stream ends early; the file is truncated, fetch or write it again");
      }
    }
    return output.pos;
  }
  bool is_compressed() const override { return true; }

 private:
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
  bool inside_frame_ = false;
};

bool StartsAsZstd(std::string_view magic) {
  if (magic.size() < 4) return false;
  const bool is_frame = magic == "\x28\xb5\x2f\xfd";
  const bool is_skippable =
      (static_cast<unsigned char>(magic[0]) & 0xf0U) == 0x50 && magic.substr(1) == "\x2a\x4d\x18";
  return is_frame || is_skippable;
}

}  // namespace

std::int64_t ByteSource::Skip(std::int64_t count) {
  std::vector<char> scratch(static_cast<std::size_t>(std::min(count, kSkippedBytes)));
  std::int64_t skipped = 0;
  while (skipped < count) {
    const auto wanted = static_cast<std::size_t>(std::min(count - skipped, kSkippedBytes));
    const std::size_t read = Read(std::span(scratch).first(wanted));
    if (read == 0) break;
    skipped += static_cast<std::int64_t>(read);
  }
  return skipped;
}

std::unique_ptr<ByteSource> OpenFile(const std::string& path, std::string_view expected) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) {
      throw InputError(path, "", "expected " + std::string(expected) + ", found nothing there");
    }
    throw std::system_error(error, std::generic_category(), path);
  }
  struct stat status {};
  const int failed = fstat(descriptor, &status);
  const int error = errno;
  auto file = std::make_unique<FileSource>(path, descriptor, status);
  if (failed != 0) throw std::system_error(error, std::generic_category(), path);
  if (S_ISDIR(status.st_mode)) {
    throw InputError(path, "", "expected " + std::string(expected) + ", found a directory");
  }
  return file;
}

std::unique_ptr<ByteSource> OpenPlainFile(const std::string& path) {
  return OpenPlainFileIn(AT_FDCWD, path, path);
}

std::unique_ptr<ByteSource> OpenPlainFileIn(int directory, const std::string& name,
                                            const std::string& path) {
  const int descriptor =
      openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG) return nullptr;
    if (error == ELOOP) throw InputError(path, "", "expected a plain file, found a symbolic link");
    throw std::system_error(error, std::generic_category(), path);
  }
  struct stat status {};
  const int failed = fstat(descriptor, &status);
  const int error = errno;
  auto file = std::make_unique<FileSource>(path, descriptor, status);
  if (failed != 0) throw std::system_error(error, std::generic_category(), path);
  if (!S_ISREG(status.st_mode)) {
    throw InputError(path, "",
                     std::string("expected a plain file, found ") +
                         (S_ISDIR(status.st_mode) ? "a directory" : "something else"));
  }
  // Only advice: large blobs are read once, from their start to their end.
  posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  return file;
}

std::string ReadWhole(ByteSource& file, const std::string& path, Bytes expected_size,
                      std::size_t max_bytes) {
  const std::int64_t size = file.stored_size();
  if (expected_size != kUnknownSize && size != expected_size) {
    throw InputError(path, "",
                     "expected " + std::to_string(expected_size) +
                         " bytes, as its descriptor says, found " + std::to_string(size));
  }
  if (static_cast<std::size_t>(size) > max_bytes) {
    throw InputError(path, "",
                     "expected at most " + std::to_string(max_bytes) + " bytes of JSON, found " +
                         std::to_string(size));
  }
  std::string content(static_cast<std::size_t>(size), '\0');
  for (std::span<char> rest(content); !rest.empty();) {
    const std::size_t count = file.Read(rest);
    if (count == 0) throw InputError(path, "", "file became shorter while it was read");
    rest = rest.subspan(count);
  }
  return content;
}

std::string ReadText(ByteSource& file, std::string_view what, std::size_t max_bytes,
                     std::string_view head) {
  std::string text;
  const auto add = [&](std::string_view part) {
    if (const std::size_t nul = part.find('\0'); nul != std::string_view::npos) {
      throw InputError("", "byte " + std::to_string(text.size() + nul),
                       "expected " + std::string(what) + ", a text, found a NUL byte");
    }
    if (part.size() > max_bytes - text.size()) {
      throw InputError("expected " + std::string(what) + " of at most " +
                       std::to_string(max_bytes) + " bytes, found more");
    }
    text += part;
  };
  add(head);
  std::string buffer(std::size_t{128} << 10, '\0');
  while (const std::size_t count = file.Read(buffer)) {
    add(std::string_view(buffer).substr(0, count));
  }
  return text;
}

std::unique_ptr<ByteSource> ReadMemory(std::string_view bytes, std::size_t chunk) {
  return std::make_unique<MemorySource>(bytes, chunk);
}

std::unique_ptr<ByteSource> Decompress(std::unique_ptr<ByteSource> stored) {
  UnpackedFile bytes(std::move(stored));
  const std::string_view magic = bytes.Peek(4);
  if (magic.starts_with("\x1f\x8b")) return std::make_unique<GzipSource>(std::move(bytes));
  if (StartsAsZstd(magic)) return std::make_unique<ZstdSource>(std::move(bytes));
  return std::make_unique<PlainSource>(std::move(bytes));
}

}  // namespace gneiss
