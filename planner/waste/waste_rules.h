// What a path alone says about bytes that an image does not need: caches of package managers, build
// tools, version control, keys. Patterns over keys (path_key.h), one table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "planner/contents/inventory.h"
#include "planner/contents/layer_contents.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

enum class WasteKind : std::uint8_t {
  // Never seen in any image of the fleet: what hides it.
  kDeleted,
  kReplaced,
  kMetadataChange,
  kWrittenAgain,
  kTwiceInLayer,
  // Seen, but not needed.
  kPackageCache,
  kBuildTools,
  kVersionControl,
  kLogs,
  kLitter,
  kSecret,
  kArchiveBesideTree,
  kSameContent,
  // The whole layer is there already, under another digest.
  kOtherCompressor,
  kOtherOrder,
  kOtherTimes,
  kOtherAttributes,
};
inline constexpr std::size_t kNumWasteKinds = 17;
[[nodiscard]] std::string_view WasteKindName(WasteKind kind);

using WasteRuleIndex = std::uint16_t;
inline constexpr WasteRuleIndex kNoWasteRule = 0xffff;

struct WasteRule {
  std::string_view name;  // "apt lists"
  WasteKind kind = WasteKind::kPackageCache;
  // A pattern over whole keys: '*' is any run of characters but '/', a leading "**/" any directory
  // or none, a trailing "/**" everything below.
  std::string_view pattern;
  std::string_view remedy;                 // what to write instead, as an imperative
  ContentHead head = ContentHead::kOther;  // only files that start like this; kOther: any
};

// In order of precedence: the first rule that matches a path says what it is.
[[nodiscard]] std::span<const WasteRule> WasteRules();

// Whether `pattern` matches `key`. Time O(pattern * key) at worst.
[[nodiscard]] bool MatchesPattern(std::string_view pattern, std::string_view key);

// Whether a path lies where packages put what they publish: documentation, examples, tests, modules
// of an interpreter. Keys there are for all to see, and so are Dockerfiles.
[[nodiscard]] bool IsPublished(std::string_view key);

// The rule for a file, kNoWasteRule if none. Rules about secrets and build contexts are for paths
// that are not published. Directories match like files.
[[nodiscard]] WasteRuleIndex FindWasteRule(std::string_view key,
                                           ContentHead head = ContentHead::kOther);

// Files that look like secrets, by their paths and first bytes (waste_rules.h): in any layer,
// whether or not a later one deletes them, since whoever can pull the image has them.
//
// Limits: a path says what a file usually is, not what it holds. Keys inside other files (scripts,
// archives, environment variables, configs) are not found; files that packages publish as examples
// and tests are taken for no secrets.

struct FoundSecret {
  EntryRef entry;
  WasteRuleIndex rule = kNoWasteRule;
};

// Of all layers whose contents are known, by layer, then path. REQUIRES: `contents` has the layers
// of `fleet`. Time O(entries).
[[nodiscard]] std::vector<FoundSecret> FindSecrets(const Fleet& fleet,
                                                   const LayerContents& contents);

}  // namespace gneiss
