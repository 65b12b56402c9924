// The one exception for wrong input: a file, a manifest or a command line that is not what it
// should be. It carries what a user needs to mend it; io/cli prints it as a single line.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace gneiss {

// what() reads "SOURCE:PLACE: PROBLEM", e.g. "fleet.ndjson:17: layers[2].size: expected ..., found
// ...". The code that knows the problem throws it with the place it knows; callers that know more
// (the file name, the line) rethrow through WithSource.
class InputError : public std::runtime_error {
 public:
  explicit InputError(std::string problem) : InputError("", "", std::move(problem)) {}
  InputError(std::string source, std::string place, std::string problem)
      : std::runtime_error(Join(source, place, problem)),
        source_(std::move(source)),
        place_(std::move(place)),
        problem_(std::move(problem)) {}

  // Name of the file, layout or reference; empty when not known yet.
  const std::string& source() const { return source_; }
  // Line ("17") or byte ("byte 4096") within the source; may be empty.
  const std::string& place() const { return place_; }
  const std::string& problem() const { return problem_; }

  InputError WithSource(std::string source, std::string place) const {
    return InputError(std::move(source), std::move(place), problem_);
  }

 private:
  static std::string Join(const std::string& source, const std::string& place,
                          const std::string& problem) {
    std::string text;
    for (const std::string* part : {&source, &place}) {
      if (part->empty()) continue;
      if (!text.empty()) text += ':';
      text += *part;
    }
    return text.empty() ? problem : text + ": " + problem;
  }

  std::string source_;
  std::string place_;
  std::string problem_;
};

}  // namespace gneiss
