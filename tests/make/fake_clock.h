// Time that passes when a test says so, and waits that take none.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "io/registry/registry_clock.h"

namespace gneiss {

class FakeClock : public RegistryClock {
 public:
  // `step` passes at each look at the clock.
  explicit FakeClock(std::chrono::milliseconds step = std::chrono::milliseconds(0)) : step_(step) {}

  Time Now() override {
    const std::lock_guard lock(mutex_);
    return now_ += step_;
  }
  std::int64_t UnixSeconds() override { return 1'800'000'000; }  // 2027-01-15 08:00 UTC
  void Wait(std::chrono::milliseconds time, const std::function<bool()>& is_moot) override {
    if (is_moot && is_moot()) throw RequestAbandoned();
    const std::lock_guard lock(mutex_);
    waits_.push_back(time);
    now_ += time;
  }

  void Advance(std::chrono::milliseconds time) {
    const std::lock_guard lock(mutex_);
    now_ += time;
  }
  std::vector<std::chrono::milliseconds> waits() const {
    const std::lock_guard lock(mutex_);
    return waits_;
  }

 private:
  mutable std::mutex mutex_;
  std::chrono::milliseconds step_;
  Time now_{std::chrono::hours(1)};
  std::vector<std::chrono::milliseconds> waits_;
};

}  // namespace gneiss
