// ManifestReader: what an index leads to, nested ones among it. The input is an index, a manifest
// and a config, and so on, with a NUL between them; a descriptor's size says which one it is of.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/source/manifest_reader.h"
#include "planner/fleet/fleet_builder.h"
#include "tests/fuzz/fuzz_reader.h"

namespace gneiss {
namespace {

class FuzzedBlobs : public ManifestBlobs {
 public:
  explicit FuzzedBlobs(std::string_view bytes) {
    for (std::size_t end = 0; end != std::string_view::npos; bytes.remove_prefix(end + 1)) {
      end = bytes.find('\0');
      texts_.emplace_back(bytes.substr(0, end));
      if (end == std::string_view::npos) break;
    }
  }

  std::string PathOf(BlobRole /*role*/, const Descriptor& descriptor) const override {
    return descriptor.digest_text;
  }
  std::optional<std::string> Read(BlobRole /*role*/, const Descriptor& descriptor,
                                  ReadReport& /*report*/) override {
    // A bound on what an index that names itself in many ways costs.
    if (++num_reads_ > kMaxReads) return std::nullopt;
    const auto place = static_cast<std::size_t>(descriptor.size);
    if (place >= texts_.size()) return std::nullopt;
    return texts_[place];
  }
  void LookForLayer(const Descriptor& /*layer*/, ReadReport& report) override {
    ++report.missing_layer_blobs;
  }

 private:
  static constexpr int kMaxReads = 100;

  std::vector<std::string> texts_;
  int num_reads_ = 0;
};

void ReadFuzzedIndex(std::string_view bytes) {
  for (const bool strict : {false, true}) {
    FuzzedBlobs blobs(bytes);
    const ReadOptions options = {.platform = {}, .strict = strict, .on_progress = {}};
    ManifestReader reader(blobs, {.name = "the layout", .root = "index.json"}, options, "app");
    Descriptor root;
    root.digest_text = "sha256:" + std::string(64, '0');
    root.digest = *ParseDigest(root.digest_text);
    root.size = 0;
    const ManifestsRead read = reader.Read(root, "app:1");
    for (const InputError& problem : read.report.problems) ExpectMessage(problem.what());
    FleetBuilder builder;
    ReadReport report;
    (void)RefusalFrom([&] {
      AddImages(read, {}, strict, builder, report);
      (void)builder.Build();
    });
  }
}

const FuzzReader kIndexReader("manifest_reader", ReadFuzzedIndex);

}  // namespace
}  // namespace gneiss
