#include "planner/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <new>

namespace gneiss {
namespace {

constexpr std::uint8_t kNoDigit = 0xf0;

// Value of each lower-case hexadecimal digit, kNoDigit for other characters.
constexpr std::array<std::uint8_t, 256> kHexValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::uint8_t i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = i;
  for (std::uint8_t i = 10; i < 16; ++i) values[static_cast<std::size_t>('a' + i - 10)] = i;
  return values;
}();

std::uint8_t HexValue(char c) { return kHexValues[static_cast<unsigned char>(c)]; }

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
  return text.size() == length &&
         std::ranges::all_of(text, [](char c) { return HexValue(c) != kNoDigit; });
}

}  // namespace

std::optional<ParsedDigest> ParseDigest(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view algorithm = text.substr(0, colon);
  const std::string_view encoded = text.substr(colon + 1);
  if (algorithm == "sha256") {
    if (encoded.size() != 64) return std::nullopt;
    ParsedDigest parsed;
    // Without branches inside: a fleet file is a tenth digests.
    std::uint8_t seen = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      const std::uint8_t high = HexValue(encoded[2 * i]);
      const std::uint8_t low = HexValue(encoded[2 * i + 1]);
      seen = static_cast<std::uint8_t>(seen | high | low);
      parsed.digest.bytes[i] = static_cast<std::uint8_t>((high << 4) | (low & 15));
    }
    if (seen >= kNoDigit) return std::nullopt;
    return parsed;
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
