// Platforms as the OCI image index names them, "os/arch[/variant]", and the --platform filter.
#pragma once

#include <string>
#include <string_view>

namespace gneiss {

// A filter "OS/ARCH[/VARIANT]". Without a variant it matches every variant. arm64 and arm64/v8 are
// one platform, as containerd and docker treat them. Default constructed it matches everything.
class PlatformFilter {
 public:
  PlatformFilter() = default;
  // Throws InputError when `text` is not of that form.
  explicit PlatformFilter(std::string_view text);

  // `platform` is a Fleet platform; an empty one (not known) matches only the default filter.
  [[nodiscard]] bool Matches(std::string_view platform) const;

  // As given, empty for the default filter.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Whether `text` has the form "os/arch[/variant]": two or three parts of letters, digits, '_', '-',
// '.'.
[[nodiscard]] bool IsPlatform(std::string_view text);

// "os/arch/variant" from its parts; the variant may be empty. Lower case, arm64/v8 kept as given.
// Empty, for not known, when os or architecture is.
[[nodiscard]] std::string FormatPlatform(std::string_view os, std::string_view architecture,
                                         std::string_view variant);

// Whether the os of a platform, or a lone os, is windows.
[[nodiscard]] bool IsWindows(std::string_view platform);

}  // namespace gneiss
