#include "io/registry/registry_clock.h"

#include <algorithm>
#include <ctime>
#include <thread>

namespace gneiss {
namespace {

// How long it takes at most until a wait is given up.
constexpr std::chrono::milliseconds kWaitSlice{50};

class MachineClock : public RegistryClock {
 public:
  Time Now() override { return std::chrono::steady_clock::now(); }
  std::int64_t UnixSeconds() override { return static_cast<std::int64_t>(std::time(nullptr)); }
  void Wait(std::chrono::milliseconds time, const std::function<bool()>& is_moot) override {
    const Time end = Now() + time;
    while (true) {
      if (is_moot && is_moot()) throw RequestAbandoned();
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Now());
      if (left.count() <= 0) return;
      std::this_thread::sleep_for(std::min(left, kWaitSlice));
    }
  }
};

}  // namespace

RegistryClock& SystemRegistryClock() {
  static MachineClock clock;
  return clock;
}

}  // namespace gneiss
