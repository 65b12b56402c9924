// A policy: what a fleet, and each of its repositories, may be. Rules are judged one by one; a rule
// that cannot be judged, because what it needs is not known, says so and never passes silently.
//
// Leaves out: how policies are written (io/tables/policy_file.h).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "planner/contents/layer_contents.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"
#include "planner/waste/waste.h"

namespace gneiss {

enum class PolicyRule : std::uint8_t {
  kMaxPhysical,     // distinct bytes; of a repository what it would hold alone
  kMaxLogical,      // sum over images
  kMaxGrowth,       // of the former since the baseline, in bytes or of what it was
  kMaxImageSize,    // of each image
  kMaxLayers,       // of each image
  kMaxWastedBytes,  // bytes that no image sees or needs (waste.h)
  kMaxWastedShare,  // of the bytes of its layers
  kMinSharedRatio,  // logical over physical
  kAllowedBases,    // each image stands on one
  kNoSecrets,       // secrets.h
};
inline constexpr std::size_t kNumPolicyRules = 10;
[[nodiscard]] std::string_view PolicyRuleName(PolicyRule rule);  // "max_physical", as it is written

enum class PolicyUnit : std::uint8_t { kBytes, kCount, kMillionths };

// One rule with its limit: exact, so that what equals the limit meets it.
struct PolicyLimit {
  PolicyRule rule = PolicyRule::kMaxPhysical;
  PolicyUnit unit = PolicyUnit::kBytes;
  std::int64_t value = 0;             // in `unit`; meaningless for kAllowedBases and kNoSecrets
  std::vector<std::string> patterns;  // of kAllowedBases
  std::int64_t line = 0;              // of the policy file
};

struct PolicySection {
  std::string repositories;  // shell pattern (fnmatch; '*' takes '/' too); empty: the whole fleet
  std::vector<PolicyLimit> limits;
};

struct Policy {
  Scope scope = Scope::kGlobal;
  bool layers_only = false;
  bool unjudged_passes = false;
  // Shell patterns over refs: images that rules about single images are not for.
  std::vector<std::string> exempt;
  std::vector<std::string> allowed_secrets;  // shell patterns over paths
  std::vector<PolicySection> sections;       // the whole fleet first
};

enum class PolicyVerdict : std::uint8_t { kPass, kFail, kNotJudged };

// What breaks a rule.
struct PolicyOffence {
  std::string name;         // of an image or a repository, or a path
  std::int64_t figure = 0;  // in the unit of the limit; 0 where a rule has no figure
  std::string detail;       // in words; may be empty
};

struct PolicyResult {
  std::string repositories;  // pattern of the section; empty: the whole fleet
  PolicyLimit limit;
  PolicyVerdict verdict = PolicyVerdict::kPass;
  std::int64_t figure = 0;       // the worst, in the unit of the limit; of rules without: offences
  std::string not_judged;        // why, and what to do
  std::int64_t num_checked = 0;  // images or repositories
  std::vector<PolicyOffence> offences;  // worst first, then by name
};

struct PolicyReport {
  std::vector<PolicyResult> results;  // in the order of the policy
  bool unjudged_passes = false;
  std::int64_t count(PolicyVerdict verdict) const;
  bool is_met() const;
};

// What rules may need beside the fleet; null: not known. All must outlive the call.
struct PolicyEvidence {
  const Fleet* baseline = nullptr;
  const LayerContents* contents = nullptr;
  const WasteReport* waste = nullptr;
};

// Whether judging needs the contents of layers.
[[nodiscard]] bool NeedsContents(const Policy& policy);

// What is partly known still fails a rule that the known part breaks.
//
// An image stands on an allowed base when its chain begins with all layers of an image of the fleet
// that a pattern names by ref or manifest digest, or its label org.opencontainers.image.base.name
// or .digest matches one. The label is what the builder says, and is believed.
//
// Throws InputError when a sum leaves int64. Time O(references) for each section, and
// O(images * bases) for kAllowedBases. REQUIRES: evidence is of `fleet`.
[[nodiscard]] PolicyReport JudgePolicy(const Fleet& fleet, const Policy& policy,
                                       const PolicyEvidence& evidence);

}  // namespace gneiss
