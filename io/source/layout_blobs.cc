#include "io/source/layout_blobs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <new>
#include <span>
#include <string_view>
#include <system_error>

#include <openssl/evp.h>

#include "planner/digest.h"
#include "planner/input_error.h"

namespace gneiss {
namespace {

// A file descriptor that closes itself.
class OpenedFile {
 public:
  explicit OpenedFile(int descriptor) : descriptor_(descriptor) {}
  OpenedFile(const OpenedFile&) = delete;
  OpenedFile& operator=(const OpenedFile&) = delete;
  ~OpenedFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

[[noreturn]] void ThrowSystemError(const std::string& path) {
  throw std::system_error(errno, std::generic_category(), path);
}

std::string HexDigest(std::string_view content, const EVP_MD* algorithm) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned int length = 0;
  if (EVP_Digest(content.data(), content.size(), bytes.data(), &length, algorithm, nullptr) != 1) {
    throw std::bad_alloc();
  }
  std::string text;
  for (const unsigned char byte : std::span(bytes).first(length)) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

std::string_view AlgorithmOf(const Descriptor& descriptor) {
  return std::string_view(descriptor.digest_text).substr(0, descriptor.digest_text.find(':'));
}

// The digest that `content` has in the algorithm of `descriptor`; nullopt for an unknown algorithm.
std::optional<std::string> DigestOf(std::string_view content, const Descriptor& descriptor) {
  const std::string algorithm(AlgorithmOf(descriptor));
  if (algorithm == "sha256") return FormatDigest(Sha256(content));
  if (algorithm == "sha384") return "sha384:" + HexDigest(content, EVP_sha384());
  if (algorithm == "sha512") return "sha512:" + HexDigest(content, EVP_sha512());
  return std::nullopt;
}

}  // namespace

std::string LayoutBlobs::PathOf(std::string_view digest_text) const {
  const std::size_t colon = digest_text.find(':');
  std::string path = directory_ + "/blobs/";
  return path.append(digest_text.substr(0, colon))
      .append("/")
      .append(digest_text.substr(colon + 1));
}

std::optional<BlobContent> LayoutBlobs::Read(const Descriptor& descriptor,
                                             std::size_t max_bytes) const {
  const std::string path = PathOf(descriptor);
  std::optional<std::string> content = ReadPlainFile(path, descriptor.size, max_bytes);
  if (!content) return std::nullopt;
  const std::optional<std::string> digest = DigestOf(*content, descriptor);
  if (digest && *digest != descriptor.digest_text) {
    throw InputError(path, "",
                     "expected content of digest " + descriptor.digest_text + ", found " + *digest);
  }
  return BlobContent{.content = std::move(*content), .verified = digest.has_value()};
}

std::optional<std::string> ReadPlainFile(const std::string& path, Bytes expected_size,
                                         std::size_t max_bytes) {
  // O_NONBLOCK: opening a pipe must not wait for a writer.
  const OpenedFile file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG) return std::nullopt;
    if (errno == ELOOP) throw InputError(path, "", "expected a plain file, found a symbolic link");
    ThrowSystemError(path);
  }
  struct stat status {};
  if (fstat(file.get(), &status) != 0) ThrowSystemError(path);
  if (!S_ISREG(status.st_mode)) {
    throw InputError(path, "",
                     std::string("expected a plain file, found ") +
                         (S_ISDIR(status.st_mode) ? "a directory" : "something else"));
  }
  if (expected_size != kUnknownSize && status.st_size != expected_size) {
    throw InputError(path, "",
                     "expected " + std::to_string(expected_size) +
                         " bytes, as its descriptor says, found " + std::to_string(status.st_size));
  }
  if (static_cast<std::size_t>(status.st_size) > max_bytes) {
    throw InputError(path, "",
                     "expected at most " + std::to_string(max_bytes) + " bytes of JSON, found " +
                         std::to_string(status.st_size));
  }
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < content.size()) {
    const ssize_t count = read(file.get(), content.data() + filled, content.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) ThrowSystemError(path);
    if (count == 0) throw InputError(path, "", "file became shorter while it was read");
    filled += static_cast<std::size_t>(count);
  }
  return content;
}

}  // namespace gneiss
