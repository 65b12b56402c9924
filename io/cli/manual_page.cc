#include <cstddef>

#include <fmt/format.h>

#include "io/cli/completion.h"

namespace gneiss {
namespace {

// `text` as roff prints it: backslashes and hyphens as they are, no line that begins with a
// request.
std::string Roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '`' || c == '\'') {
      out += c == '`' ? "\\(ga" : "\\(aq";
    } else if (c == '.' && out.empty()) {
      out += "\\&.";
    } else if (c == '~') {
      out += "\\(ti";
    } else if (c == '^') {
      out += "\\(ha";
    } else {
      out += c;
    }
  }
  return out;
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

std::string PageHead(std::string_view name, std::string_view summary, std::string_view version) {
  return fmt::format(
      ".TH \"{}\" \"1\" \"\" \"gneiss {}\" \"User Commands\"\n.nh\n.ad l\n.SH NAME\n{} \\- {}\n",
      Roff(Upper(name)), Roff(version), Roff(name), Roff(summary));
}

std::string OptionEntry(const OptionShape& option) {
  std::string names;
  for (std::size_t i = 0; i < option.names.size(); ++i) {
    names += fmt::format("{}\\fB{}\\fR", i > 0 ? ", " : "", Roff(option.names[i]));
  }
  if (!option.value.empty()) {
    names += fmt::format("{}\\fI{}\\fR", names.empty() ? "" : " ", Roff(option.value));
  }
  return fmt::format(".TP\n{}\n{}\n", names, Roff(option.description));
}

constexpr std::string_view kExitStatus =
    ".SH EXIT STATUS\n"
    ".TP\n\\fB0\\fR\ndone\n"
    ".TP\n\\fB1\\fR\nfailed, or some image was bad: it is listed, and the others are reported\n"
    ".TP\n\\fB2\\fR\nwrong usage\n"
    ".TP\n\\fB3\\fR\na policy is not met, or images differ\n";

}  // namespace

std::string MainManualPage(std::span<const CommandShape> commands, std::string_view version) {
  std::string page =
      PageHead("gneiss", "plans the layers of a whole fleet of container images", version);
  page +=
      ".SH SYNOPSIS\n\\fBgneiss\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] \\fISOURCE\\fR...\n"
      ".SH DESCRIPTION\n"
      "Says what the images of a fleet share, what they could share, how far that is from the best "
      "possible, and carries it out.\n"
      "Data goes to standard output, words to standard error.\n"
      ".SH COMMANDS\n";
  for (const CommandShape& command : commands) {
    page +=
        fmt::format(".TP\n\\fBgneiss\\-{}\\fR(1)\n{}\n", Roff(command.name), Roff(command.summary));
  }
  page += ".SH SOURCES\n";
  // What the commands themselves say of a SOURCE.
  for (const CommandShape& command : commands) {
    if (command.name != "stat") continue;
    for (const OptionShape& option : command.positionals) {
      page += Roff(option.description) + ". Several make one fleet.\n";
    }
  }
  page +=
      ".SH ENVIRONMENT\n"
      ".TP\n\\fBNO_COLOR\\fR\nset and not empty: no colour on a terminal\n"
      ".TP\n\\fBXDG_CACHE_HOME\\fR\nwhere the store of inventories lies, in \\fIgneiss\\fR "
      "(default: \\fI~/.cache\\fR)\n";
  return page + std::string(kExitStatus);
}

std::string CommandManualPage(const CommandShape& command, std::string_view version) {
  const std::string name = fmt::format("gneiss-{}", command.name);
  std::string page = PageHead(name, command.summary, version);
  page += fmt::format(".SH SYNOPSIS\n\\fBgneiss {}\\fR [\\fIOPTIONS\\fR]", Roff(command.name));
  for (const OptionShape& option : command.positionals) {
    page += fmt::format(" \\fI{}\\fR", Roff(option.value));
  }
  page += "\n";
  if (!command.positionals.empty()) page += ".SH ARGUMENTS\n";
  for (const OptionShape& option : command.positionals) page += OptionEntry(option);
  page += ".SH OPTIONS\n";
  for (const OptionShape& option : command.options) page += OptionEntry(option);
  page += std::string(kExitStatus);
  page += fmt::format(".SH EXAMPLES\n.EX\ngneiss {}\n.EE\n.SH SEE ALSO\n\\fBgneiss\\fR(1)\n",
                      Roff(command.example));
  return page;
}

}  // namespace gneiss
