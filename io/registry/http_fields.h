// Values of the header fields that a registry's answers have: pure functions of untrusted text.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "planner/fleet/bytes.h"

namespace gneiss {

// Retry-After: seconds or an HTTP date, which `unix_now` is taken from; nullopt when it is neither.
// Never negative; a day at most.
[[nodiscard]] std::optional<std::chrono::seconds> ParseRetryAfter(std::string_view value,
                                                                  std::int64_t unix_now);

// Content-Range of a part: "bytes FIRST-LAST/TOTAL".
struct ContentRange {
  Bytes first = 0;
  Bytes last = 0;
  std::optional<Bytes> total;  // nullopt: "*"
};
[[nodiscard]] std::optional<ContentRange> ParseContentRange(std::string_view value);

// The target of rel="next" in a Link field (RFC 8288), as it stands there; nullopt when there is
// none.
[[nodiscard]] std::optional<std::string> ParseNextLink(std::string_view value);

// A challenge of WWW-Authenticate (RFC 9110, 11.6.1). A field may hold several.
struct AuthChallenge {
  std::string scheme;                                           // lower case: "basic", "bearer"
  std::vector<std::pair<std::string, std::string>> parameters;  // names in lower case

  // The first of that name, empty when absent.
  std::string_view Find(std::string_view name) const;
};
// What is damaged ends the list.
[[nodiscard]] std::vector<AuthChallenge> ParseChallenges(std::string_view value);

// A media type without its parameters, in lower case.
[[nodiscard]] std::string ParseMediaType(std::string_view value);

}  // namespace gneiss
