#include "planner/fleet/fleet.h"

#include <algorithm>

namespace gneiss {
namespace {

// Of "library/NAME"; "library/PART/NAME" is as short as it gets.
std::string_view WithoutLibrary(std::string_view ref) {
  constexpr std::string_view kLibrary = "library/";
  if (!ref.starts_with(kLibrary)) return ref;
  const std::string_view rest = ref.substr(kLibrary.size());
  return rest.find('/') == std::string_view::npos ? rest : ref;
}

}  // namespace

std::vector<Step> Fleet::history(const Image& image) const {
  std::vector<Step> history;
  for (std::uint32_t s = image.last_step; s != kNone; s = steps[s].previous) {
    history.push_back(steps[s]);
  }
  std::ranges::reverse(history);
  return history;
}

std::string_view Fleet::label(const Image& image, std::string_view key) const {
  for (const Label& label : labels_of(image)) {
    if (text(label.key) == key) return text(label.value);
  }
  return {};
}

std::string Fleet::digest_text(const Digest& digest, bool verifiable) const {
  if (!verifiable) {
    const auto found = std::ranges::lower_bound(opaque_digests, digest, {},
                                                &std::pair<Digest, std::string>::first);
    if (found != opaque_digests.end() && found->first == digest) return found->second;
  }
  return FormatDigest(digest);
}

std::string Fleet::name(const Image& image) const {
  if (image.num_refs > 0) return std::string(text(refs_of(image).front()));
  return digest_text(image.identity, false);
}

RefParts SplitRef(std::string_view ref) {
  if (ref.empty())
    return {.host = {}, .repository = "(no ref)", .name_space = "(no ref)", .tag = {}};
  RefParts parts;
  std::string_view rest = ref;
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    const std::string_view first = rest.substr(0, slash);
    if (first.find_first_of(".:") != std::string_view::npos || first == "localhost") {
      parts.host = first;
      rest.remove_prefix(slash + 1);
    }
  }
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    parts.tag = rest.substr(at + 1);
    rest = rest.substr(0, at);
  }
  // A tag has no slash, so a colon before the last slash belongs to a path.
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && rest.find('/', colon) == std::string_view::npos) {
    if (parts.tag.empty()) parts.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
  }
  parts.repository = rest;
  const std::size_t slash = rest.find('/');
  parts.name_space =
      slash == std::string_view::npos ? std::string_view("library") : rest.substr(0, slash);
  return parts;
}

std::string_view ShortRef(std::string_view ref) {
  for (const std::string_view host : {"docker.io/", "index.docker.io/"}) {
    if (!ref.starts_with(host)) continue;
    ref.remove_prefix(host.size());
    return WithoutLibrary(ref);
  }
  return ref;
}

std::string CanonicalRef(std::string_view ref) {
  ref = WithoutLibrary(ShortRef(ref));
  const std::size_t at = ref.find('@');
  const std::string_view name = ref.substr(0, at);
  const std::size_t tag_size = SplitRef(name).tag.size();
  // A digest says it all: docker does not look at a tag before it.
  if (at != std::string_view::npos) {
    return std::string(name.substr(0, name.size() - (tag_size == 0 ? 0 : tag_size + 1)))
        .append(ref.substr(at));
  }
  std::string canonical(ref);
  if (tag_size == 0) canonical += ":latest";
  return canonical;
}

bool NamesRef(std::string_view name, std::string_view ref) {
  ref = ShortRef(ref);
  name = ShortRef(name);
  if (ref == name) return true;
  return SplitRef(name).tag.empty() && ref.size() > name.size() && ref.starts_with(name) &&
         ref.substr(name.size()) == ":latest";
}

}  // namespace gneiss
