#include <memory>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/bytes/compressor.h"
#include "io/cli/commands/commands.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/report_options.h"
#include "io/cli/terminal/output_file.h"
#include "io/source/fleet_line_writer.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

struct SnapshotOptions {
  FleetOptions fleet;
  std::string output;
};

LayerCodec CodecFor(std::string_view path) {
  if (path.ends_with(".zst")) return LayerCodec::kZstd;
  if (path.ends_with(".gz")) return LayerCodec::kGzip;
  return LayerCodec::kTar;
}

int RunSnapshot(const SnapshotOptions& options, Console& console) {
  const LoadedFleet loaded = LoadFleet(options.fleet, console);
  const bool is_file = !options.output.empty() && options.output != "-";
  if (is_file && loaded.bad_images > 0 && !options.fleet.keep_going) {
    throw InputError(fmt::format(
        "{} is not written: {} would not be in it; mend what is named above, or write the others "
        "with --keep-going",
        options.output, FormatCounted(loaded.bad_images, "bad entry", "bad entries")));
  }
  OutputFile output(options.output, console);
  Compressor compressor({.codec = CodecFor(options.output), .level = {}});
  const auto sink = [&](std::string_view stored) {
    output.stream().write(stored.data(), static_cast<std::streamsize>(stored.size()));
  };
  WriteFleetLines(loaded.fleet, [&](std::string_view line) { compressor.Write(line, sink); });
  compressor.Finish(sink);
  output.Finish();
  if (!output.is_console() && !options.fleet.quiet) {
    *console.err << fmt::format(
        "gneiss: {} of {} in {}\n", FormatCounted(std::ssize(loaded.fleet.images), "image"),
        FormatCounted(std::ssize(loaded.fleet.layers), "layer"), Printable(options.output));
  }
  return loaded.exit_code;
}

}  // namespace

CommandBody ConfigureSnapshot(CLI::App& app) {
  const auto options = std::make_shared<SnapshotOptions>();
  AddFleetOptions(app, options->fleet);
  AddDemandOptions(app, options->fleet.demand);
  AddOutputOption(app, options->output);
  app.get_option("--output")
      ->description(
          "the fleet file, complete or not at all: with bad images only under --keep-going; "
          "compressed where its name ends in .zst or .gz (default: standard output)");
  return [options](Console& console) { return RunSnapshot(*options, console); };
}

}  // namespace gneiss
