// Fuzzes ScanLayer: whatever the bytes, an inventory that holds its invariants, an InputError, or
// no tar; the same however reads are cut, and the same tar by either library for inflating.
//
//   cmake -B build-fuzz -DGNEISS_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++-14
//   cmake --build build-fuzz --target scan_layer_fuzz
//   mkdir new; build-fuzz/tests/scan_layer_fuzz new tests/fuzz/corpus/scan_layer
//
// What it finds goes to tests/fuzz/corpus/scan_layer, which the usual tests run through.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "io/scan/scan_layer.h"
#include "planner/input_error.h"
#include "planner/inventory.h"
#include "tests/tar_bytes.h"

namespace gneiss {
namespace {

struct Outcome {
  std::string text;    // of an error, or of what the blob is
  std::string shares;  // of the entries; the libraries differ by a few bytes
  bool accepted = false;
  Digest diff_id;
};

Outcome Scan(std::string_view blob, InflateLibrary inflate, std::size_t chunk) {
  ScanOptions options;
  options.inflate = inflate;
  options.limits.max_entries = 1000;
  options.limits.max_tar_bytes = 8 << 20;
  options.limits.max_header_bytes = 64 << 10;
  options.limits.max_zstd_window = 1 << 20;
  options.limits.max_text_bytes = 1 << 20;
  Outcome outcome;
  try {
    const ScannedLayer scanned = ScanBlob(blob, options, chunk);
    outcome.text = scanned.not_a_tar.found;
    if (!scanned.inventory) return outcome;
    outcome.accepted = true;
    outcome.diff_id = scanned.inventory->diff_id;
    outcome.text = FindInventoryFault(*scanned.inventory);
    if (!outcome.text.empty()) {
      std::fprintf(stderr, "fault: %s\n", outcome.text.c_str());
      std::abort();
    }
    for (const Entry& entry : scanned.inventory->entries) {
      outcome.text += scanned.inventory->path(entry);
      outcome.text += '\n';
      outcome.shares += std::to_string(entry.blob_bytes) + " ";
    }
  } catch (const InputError& error) {
    outcome.text = error.what();
  }
  return outcome;
}

void Compare(const Outcome& a, const Outcome& b) {
  if (a.text == b.text && a.accepted == b.accepted && a.diff_id == b.diff_id) return;
  std::fprintf(stderr, "differ:\n%s\n%s\n", a.text.c_str(), b.text.c_str());
  std::abort();
}

}  // namespace
}  // namespace gneiss

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

// Mutations of a header would otherwise end at its checksum.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 8 == 0) return size;
  for (size_t at = 0; at + 512 <= size; at += 512) {
    uint8_t* const header = data + at;
    if (std::memcmp(header + 257, "ustar", 5) != 0) continue;
    std::memset(header + 148, ' ', 8);
    unsigned sum = 0;
    for (size_t i = 0; i < 512; ++i) sum += header[i];
    const std::string text = gneiss::Octal(sum, 6);
    std::memcpy(header + 148, text.data(), text.size());
    header[154] = 0;
  }
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using gneiss::InflateLibrary;
  const std::string_view blob(reinterpret_cast<const char*>(data), size);
  const gneiss::Outcome whole = gneiss::Scan(blob, InflateLibrary::kZlib, 0);
  const gneiss::Outcome fastest = gneiss::Scan(blob, InflateLibrary::kFastest, 0);
  const gneiss::Outcome zlib_in_pieces = gneiss::Scan(blob, InflateLibrary::kZlib, 100);
  const gneiss::Outcome fastest_in_pieces = gneiss::Scan(blob, InflateLibrary::kFastest, 7);
  gneiss::Compare(whole, zlib_in_pieces);
  gneiss::Compare(fastest, fastest_in_pieces);
  if (whole.shares != zlib_in_pieces.shares || fastest.shares != fastest_in_pieces.shares) {
    std::fprintf(stderr, "shares differ\n");
    std::abort();
  }
  // On streams that are no deflate the libraries may disagree how far they can be read.
  if (whole.accepted && fastest.accepted) gneiss::Compare(whole, fastest);
  return 0;
}
