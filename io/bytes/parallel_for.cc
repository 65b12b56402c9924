#include "io/bytes/parallel_for.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace gneiss {
namespace {

using std::chrono_literals::operator""ms;

class ParallelRun {
 public:
  ParallelRun(std::size_t count, const std::function<void(const ParallelItem&)>& work)
      : count_(count), work_(work) {}

  void Run(std::int64_t jobs, const std::function<void()>& tick) {
    {
      std::vector<std::jthread> threads;
      Start(jobs, threads);
      if (threads.empty()) Work(0);
      WaitFor(threads.size(), tick);
    }
    if (tick && count_ > 0) tick();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void Start(std::int64_t jobs, std::vector<std::jthread>& threads) {
    const std::size_t wanted =
        std::min(static_cast<std::size_t>(std::max<std::int64_t>(jobs, 1)), count_);
    try {
      while (threads.size() < wanted) {
        threads.emplace_back([this, thread = threads.size()] { Work(thread); });
      }
    } catch (const std::system_error&) {
      // Those that there are do the work, else the caller's.
    }
  }

  void WaitFor(std::size_t num_threads, const std::function<void()>& tick) {
    std::unique_lock lock(mutex_);
    const auto have_ended = [&] { return num_ended_ >= num_threads; };
    if (!tick) worker_ended_.wait(lock, have_ended);
    while (!worker_ended_.wait_for(lock, 100ms, have_ended)) {
      lock.unlock();
      tick();
      lock.lock();
    }
  }

  // Items are begun in their order, so all before the first that fails are done or being done.
  void Work(std::size_t thread) {
    std::unique_lock lock(mutex_);
    while (next_ < count_ && !failure_) {
      const ParallelItem item{.index = next_++, .thread = thread, .first_failed = &first_failed_};
      lock.unlock();
      std::exception_ptr failure;
      try {
        work_(item);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      if (failure && item.index < first_failed_) {
        first_failed_ = item.index;
        failure_ = failure;
      }
    }
    ++num_ended_;
    worker_ended_.notify_one();
  }

  const std::size_t count_;
  const std::function<void(const ParallelItem&)>& work_;
  // Read without the lock, too.
  std::atomic<std::size_t> first_failed_ = std::numeric_limits<std::size_t>::max();
  std::mutex mutex_;  // of all below
  std::condition_variable worker_ended_;
  std::size_t next_ = 0;
  std::size_t num_ended_ = 0;
  std::exception_ptr failure_;
};

}  // namespace

void ParallelFor(std::size_t count, std::int64_t jobs,
                 const std::function<void(const ParallelItem&)>& work,
                 const std::function<void()>& tick) {
  ParallelRun(count, work).Run(jobs, tick);
}

}  // namespace gneiss
