// Options of every command that prints a report: --json, -o, --bytes, --iec, --width; and where
// they send it.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "io/cli/terminal/console.h"
#include "io/cli/terminal/output_file.h"
#include "io/text/table.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace gneiss {

// Dates on the command line.

// Seconds since 1970 of "2017-06-30" (its beginning, UTC), "2017-06" (of the month's first day), or
// a time of RFC 3339. REQUIRES: CheckDate says nothing.
[[nodiscard]] std::int64_t ParseDate(const std::string& text);

// What is wrong with a date, for CLI11; empty when nothing is.
[[nodiscard]] std::string CheckDate(const std::string& text);

struct ReportOptions {
  bool json = false;        // --json
  bool raw_bytes = false;   // --bytes: raw figures on the screen
  bool iec = false;         // --iec: powers of 1024 on the screen
  std::int64_t width = -1;  // --width: columns, 0 for no limit, -1 for what the terminal has
  std::string output;       // -o
};

// `options` must outlive the parsing.
void AddReportOptions(CLI::App& app, ReportOptions& options);

// -o alone, for commands whose report has forms of its own.
void AddOutputOption(CLI::App& app, std::string& output);

// Options whose argument is a size (size_argument.h), or a whole number, from `least` on. Where 0
// is taken, it means no limit or the default, and `description` says which; a limit (--max-...)
// takes none. A wrong one is a usage error that names the option. The variable must outlive the
// parsing.
CLI::Option* AddSizeOption(CLI::App& app, const std::string& name, Bytes& size,
                           const std::string& description, Bytes least = 0);
CLI::Option* AddCountOption(CLI::App& app, const std::string& name, std::int64_t& count,
                            const std::string& description, std::int64_t least = 0);

// How a report looks in `output`. A file has no colour, and no width unless --width gives one.
[[nodiscard]] ScreenStyle StyleFor(const ReportOptions& options, const OutputFile& output,
                                   const Console& console);

}  // namespace gneiss
