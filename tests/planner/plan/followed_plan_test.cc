#include "planner/plan/followed_plan.h"

#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

using Lengths = std::vector<std::uint32_t>;

struct Moves {
  Fleet fleet;
  TagEvents events;
  std::vector<ImageIndex> image_of;

  // "ref=image", in order; images are called by their own refs.
  Moves(Fleet images, const std::vector<std::string>& moves) : fleet(std::move(images)) {
    for (const std::string& move : moves) {
      const std::size_t equals = move.find('=');
      events.events.push_back({.time = std::ssize(events.events),
                               .manifest = static_cast<std::uint32_t>(image_of.size()),
                               .ref = events.texts.Intern(move.substr(0, equals))});
      image_of.push_back(IndexOf(fleet, move.substr(equals + 1)));
    }
  }

  Lengths Of(const FollowedPlan& plan, const std::string& ref) const {
    const auto lengths = plan.layout.of(IndexOf(fleet, ref));
    return {lengths.begin(), lengths.end()};
  }
};

Fleet SomeImages() {
  return MakeTinyFleet({{.ref = "a:1", .layers = {"1:1", "2:1", "3:1", "4:1"}},
                        {.ref = "a:2", .layers = {"5:1", "6:1", "7:1", "8:1"}},
                        {.ref = "a:3", .layers = {"5:1", "6:1", "7:1", "8:1", "9:1"}},
                        {.ref = "a:4", .layers = {"5:1"}},
                        {.ref = "b:1", .layers = {"x:1", "y:1"}}});
}

TEST_CASE("Images end their segments as the one before them", "[planner][followed_plan]") {
  const Moves moves(SomeImages(), {"a:x=a:1", "a:x=a:2", "a:new=a:3", "a:x=a:4", "b:1=b:1"});
  PlannedSegments planned(moves.fleet.images.size());
  planned[IndexOf(moves.fleet, "a:1")] = {1, 2, 1};
  const FollowedPlan plan = FollowPlan(moves.events, moves.image_of, moves.fleet, planned);
  CHECK(moves.Of(plan, "a:1") == Lengths{1, 2, 1});
  CHECK(moves.Of(plan, "a:2") == Lengths{1, 2, 1});
  CHECK(moves.Of(plan, "a:3") == Lengths{1, 2, 2});  // the last one ends with the image
  CHECK(moves.Of(plan, "a:4") == Lengths{1});
  CHECK(moves.Of(plan, "b:1") == Lengths{1, 1});  // of another repository
  CHECK(plan.num_planned == 1);
  CHECK(plan.num_followed == 3);
  CHECK(plan.num_unchanged == 1);
}

TEST_CASE("A new tag follows the last image of as many layers", "[planner][followed_plan]") {
  const Moves moves(SomeImages(), {"a:p=a:1", "a:q=a:3", "a:r=a:2"});
  PlannedSegments planned(moves.fleet.images.size());
  planned[IndexOf(moves.fleet, "a:1")] = {2, 2};
  planned[IndexOf(moves.fleet, "a:3")] = {5};
  const FollowedPlan plan = FollowPlan(moves.events, moves.image_of, moves.fleet, planned);
  CHECK(moves.Of(plan, "a:2") == Lengths{2, 2});
}

TEST_CASE("What came before the plan, and layers that cannot be rewritten, stay",
          "[planner][followed_plan]") {
  const std::string encrypted = "application/vnd.oci.image.layer.v1.tar+encrypted";
  const Moves moves(
      MakeTinyFleet({{.ref = "a:0", .layers = {"1:1", "2:1"}},
                     {.ref = "a:1", .layers = {"3:1", "4:1"}},
                     {.ref = "a:2", .layers = {"5:1", "6:1"}, .media_type = encrypted}}),
      {"a:x=a:0", "a:x=a:1", "a:x=a:2"});
  PlannedSegments planned(moves.fleet.images.size());
  planned[IndexOf(moves.fleet, "a:1")] = {2};
  const FollowedPlan plan = FollowPlan(moves.events, moves.image_of, moves.fleet, planned);
  CHECK(moves.Of(plan, "a:0") == Lengths{1, 1});
  CHECK(moves.Of(plan, "a:2") == Lengths{1, 1});
  CHECK(plan.num_unchanged == 1);
}

TEST_CASE("Images of Windows follow a plan with all of their layers", "[planner][followed_plan]") {
  const Moves moves(
      MakeTinyFleet({{.ref = "a:0", .layers = {"1:1", "2:1"}, .platform = "windows/amd64"},
                     {.ref = "a:1", .layers = {"1:1", "3:1", "4:1"}, .platform = "windows/amd64"}}),
      {"a:x=a:0", "a:x=a:1"});
  PlannedSegments planned(moves.fleet.images.size());
  planned[IndexOf(moves.fleet, "a:0")] = {1, 1};
  const FollowedPlan plan = FollowPlan(moves.events, moves.image_of, moves.fleet, planned);
  CHECK(moves.Of(plan, "a:1") == Lengths{1, 1, 1});
}

}  // namespace
}  // namespace gneiss
