#include "planner/fleet/digest.h"

#include <algorithm>
#include <new>

#include <openssl/evp.h>

namespace gneiss {
namespace {

bool IsHexDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// The 32 bytes that 64 lower-case hexadecimal digits write; nullopt when there is anything else.
// Without branches, so that the compiler takes 16 digits at a time: a tenth of a fleet file's text
// is digests. REQUIRES: text.size() == 64.
std::optional<Digest> DecodeHex(std::string_view text) {
  std::array<std::uint8_t, 64> digits;
  std::uint8_t bad = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const auto c = static_cast<std::uint8_t>(text[i]);
    const auto decimal = static_cast<std::uint8_t>(c - '0');
    const auto letter = static_cast<std::uint8_t>(c - 'a');
    const bool is_decimal = decimal < 10;
    const bool is_letter = letter < 6;
    digits[i] = is_decimal ? decimal : static_cast<std::uint8_t>(letter + 10);
    bad |= static_cast<std::uint8_t>(!(is_decimal | is_letter));
  }
  if (bad != 0) return std::nullopt;
  Digest digest;
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    digest.bytes[i] = static_cast<std::uint8_t>((digits[2 * i] << 4) | digits[2 * i + 1]);
  }
  return digest;
}

bool IsAlgorithmComponent(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
}

// algorithm ::= component (separator component)*; separator ::= [+._-]
bool IsAlgorithm(std::string_view text) {
  while (true) {
    const std::size_t end = text.find_first_of("+._-");
    if (!IsAlgorithmComponent(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

bool IsEncoded(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '=' ||
           c == '_' || c == '-';
  });
}

bool IsLowerHex(std::string_view text, std::size_t length) {
  return text.size() == length && std::ranges::all_of(text, IsHexDigit);
}

}  // namespace

std::optional<ParsedDigest> ParseDigest(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view algorithm = text.substr(0, colon);
  const std::string_view encoded = text.substr(colon + 1);
  if (algorithm == "sha256") {
    if (encoded.size() != 64) return std::nullopt;
    const std::optional<Digest> digest = DecodeHex(encoded);
    if (!digest) return std::nullopt;
    return ParsedDigest{.digest = *digest, .verifiable = true};
  }
  if (algorithm == "sha512" && !IsLowerHex(encoded, 128)) return std::nullopt;
  if (algorithm == "sha384" && !IsLowerHex(encoded, 96)) return std::nullopt;
  if (text.size() > 1024 || !IsAlgorithm(algorithm) || !IsEncoded(encoded)) return std::nullopt;
  return ParsedDigest{.digest = Sha256(text), .verifiable = false};
}

std::string FormatDigest(const Digest& digest) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text = "sha256:";
  text.reserve(text.size() + 64);
  for (const std::uint8_t byte : digest.bytes) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

Digest Sha256(std::string_view data) {
  Digest digest;
  unsigned int length = 0;
  // Fails only when OpenSSL cannot allocate its context.
  if (EVP_Digest(data.data(), data.size(), digest.bytes.data(), &length, EVP_sha256(), nullptr) !=
      1) {
    throw std::bad_alloc();
  }
  return digest;
}

}  // namespace gneiss
