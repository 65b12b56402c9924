#include "io/cli/help.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace gneiss {
namespace {

constexpr std::size_t kColumns = 80;
constexpr std::size_t kDescriptionColumn = 26;

// `text` broken at spaces so that no line passes kColumns; later lines start at `indent`, as the
// first does already.
std::string Wrapped(std::string_view text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (column > indent && column + 1 + word.size() > kColumns) {
      out.append("\n").append(indent, ' ');
      column = indent;
    }
    if (column > indent) {
      out += ' ';
      ++column;
    }
    out.append(word);
    column += word.size();
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return out;
}

// "-o, --output FILE", or the name of a positional.
std::string NamesOf(const CLI::Option& option) {
  if (option.get_positional()) return option.get_type_name();
  std::string names;
  for (const std::string& name : option.get_snames()) names += "-" + name + ", ";
  for (const std::string& name : option.get_lnames()) names += "--" + name + ", ";
  names.resize(names.size() - 2);
  if (option.get_items_expected_max() > 0) names += " " + option.get_type_name();
  return names;
}

std::string Described(const CLI::Option& option) {
  std::string line = "  " + NamesOf(option);
  if (line.size() + 2 > kDescriptionColumn) {
    line.append("\n").append(kDescriptionColumn, ' ');
  } else {
    line.resize(kDescriptionColumn, ' ');
  }
  return line + Wrapped(option.get_description(), kDescriptionColumn) + "\n";
}

}  // namespace

std::string HelpText(const Command& command, const CLI::App& app) {
  std::string positionals;
  std::string options;
  std::string usage = fmt::format("gneiss {} [OPTIONS]", command.name);
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      usage += " " + option->get_type_name();
      positionals += Described(*option);
    } else {
      options += Described(*option);
    }
  }
  return fmt::format("gneiss {}: {}\n\nUsage: {}\n\n{}\nOptions:\n{}\nExample:\n  gneiss {}\n",
                     command.name, command.summary, usage, positionals, options, command.example);
}

}  // namespace gneiss
