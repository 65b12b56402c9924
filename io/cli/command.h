// The commands of the executable: one static table, and the one place that catches.
#pragma once

#include <cstdint>
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

// What the commands take, as data: made of the options that their help is made of, for completions
// and manual pages.

// What stands for a value, where its words are not all known.
enum class ValueKind : std::uint8_t {
  kFlag,   // none
  kWords,  // one of OptionShape::words
  kFile,
  kDirectory,
  kSource,  // a path with or without a transport, or the address of a registry
  kOther,   // numbers, patterns, names
};

struct OptionShape {
  std::vector<std::string> names;  // "-o", "--output"; empty for a positional
  std::string value;               // "FILE", as the help names it; empty for a flag
  ValueKind kind = ValueKind::kFlag;
  std::vector<std::string> words;  // offered for the value
  std::string description;
};

struct CommandShape {
  std::string_view name;
  std::string_view summary;
  std::string_view example;
  std::vector<OptionShape> positionals;
  std::vector<OptionShape> options;  // in the order of the help, which comes first
};

// All commands, in the order of the help.
[[nodiscard]] std::vector<CommandShape> CommandShapes();

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

// The text of `gneiss COMMAND --help`, made of the options as CLI11 knows them.

// Summary, usage, every option with its description wrapped to 80 columns, and the example.
[[nodiscard]] std::string HelpText(const Command& command, const CLI::App& app);

}  // namespace gneiss
