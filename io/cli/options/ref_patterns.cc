#include "io/cli/options/ref_patterns.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/text/screen_text.h"
#include "io/text/shell_quote.h"
#include "io/text/suggestion.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::size_t kMaxCompared = 20'000;  // refs that a typing error is compared with

std::string SuggestPattern(const Fleet& fleet, const std::string& pattern) {
  for (const std::string& longer : {pattern + ":*", "*/" + pattern, "*/" + pattern + ":*"}) {
    const std::vector<std::string> tried = {longer};
    if (SelectRefs(fleet, tried).unmatched.empty()) return longer;
  }
  std::vector<std::string> refs;
  for (const TextIndex ref : fleet.refs) {
    if (refs.size() < kMaxCompared) refs.emplace_back(fleet.text(ref));
  }
  return NearestWord(pattern, refs);
}

}  // namespace

RefSelection SelectNamedRefs(const Fleet& fleet, std::span<const std::string> patterns,
                             std::string_view option) {
  SelectedRefs selected = SelectRefs(fleet, patterns);
  if (selected.unmatched.empty()) return std::move(selected.selection);
  const std::string& pattern = selected.unmatched.front();
  const std::string nearest = SuggestPattern(fleet, pattern);
  const std::string advice =
      !nearest.empty() ? fmt::format("did you mean {}?", ShellQuote(nearest))
      : fleet.refs.empty()
          ? "expected a manifest digest, as `gneiss stat --images` lists them"
          : fmt::format(
                "expected a shell pattern over whole refs, such as {}, or a manifest digest",
                ShellQuote(fleet.text(fleet.refs.front())));
  throw InputError(Printable(fmt::format("{} {} matches no ref or digest of the fleet; {}", option,
                                         ShellQuote(pattern), advice)));
}

}  // namespace gneiss
