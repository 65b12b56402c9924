#include "io/cli/options/report_options.h"

#include <charconv>
#include <optional>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/tables/policy_file.h"
#include "io/text/rfc3339.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

std::optional<std::int64_t> ReadDate(const std::string& text) {
  for (const char* const rest : {"", "T00:00:00Z", "-01T00:00:00Z"}) {
    if (const std::optional<UtcTime> time = ParseRfc3339(text + rest)) return time->seconds;
  }
  return std::nullopt;
}

}  // namespace

std::int64_t ParseDate(const std::string& text) { return ReadDate(text).value(); }

std::string CheckDate(const std::string& text) {
  if (ReadDate(text)) return "";
  return fmt::format("expected a date, as 2017-06-30, found \"{}\"", text);
}

void AddReportOptions(CLI::App& app, ReportOptions& options) {
  app.add_flag("--json", options.json, "JSON with raw integers instead of text");
  AddOutputOption(app, options.output);
  CLI::Option* bytes = app.add_flag("--bytes", options.raw_bytes, "sizes in bytes, not rounded");
  app.add_flag("--iec", options.iec, "sizes in KiB, MiB, GiB (default: kB, MB, GB)")
      ->excludes(bytes);
  AddCountOption(app, "--width", options.width,
                 "columns of the text, 0 for no limit (default: the terminal's)");
}

void AddOutputOption(CLI::App& app, std::string& output) {
  app.add_option("-o,--output", output, "write to FILE, complete or not at all")
      ->check([](const std::string& path) {
        return std::string(path.empty() ? "expected a file's name, found an empty one" : "");
      })
      ->type_name("FILE");
}

CLI::Option* AddSizeOption(CLI::App& app, const std::string& name, Bytes& size,
                           const std::string& description, Bytes least) {
  const auto set = [&size, name, least](const std::string& text) {
    try {
      size = ParseSize(text);
    } catch (const InputError& error) {
      throw CLI::ValidationError(name, error.what());
    }
    if (size >= least) return;
    throw CLI::ValidationError(
        name, fmt::format("expected a size of {} or more bytes, found \"{}\"", least, text));
  };
  return app.add_option_function<std::string>(name, set, description)->type_name("SIZE");
}

CLI::Option* AddCountOption(CLI::App& app, const std::string& name, std::int64_t& count,
                            const std::string& description, std::int64_t least) {
  const auto set = [&count, name, least](const std::string& text) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, count);
    if (error == std::errc() && stop == end && count >= least) return;
    throw CLI::ValidationError(
        name, fmt::format("expected a whole number, {} or more, found \"{}\"", least, text));
  };
  return app.add_option_function<std::string>(name, set, description)->type_name("N");
}

ScreenStyle StyleFor(const ReportOptions& options, const OutputFile& output,
                     const Console& console) {
  ScreenStyle style;
  if (options.raw_bytes) style.units = ByteUnits::kRaw;
  if (options.iec) style.units = ByteUnits::kIec;
  if (output.is_console()) {
    style.colour = console.colour;
    style.width = console.width;
  }
  if (options.width >= 0) style.width = static_cast<std::size_t>(options.width);
  return style;
}

}  // namespace gneiss
