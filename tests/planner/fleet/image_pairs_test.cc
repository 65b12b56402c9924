#include "planner/fleet/image_pairs.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

using Lines = std::vector<std::string>;

// Fingerprints by the name of a manifest: "A1" and "A2" have that of "A".
std::vector<Digest> Fingerprints(const std::vector<TinyImage>& images, const Fleet& fleet) {
  std::vector<Digest> prints(fleet.images.size());
  for (const TinyImage& image : images) {
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      if (fleet.images[i].identity == NamedDigest("manifest " + image.manifest)) {
        prints[i] = Sha256(image.manifest.substr(0, 1));
      }
    }
  }
  return prints;
}

struct Side {
  std::vector<TinyImage> images;
  std::vector<std::string> repositories = {};
};

// "LEFT=RIGHT refs" with the manifests' names, then "-LEFT refs", "+RIGHT refs", "base RIGHT".
Lines Pair(const Side& left, const Side& right, PairBy by = PairBy::kRef) {
  const Fleet a = left.images.empty() ? Fleet{} : MakeTinyFleet(left.images);
  const Fleet b = right.images.empty() ? Fleet{} : MakeTinyFleet(right.images);
  const auto name = [](const Fleet& fleet, ImageIndex i, const Side& side) {
    for (const TinyImage& image : side.images) {
      if (fleet.images[i].identity == NamedDigest("manifest " + image.manifest)) {
        return image.manifest;
      }
    }
    return std::string("?");
  };
  const auto with_refs = [](std::string text, const std::vector<std::string>& refs) {
    for (const std::string& ref : refs) text += " " + ref;
    return text;
  };
  const std::vector<Digest> left_prints = Fingerprints(left.images, a);
  const std::vector<Digest> right_prints = Fingerprints(right.images, b);
  const ImagePairs pairs =
      PairImages({a, left_prints, left.repositories}, {b, right_prints, right.repositories}, by);
  Lines lines;
  for (const ImagePair& pair : pairs.pairs) {
    lines.push_back(
        with_refs(name(a, pair.left, left) + "=" + name(b, pair.right, right), pair.refs));
  }
  for (const UnpairedImage& image : pairs.only_left) {
    lines.push_back(with_refs("-" + name(a, image.image, left), image.refs));
  }
  for (const UnpairedImage& image : pairs.only_right) {
    lines.push_back(with_refs("+" + name(b, image.image, right), image.refs));
  }
  for (const ImageIndex image : pairs.new_bases) lines.push_back("base " + name(b, image, right));
  return lines;
}

TinyImage Named(const std::string& ref, const std::string& manifest,
                const std::string& platform = "linux/amd64") {
  return {.ref = ref, .layers = {"l:1"}, .platform = platform, .manifest = manifest};
}

TEST_CASE("Images pair by ref and platform", "[planner][image_pairs]") {
  CHECK(Pair({{Named("app:1", "A"), Named("app:1", "B", "linux/arm64"), Named("app:2", "C")}},
             {{Named("app:1", "X", "linux/arm64"), Named("app:1", "Y"), Named("app:3", "Z")}}) ==
        Lines{"A=Y app:1", "B=X app:1", "-C app:2", "+Z app:3"});
}

TEST_CASE("An image with several refs is compared once, unless they part",
          "[planner][image_pairs]") {
  const Side left{{Named("app:1", "A"), Named("app:latest", "A")}};
  CHECK(Pair(left, {{Named("app:1", "X"), Named("app:latest", "X")}}) ==
        Lines{"A=X app:1 app:latest"});
  CHECK(Pair(left, {{Named("app:1", "X"), Named("app:latest", "Y")}}) ==
        Lines{"A=X app:1", "A=Y app:latest"});
  CHECK(Pair(left, {{Named("app:1", "X")}}) == Lines{"A=X app:1", "-A app:latest"});
}

TEST_CASE("Of one ref and platform equal manifests pair, then equal fingerprints, then the rest",
          "[planner][image_pairs]") {
  const Lines three = Pair({{Named("w:1", "A1"), Named("w:1", "B1"), Named("w:1", "C1")}},
                           {{Named("w:1", "C2"), Named("w:1", "B1"), Named("w:1", "A2")}});
  CHECK(std::ranges::is_permutation(three, Lines{"A1=A2 w:1", "B1=B1 w:1", "C1=C2 w:1"}));
  const Lines pairs =
      Pair({{Named("w:1", "A1"), Named("w:1", "B1")}}, {{Named("w:1", "B2"), Named("w:1", "A2")}});
  CHECK(std::ranges::is_permutation(pairs, Lines{"A1=A2 w:1", "B1=B2 w:1"}));
  CHECK(Pair({{Named("w:1", "A1")}}, {{Named("w:1", "B1")}}) == Lines{"A1=B1 w:1"});
}

TEST_CASE("Images without a ref pair by what they are, or when they are alone",
          "[planner][image_pairs]") {
  CHECK(Pair({{Named("", "A1")}}, {{Named("", "B1")}}) == Lines{"A1=B1"});
  const Lines pairs =
      Pair({{Named("", "A1"), Named("", "B1")}}, {{Named("", "B2"), Named("", "A2")}});
  CHECK(std::ranges::is_permutation(pairs, Lines{"A1=A2", "B1=B2"}));
  CHECK(Pair({{Named("", "A1"), Named("", "B1")}}, {{Named("", "A2"), Named("", "C2")}}) ==
        Lines{"A1=A2", "-B1", "+C2"});
}

TEST_CASE("A repository that only names the layout does not part images",
          "[planner][image_pairs]") {
  CHECK(Pair({{Named("before:1", "A"), Named("shop:2", "B")}, {"before"}},
             {{Named("after:1", "X"), Named("shop:2", "Y")}, {"after"}}) ==
        Lines{"A=X before:1", "B=Y shop:2"});
  // A full ref comes first.
  CHECK(Pair({{Named("before:1", "A")}, {"before"}},
             {{Named("before:1", "X"), Named("after:1", "Y")}, {"after"}}) ==
        Lines{"A=X before:1", "+Y after:1"});
  CHECK(Pair({{Named("before:1", "A")}}, {{Named("after:1", "X")}}) ==
        Lines{"-A before:1", "+X after:1"});
}

TEST_CASE("Refs pair in any spelling", "[planner][image_pairs]") {
  const std::vector<std::string> spellings = {"nginx",
                                              "nginx:latest",
                                              "library/nginx",
                                              "docker.io/nginx",
                                              "docker.io/library/nginx:latest",
                                              "index.docker.io/library/nginx",
                                              "index.docker.io/nginx:latest"};
  for (const std::string& left : spellings) {
    for (const std::string& right : spellings) {
      CHECK(Pair({{Named(left, "A")}}, {{Named(right, "B")}}) == Lines{"A=B " + left});
    }
  }
  const std::string digest = "@sha256:" + std::string(64, 'a');
  CHECK(Pair({{Named("nginx:1" + digest, "A")}},
             {{Named("docker.io/library/nginx" + digest, "B")}}) == Lines{"A=B nginx:1" + digest});
  for (const std::string other : {"nginx:1", "team/nginx", "library/team/nginx",
                                  "quay.io/library/nginx", "localhost/nginx"}) {
    CHECK(Pair({{Named("nginx", "A")}}, {{Named(other, "B")}}) == Lines{"-A nginx", "+B " + other});
  }
  // An image that has two spellings is one image.
  CHECK(Pair({{Named("docker.io/library/nginx:latest", "A"), Named("nginx:latest", "A")}},
             {{Named("nginx:latest", "B")}}) == Lines{"A=B docker.io/library/nginx:latest"});
  // Two images that a side tells apart by the spelling are two.
  CHECK(Pair({{Named("docker.io/library/nginx:latest", "A"), Named("nginx:latest", "B")}},
             {{Named("nginx:latest", "C"), Named("docker.io/library/nginx:latest", "D")}}) ==
        Lines{"A=D docker.io/library/nginx:latest", "B=C nginx:latest"});
}

TEST_CASE("Two chosen images pair whatever they are called", "[planner][image_pairs]") {
  CHECK(Pair({{Named("app:1", "A")}}, {{Named("shop:2", "X")}}, PairBy::kPlatform) ==
        Lines{"A=X app:1"});
  CHECK(Pair({{Named("app:1", "A"), Named("app:1", "B", "linux/arm64")}}, {{Named("shop:2", "X")}},
             PairBy::kPlatform) == Lines{"A=X app:1", "-B app:1"});
  CHECK(Pair({{Named("app:1", "A"), Named("app:2", "A")}}, {{Named("shop:2", "X")}},
             PairBy::kPlatform) == Lines{"A=X app:1"});
}

TEST_CASE("A new base is one that images stand on", "[planner][image_pairs]") {
  const std::string base = FormatDigest(NamedDigest("manifest N"));
  const std::string lower = FormatDigest(NamedDigest("manifest M"));
  const auto on = [](const std::string& digest, TinyImage image) {
    image.labels = {{"org.opencontainers.image.base.digest", digest}};
    return image;
  };
  const auto of = [](std::vector<std::string> layers, TinyImage image) {
    image.layers = std::move(layers);
    return image;
  };
  const Side left{{Named("app:1", "A")}};
  const TinyImage app = on(base, of({"m:1", "n:1", "a:1"}, Named("app:1", "X")));
  const TinyImage below = of({"m:1"}, Named("base:1", "M"));
  const TinyImage above = on(lower, of({"m:1", "n:1"}, Named("base:2", "N")));
  const Lines found = Pair(left, {{app, below, above}});
  REQUIRE(found.size() == 3);
  CHECK(found[0] == "A=X app:1");
  CHECK(std::ranges::is_permutation(found, Lines{"A=X app:1", "base M", "base N"}));
  // Only said to be one: other layers, or a name for what nobody stands on.
  CHECK(Pair(left, {{app, of({"n:1"}, Named("base:2", "N"))}}) == Lines{"A=X app:1", "+N base:2"});
  CHECK(Pair(left, {{Named("app:1", "X"), above}}) == Lines{"A=X app:1", "+N base:2"});
  // A loop of bases ends.
  CHECK(Pair(left, {{app, on(base, above)}}) == Lines{"A=X app:1", "base N"});
}

TEST_CASE("Empty fleets pair with nothing", "[planner][image_pairs]") {
  CHECK(Pair({}, {}).empty());
  CHECK(Pair({}, {{Named("app:1", "X")}}) == Lines{"+X app:1"});
}

}  // namespace
}  // namespace gneiss
