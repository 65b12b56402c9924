// How often tests of random instances repeat.
#pragma once

namespace gneiss {

#ifdef GNEISS_IS_SANITIZED
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

// Sanitizers look for other faults than many rounds do, and take up to fifty times as long.
constexpr int NumRounds(int count) { return kIsSanitized && count >= 10 ? count / 10 : count; }

}  // namespace gneiss
