// Reading a fleet file, beside a bare parse of the same lines by the library that the reader uses
// and by the one it does not, and the hash of the bytes for scale. MB/s of NDJSON text.
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <simdjson.h>

#include "bench/synthesize.h"
#include "io/bytes/byte_source.h"
#include "io/source/fleet_file.h"

namespace gneiss {
namespace {

constexpr std::int64_t kNumImages = 50'000;

// The text of a fleet, with details or without, padded for simdjson.
const std::string& Text(bool details) {
  static const auto make = [](bool with_details) {
    std::string text;
    WriteSyntheticFleet({.num_images = kNumImages, .seed = 1, .details = with_details},
                        with_details ? FleetLineStyle::kFull : FleetLineStyle::kCompact,
                        [&](std::string_view block) { text.append(block); });
    text.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    return text;
  };
  static const std::string full = make(true);
  static const std::string compact = make(false);
  return details ? full : compact;
}

template <typename Visit>
void VisitLines(std::string_view text, const Visit& visit) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    visit(text.substr(at, end - at));
    at = end + 1;
  }
}

void BM_ReadFleetFile(benchmark::State& state) {
  const std::string& text = Text(state.range(0) != 0);
  for (auto _ : state) {
    FleetBuilder builder;
    ReadReport report;
    ReadFleetBytes(ReadMemory(text), "bench", {}, builder, report);
    if (builder.num_images() != kNumImages || report.num_problems != 0) {
      state.SkipWithError("not every image was read");
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

void BM_BareSimdjson(benchmark::State& state) {
  const std::string& text = Text(state.range(0) != 0);
  simdjson::dom::parser parser;
  for (auto _ : state) {
    std::int64_t lines = 0;
    VisitLines(text, [&](std::string_view line) {
      const auto parsed = parser.parse(line.data(), line.size(), false);
      lines += parsed.error() == simdjson::SUCCESS ? 1 : 0;
    });
    if (lines < kNumImages) state.SkipWithError("not every line was parsed");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

void BM_BareNlohmann(benchmark::State& state) {
  const std::string& text = Text(state.range(0) != 0);
  for (auto _ : state) {
    std::int64_t lines = 0;
    VisitLines(text, [&](std::string_view line) {
      lines += nlohmann::json::parse(line).is_object() ? 1 : 0;
    });
    if (lines < kNumImages) state.SkipWithError("not every line was parsed");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

void BM_Sha256(benchmark::State& state) {
  const std::string& text = Text(state.range(0) != 0);
  for (auto _ : state) benchmark::DoNotOptimize(Sha256(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

// Argument 1: all fields; 0: compact lines.
BENCHMARK(BM_ReadFleetFile)->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_BareSimdjson)->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_BareNlohmann)->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Sha256)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gneiss
