// Completion scripts for shells, made of what the commands take. Static: completing runs no gneiss.
#pragma once

#include <span>
#include <string>

#include "io/cli/command_shape.h"

namespace gneiss {

// Each completes commands, options, the words of options that take one of a few, and the paths of
// files and directories.
[[nodiscard]] std::string BashCompletion(std::span<const CommandShape> commands);
[[nodiscard]] std::string ZshCompletion(std::span<const CommandShape> commands);
[[nodiscard]] std::string FishCompletion(std::span<const CommandShape> commands);

}  // namespace gneiss
