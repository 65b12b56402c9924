// The two streams of a run and what is known of the terminals behind them. Data goes to `out`,
// words and progress to `err`.
#pragma once

#include <cstddef>
#include <ostream>

namespace gneiss {

// The streams must outlive the console. Writing to `out` throws std::system_error when it fails.
struct Console {
  std::ostream* out;
  std::ostream* err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  std::size_t width = 0;  // columns of the terminal behind `out`, 0 when it is none
  bool colour = false;    // `out` may carry escape sequences
};

// What the environment says of standard output and error: isatty, window size, COLUMNS, NO_COLOR,
// TERM.
[[nodiscard]] Console ProbeConsole(std::ostream& out, std::ostream& err);

}  // namespace gneiss
