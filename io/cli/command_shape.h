// What the commands take, as data: made of the options that their help is made of, for completions
// and manual pages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gneiss {

// What stands for a value, where its words are not all known.
enum class ValueKind : std::uint8_t {
  kFlag,   // none
  kWords,  // one of OptionShape::words
  kFile,
  kDirectory,
  kSource,  // a path with or without a transport, or the address of a registry
  kOther,   // numbers, patterns, names
};

struct OptionShape {
  std::vector<std::string> names;  // "-o", "--output"; empty for a positional
  std::string value;               // "FILE", as the help names it; empty for a flag
  ValueKind kind = ValueKind::kFlag;
  std::vector<std::string> words;  // offered for the value
  std::string description;
};

struct CommandShape {
  std::string_view name;
  std::string_view summary;
  std::string_view example;
  std::vector<OptionShape> positionals;
  std::vector<OptionShape> options;  // in the order of the help, which comes first
};

// All commands, in the order of the help.
[[nodiscard]] std::vector<CommandShape> CommandShapes();

}  // namespace gneiss
