#include "io/verify/for_each_index.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace gneiss {

void ForEachIndex(std::size_t count, std::int64_t jobs,
                  const std::function<void(std::size_t index)>& work) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto run = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    const auto wanted = std::min(count, static_cast<std::size_t>(std::max<std::int64_t>(jobs, 1)));
    try {
      while (threads.size() + 1 < wanted) threads.emplace_back(run);
    } catch (const std::system_error&) {
      // This thread does what the others would have.
    }
    run();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace gneiss
