#include "io/cli/terminal/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace gneiss {
namespace {

constexpr std::size_t kDefaultWidth = 80;  // of a terminal that does not say

std::string_view Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::size_t TerminalWidth(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const std::string_view columns = Environment("COLUMNS");
  std::size_t width = 0;
  std::from_chars(columns.data(), columns.data() + columns.size(), width);
  return width > 0 ? width : kDefaultWidth;
}

}  // namespace

Console ProbeConsole(std::ostream& out, std::ostream& err) {
  Console console{.out = &out, .err = &err};
  console.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  console.err_is_terminal = isatty(STDERR_FILENO) == 1;
  if (console.out_is_terminal) {
    console.width = TerminalWidth(STDOUT_FILENO);
    // no-color.org: set and not empty.
    console.colour = Environment("NO_COLOR").empty() && Environment("TERM") != "dumb";
  }
  return console;
}

}  // namespace gneiss
