// Fleet files: what a line says is written and read again as the same line, and a file makes a
// fleet or problems that are told.
#include <string>
#include <string_view>

#include "io/bytes/byte_source.h"
#include "io/bytes/line_reader.h"
#include "io/source/fleet_file.h"
#include "io/source/fleet_line.h"
#include "io/source/fleet_line_writer.h"
#include "planner/fleet/fleet_builder.h"
#include "tests/fuzz/fuzz_reader.h"

namespace gneiss {
namespace {

// The line that says the same as `line`.
std::string WrittenAgain(std::string_view line) {
  const std::string padded = std::string(line) + std::string(LineReader::kPadding, '\0');
  FleetLineParser parser;
  const FleetLine read = parser.Parse(std::string_view(padded).substr(0, line.size()));
  std::string text;
  AppendFleetLine(*read.image, FleetLineStyle::kFull, text);
  Expect(text.find('\n') == text.size() - 1, "not one line: " + text);
  text.pop_back();
  return text;
}

void ReadFuzzedFleet(std::string_view bytes) {
  FleetBuilder builder;
  ReadReport report;
  const std::string damage = RefusalFrom(
      [&] { ReadFleetBytes(ReadMemory(bytes, 100), "f", ReadOptions{}, builder, report); });
  for (const InputError& problem : report.problems) ExpectMessage(problem.what());
  Expect(!damage.empty() || builder.num_images() > 0 || report.num_problems > 0 ||
             report.num_lines > 0 || !report.skipped.empty(),
         "a file of nothing");
  (void)RefusalFrom([&] { (void)builder.Build(); });

  const std::string written = WrittenAgain(bytes);
  const std::string again = WrittenAgain(written);
  Expect(written == again, "written twice:\n" + written + "\n" + again);
}

const FuzzReader kFleetReader("fleet_file", ReadFuzzedFleet);

}  // namespace
}  // namespace gneiss
