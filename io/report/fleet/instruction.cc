#include "io/report/fleet/instruction.h"

#include <algorithm>
#include <array>

#include "io/text/screen_text.h"

namespace gneiss {
namespace {

constexpr std::string_view kShell = "/bin/sh -c ";
constexpr std::string_view kNoOperation = "#(nop)";
constexpr std::size_t kHashDigits = 8;    // kept of a content hash
constexpr std::size_t kHashMinimum = 32;  // hex digits in a row that are taken for one

std::string_view Trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool IsHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// White space in runs becomes one space, and long runs of hex digits lose their end.
std::string Condense(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n') {
      i = std::min(text.find_first_not_of(" \t\r\n", i), text.size());
      out += ' ';
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && IsHex(text[end])) ++end;
    if (end - i >= kHashMinimum) {
      out.append(text.substr(i, kHashDigits));
      i = end;
    } else {
      end = std::max(end, i + 1);
      out.append(text.substr(i, end - i));
      i = end;
    }
  }
  return out;
}

// Takes "set -eux;" or "set -ex &&" off the front: how the shell runs, not what it does.
std::string_view WithoutSet(std::string_view command) {
  if (!command.starts_with("set -")) return command;
  const std::size_t end = command.find_first_not_of("abcdefghijklmnopqrstuvwxyz", 5);
  if (end == std::string_view::npos || end == 5) return command;
  std::string_view rest = command.substr(end);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  for (const std::string_view joint : {std::string_view(";"), std::string_view("&&")}) {
    if (rest.starts_with(joint)) {
      const std::string_view body = Trim(rest.substr(joint.size()));
      return body.empty() ? command : body;
    }
  }
  return command;
}

constexpr std::array<std::string_view, 17> kKeywords = {
    "ADD",   "ARG", "CMD",        "COPY",  "ENTRYPOINT", "ENV",  "EXPOSE", "FROM",   "HEALTHCHECK",
    "LABEL", "RUN", "MAINTAINER", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"};

bool StartsWithKeyword(std::string_view text) {
  return std::ranges::find(kKeywords, text.substr(0, text.find(' '))) != kKeywords.end();
}

}  // namespace

std::string PrettyInstruction(std::string_view created_by, std::size_t width) {
  const std::string text = Condense(created_by);
  std::string_view rest = Trim(text);
  bool shell = rest.starts_with("RUN ");
  if (shell) rest = Trim(rest.substr(4));
  // "|2 A=b C=d /bin/sh -c command": a RUN with build arguments.
  if (rest.starts_with('|')) {
    if (const std::size_t at = rest.find(kShell); at != std::string_view::npos) {
      rest.remove_prefix(at);
    }
  }
  if (rest.starts_with(kShell)) {
    shell = true;
    rest = Trim(rest.substr(kShell.size()));
  }
  if (rest.starts_with(kNoOperation)) {
    shell = false;
    rest = Trim(rest.substr(kNoOperation.size()));
  }
  if (constexpr std::string_view kBuildKit = " # buildkit"; rest.ends_with(kBuildKit)) {
    rest.remove_suffix(kBuildKit.size());
  }
  if (rest.empty()) return {};
  if (!shell) return CutEnd(Printable(rest), width);
  rest = WithoutSet(rest);
  const std::string command =
      StartsWithKeyword(rest) ? std::string(rest) : "RUN " + std::string(rest);
  return CutEnd(Printable(command), width);
}

}  // namespace gneiss
