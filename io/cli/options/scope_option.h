// --scope, for every command that accounts for storage.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace CLI {
class App;
}

namespace gneiss {

// Options whose argument is one of a few words. The words are said once: for the check, and for the
// shells that complete them.

// For Option::check: another word is refused with "expected A, B or C, found ...".
[[nodiscard]] CLI::Validator OneOf(const std::vector<std::string>& words);

// For Option::check: offers the words to shells and accepts any. For options that judge by
// themselves, or take more than words.
[[nodiscard]] CLI::Validator Offering(const std::vector<std::string>& words);

// What was said with either for `option`; empty when nothing was.
[[nodiscard]] std::vector<std::string> WordsOf(CLI::Option& option);

// The argument of --by, for every command that sorts images into groups.

// For CLI11: empty when ParseGrouping takes `text`, else what is wrong with it.
[[nodiscard]] std::string CheckGrouping(const std::string& text);

// A wrong word is a usage error that lists the right ones. ParseScope(scope) holds a value
// afterwards. `scope` must outlive the parsing; its value before is the default.
void AddScopeOption(CLI::App& app, std::string& scope);

}  // namespace gneiss
