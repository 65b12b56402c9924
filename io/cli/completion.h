// Completion scripts for shells, made of what the commands take. Static: completing runs no gneiss.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "io/cli/command.h"

namespace gneiss {

// Each completes commands, options, the words of options that take one of a few, and the paths of
// files and directories.
[[nodiscard]] std::string BashCompletion(std::span<const CommandShape> commands);
[[nodiscard]] std::string ZshCompletion(std::span<const CommandShape> commands);
[[nodiscard]] std::string FishCompletion(std::span<const CommandShape> commands);

// Manual pages in roff (man(7)), made of what the commands take.

// gneiss.1: all commands, sources, exit codes. `version`: without "gneiss ".
[[nodiscard]] std::string MainManualPage(std::span<const CommandShape> commands,
                                         std::string_view version);

// gneiss-COMMAND.1.
[[nodiscard]] std::string CommandManualPage(const CommandShape& command, std::string_view version);

// `gneiss completion` and `gneiss man`, for the table of commands.
[[nodiscard]] CommandBody ConfigureCompletion(CLI::App& app);
[[nodiscard]] CommandBody ConfigureMan(CLI::App& app);

}  // namespace gneiss
