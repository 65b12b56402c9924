#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/cli/completion.h"
#include "io/text/shell_quote.h"

namespace gneiss {
namespace {

constexpr std::string_view kSourcePrefixes =
    "fleet: oci: oci-archive: docker-archive: dir: registry-fs: docker:// registry://";

std::string CommandNames(std::span<const CommandShape> commands) {
  std::string names;
  for (const CommandShape& command : commands) names.append(command.name).append(" ");
  return names + "help";
}

bool IsPath(ValueKind kind) { return kind == ValueKind::kFile || kind == ValueKind::kSource; }

// The statement that offers values; empty for those that only a user knows.
std::string BashValues(const OptionShape& option) {
  switch (option.kind) {
    case ValueKind::kWords:
      return fmt::format("_gneiss_words {}",
                         ShellQuote(fmt::format("{}", fmt::join(option.words, " "))));
    case ValueKind::kDirectory:
      return "_gneiss_paths -d";
    case ValueKind::kFile:
      return "_gneiss_paths -f";
    case ValueKind::kSource:
      return "_gneiss_sources";
    case ValueKind::kFlag:
    case ValueKind::kOther:
      break;
  }
  return ":";
}

std::string BashCommand(const CommandShape& command) {
  std::string options;
  std::string values;
  for (const OptionShape& option : command.options) {
    options += fmt::format("{} ", fmt::join(option.names, " "));
    if (option.kind == ValueKind::kFlag) continue;
    values += fmt::format("        {}) {}; return ;;\n", fmt::join(option.names, "|"),
                          BashValues(option));
  }
  options.pop_back();
  const std::string positional =
      command.positionals.empty() ? ":" : BashValues(command.positionals.back());
  return fmt::format(
      "    {})\n"
      "      case $previous in\n{}      esac\n"
      "      case $current in\n"
      "        -*) _gneiss_words {} ;;\n"
      "        *) {} ;;\n"
      "      esac ;;\n",
      command.name, values, ShellQuote(options), positional);
}

// A text within single quotes of an _arguments specification.
std::string ZshText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string ZshAction(const OptionShape& option) {
  if (option.kind == ValueKind::kWords) return fmt::format("({})", fmt::join(option.words, " "));
  if (option.kind == ValueKind::kDirectory) return "_files -/";
  return IsPath(option.kind) ? "_files" : " ";
}

std::string ZshSpecification(const OptionShape& option) {
  if (option.names.empty()) {
    return fmt::format("'*:{}:{}'", ZshText(option.value), ZshAction(option));
  }
  // "--scope=" takes "--scope ecr" and "--scope=ecr".
  std::vector<std::string> names = option.names;
  for (std::string& name : names) {
    if (option.kind != ValueKind::kFlag && name.starts_with("--")) name += '=';
  }
  std::string line;
  if (names.size() > 1) {
    line = fmt::format("'({})'{{{}}}'", fmt::join(option.names, " "), fmt::join(names, ","));
  } else {
    line = fmt::format("'*{}", names.front());
  }
  line += fmt::format("[{}]", ZshText(option.description));
  if (option.kind != ValueKind::kFlag) {
    line += fmt::format(":{}:{}", ZshText(option.value), ZshAction(option));
  }
  return line + "'";
}

std::string FishLine(const CommandShape& command, const OptionShape& option) {
  std::string line =
      fmt::format("complete -c gneiss -n '__fish_seen_subcommand_from {}'", command.name);
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    line += fmt::format(" -{} {}", is_long ? "l" : "s", name.substr(is_long ? 2 : 1));
  }
  if (option.kind == ValueKind::kWords) {
    line += fmt::format(" -x -a '{}'", fmt::join(option.words, " "));
  } else if (option.kind == ValueKind::kDirectory) {
    line += " -x -a '(__fish_complete_directories)'";
  } else if (IsPath(option.kind)) {
    line += " -r -F";
  } else if (option.kind == ValueKind::kOther) {
    line += " -x";
  }
  std::string description;
  for (const char c : option.description) {
    if (c == '\'' || c == '\\') description += '\\';
    description += c;
  }
  return fmt::format("{} -d '{}'\n", line, description);
}

}  // namespace

std::string BashCompletion(std::span<const CommandShape> commands) {
  std::string script = fmt::format(
      "# bash completion of gneiss, written by `gneiss completion bash`\n"
      "_gneiss_words() {{ mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\"); }}\n"
      "_gneiss_paths() {{\n"
      "  compopt -o filenames 2>/dev/null\n"
      "  mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$current\")\n"
      "}}\n"
      "_gneiss_sources() {{\n"
      "  local path_start=$current\n"
      "  _gneiss_paths -f\n"
      "  # A transport ends with a colon, after which bash begins a new word.\n"
      "  if [[ $previous != : && ${{#COMPREPLY[@]}} -eq 0 ]]; then\n"
      "    compopt -o nospace 2>/dev/null\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"{}\" -- \"$path_start\")\n"
      "  fi\n"
      "}}\n"
      "_gneiss() {{\n"
      "  COMPREPLY=()\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}\n"
      "  local command=${{COMP_WORDS[1]}}\n"
      "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
      "    _gneiss_words {}\n"
      "    return\n"
      "  fi\n"
      "  # \"--scope=ec\" is three words to bash.\n"
      "  if [[ $current == = ]]; then\n"
      "    current=\n"
      "  elif [[ $previous == = ]]; then\n"
      "    previous=${{COMP_WORDS[COMP_CWORD-2]}}\n"
      "  fi\n"
      "  [[ $current == : ]] && current=\n"
      "  case $command in\n"
      "    help) _gneiss_words {} ;;\n",
      kSourcePrefixes, ShellQuote(CommandNames(commands) + " --help --version"),
      ShellQuote(CommandNames(commands)));
  for (const CommandShape& command : commands) script += BashCommand(command);
  return script + "  esac\n}\ncomplete -F _gneiss gneiss\n";
}

std::string ZshCompletion(std::span<const CommandShape> commands) {
  std::string script =
      "#compdef gneiss\n# zsh completion of gneiss, written by `gneiss completion zsh`\n"
      "_gneiss() {\n  local -a commands\n  commands=(\n";
  for (const CommandShape& command : commands) {
    script += fmt::format("    '{}:{}'\n", command.name, ZshText(command.summary));
  }
  script +=
      "    'help:the help of a command'\n  )\n"
      "  if (( CURRENT == 2 )); then\n    _describe -t commands command commands\n    return\n"
      "  fi\n"
      "  local command=${words[2]}\n  shift words\n  (( CURRENT-- ))\n  case $command in\n"
      "    help) _describe -t commands command commands ;;\n";
  for (const CommandShape& command : commands) {
    script += fmt::format("    {})\n      _arguments -s", command.name);
    for (const std::vector<OptionShape>* list : {&command.options, &command.positionals}) {
      const bool is_positional = list == &command.positionals;
      for (const OptionShape& option : *list) {
        // The last positional takes all that follows.
        if (is_positional && &option != &list->back()) continue;
        script += " \\\n        " + ZshSpecification(option);
      }
    }
    script += " ;;\n";
  }
  return script +
         "  esac\n}\n"
         "if [[ $funcstack[1] == _gneiss ]]; then _gneiss \"$@\"; else compdef _gneiss gneiss; "
         "fi\n";
}

std::string FishCompletion(std::span<const CommandShape> commands) {
  std::string script =
      "# fish completion of gneiss, written by `gneiss completion fish`\n"
      "complete -c gneiss -n __fish_use_subcommand -f\n";
  for (const CommandShape& command : commands) {
    std::string summary;
    for (const char c : command.summary) {
      if (c == '\'' || c == '\\') summary += '\\';
      summary += c;
    }
    script += fmt::format("complete -c gneiss -n __fish_use_subcommand -a {} -d '{}'\n",
                          command.name, summary);
  }
  for (const CommandShape& command : commands) {
    for (const OptionShape& option : command.options) script += FishLine(command, option);
    if (command.positionals.empty()) continue;
    const OptionShape& last = command.positionals.back();
    if (last.kind != ValueKind::kWords) continue;
    script += fmt::format("complete -c gneiss -n '__fish_seen_subcommand_from {}' -f -a '{}'\n",
                          command.name, fmt::join(last.words, " "));
  }
  return script;
}

}  // namespace gneiss
