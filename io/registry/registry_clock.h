// Time as the registry client needs it: deadlines, expiries, and waits that can be given up. Tests
// replace it, so that none of them sleeps.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>

namespace gneiss {

// Thrown where `is_moot` says that nobody wants the answer any more.
class RequestAbandoned : public std::runtime_error {
 public:
  RequestAbandoned() : std::runtime_error("request abandoned") {}
};

// All functions may be called from several threads at once.
class RegistryClock {
 public:
  using Time = std::chrono::steady_clock::time_point;

  virtual ~RegistryClock() = default;

  virtual Time Now() = 0;
  // Seconds since 1970, for the dates of HTTP.
  virtual std::int64_t UnixSeconds() = 0;
  // Throws RequestAbandoned soon after `is_moot`, unless empty, returns true.
  virtual void Wait(std::chrono::milliseconds time, const std::function<bool()>& is_moot) = 0;
};

// The machine's.
[[nodiscard]] RegistryClock& SystemRegistryClock();

}  // namespace gneiss
