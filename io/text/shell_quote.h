// Text as one word of a POSIX shell's command line.
#pragma once

#include <string>
#include <string_view>

namespace gneiss {

// The word that a shell reads as `text`, whatever is in it: as it is where no character means
// something to a shell, else in single quotes. A zero byte ends the text, as no argument holds one.
// Says nothing of what the program makes of it: a word that begins with '-' is an option.
[[nodiscard]] std::string ShellQuote(std::string_view text);

}  // namespace gneiss
