#include "io/packages/os_release.h"

#include <algorithm>
#include <optional>
#include <string>

#include "io/packages/text_lines.h"

namespace gneiss {
namespace {

// The text that a shell assigns; nullopt when it is no one word.
std::optional<std::string> Unquote(std::string_view value) {
  std::string text;
  char quote = '\0';
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
    } else if (quote != '\0' && c == quote) {
      quote = '\0';
    } else if (c == '\\' && quote != '\'') {
      if (i + 1 == value.size()) return std::nullopt;
      constexpr std::string_view kEscaped = "$\"\\`";
      if (quote == '"' && kEscaped.find(value[i + 1]) == std::string_view::npos) text += c;
      text += value[++i];
    } else {
      text += c;
    }
  }
  if (quote != '\0') return std::nullopt;
  return text;
}

bool IsOsText(std::string_view text) {
  return IsPackageText(text) && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  std::string_view("._-+~").find(c) != std::string_view::npos;
         });
}

}  // namespace

OsRelease ParseOsRelease(std::string_view text) {
  OsRelease os;
  TextLines lines(text);
  while (auto line = lines.Next()) {
    const std::size_t equals = line->find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = line->substr(0, equals);
    std::string* const field = name == "ID"                 ? &os.id
                               : name == "VERSION_ID"       ? &os.version_id
                               : name == "VERSION_CODENAME" ? &os.codename
                                                            : nullptr;
    if (field == nullptr) continue;
    std::string_view value = line->substr(equals + 1);
    value.remove_suffix(value.size() - (value.find_last_not_of(" \t\r") + 1));
    std::optional<std::string> unquoted = Unquote(value);
    if (unquoted && IsOsText(*unquoted)) *field = *std::move(unquoted);
  }
  return os;
}

OsRelease FindOsRelease(const PackageFiles& files) {
  for (const std::string_view path : {kOsRelease, kOsReleaseOfVendor}) {
    if (const std::string* const text = files.Find(path)) return ParseOsRelease(*text);
  }
  return {};
}

}  // namespace gneiss
