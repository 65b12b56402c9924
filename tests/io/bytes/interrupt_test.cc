#include "io/bytes/interrupt.h"

#include <array>
#include <csignal>
#include <cstddef>

#include <catch2/catch.hpp>

namespace gneiss {
namespace {

// Puts the handlers of before back, whatever fails.
class KeptHandlers {
 public:
  KeptHandlers() {
    for (std::size_t s = 0; s < kSignals.size(); ++s) sigaction(kSignals[s], nullptr, &old_[s]);
  }
  KeptHandlers(const KeptHandlers&) = delete;
  KeptHandlers& operator=(const KeptHandlers&) = delete;
  ~KeptHandlers() {
    for (std::size_t s = 0; s < kSignals.size(); ++s) sigaction(kSignals[s], &old_[s], nullptr);
  }

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
  std::array<struct sigaction, kSignals.size()> old_{};
};

TEST_CASE("While work may be stopped, the first interrupt asks it to, and the process goes on",
          "[cli][interrupt]") {
  const KeptHandlers kept;
  HandleInterrupts();
  for (const int signal : {SIGINT, SIGTERM}) {
    const StopOnInterrupt stop;
    CHECK(stop.signal() == 0);
    REQUIRE(raise(signal) == 0);
    CHECK(stop.signal() == signal);
  }
  // What was asked of other work is not asked of this.
  const StopOnInterrupt later;
  CHECK(later.signal() == 0);
}

}  // namespace
}  // namespace gneiss
