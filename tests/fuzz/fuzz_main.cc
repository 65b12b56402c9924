// libFuzzer's side of the one reader that a fuzzer is linked with.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "tests/fuzz/fuzz_reader.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 8 != 0) {
    gneiss::FuzzReader::All().front()->Mended(std::span<char>(reinterpret_cast<char*>(data), size));
  }
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)gneiss::FuzzReader::All().front()->Takes(
      std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
