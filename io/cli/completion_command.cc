#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/cli/command.h"
#include "io/cli/completion.h"
#include "io/cli/options/report_options.h"
#include "io/cli/options/scope_option.h"
#include "io/cli/terminal/output_file.h"
#include "io/text/screen_text.h"
#include "io/text/suggestion.h"

namespace gneiss {
namespace {

struct CompletionOptions {
  std::string shell;
  std::string output;
};

struct ManOptions {
  std::string command;
  std::string directory;
  std::string output;
};

std::vector<std::string> NamesOfCommands() {
  std::vector<std::string> names;
  for (const Command& command : Commands()) names.emplace_back(command.name);
  return names;
}

void WriteText(const std::string& path, std::string_view text, Console& console) {
  OutputFile output(path, console);
  output.stream() << text;
  output.Finish();
}

int RunCompletion(const CompletionOptions& options, Console& console) {
  if (options.shell.empty()) throw UsageError("expected a shell: bash, zsh or fish");
  const std::vector<CommandShape> commands = CommandShapes();
  WriteText(options.output,
            options.shell == "bash"  ? BashCompletion(commands)
            : options.shell == "zsh" ? ZshCompletion(commands)
                                     : FishCompletion(commands),
            console);
  return kDone;
}

int RunMan(const ManOptions& options, Console& console) {
  const std::vector<CommandShape> commands = CommandShapes();
  const std::string_view version = VersionText();
  if (!options.directory.empty()) {
    const std::filesystem::path directory(options.directory);
    std::filesystem::create_directories(directory);
    WriteText(directory / "gneiss.1", MainManualPage(commands, version), console);
    for (const CommandShape& command : commands) {
      WriteText(directory / fmt::format("gneiss-{}.1", command.name),
                CommandManualPage(command, version), console);
    }
    return kDone;
  }
  if (options.command.empty()) {
    WriteText(options.output, MainManualPage(commands, version), console);
    return kDone;
  }
  const auto command = std::ranges::find(commands, options.command, &CommandShape::name);
  if (command == commands.end()) {
    const std::string nearest = NearestWord(options.command, NamesOfCommands());
    throw UsageError(fmt::format(
        "unknown command \"{}\"{}", Printable(options.command),
        nearest.empty() ? fmt::format(", expected one of {}", fmt::join(NamesOfCommands(), ", "))
                        : fmt::format(", did you mean \"{}\"?", nearest)));
  }
  WriteText(options.output, CommandManualPage(*command, version), console);
  return kDone;
}

}  // namespace

CommandBody ConfigureCompletion(CLI::App& app) {
  const auto options = std::make_shared<CompletionOptions>();
  app.add_option("shell", options->shell,
                 "bash, zsh or fish: the script is for its directory of completions, or to be "
                 "sourced")
      ->check(OneOf({"bash", "zsh", "fish"}))
      ->type_name("SHELL");
  AddOutputOption(app, options->output);
  return [options](Console& console) { return RunCompletion(*options, console); };
}

CommandBody ConfigureMan(CLI::App& app) {
  const auto options = std::make_shared<ManOptions>();
  app.add_option("command", options->command, "whose page (default: that of gneiss itself)")
      ->check(Offering(NamesOfCommands()))
      ->type_name("COMMAND");
  CLI::Option* const directory =
      app.add_option("--directory", options->directory, "write the pages of all commands there")
          ->type_name("DIR");
  AddOutputOption(app, options->output);
  app.get_option("--output")->excludes(directory);
  app.get_option("command")->excludes(directory);
  return [options](Console& console) { return RunMan(*options, console); };
}

}  // namespace gneiss
