// The same work on many items, on several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace gneiss {

// Calls work(i) once for each i below `count`, in this order, from `jobs` threads (at least 1), and
// `tick`, which may be empty, in the caller's about ten times a second. Where items fail no new
// ones are begun, and what the first of them threw is thrown again: the same at any number of
// threads.
void ParallelFor(std::size_t count, std::int64_t jobs, const std::function<void(std::size_t)>& work,
                 const std::function<void()>& tick);

}  // namespace gneiss
