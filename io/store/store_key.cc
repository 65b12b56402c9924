#include "io/store/store_key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <new>
#include <system_error>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "io/bytes/atomic_file.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::size_t kMinKeyBytes = 32;
constexpr std::size_t kMaxKeyBytes = std::size_t{1} << 16;

// What else the key may come to be used for begins otherwise.
constexpr std::string_view kPurpose = "gneiss inventory, seal 1: ";

std::string_view RawBytes(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

}  // namespace

std::shared_ptr<const StoreKey> StoreKey::ReadFile(const std::string& path) {
  // Secrets are often mounted as symlinks.
  const OpenDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0) {
    throw std::system_error(errno, std::generic_category(), path);
  }
  if (!S_ISREG(status.st_mode)) {
    throw InputError(path, "", "expected a store key in a plain file, found something else");
  }
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    throw InputError(path, "",
                     fmt::format("expected a store key that only its owner may read, found mode "
                                 "{:04o}; chmod 600 it",
                                 status.st_mode & 07777U));
  }
  std::string bytes(kMaxKeyBytes + 1, '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t count = read(file.get(), bytes.data() + size, bytes.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw std::system_error(errno, std::generic_category(), path);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size < kMinKeyBytes || size > kMaxKeyBytes) {
    OPENSSL_cleanse(bytes.data(), bytes.size());
    throw InputError(
        path, "",
        size < kMinKeyBytes
            ? fmt::format("expected a store key of at least {} bytes, found {}; "
                          "`openssl rand -out FILE 32` makes one",
                          kMinKeyBytes, size)
            : fmt::format("expected a store key of at most {} bytes, found more", kMaxKeyBytes));
  }
  bytes.resize(size);
  return std::make_shared<const StoreKey>(std::move(bytes));
}

StoreKey::~StoreKey() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

Digest StoreKey::MacOf(const ParsedDigest& layer, const Digest& content) const {
  std::string text(kPurpose);
  text += layer.verifiable ? 'v' : 'u';
  text += RawBytes(layer.digest);
  text += RawBytes(content);
  Digest mac;
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), bytes_.data(), static_cast<int>(bytes_.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(),
           reinterpret_cast<unsigned char*>(mac.bytes.data()), &size) == nullptr) {
    throw std::bad_alloc();
  }
  return mac;
}

bool StoreKey::IsMacOf(const Digest& mac, const ParsedDigest& layer, const Digest& content) const {
  const Digest right = MacOf(layer, content);
  return CRYPTO_memcmp(mac.bytes.data(), right.bytes.data(), Digest::kBytes) == 0;
}

}  // namespace gneiss
