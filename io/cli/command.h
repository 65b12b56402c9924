// The commands of the executable: one static table, and the one place that catches.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/cli/terminal/command_body.h"
#include "io/cli/terminal/console.h"

namespace CLI {
class App;
}

namespace gneiss {

struct Command {
  std::string_view name;
  std::string_view summary;  // half a line
  std::string_view example;  // without the leading "gneiss "
  // Adds the options to `app` and returns the body. The variables behind the options live as long
  // as the body does: it holds them in a shared_ptr.
  CommandBody (*configure)(CLI::App& app);
};

// All commands, in the order of the help.
[[nodiscard]] std::span<const Command> Commands();

// "0.1.0".
[[nodiscard]] std::string_view VersionText();

// Parses the arguments (without the name of the program), runs the command, and turns every
// exception into one line on console.err that says what to do.
int RunCommand(const std::vector<std::string>& arguments, Console& console);

// The same for a process: its streams, its terminal, its signals.
int RunCommand(int argc, char** argv);

}  // namespace gneiss
