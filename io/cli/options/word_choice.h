// Options whose argument is one of a few words. The words are said once: for the check, and for the
// shells that complete them.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace gneiss {

// For Option::check: another word is refused with "expected A, B or C, found ...".
[[nodiscard]] CLI::Validator OneOf(const std::vector<std::string>& words);

// For Option::check: offers the words to shells and accepts any. For options that judge by
// themselves, or take more than words.
[[nodiscard]] CLI::Validator Offering(const std::vector<std::string>& words);

// What was said with either for `option`; empty when nothing was.
[[nodiscard]] std::vector<std::string> WordsOf(CLI::Option& option);

}  // namespace gneiss
