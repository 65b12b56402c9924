#include "planner/fleet/image_groups.h"

#include <string>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

using Names = std::vector<std::string>;

// Names of the groups of the image with this ref.
Names GroupsOf(const Fleet& fleet, const ImageGroups& groups, const std::string& ref) {
  Names names;
  for (const GroupIndex g : groups.of(IndexOf(fleet, ref))) names.push_back(groups.names[g]);
  return names;
}

TEST_CASE("A ref is split into host, repository, namespace and tag", "[planner][image_groups]") {
  using Case = std::tuple<std::string, std::string, std::string, std::string, std::string>;
  const Case cases[] = {
      {"debian:9", "", "debian", "library", "9"},
      {"debian", "", "debian", "library", ""},
      {"team/app:1.0", "", "team/app", "team", "1.0"},
      {"team/sub/app", "", "team/sub/app", "team", ""},
      {"registry.example:5000/team/app:1", "registry.example:5000", "team/app", "team", "1"},
      {"registry.example/app", "registry.example", "app", "library", ""},
      {"host:5000/app", "host:5000", "app", "library", ""},
      {"localhost/app:1", "localhost", "app", "library", "1"},
      {"team/app@sha256:ab", "", "team/app", "team", "sha256:ab"},
      {"team/app:1@sha256:ab", "", "team/app", "team", "sha256:ab"},
      {"a:b/c", "a:b", "c", "library", ""},
      {"", "", "(no ref)", "(no ref)", ""}};
  for (const auto& [ref, host, repository, name_space, tag] : cases) {
    CAPTURE(ref);
    const RefParts parts = SplitRef(ref);
    CHECK(parts.host == host);
    CHECK(parts.repository == repository);
    CHECK(parts.name_space == name_space);
    CHECK(parts.tag == tag);
  }
}

TEST_CASE("Images are grouped by repository and namespace with their host",
          "[planner][image_groups]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "r.example/team/app:1", .layers = {"x:1"}},
                                     {.ref = "team/app:1", .layers = {"y:1"}},
                                     {.ref = "app:1", .layers = {"z:1"}}});
  const ImageGroups repositories = GroupImages(fleet, GroupBy::kRepository);
  CHECK(repositories.names == Names{"app", "r.example/team/app", "team/app"});
  const ImageGroups namespaces = GroupImages(fleet, GroupBy::kNamespace);
  CHECK(namespaces.names == Names{"library", "r.example/team", "team"});
  CHECK(GroupsOf(fleet, namespaces, "app:1") == Names{"library"});
  CHECK(GroupImages(fleet, GroupBy::kFleet).names == Names{"fleet"});
}

TEST_CASE("An image with refs in two repositories is in both, once", "[planner][image_groups]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "b:1", .layers = {"x:1"}, .manifest = "m"},
                                     {.ref = "a:1", .layers = {"x:1"}, .manifest = "m"},
                                     {.ref = "a:2", .layers = {"x:1"}, .manifest = "m"}});
  const ImageGroups groups = GroupImages(fleet, GroupBy::kRepository);
  CHECK(GroupsOf(fleet, groups, "a:1") == Names{"a", "b"});
}

TEST_CASE("Images without a ref, a platform or a label have a group of their own",
          "[planner][image_groups]") {
  const Fleet fleet =
      MakeTinyFleet({{.ref = "", .layers = {"x:1"}, .platform = ""},
                     {.ref = "a:1", .layers = {"y:1"}, .labels = {{"team", "red"}}}});
  CHECK(GroupImages(fleet, GroupBy::kRepository).names == Names{"(no ref)", "a"});
  CHECK(GroupImages(fleet, GroupBy::kPlatform).names == Names{"(unknown)", "linux/amd64"});
  CHECK(GroupImagesByLabel(fleet, "team").names == Names{"(none)", "red"});
}

TEST_CASE("Every preset of --scope names a scope and a reason", "[planner][image_groups]") {
  for (const ScopePreset& preset : ScopePresets()) {
    CAPTURE(std::string(preset.name));
    CHECK(ParseScope(preset.name) == preset.scope);
    CHECK_FALSE(preset.why.empty());
    CHECK(ParseScope(ScopeName(preset.scope)) == preset.scope);
  }
  CHECK(ParseScope("ecr") == Scope::kRepository);
  CHECK(ParseScope("harbor") == Scope::kNamespace);
  CHECK_FALSE(ParseScope("").has_value());
  CHECK_FALSE(ParseScope("Global").has_value());
}

TEST_CASE("Cells follow the scope", "[planner][image_groups]") {
  const Fleet fleet =
      MakeTinyFleet({{.ref = "one/a:1", .layers = {"x:1"}}, {.ref = "one/b:1", .layers = {"y:1"}}});
  CHECK(ScopeCells(fleet, Scope::kGlobal).size() == 1);
  CHECK(ScopeCells(fleet, Scope::kNamespace).names == Names{"one"});
  CHECK(ScopeCells(fleet, Scope::kRepository).names == Names{"one/a", "one/b"});
}

TEST_CASE("A cell of an image belongs to the groups of the refs in it", "[planner][image_groups]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "one/a:1", .layers = {"x:1"}, .manifest = "m"},
                                     {.ref = "one/b:1", .layers = {"x:1"}, .manifest = "m"},
                                     {.ref = "two/c:1", .layers = {"x:1"}, .manifest = "m"}});
  const ImageGroups namespaces = ScopeCells(fleet, Scope::kNamespace);
  const ImageGroups repositories = GroupImages(fleet, GroupBy::kRepository);
  const Placements placements = PlaceImages(fleet, namespaces, repositories);
  const auto one = placements.of(0, 0);
  REQUIRE(one.size() == 2);
  CHECK(repositories.names[one[0].group] == "one/a");
  CHECK(repositories.names[one[1].group] == "one/b");
  const auto two = placements.of(0, 1);
  REQUIRE(two.size() == 1);
  CHECK(repositories.names[two[0].group] == "two/c");
  // The other way round: each repository's cell belongs to its namespace.
  const Placements wider = PlaceImages(fleet, repositories, namespaces);
  REQUIRE(wider.of(0).size() == 3);
  CHECK(namespaces.names[wider.of(0, 2)[0].group] == "two");
  // A platform has all cells.
  const Placements all = PlaceImages(fleet, repositories, GroupImages(fleet, GroupBy::kPlatform));
  CHECK(all.of(0).size() == 3);
}

}  // namespace
}  // namespace gneiss
