#include "planner/fleet/platform.h"

#include <algorithm>

#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

struct PlatformParts {
  std::string_view os;
  std::string_view architecture;
  std::string_view variant;
};

char LowerCase(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, LowerCase, LowerCase);
}

bool IsComponent(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

// Cuts at the first two slashes; what follows a third stays in `variant`, where no component fits.
PlatformParts Split(std::string_view text) {
  PlatformParts parts;
  const std::size_t first = text.find('/');
  parts.os = text.substr(0, first);
  if (first == std::string_view::npos) return parts;
  text.remove_prefix(first + 1);
  const std::size_t second = text.find('/');
  parts.architecture = text.substr(0, second);
  if (second != std::string_view::npos) parts.variant = text.substr(second + 1);
  return parts;
}

// v8 is what arm64 means without a variant.
std::string_view CanonicalVariant(const PlatformParts& parts) {
  const bool is_default =
      EqualIgnoringCase(parts.architecture, "arm64") && EqualIgnoringCase(parts.variant, "v8");
  return is_default ? std::string_view() : parts.variant;
}

}  // namespace

bool IsPlatform(std::string_view text) {
  const PlatformParts parts = Split(text);
  const bool has_variant = std::ranges::count(text, '/') >= 2;
  return IsComponent(parts.os) && IsComponent(parts.architecture) &&
         (!has_variant || IsComponent(parts.variant));
}

PlatformFilter::PlatformFilter(std::string_view text) : text_(text) {
  if (!IsPlatform(text)) {
    throw InputError("platform filter: expected OS/ARCH[/VARIANT] such as linux/arm64, found \"" +
                     text_ + "\"");
  }
}

bool PlatformFilter::Matches(std::string_view platform) const {
  if (text_.empty()) return true;
  const PlatformParts wanted = Split(text_);
  const PlatformParts found = Split(platform);
  return EqualIgnoringCase(wanted.os, found.os) &&
         EqualIgnoringCase(wanted.architecture, found.architecture) &&
         (wanted.variant.empty() ||
          EqualIgnoringCase(CanonicalVariant(wanted), CanonicalVariant(found)));
}

bool IsWindows(std::string_view platform) {
  return EqualIgnoringCase(Split(platform).os, "windows");
}

std::string FormatPlatform(std::string_view os, std::string_view architecture,
                           std::string_view variant) {
  if (os.empty() || architecture.empty()) return {};
  std::string platform;
  platform.reserve(os.size() + architecture.size() + variant.size() + 2);
  platform.append(os).append("/").append(architecture);
  if (!variant.empty()) platform.append("/").append(variant);
  std::ranges::transform(platform, platform.begin(), LowerCase);
  return platform;
}

}  // namespace gneiss
