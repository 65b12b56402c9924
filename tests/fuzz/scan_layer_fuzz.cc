// ScanLayer: whatever the bytes, an inventory that holds its invariants, a refusal, or no tar; the
// same however reads are cut, and the same tar by either library for inflating.
#include <cstddef>
#include <string>
#include <string_view>

#include "io/scan/scan_layer.h"
#include "planner/contents/inventory.h"
#include "planner/fleet/bytes.h"
#include "tests/fuzz/fuzz_reader.h"
#include "tests/fuzz/tar_checksums.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {
namespace {

struct FuzzedScan {
  std::string text;    // of an error, or of what the blob is
  std::string shares;  // of the entries; the libraries differ by a few bytes
  bool accepted = false;
  Digest diff_id;
};

FuzzedScan ScanFuzzed(std::string_view blob, InflateLibrary inflate, std::size_t chunk) {
  ScanOptions options;
  options.inflate = inflate;
  options.limits.max_entries = 1000;
  options.limits.max_tar_bytes = 8 << 20;
  options.limits.max_header_bytes = 64 << 10;
  options.limits.max_zstd_window = 1 << 20;
  options.limits.max_text_bytes = 1 << 20;
  FuzzedScan scan;
  const std::string refusal = RefusalFrom([&] {
    const ScannedLayer scanned = ScanBlob(blob, options, chunk);
    Expect(scanned.inventory.has_value() == scanned.not_a_tar.found.empty(),
           "a tar and none at once: " + scanned.not_a_tar.found);
    scan.text = scanned.not_a_tar.found;
    if (!scanned.inventory) return;
    scan.accepted = true;
    scan.diff_id = scanned.inventory->diff_id;
    const std::string fault = FindInventoryFault(*scanned.inventory);
    Expect(fault.empty(), "fault: " + fault);
    for (const Entry& entry : scanned.inventory->entries) {
      scan.text += scanned.inventory->path(entry);
      scan.text += '\n';
      scan.shares += std::to_string(entry.blob_bytes) + " ";
    }
  });
  if (!refusal.empty()) scan.text = refusal;
  return scan;
}

void ExpectSame(const FuzzedScan& a, const FuzzedScan& b) {
  Expect(a.text == b.text && a.accepted == b.accepted && a.diff_id == b.diff_id,
         "scans differ:\n" + a.text + "\n" + b.text);
}

void ReadFuzzedLayer(std::string_view blob) {
  const FuzzedScan whole = ScanFuzzed(blob, InflateLibrary::kZlib, 0);
  const FuzzedScan fastest = ScanFuzzed(blob, InflateLibrary::kFastest, 0);
  const FuzzedScan zlib_in_pieces = ScanFuzzed(blob, InflateLibrary::kZlib, 100);
  const FuzzedScan fastest_in_pieces = ScanFuzzed(blob, InflateLibrary::kFastest, 7);
  ExpectSame(whole, zlib_in_pieces);
  ExpectSame(fastest, fastest_in_pieces);
  Expect(whole.shares == zlib_in_pieces.shares && fastest.shares == fastest_in_pieces.shares,
         "shares differ");
  // On streams that are no deflate the libraries may disagree how far they can be read.
  if (whole.accepted && fastest.accepted) ExpectSame(whole, fastest);
}

const FuzzReader kLayerReader("scan_layer", ReadFuzzedLayer, MendTarChecksums);

}  // namespace
}  // namespace gneiss
