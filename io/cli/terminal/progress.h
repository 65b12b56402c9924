// One line on a terminal that says how far a long piece of work is. Nothing is shown in the first
// second, and nothing stays.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "io/cli/terminal/console.h"

namespace gneiss {

class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  // Silent when `quiet` is set or the console's `err` is no terminal. `console` must outlive this;
  // `now` is for tests.
  Progress(Console& console, bool quiet, std::function<Clock::time_point()> now = Clock::now);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  // Whether a new line is due: after the first second, ten times a second.
  bool IsDue() const;

  // Replaces the line. Cheap enough to call after IsDue only.
  void Show(std::string_view line);

  // Takes the line away; later calls of Show bring it back.
  void Erase();

  // Seconds since the start.
  double elapsed_seconds() const;

 private:
  Console& console_;
  bool silent_;
  std::function<Clock::time_point()> now_;
  Clock::time_point start_;
  Clock::time_point last_shown_;
  bool is_shown_ = false;
};

// "reading fleet.ndjson.gz: 12.3 MB of 27.0 MB (45.6 %), 34.0 MB/s", without the total when it is
// 0.
[[nodiscard]] std::string DescribeReading(std::string_view source, std::int64_t bytes_read,
                                          std::int64_t bytes_total, double elapsed_seconds);

// "scanning 3 of 74 layers: 12.3 MB of 24.6 MB (50.0 %), 6.15 MB/s, 2 s left"; the time left once a
// hundredth is done.
[[nodiscard]] std::string DescribeScanning(std::string_view what, std::int64_t bytes_read,
                                           std::int64_t bytes_total, double elapsed_seconds);

}  // namespace gneiss
