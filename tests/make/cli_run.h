// Runs a command of gneiss within the test, with strings for its streams and no terminal.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "io/cli/command.h"
#include "io/cli/terminal/console.h"

namespace gneiss {

struct CliRun {
  int code = 0;
  std::string out;
  std::string err;
};

inline CliRun RunCli(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  Console console{.out = &out, .err = &err};
  const int code = RunCommand(arguments, console);
  return {.code = code, .out = out.str(), .err = err.str()};
}

// A line of a fleet file; layers are "name:size".
inline std::string FleetLineOf(const std::string& ref, const std::vector<std::string>& layers,
                               const std::string& more = "") {
  std::string line = R"({"ref":")" + ref + R"(","platform":"linux/amd64","layers":[)";
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::size_t colon = layers[i].find(':');
    // Any 64 hex digits will do: the name, in hex, filled up with zeros.
    std::string hex;
    for (const char c : layers[i].substr(0, colon)) {
      hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
      hex += "0123456789abcdef"[c & 15];
    }
    hex.resize(64, '0');
    line += (i > 0 ? "," : "") + std::string(R"({"digest":"sha256:)") + hex + R"(","size":)" +
            layers[i].substr(colon + 1) + "}";
  }
  return line + "]" + more + "}\n";
}

}  // namespace gneiss
