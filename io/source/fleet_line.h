// One line of a fleet file (design.md 7): a JSON object that describes one image under one ref.
// Every field is checked; unknown keys are ignored, though their values must be valid JSON.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "planner/fleet/fleet_builder.h"

namespace gneiss {

// What a line was, beside the image in it.
struct FleetLine {
  const ImageRecord* image = nullptr;  // views into the parser and the line
  bool is_attestation = false;    // platform unknown/unknown, or an in-toto layer: no image to run
  bool history_mismatch = false;  // marked empty_layer entries, but other counts than the layers
  std::int64_t num_duplicate_keys = 0;
};

class FleetLineParser {
 public:
  FleetLineParser();
  ~FleetLineParser();
  FleetLineParser(const FleetLineParser&) = delete;
  FleetLineParser& operator=(const FleetLineParser&) = delete;

  // Parses `line`. REQUIRES: LineReader::kPadding bytes behind it may be read. Valid until the next
  // call. Throws InputError without source: "layers[2].size: expected ..., found ...", or with
  // place "byte N" of the line where it is not JSON.
  FleetLine Parse(std::string_view line);

 private:
  class Fields;
  std::unique_ptr<Fields> fields_;
};

}  // namespace gneiss
