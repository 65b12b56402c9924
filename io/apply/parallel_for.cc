#include "io/apply/parallel_for.h"

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
  ParallelRun(std::size_t count, const std::function<void(std::size_t)>& work)
      : count_(count), work_(work) {}

  void Run(std::int64_t jobs, const std::function<void()>& tick) {
    std::vector<std::jthread> threads;
    std::unique_lock lock(mutex_);
    const std::size_t wanted =
        std::min(static_cast<std::size_t>(std::max<std::int64_t>(jobs, 1)), count_);
    try {
      while (threads.size() < wanted) {
        threads.emplace_back([this] { Work(); });
        ++workers_left_;
      }
    } catch (const std::system_error&) {
      // With one thread at least the work gets done.
      if (threads.empty()) throw;
    }
    while (workers_left_ > 0) {
      if (!tick) {
        worker_ended_.wait(lock);
      } else {
        worker_ended_.wait_for(lock, 100ms);
        lock.unlock();
        tick();
        lock.lock();
      }
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  // Items are begun in their order, so all before the first that fails are done or being done.
  void Work() {
    std::unique_lock lock(mutex_);
    while (next_ < count_ && !failure_) {
      const std::size_t item = next_++;
      lock.unlock();
      std::exception_ptr failure;
      try {
        work_(item);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      if (failure && item < first_failed_) {
        first_failed_ = item;
        failure_ = failure;
      }
    }
    --workers_left_;
    worker_ended_.notify_one();
  }

  const std::size_t count_;
  const std::function<void(std::size_t)>& work_;
  std::mutex mutex_;  // of all below
  std::condition_variable worker_ended_;
  std::size_t next_ = 0;
  std::size_t workers_left_ = 0;
  std::size_t first_failed_ = std::numeric_limits<std::size_t>::max();
  std::exception_ptr failure_;
};

}  // namespace

void ParallelFor(std::size_t count, std::int64_t jobs, const std::function<void(std::size_t)>& work,
                 const std::function<void()>& tick) {
  ParallelRun(count, work).Run(jobs, tick);
}

}  // namespace gneiss
