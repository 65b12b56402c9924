#include "io/cli/find_image.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "io/cli/suggestion.h"
#include "io/report/screen_text.h"
#include "planner/input_error.h"

namespace gneiss {
namespace {

constexpr std::size_t kMinDigits = 6;
constexpr std::size_t kMaxSuggestions = 20'000;  // refs that a typing error is compared with

bool IsHex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
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

ImageIndex FindImage(const Fleet& fleet, std::string_view name) {
  // "REPOSITORY@sha256:...": the digest says it all.
  std::string_view digits =
      name.substr(name.find('@') == std::string_view::npos ? 0 : name.find('@') + 1);
  if (digits.starts_with("sha256:")) digits.remove_prefix(7);
  const bool maybe_digest = digits.size() >= kMinDigits && IsHex(digits);
  std::vector<ImageIndex> by_ref;
  std::vector<ImageIndex> by_digest;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const auto refs = fleet.refs_of(fleet.images[i]);
    if (std::ranges::any_of(refs, [&](TextIndex r) { return NamesRef(name, fleet.text(r)); })) {
      by_ref.push_back(i);
    }
    if (maybe_digest && fleet.digest_text(fleet.images[i].identity, false)
                            .starts_with("sha256:" + std::string(digits))) {
      by_digest.push_back(i);
    }
  }
  const std::vector<ImageIndex>& found = by_ref.empty() ? by_digest : by_ref;
  if (found.size() == 1) return found.front();
  const std::string shown = Printable(name);
  if (found.size() > 1) {
    throw InputError(fmt::format("\"{}\" names {} images: {}; choose with --platform or a digest",
                                 shown, found.size(), Printable(DescribeSeveral(fleet, found))));
  }
  std::vector<std::string> refs;
  for (const TextIndex r : fleet.refs) {
    if (refs.size() < kMaxSuggestions) refs.emplace_back(fleet.text(r));
  }
  const std::string nearest = NearestWord(name, refs);
  throw InputError(fmt::format(
      "no image \"{}\" in the fleet; {}", shown,
      !nearest.empty() ? fmt::format("did you mean \"{}\"?", Printable(nearest))
      : refs.empty()   ? "expected a manifest digest, as `gneiss stat --images` lists them"
                       : fmt::format("expected a ref such as \"{}\", or a manifest digest",
                                     Printable(refs.front()))));
}

}  // namespace gneiss
