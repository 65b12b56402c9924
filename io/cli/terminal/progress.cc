#include "io/cli/terminal/progress.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "io/bytes/interrupt.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr Progress::Clock::duration kSilence = 1s;
constexpr Progress::Clock::duration kInterval = 100ms;
constexpr std::size_t kLineColumns = 79;  // a line that wraps cannot be erased

// "12.3 MB of 27.0 MB (45.6 %), 34.0 MB/s"
std::string DescribeRate(std::int64_t bytes_read, std::int64_t bytes_total,
                         double elapsed_seconds) {
  std::string text = FormatBytes(bytes_read, ByteUnits::kSi);
  if (bytes_total > 0) {
    text += fmt::format(" of {} ({})", FormatBytes(bytes_total, ByteUnits::kSi),
                        FormatPercent(bytes_read, bytes_total));
  }
  if (elapsed_seconds > 0) {
    const auto rate = static_cast<Bytes>(static_cast<double>(bytes_read) / elapsed_seconds);
    text += fmt::format(", {}/s", FormatBytes(rate, ByteUnits::kSi));
  }
  return text;
}

// "42 s", "3 min 20 s", "2 h 5 min". REQUIRES: seconds >= 0.
std::string Duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::min(seconds, 1e15));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", FormatCount(whole / 3600), whole / 60 % 60);
}

}  // namespace

Progress::Progress(Console& console, bool quiet, std::function<Clock::time_point()> now)
    : console_(console),
      silent_(quiet || !console.err_is_terminal),
      now_(std::move(now)),
      start_(now_()),
      last_shown_(start_) {}

Progress::~Progress() { Erase(); }

bool Progress::IsDue() const {
  if (silent_) return false;
  const Clock::time_point now = now_();
  return now - start_ >= kSilence && (!is_shown_ || now - last_shown_ >= kInterval);
}

void Progress::Show(std::string_view line) {
  if (silent_) return;
  last_shown_ = now_();
  is_shown_ = true;
  EraseOnInterrupt(true);
  *console_.err << "\r\x1b[K" << CutMiddle(Printable(line), kLineColumns) << std::flush;
}

void Progress::Erase() {
  if (!is_shown_) return;
  is_shown_ = false;
  *console_.err << "\r\x1b[K" << std::flush;
  EraseOnInterrupt(false);
}

double Progress::elapsed_seconds() const {
  return std::chrono::duration<double>(now_() - start_).count();
}

std::string DescribeReading(std::string_view source, std::int64_t bytes_read,
                            std::int64_t bytes_total, double elapsed_seconds) {
  return fmt::format("reading {}: ", source) +
         DescribeRate(bytes_read, bytes_total, elapsed_seconds);
}

std::string DescribeScanning(std::string_view what, std::int64_t bytes_read,
                             std::int64_t bytes_total, double elapsed_seconds) {
  std::string text =
      fmt::format("scanning {}: ", what) + DescribeRate(bytes_read, bytes_total, elapsed_seconds);
  if (bytes_read > 0 && bytes_read < bytes_total && bytes_read >= bytes_total / 100) {
    const double rate = static_cast<double>(bytes_read) / elapsed_seconds;
    text +=
        fmt::format(", {} left", Duration(static_cast<double>(bytes_total - bytes_read) / rate));
  }
  return text;
}

}  // namespace gneiss
