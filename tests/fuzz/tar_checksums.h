// Of tars that a fuzzer has changed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "tests/make/tar_bytes.h"

namespace gneiss {

// Changes of a header would otherwise end at its checksum.
inline void MendTarChecksums(std::span<char> tar) {
  for (std::size_t at = 0; at + 512 <= tar.size(); at += 512) {
    const std::span<char> header = tar.subspan(at, 512);
    if (std::string_view(header.data() + 257, 5) != "ustar") continue;
    std::fill_n(header.begin() + 148, 8, ' ');
    unsigned sum = 0;
    for (const char byte : header) sum += static_cast<unsigned char>(byte);
    std::ranges::copy(Octal(sum, 6), header.begin() + 148);
    header[154] = '\0';
  }
}

}  // namespace gneiss
