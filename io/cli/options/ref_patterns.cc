#include "io/cli/options/ref_patterns.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/text/screen_text.h"
#include "io/text/shell_quote.h"
#include "io/text/suggestion.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::size_t kMinDigits = 6;
constexpr std::size_t kMaxSuggestions = 20'000;  // refs that a typing error is compared with

// "sha256:" and the digits that a name gives, in lower case; empty when it gives none.
std::string DigestPrefix(std::string_view name) {
  constexpr std::string_view kSha256 = "sha256:";
  // "REPOSITORY@sha256:...": the digest says it all.
  name.remove_prefix(name.find('@') == std::string_view::npos ? 0 : name.find('@') + 1);
  if (name.starts_with(kSha256)) name.remove_prefix(kSha256.size());
  std::string prefix(kSha256);
  for (const char c : name) {
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    if ((lower < '0' || lower > '9') && (lower < 'a' || lower > 'f')) return "";
    prefix += lower;
  }
  return prefix.size() < kSha256.size() + kMinDigits ? "" : prefix;
}

// Platforms tell the images of one ref apart, digests those of one prefix.
std::string DescribeSeveral(const Fleet& fleet, const std::vector<ImageIndex>& found) {
  std::string text;
  for (const ImageIndex i : found) {
    if (!text.empty()) text += ", ";
    const std::string_view platform = fleet.text(fleet.images[i].platform);
    text += platform.empty() ? fleet.digest_text(fleet.images[i].identity, false)
                             : std::string(platform);
    if (text.size() > 200) return text + ", ...";
  }
  return text;
}

}  // namespace

std::vector<ImageIndex> FindImages(const Fleet& fleet, std::string_view name) {
  const std::string prefix = DigestPrefix(name);
  std::vector<ImageIndex> by_ref;
  std::vector<ImageIndex> by_digest;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    const auto refs = fleet.refs_of(image);
    if (std::ranges::any_of(refs, [&](TextIndex r) { return NamesRef(name, fleet.text(r)); })) {
      by_ref.push_back(i);
    }
    if (prefix.empty()) continue;
    if (fleet.digest_text(image.identity, false).starts_with(prefix) ||
        (image.has_config && FormatDigest(image.config_digest).starts_with(prefix))) {
      by_digest.push_back(i);
    }
  }
  if (!by_ref.empty()) return by_ref;
  if (!by_digest.empty()) return by_digest;
  std::vector<std::string> refs;
  for (const TextIndex r : fleet.refs) {
    if (refs.size() < kMaxSuggestions) refs.emplace_back(fleet.text(r));
  }
  const std::string nearest = NearestWord(name, refs);
  throw InputError(fmt::format(
      "no image \"{}\" in the fleet; {}", Printable(name),
      !nearest.empty() ? fmt::format("did you mean \"{}\"?", Printable(nearest))
      : refs.empty()   ? "expected a manifest digest, as `gneiss stat --images` lists them"
                       : fmt::format("expected a ref such as \"{}\", or six digits or more of a "
                                       "digest",
                                     Printable(refs.front()))));
}

ImageIndex FindImage(const Fleet& fleet, std::string_view name) {
  const std::vector<ImageIndex> found = FindImages(fleet, name);
  if (found.size() == 1) return found.front();
  throw InputError(fmt::format("\"{}\" names {} images: {}; choose with --platform or a digest",
                               Printable(name), found.size(),
                               Printable(DescribeSeveral(fleet, found))));
}

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
