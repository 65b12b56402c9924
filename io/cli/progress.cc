#include "io/cli/progress.h"

#include <utility>

#include <fmt/format.h>

#include "io/cli/interrupt.h"
#include "io/report/format.h"
#include "io/report/screen_text.h"

namespace gneiss {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr Progress::Clock::duration kSilence = 1s;
constexpr Progress::Clock::duration kInterval = 100ms;
constexpr std::size_t kLineColumns = 79;  // a line that wraps cannot be erased

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
  const std::string read = FormatBytes(bytes_read, ByteUnits::kSi);
  std::string text = fmt::format("reading {}: {}", source, read);
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

}  // namespace gneiss
