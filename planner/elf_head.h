// Whether the first bytes of a file are those of an ELF program, and whether it needs an
// interpreter (a dynamic linker): without one it runs on an empty root file system. Enough of the
// ELF format for that, bounds-checked; bytes come from strangers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gneiss {

enum class ElfKind : std::uint8_t {
  kNotElf,  // or its program headers lie beyond the bytes given
  kDynamic,
  kStatic,  // no interpreter; also of shared libraries
};
inline constexpr std::uint8_t kNumElfKinds = 3;

// Bytes of a file that ClassifyElf wants to see: program headers follow the header closely.
inline constexpr std::size_t kElfHeadBytes = 4096;

[[nodiscard]] ElfKind ClassifyElf(std::string_view head);

}  // namespace gneiss
