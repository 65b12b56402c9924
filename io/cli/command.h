// The commands of the executable: one static table, one place that catches, the exit codes of
// design.md 8.
#pragma once

#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "io/cli/terminal/console.h"

namespace CLI {
class App;
}

namespace gneiss {

enum ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2, kPolicyNotMet = 3 };

// What a command does once its options are read. Data goes to console.out, words to console.err.
// Returns the exit code; throws InputError, UsageError or std::system_error instead of printing
// one.
using CommandBody = std::function<int(Console& console)>;

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

// Wrong use of the command line that only the command itself can see. Exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Parses the arguments (without the name of the program), runs the command, and turns every
// exception into one line on console.err that says what to do.
int RunCommand(const std::vector<std::string>& arguments, Console& console);

// The same for a process: its streams, its terminal, its signals.
int RunCommand(int argc, char** argv);

}  // namespace gneiss
