// The same work on many items, on several threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace gneiss {

// One item, as its work gets it; valid until that returns.
struct ParallelItem {
  std::size_t index = 0;
  std::size_t thread = 0;  // that works on it, below `jobs`
  const std::atomic<std::size_t>* first_failed = nullptr;

  // Whether an item before this one has failed: what comes of this one is not wanted any more, and
  // its work may end early, by an exception too.
  bool IsMoot() const { return first_failed->load(std::memory_order_relaxed) < index; }
};

// Calls work(item) once for each index below `count`, begun in this order, from at most `jobs`
// threads (at least 1): fewer where the system has no more. `tick`, which may be empty, is called
// in the caller's thread about ten times a second, and once after the last item.
//
// Where items fail no new ones are begun, those before the first that failed run to their end, and
// what that one threw is thrown again: the same at any number of threads.
void ParallelFor(std::size_t count, std::int64_t jobs,
                 const std::function<void(const ParallelItem&)>& work,
                 const std::function<void()>& tick = {});

}  // namespace gneiss
