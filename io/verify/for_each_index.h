// A loop whose rounds do not need each other, on several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace gneiss {

// Calls work(i) for every i below `count`, at most `jobs` at a time. Rethrows the first exception
// that a round threw, once all threads have ended; rounds that have not begun by then do not begin.
void ForEachIndex(std::size_t count, std::int64_t jobs,
                  const std::function<void(std::size_t index)>& work);

}  // namespace gneiss
