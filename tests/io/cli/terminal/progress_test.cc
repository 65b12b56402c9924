#include "io/cli/terminal/progress.h"

#include <chrono>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

namespace gneiss {
namespace {

using std::chrono_literals::operator""ms;

// A console with a terminal behind `err`, and a clock that the test turns.
struct Terminal {
  std::ostringstream out;
  std::ostringstream err;
  Console console{.out = &out, .err = &err, .err_is_terminal = true};
  Progress::Clock::time_point now{};

  std::function<Progress::Clock::time_point()> clock() {
    return [this] { return now; };
  }
};

TEST_CASE("Progress is silent for a second, then speaks ten times a second", "[io][progress]") {
  Terminal terminal;
  Progress progress(terminal.console, false, terminal.clock());
  CHECK_FALSE(progress.IsDue());
  terminal.now += 999ms;
  CHECK_FALSE(progress.IsDue());
  terminal.now += 1ms;
  CHECK(progress.IsDue());
  progress.Show("reading");
  CHECK_FALSE(progress.IsDue());
  terminal.now += 99ms;
  CHECK_FALSE(progress.IsDue());
  terminal.now += 1ms;
  CHECK(progress.IsDue());
  CHECK(progress.elapsed_seconds() == Approx(1.1));
}

TEST_CASE("A progress line replaces the last one and leaves nothing", "[io][progress]") {
  Terminal terminal;
  {
    Progress progress(terminal.console, false, terminal.clock());
    progress.Show("one");
    progress.Show("two \x1b[31m");
  }
  CHECK(terminal.err.str() == "\r\x1b[Kone\r\x1b[Ktwo \\x1b[31m\r\x1b[K");
  CHECK(terminal.out.str().empty());
}

TEST_CASE("Progress says nothing when told to be quiet or without a terminal", "[io][progress]") {
  Terminal terminal;
  Progress quiet(terminal.console, true, terminal.clock());
  terminal.console.err_is_terminal = false;
  Progress piped(terminal.console, false, terminal.clock());
  terminal.now += 5000ms;
  for (Progress* const progress : {&quiet, &piped}) {
    CHECK_FALSE(progress->IsDue());
    progress->Show("text");
    progress->Erase();
  }
  CHECK(terminal.err.str().empty());
}

TEST_CASE("A progress line fits the narrowest usual terminal", "[io][progress]") {
  Terminal terminal;
  Progress progress(terminal.console, false, terminal.clock());
  progress.Show(std::string(200, 'x'));
  // Erasing goes back one line only: 78 letters and an ellipsis of three bytes.
  CHECK(terminal.err.str().size() == 4 + 78 + 3);
}

TEST_CASE("Reading is described with its share where the total is known", "[io][progress]") {
  CHECK(DescribeReading("a.gz", 12'300'000, 24'600'000, 2) ==
        "reading a.gz: 12.3 MB of 24.6 MB (50.0 %), 6.15 MB/s");
  CHECK(DescribeReading("dir", 500, 0, 0) == "reading dir: 500 B");
}

TEST_CASE("Scanning is described with the time that is left", "[io][progress]") {
  CHECK(DescribeScanning("3 of 74 layers", 12'300'000, 24'600'000, 2) ==
        "scanning 3 of 74 layers: 12.3 MB of 24.6 MB (50.0 %), 6.15 MB/s, 2 s left");
  CHECK(DescribeScanning("0 of 1 layers", 0, 1000, 1) ==
        "scanning 0 of 1 layers: 0 B of 1.00 kB (0.0 %), 0 B/s");
  CHECK_THAT(DescribeScanning("1 of 9 layers", 100, 20'100, 1),
             Catch::Matchers::EndsWith(", 100 B/s"));
  CHECK_THAT(DescribeScanning("1 of 9 layers", 100, 10'100, 2), !Catch::Matchers::EndsWith("left"));
  CHECK_THAT(DescribeScanning("1 of 9 layers", 1000, 11'000, 20),
             Catch::Matchers::EndsWith(", 3 min 20 s left"));
  CHECK_THAT(DescribeScanning("1 of 9 layers", 1000, 11'000, 750),
             Catch::Matchers::EndsWith(", 2 h 5 min left"));
}

}  // namespace
}  // namespace gneiss
