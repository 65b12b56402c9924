#include "io/report/plan/apply_screen.h"

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

namespace gneiss {
namespace {

ApplyReport AppliedReport() {
  ApplyReport report;
  report.target = "out";
  report.level = "carve";
  report.codec = "gzip";
  report.compression_level = 6;
  report.images = 3;
  report.rewritten_images = 2;
  report.kept_layers = 1;
  report.new_layer_count = 2;
  report.before = {.storage_bytes = 5'000'000, .distinct_layers = 4, .layer_references = 7};
  report.predicted = {.storage_bytes = 4'000'000, .distinct_layers = 3, .layer_references = 5};
  report.after = {.storage_bytes = 4'040'000, .distinct_layers = 3, .layer_references = 5};
  const auto layer = [](std::string id, Bytes predicted, Bytes size) {
    AppliedLayer made;
    made.id = std::move(id);
    made.predicted = predicted;
    made.size = size;
    return made;
  };
  report.new_layers = {layer("L1", 2'000'000, 1'900'000), layer("L2", 1'000, 2'000)};
  return report;
}

std::string AppliedText(const ApplyReport& report, const std::vector<std::string>& sources) {
  std::ostringstream out;
  PrintApply(report, sources, {}, out);
  return out.str();
}

TEST_CASE("What was carried out is told with what to do next", "[io][report][apply]") {
  ApplyReport report = AppliedReport();
  report.first_ref = "shop:1";
  CHECK(AppliedText(report, {"oci:in"}) ==
        "carve: 3 images, 2 rewritten, 1 left as they are\n"
        "1 layer kept, 2 new (gzip level 6)\n"
        "\n"
        "layers     before  predicted  written     off\n"
        "stored    5.00 MB    4.00 MB  4.04 MB  +1.0 %\n"
        "new ones             2.00 MB  1.90 MB  -4.9 %\n"
        "distinct        4          3        3       =\n"
        "requests        7          5        5       =\n"
        "farthest off of new layers above 1 MB: L1, 1.90 MB of 2.00 MB predicted (-5.0 %)\n"
        "\n"
        "written: oci:out; blobs that stay: 0 linked, 0 copied\n"
        "next:    gneiss verify oci:in oci:out\n"
        "         skopeo copy oci:out:shop:1 docker://REGISTRY/shop:1\n");
}

TEST_CASE("What to do next can be given to a shell", "[io][report][apply]") {
  ApplyReport report = AppliedReport();
  report.target = "my dir";
  report.first_ref = "$(x)\n;y";
  const std::string text = AppliedText(report, {"oci:it's"});
  CHECK(text.find("gneiss verify 'oci:it'\\''s' 'oci:my dir'\n") != std::string::npos);
  CHECK(text.find("skopeo copy 'oci:my dir:$(x)\\n;y' docker://REGISTRY/'$(x)\\n;y'\n") !=
        std::string::npos);
  // Two sources are no side of one comparison.
  CHECK(AppliedText(report, {"oci:a", "oci:b"}).find("gneiss verify oci:") == std::string::npos);
}

TEST_CASE("The layer farthest off is a large one", "[io][report][apply]") {
  ApplyReport report = AppliedReport();
  REQUIRE(report.Worst() != nullptr);
  CHECK(report.Worst()->id == "L1");
  report.new_layers.erase(report.new_layers.begin());
  CHECK(report.Worst() == nullptr);
}

}  // namespace
}  // namespace gneiss
