#include "io/cli/options/scope_option.h"

#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/cli/options/word_choice.h"
#include "planner/fleet/image_groups.h"

namespace gneiss {
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
