#include <algorithm>
#include <cctype>
#include <string>

#include <catch2/catch.hpp>

#include "io/cli/options/ref_patterns.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

TEST_CASE("An image is found by ref, short ref and digest", "[io][cli][find_image]") {
  Fleet fleet = MakeTinyFleet({{.ref = "docker.io/library/debian:12", .layers = {"a:1"}},
                               {.ref = "web/shop:latest", .layers = {"b:1"}},
                               {.ref = "two:1", .layers = {"c:1"}},
                               {.ref = "two:1", .layers = {"d:1"}, .platform = "linux/arm64"}});
  CHECK(FindImage(fleet, "debian:12") == IndexOf(fleet, "docker.io/library/debian:12"));
  CHECK(FindImage(fleet, "web/shop") == IndexOf(fleet, "web/shop:latest"));
  const ImageIndex shop = IndexOf(fleet, "web/shop:latest");
  const std::string digest = FormatDigest(fleet.images[shop].identity);
  CHECK(FindImage(fleet, digest) == shop);
  CHECK(FindImage(fleet, digest.substr(7, 12)) == shop);
  std::string upper = digest.substr(7, 12);
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  CHECK(FindImage(fleet, "web/shop@sha256:" + upper) == shop);
  // By the ID that docker shows, the digest of the config.
  fleet.images[shop].config_digest = NamedDigest("config");
  fleet.images[shop].has_config = true;
  CHECK(FindImage(fleet, FormatDigest(NamedDigest("config")).substr(7, 12)) == shop);
  CHECK_THROWS_WITH(FindImage(fleet, "web/shpo:latest"),
                    "no image \"web/shpo:latest\" in the fleet; did you mean \"web/shop:latest\"?");
  CHECK_THROWS_WITH(FindImage(fleet, "?"),
                    "no image \"?\" in the fleet; expected a ref such as "
                    "\"docker.io/library/debian:12\", or six digits or more of a digest");
  CHECK_THROWS_WITH(
      FindImage(fleet, "two:1"),
      "\"two:1\" names 2 images: linux/amd64, linux/arm64; choose with --platform or a digest");
}

}  // namespace
}  // namespace gneiss
