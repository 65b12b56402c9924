#include "io/cli/options/scope_option.h"

#include <algorithm>
#include <sstream>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/report/fleet/grouping.h"
#include "planner/fleet/image_groups.h"

namespace gneiss {
namespace {

// CLI11 keeps no more of a validator than its name.
constexpr std::string_view kWordsMark = "words: ";

std::string NameFor(const std::vector<std::string>& words) {
  return fmt::format("{}{}", kWordsMark, fmt::join(words, " "));
}

}  // namespace

CLI::Validator OneOf(const std::vector<std::string>& words) {
  const auto check = [words](const std::string& text) {
    if (std::ranges::find(words, text) != words.end()) return std::string();
    return fmt::format("expected {} or {}, found \"{}\"",
                       fmt::join(words.begin(), words.end() - 1, ", "), words.back(), text);
  };
  return CLI::Validator(check, "", NameFor(words));
}

CLI::Validator Offering(const std::vector<std::string>& words) {
  return CLI::Validator([](const std::string&) { return std::string(); }, "", NameFor(words));
}

std::vector<std::string> WordsOf(CLI::Option& option) {
  for (int i = 0;; ++i) {
    const CLI::Validator* validator = nullptr;
    try {
      validator = option.get_validator(i);
    } catch (const CLI::OptionNotFound&) {  // past the last one
      return {};
    }
    const std::string& name = validator->get_name();
    if (!name.starts_with(kWordsMark)) continue;
    std::istringstream stream(name.substr(kWordsMark.size()));
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
  }
}

std::string CheckGrouping(const std::string& text) {
  if (ParseGrouping(text)) return "";
  return fmt::format("expected repository, namespace, platform or label:KEY, found \"{}\"", text);
}

namespace {

std::vector<std::string> ScopeWords() {
  std::vector<std::string> words;
  for (const ScopePreset& preset : ScopePresets()) words.emplace_back(preset.name);
  return words;
}

std::string NameScopes() {
  std::string names;
  for (const ScopePreset& preset : ScopePresets()) {
    if (!names.empty()) names += ", ";
    names += preset.name;
  }
  return names;
}

std::string CheckScope(const std::string& text) {
  if (ParseScope(text)) return "";
  return fmt::format("expected one of {}, found \"{}\"", NameScopes(), text);
}

}  // namespace

void AddScopeOption(CLI::App& app, std::string& scope) {
  app.add_option("--scope", scope,
                 fmt::format("where a blob is stored once (default: {}): {}", scope, NameScopes()))
      ->check(CheckScope)
      ->check(Offering(ScopeWords()))
      ->type_name("SCOPE");
}

}  // namespace gneiss
