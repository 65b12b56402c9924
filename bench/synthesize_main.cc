// synthesize: writes a made-up fleet as NDJSON, or says how close to Docker Hub it comes.
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <CLI/CLI.hpp>

#include "bench/fleet_shape.h"
#include "bench/synthesize.h"

namespace gneiss {
namespace {

// A file, or stdout for an empty path. Close before the end: only then is all known to be written.
class Output {
 public:
  explicit Output(const std::string& path)
      : name_(path.empty() ? "standard output" : path),
        file_(path.empty() ? stdout : std::fopen(path.c_str(), "wb")) {
    if (file_ == nullptr) Fail("cannot open ");
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() {
    if (file_ != nullptr && file_ != stdout) std::fclose(file_);
  }

  void Write(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) Fail("cannot write to ");
  }

  void Close() {
    std::FILE* const file = file_;
    file_ = nullptr;
    if ((file == stdout ? std::fflush(file) : std::fclose(file)) != 0) Fail("cannot write to ");
  }

 private:
  [[noreturn]] void Fail(const char* what) const {
    throw std::system_error(errno, std::generic_category(), what + name_);
  }

  std::string name_;
  std::FILE* file_;
};

int Run(int argc, char** argv) {
  SynthesisOptions options;
  bool compact = false;
  bool report = false;
  std::string path;
  CLI::App app("Writes a made-up fleet that resembles Docker Hub, one image a line.");
  app.add_option("--images", options.num_images, "distinct images; aliases come on top")
      ->required()
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 31));
  app.add_option("--seed", options.seed, "same seed, same fleet")->capture_default_str();
  app.add_option("-o,--output", path, "file to write; standard output without it");
  app.add_flag("--compact", compact, "digests, sizes and pulls only");
  app.add_flag(
      "--report", report,
      "print the fleet's distributions beside Docker Hub's; writes the fleet only with -o");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  if (!report || !path.empty()) {
    options.details = !compact;
    Output output(path);
    WriteSyntheticFleet(options, compact ? FleetLineStyle::kCompact : FleetLineStyle::kFull,
                        [&](std::string_view text) { output.Write(text); });
    output.Close();
  }
  if (report) {
    options.details = true;  // for the diff_ids
    FleetBuilder builder;
    AddSyntheticFleet(options, builder);
    Output output("");
    output.Write(FormatShape(MeasureShape(builder.Build()), DockerHubShape()));
    output.Close();
  }
  return 0;
}

}  // namespace
}  // namespace gneiss

int main(int argc, char** argv) {
  try {
    return gneiss::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "synthesize: %s\n", error.what());
    return 1;
  }
}
