#include "io/bytes/parallel_for.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

namespace gneiss {
namespace {

// What ParallelFor throws.
std::string FailureOf(std::size_t count, std::int64_t jobs,
                      const std::function<void(const ParallelItem&)>& work) {
  try {
    ParallelFor(count, jobs, work);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing";
}

void WaitUntil(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::yield();
}

TEST_CASE("Each item is worked on once, by a thread below the number of jobs",
          "[io][parallel_for]") {
  for (const std::int64_t jobs : {-1, 0, 1, 2, 8, 200}) {
    for (const std::size_t count : {0U, 1U, 2U, 7U, 100U}) {
      INFO(jobs << " jobs, " << count << " items");
      std::vector<std::atomic<int>> calls(count);
      std::atomic<bool> is_thread_below = true;
      std::atomic<bool> is_moot = false;
      ParallelFor(count, jobs, [&](const ParallelItem& item) {
        ++calls[item.index];
        if (static_cast<std::int64_t>(item.thread) >= std::max<std::int64_t>(jobs, 1)) {
          is_thread_below = false;
        }
        if (item.IsMoot()) is_moot = true;
      });
      for (const std::atomic<int>& number : calls) CHECK(number == 1);
      CHECK(is_thread_below);
      CHECK_FALSE(is_moot);
    }
  }
}

TEST_CASE("Items of one thread come one after the other", "[io][parallel_for]") {
  constexpr std::size_t kJobs = 4;
  std::vector<std::vector<std::size_t>> of_thread(kJobs);  // a race where two were one
  ParallelFor(1000, kJobs,
              [&](const ParallelItem& item) { of_thread[item.thread].push_back(item.index); });
  std::size_t sum = 0;
  for (const std::vector<std::size_t>& items : of_thread) {
    sum += items.size();
    CHECK(std::ranges::is_sorted(items));
  }
  CHECK(sum == 1000);
}

TEST_CASE("The failure of the first item that fails is thrown", "[io][parallel_for]") {
  for (const std::int64_t jobs : {1, 2, 8}) {
    INFO(jobs << " jobs");
    CHECK(FailureOf(100, jobs, [](const ParallelItem& item) {
            if (item.index >= 37) throw std::runtime_error(std::to_string(item.index));
          }) == "37");
  }
}

TEST_CASE("An item that fails does not end those before it", "[io][parallel_for]") {
  for (const std::int64_t jobs : {3, 8}) {
    INFO(jobs << " jobs");
    const auto witness = static_cast<std::size_t>(jobs) - 1;
    std::atomic<bool> has_begun = false;
    std::atomic<bool> is_known = false;  // that the one before the witness has failed
    std::atomic<std::size_t> num_done = 0;
    CHECK(FailureOf(100, jobs, [&](const ParallelItem& item) {
            if (item.index == witness) {
              has_begun = true;
              while (!item.IsMoot()) std::this_thread::yield();
              is_known = true;
            } else if (item.index + 1 == witness) {
              WaitUntil(has_begun);
              throw std::runtime_error("failed");
            } else {
              WaitUntil(is_known);
              if (!item.IsMoot()) ++num_done;
            }
          }) == "failed");
    CHECK(num_done == witness - 1);
  }
}

TEST_CASE("An item after one that failed is moot, and its exception is not thrown",
          "[io][parallel_for]") {
  struct Abandoned {};
  for (const std::int64_t jobs : {2, 8}) {
    INFO(jobs << " jobs");
    std::atomic<bool> has_begun = false;
    std::atomic<bool> was_moot = false;
    CHECK(FailureOf(2, jobs, [&](const ParallelItem& item) {
            if (item.index == 0) {
              WaitUntil(has_begun);
              throw std::runtime_error("first");
            }
            has_begun = true;
            while (!item.IsMoot()) std::this_thread::yield();
            was_moot = true;
            throw Abandoned();
          }) == "first");
    CHECK(was_moot);
  }
}

TEST_CASE("Of failures in any order that of the first item is thrown", "[io][parallel_for]") {
  std::atomic<bool> has_failed = false;
  CHECK(FailureOf(2, 2, [&](const ParallelItem& item) {
          if (item.index == 0) {
            WaitUntil(has_failed);
            throw std::runtime_error("first");
          }
          has_failed = true;
          throw std::runtime_error("second");
        }) == "first");
}

TEST_CASE("No item is begun after one has failed", "[io][parallel_for]") {
  int num_begun = 0;
  CHECK(FailureOf(100, 1, [&](const ParallelItem& item) {
          ++num_begun;
          if (item.index == 3) throw std::runtime_error("third");
        }) == "third");
  CHECK(num_begun == 4);
}

TEST_CASE("The tick is called in the caller's thread, and after the last item",
          "[io][parallel_for]") {
  for (const std::int64_t jobs : {1, 2, 8}) {
    INFO(jobs << " jobs");
    std::atomic<std::size_t> num_done = 0;
    std::atomic<int> num_ticks = 0;
    std::size_t num_told = 0;
    bool is_caller = true;
    const std::thread::id caller = std::this_thread::get_id();
    ParallelFor(
        10, jobs,
        [&](const ParallelItem& item) {
          // One takes as long as two ticks do.
          while (item.index == 9 && num_ticks < 2) std::this_thread::yield();
          ++num_done;
        },
        [&] {
          ++num_ticks;
          num_told = num_done;
          if (std::this_thread::get_id() != caller) is_caller = false;
        });
    CHECK(is_caller);
    CHECK(num_told == 10);
    CHECK(num_ticks >= 3);
  }
  bool is_called = false;
  ParallelFor(
      0, 4, [](const ParallelItem&) {}, [&] { is_called = true; });
  CHECK_FALSE(is_called);
}

TEST_CASE("Where no thread can be had the caller's does the work", "[io][parallel_for]") {
  pthread_attr_t normal;
  pthread_attr_t huge;
  REQUIRE(pthread_getattr_default_np(&normal) == 0);
  REQUIRE(pthread_attr_init(&huge) == 0);
  REQUIRE(pthread_attr_setstacksize(&huge, std::size_t{1} << 50) == 0);
  REQUIRE(pthread_setattr_default_np(&huge) == 0);
  const std::thread::id caller = std::this_thread::get_id();
  std::vector<std::size_t> items;  // of the caller's thread alone
  bool is_caller = true;
  int num_ticks = 0;
  ParallelFor(
      3, 2,
      [&](const ParallelItem& item) {
        if (std::this_thread::get_id() != caller || item.thread != 0) is_caller = false;
        items.push_back(item.index);
      },
      [&] { ++num_ticks; });
  REQUIRE(pthread_setattr_default_np(&normal) == 0);
  CHECK(is_caller);
  CHECK(items == std::vector<std::size_t>{0, 1, 2});
  CHECK(num_ticks == 1);
}

}  // namespace
}  // namespace gneiss
