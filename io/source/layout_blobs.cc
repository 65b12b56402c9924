#include "io/source/layout_blobs.h"

#include <array>
#include <new>
#include <span>

#include <openssl/evp.h>

#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {
namespace {

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

std::string LayoutBlobs::NameOf(std::string_view digest_text) {
  const std::size_t colon = digest_text.find(':');
  std::string name = "blobs/";
  return name.append(digest_text.substr(0, colon))
      .append("/")
      .append(digest_text.substr(colon + 1));
}

std::optional<std::string> LayoutBlobs::DigestIn(std::string_view name) {
  constexpr std::string_view kBlobs = "blobs/";
  if (!name.starts_with(kBlobs)) return std::nullopt;
  std::string text(name.substr(kBlobs.size()));
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  text[slash] = ':';
  if (!ParseDigest(text)) return std::nullopt;
  return text;
}

std::optional<BlobContent> LayoutBlobs::Read(const Descriptor& descriptor,
                                             std::size_t max_bytes) const {
  std::optional<std::string> content =
      ReadFile(*files_, NameOf(descriptor.digest_text), descriptor.size, max_bytes);
  if (!content) return std::nullopt;
  const std::optional<std::string> digest = DigestOf(*content, descriptor);
  if (digest && *digest != descriptor.digest_text) {
    throw InputError(PathOf(descriptor), "",
                     "expected content of digest " + descriptor.digest_text + ", found " + *digest);
  }
  return BlobContent{.content = std::move(*content), .verified = digest.has_value()};
}

}  // namespace gneiss
