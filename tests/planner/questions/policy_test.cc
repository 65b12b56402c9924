#include "planner/questions/policy.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/waste/waste_rules.h"
#include "tests/make/tiny_fleet.h"
#include "tests/make/tiny_inventory.h"

namespace gneiss {
namespace {

PolicyLimit Limit(PolicyRule rule, std::int64_t value, PolicyUnit unit = PolicyUnit::kBytes) {
  return {.rule = rule, .unit = unit, .value = value};
}

Policy PolicyOf(std::vector<PolicyLimit> limits, std::string repositories = {}) {
  Policy policy;
  policy.layers_only = true;
  policy.sections = {{.repositories = std::move(repositories), .limits = std::move(limits)}};
  return policy;
}

// "VERDICT FIGURE: offences (figure)" of the only rule.
std::string JudgeOne(const Fleet& fleet, const Policy& policy,
                     const PolicyEvidence& evidence = {}) {
  const PolicyReport report = JudgePolicy(fleet, policy, evidence);
  REQUIRE(report.results.size() == 1);
  const PolicyResult& result = report.results.front();
  if (result.verdict == PolicyVerdict::kNotJudged) return "not judged: " + result.not_judged;
  std::string text = (result.verdict == PolicyVerdict::kPass ? "pass " : "fail ") +
                     std::to_string(result.figure) + ":";
  for (const PolicyOffence& offence : result.offences) {
    text += " " + offence.name + " (" + std::to_string(offence.figure) + ")";
    if (!offence.detail.empty()) text += " " + offence.detail;
  }
  return text;
}

const std::vector<TinyImage> kPolicyFleet = {
    {.ref = "debian:12", .layers = {"base:100"}},
    {.ref = "team/shop:1", .layers = {"base:100", "shop:40"}},
    {.ref = "team/site:1", .layers = {"base:100", "site:30", "more:20"}}};

TEST_CASE("A figure that equals its limit meets it", "[planner][policy]") {
  const Fleet fleet = MakeTinyFleet(kPolicyFleet);
  using enum PolicyRule;
  CHECK(JudgeOne(fleet, PolicyOf({Limit(kMaxPhysical, 190)})) == "pass 190:");
  CHECK(JudgeOne(fleet, PolicyOf({Limit(kMaxPhysical, 189)})) == "fail 190: the fleet (190)");
  CHECK(JudgeOne(fleet, PolicyOf({Limit(kMaxLogical, 390)})) == "pass 390:");
  CHECK(JudgeOne(fleet, PolicyOf({Limit(kMaxLogical, 389)})) == "fail 390: the fleet (390)");
  // 390 / 190 is 2.0526315...
  const auto ratio = [](std::int64_t value) {
    return PolicyOf({Limit(kMinSharedRatio, value, PolicyUnit::kMillionths)});
  };
  CHECK(JudgeOne(fleet, ratio(2'052'631)) == "pass 2052631:");
  CHECK(JudgeOne(fleet, ratio(2'052'632)) == "fail 2052631: the fleet (2052631)");
}

TEST_CASE("Rules about images name the worst first and spare the exempt", "[planner][policy]") {
  const Fleet fleet = MakeTinyFleet(kPolicyFleet);
  Policy policy = PolicyOf({Limit(PolicyRule::kMaxImageSize, 120)});
  CHECK(JudgeOne(fleet, policy) ==
        "fail 150: team/site:1 linux/amd64 (150) team/shop:1 linux/amd64 (140)");
  policy.exempt = {"team/site:*"};
  CHECK(JudgeOne(fleet, policy) == "fail 140: team/shop:1 linux/amd64 (140)");
  policy.sections.front().limits = {Limit(PolicyRule::kMaxLayers, 2, PolicyUnit::kCount)};
  CHECK(JudgeOne(fleet, policy) == "pass 2:");
}

TEST_CASE("Each repository of a pattern has the budget alone", "[planner][policy]") {
  const Fleet fleet = MakeTinyFleet(kPolicyFleet);
  CHECK(JudgeOne(fleet, PolicyOf({Limit(PolicyRule::kMaxPhysical, 145)}, "team/*")) ==
        "fail 150: team/site (150)");
  CHECK(JudgeOne(fleet, PolicyOf({Limit(PolicyRule::kMaxPhysical, 145)}, "taem/*")) ==
        "not judged: no repository of the fleet matches; mend the pattern or leave it out");
}

TEST_CASE("Growth is judged against a baseline only", "[planner][policy]") {
  const Fleet fleet = MakeTinyFleet(kPolicyFleet);
  const Fleet before = MakeTinyFleet({kPolicyFleet[0], kPolicyFleet[1]});
  const Policy bytes = PolicyOf({Limit(PolicyRule::kMaxGrowth, 49)});
  CHECK(JudgeOne(fleet, bytes) == "not judged: no fleet to compare with; give --baseline SOURCE");
  CHECK(JudgeOne(fleet, bytes, {.baseline = &before}) == "fail 50: the fleet (50)");
  // 50 / 140, rounded up.
  const auto share = [](std::int64_t value, std::string repositories = {}) {
    return PolicyOf({Limit(PolicyRule::kMaxGrowth, value, PolicyUnit::kMillionths)},
                    std::move(repositories));
  };
  CHECK(JudgeOne(fleet, share(357'143), {.baseline = &before}) == "pass 357143:");
  CHECK(JudgeOne(fleet, share(357'142), {.baseline = &before}) ==
        "fail 357143: the fleet (357143)");
  CHECK(JudgeOne(fleet, share(1, "team/site"), {.baseline = &before}) ==
        "not judged: team/site held nothing in the baseline, so its growth is no share of that; "
        "give the limit as a size");
}

TEST_CASE("An image stands on an allowed base by its layers or by its label", "[planner][policy]") {
  std::vector<TinyImage> images = kPolicyFleet;
  images.push_back({.ref = "own:1", .layers = {"own:5"}});
  images.push_back(
      {.ref = "said:1",
       .layers = {"said:5"},
       .labels = {{"org.opencontainers.image.base.name", "docker.io/library/debian:12"}}});
  images.push_back({.ref = "empty:1", .layers = {}});
  const Fleet fleet = MakeTinyFleet(images);
  Policy policy = PolicyOf(
      {{.rule = PolicyRule::kAllowedBases, .unit = PolicyUnit::kCount, .patterns = {"debian:*"}}});
  CHECK(JudgeOne(fleet, policy) == "fail 2: empty:1 linux/amd64 (0) own:1 linux/amd64 (0)");
  // A base without layers is the beginning of every chain, and proves nothing.
  policy.sections[0].limits[0].patterns = {"debian:*", "empty:1"};
  CHECK(JudgeOne(fleet, policy) == "fail 2: empty:1 linux/amd64 (0) own:1 linux/amd64 (0)");
  policy.sections[0].limits[0].patterns = {
      FormatDigest(fleet.images[IndexOf(fleet, "debian:12")].identity), "own:1"};
  CHECK(JudgeOne(fleet, policy) ==
        "fail 2: empty:1 linux/amd64 (0) said:1 linux/amd64 (0) says that its base is "
        "docker.io/library/debian:12");
}

TEST_CASE("Secrets are found, allowed by path, and never missed silently", "[planner][policy]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"x:10", "y:10"}}});
  LayerContents contents(fleet.layers.size());
  const auto add = [&](LayerIndex l, const std::vector<TinyEntry>& entries, const char* name) {
    contents.Add(l, MakeTinyInventory(entries, name));
  };
  Policy policy = PolicyOf({{.rule = PolicyRule::kNoSecrets, .unit = PolicyUnit::kCount}});
  CHECK(NeedsContents(policy));
  CHECK(JudgeOne(fleet, policy) ==
        "not judged: contents known of 0 of 2 layers; run `gneiss scan` on the same sources");
  add(0, {tiny::File("root/.npmrc", "token"), tiny::File("app/main", "x")}, "x");
  const std::string found = "fail 1: root/.npmrc (0) credentials in " +
                            FormatDigest(NamedDigest("x")).substr(0, 19) + " of a:1 linux/amd64";
  CHECK(JudgeOne(fleet, policy, {.contents = &contents}) == found);
  policy.allowed_secrets = {"root/.npm*"};
  CHECK(JudgeOne(fleet, policy, {.contents = &contents}) ==
        "not judged: contents known of 1 of 2 layers; run `gneiss scan` on the same sources");
  // Deleted by the next layer, it is in the image all the same.
  add(1, {tiny::Whiteout("root/.npmrc")}, "y");
  CHECK(JudgeOne(fleet, policy, {.contents = &contents}) == "pass 0:");
  policy.allowed_secrets.clear();
  CHECK(JudgeOne(fleet, policy, {.contents = &contents}) == found);
  policy.exempt = {"a:*"};
  CHECK(JudgeOne(fleet, policy, {.contents = &contents}) ==
        "not judged: no image is judged: all of them are exempt");
}

TEST_CASE("A policy is met when nothing fails and all was judged, unless it says otherwise",
          "[planner][policy]") {
  const Fleet fleet = MakeTinyFleet(kPolicyFleet);
  Policy policy = PolicyOf({Limit(PolicyRule::kMaxGrowth, 5)});
  CHECK_FALSE(JudgePolicy(fleet, policy, {}).is_met());
  policy.unjudged_passes = true;
  CHECK(JudgePolicy(fleet, policy, {}).is_met());
  policy.sections[0].limits.push_back(Limit(PolicyRule::kMaxPhysical, 5));
  CHECK_FALSE(JudgePolicy(fleet, policy, {}).is_met());
}

}  // namespace
}  // namespace gneiss
