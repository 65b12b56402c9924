// Lineages: which bases of a fleet are versions of one another, how we know, and who stands on them
// (design.md 5.2). A version is a chain prefix, so a node of the layer trie. What moves between
// versions save, and which versions to keep, is for rebase.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "planner/fleet/fleet.h"
#include "planner/fleet/layer_trie.h"
#include "planner/fleet/tag_history.h"

namespace gneiss {

// How we know that chains are versions of one base; most trusted first.
enum class LineageSign {
  kTwin,              // equal diff_ids, other digests: the same files, compressed again
  kMapping,           // the user says so
  kBaseName,          // org.opencontainers.image.base.name of the images that move
  kTagHistory,        // one tag named both manifests
  kOsRelease,         // one release of one distribution, otherwise of unknown kin: a real risk
  kFirstInstruction,  // equal first instruction, sizes within 10 %: a weak sign, never planned with
};

[[nodiscard]] constexpr bool IsWeak(LineageSign sign) {
  return sign == LineageSign::kFirstInstruction;
}

// A line of a user's mapping file: images with a ref that the shell pattern (fnmatch) matches are
// versions of the lineage `name`.
struct LineageRule {
  std::string pattern;
  std::string name;

  friend bool operator==(const LineageRule&, const LineageRule&) = default;
};

struct BaseVersion {
  NodeIndex node = 0;
  // Position in time: a higher one is newer, equal ones are of one time as far as is known.
  // Versions of unknown time are older than all others; of twins, the one with more images on it is
  // newer.
  std::uint32_t age_rank = 0;
  // The base group: images that stand on this version and on no longer one of the lineage, and that
  // the sign speaks of. Sorted. An image that is a version itself is in no group, but for twins.
  std::vector<ImageIndex> images;
};

struct Lineage {
  LineageSign sign = LineageSign::kTwin;
  std::string name;                   // base name, tag, release, or instruction
  std::vector<BaseVersion> versions;  // two or more, in order of age, then node

  // No two lineages of one sign have one name and this.
  NodeIndex first_node() const { return std::ranges::min(versions, {}, &BaseVersion::node).node; }
};

struct LineageOptions {
  std::vector<LineageRule> rules;
  // What images were called before, beside what they are called now. Must outlive the search.
  std::span<const PastRef> past_refs;
  // Per layer of the fleet "ID VERSION_ID" of the os-release it holds, empty where it holds none or
  // is not known. Empty: not known of any.
  std::span<const std::string> os_release;
};

// All lineages with a group in them that could move somewhere, by sign, then in an order that only
// the fleet's content decides. Versions of one lineage are for one platform. Throws InputError for
// a rule that matches no ref. REQUIRES: `trie` is of all images; os_release is empty or has one
// text a layer. Time O(images * depth) a sign, besides sorting.
[[nodiscard]] std::vector<Lineage> FindLineages(const Fleet& fleet, const LayerTrie& trie,
                                                const LineageOptions& options = {});

// What to call a version: the first ref that is exactly it, else the digest of its last layer.
[[nodiscard]] std::string NameOfNode(const Fleet& fleet, const LayerTrie& trie, NodeIndex v);

// The layers from the first one to v.
[[nodiscard]] std::vector<LayerIndex> PrefixOf(const LayerTrie& trie, NodeIndex v);

}  // namespace gneiss
