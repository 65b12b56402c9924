// What the first bytes of a file say that a path cannot: a program, and whether it needs an
// interpreter (a dynamic linker), without which it runs on an empty root file system; a private
// key. Enough of the formats for that, bounds-checked; bytes come from strangers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gneiss {

enum class ContentHead : std::uint8_t {
  kOther,           // also ELF whose program headers lie beyond the bytes given
  kDynamicProgram,  // ELF
  kStaticProgram,   // ELF without interpreter; also of shared libraries
  kPrivateKey,      // PEM (RFC 7468: PKCS #8 and older forms), OpenSSH, PuTTY
};
inline constexpr std::uint8_t kNumContentHeads = 4;

// Bytes of a file that ClassifyHead wants to see: program headers follow the header closely, and so
// do keys the certificates before them.
inline constexpr std::size_t kContentHeadBytes = 4096;

[[nodiscard]] ContentHead ClassifyHead(std::string_view head);

}  // namespace gneiss
