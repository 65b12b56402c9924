// The words of a synthetic fleet: names of organisations and repositories, tags, and instructions.
// All follow from numbers, so nothing needs to be kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "planner/fleet/bytes.h"

namespace gneiss {

// What a layer was made by; its instruction follows from it.
enum class LayerKind : std::uint8_t {
  kRootfs,  // first layer of a base: ADD of a whole root
  kSmall,   // a configuration file, a link, a user
  kLarge,   // packages, dependencies, an application
  kEmpty,   // the layer that old builders wrote for ENV, CMD and the like
};

// How a repository writes its tags.
enum class TagStyle : std::uint8_t { kSemantic, kPrefixed, kCommit };

// Namespace number `organisation`. Distinct numbers give distinct names, none of them "library".
[[nodiscard]] std::string OrganisationName(std::uint64_t organisation);

// Repository number `ordinal` of an organisation, distinct for distinct ordinals; organisations
// begin with different words. Repositories of bases and of applications are counted apart and never
// share a name.
[[nodiscard]] std::string RepositoryName(std::uint64_t organisation, std::uint64_t ordinal,
                                         bool is_base);

// Ends the tags of variant `variant` (0: nothing, 1: "-slim", ...).
[[nodiscard]] std::string_view VariantSuffix(std::uint32_t variant);
inline constexpr std::uint32_t kNumVariants = 4;

// A hexadecimal number of 8 digits that differs for different `number`.
[[nodiscard]] std::string CommitText(std::uint32_t number);

// Team number `team`.
[[nodiscard]] std::string_view TeamName(std::uint64_t team);

// Replaces `text` by the instruction of a layer. `instruction` stays the same when a step is built
// again, `content` does not; `size` sets what kind of step is plausible.
void WriteInstruction(LayerKind kind, std::uint32_t instruction, std::uint64_t content, Bytes size,
                      std::string& text);

// "YYYY-MM-DDThh:mm:ssZ" for seconds since 1970, 0 <= seconds < 2^32.
[[nodiscard]] std::string TimeText(std::int64_t seconds);

}  // namespace gneiss
