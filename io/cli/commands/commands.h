// The commands, a file each: NAME_command.cc. Configure... adds the options of a command to `app`
// and returns its body, which holds what is behind them; the table of commands (io/cli/command.cc)
// has what each is for.
#pragma once

#include "io/cli/terminal/command_body.h"

namespace CLI {
class App;
}

namespace gneiss {

[[nodiscard]] CommandBody ConfigureApply(CLI::App& app);
[[nodiscard]] CommandBody ConfigureCheck(CLI::App& app);
[[nodiscard]] CommandBody ConfigureDiff(CLI::App& app);
[[nodiscard]] CommandBody ConfigureExplain(CLI::App& app);
[[nodiscard]] CommandBody ConfigureFiles(CLI::App& app);
[[nodiscard]] CommandBody ConfigureForecast(CLI::App& app);
[[nodiscard]] CommandBody ConfigureGraph(CLI::App& app);
[[nodiscard]] CommandBody ConfigureHistory(CLI::App& app);
[[nodiscard]] CommandBody ConfigurePlan(CLI::App& app);
[[nodiscard]] CommandBody ConfigureReplay(CLI::App& app);
[[nodiscard]] CommandBody ConfigureReport(CLI::App& app);
[[nodiscard]] CommandBody ConfigureScan(CLI::App& app);
[[nodiscard]] CommandBody ConfigureSnapshot(CLI::App& app);
[[nodiscard]] CommandBody ConfigureStat(CLI::App& app);
[[nodiscard]] CommandBody ConfigureTree(CLI::App& app);

// Exit codes: 0 all equal, 3 a difference, 1 none found but something could not be read.
[[nodiscard]] CommandBody ConfigureVerify(CLI::App& app);

[[nodiscard]] CommandBody ConfigureWaste(CLI::App& app);
[[nodiscard]] CommandBody ConfigureWhatif(CLI::App& app);

}  // namespace gneiss
