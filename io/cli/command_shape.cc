#include "io/cli/command_shape.h"

#include <utility>

#include <CLI/CLI.hpp>

#include "io/cli/command.h"
#include "io/cli/options/word_choice.h"

namespace gneiss {
namespace {

ValueKind KindOfValue(const OptionShape& option) {
  if (option.value.empty()) return ValueKind::kFlag;
  if (!option.words.empty()) return ValueKind::kWords;
  if (option.value == "FILE" || option.value == "PLAN" || option.value == "EVENTS") {
    return ValueKind::kFile;
  }
  if (option.value == "DIR" || option.value == "oci:DIR") return ValueKind::kDirectory;
  if (option.value.starts_with("SOURCE") || option.value == "SERIES...") return ValueKind::kSource;
  return ValueKind::kOther;
}

OptionShape ShapeOf(CLI::Option& option) {
  OptionShape shape;
  shape.description = option.get_description();
  shape.words = WordsOf(option);
  if (!option.get_positional()) {
    for (const std::string& name : option.get_snames()) shape.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) shape.names.push_back("--" + name);
  }
  if (option.get_items_expected_max() > 0) shape.value = option.get_type_name();
  shape.kind = KindOfValue(shape);
  return shape;
}

}  // namespace

std::vector<CommandShape> CommandShapes() {
  std::vector<CommandShape> shapes;
  for (const Command& command : Commands()) {
    CLI::App app;
    app.set_help_flag("-h,--help", "this text");
    // Holds the variables behind the options.
    const CommandBody body = command.configure(app);
    CommandShape shape{
        .name = command.name, .summary = command.summary, .example = command.example};
    for (CLI::Option* const option : app.get_options()) {
      OptionShape of_option = ShapeOf(*option);
      (of_option.names.empty() ? shape.positionals : shape.options).push_back(std::move(of_option));
    }
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

}  // namespace gneiss
