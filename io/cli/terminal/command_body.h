// What a command is to the rest: what runs, how it ends, and how it says that it was called
// wrongly.
#pragma once

#include <functional>
#include <stdexcept>

#include "io/cli/terminal/console.h"

namespace gneiss {

enum ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2, kPolicyNotMet = 3 };

// What a command does once its options are read. Data goes to console.out, words to console.err.
// Returns the exit code; throws InputError, UsageError or std::system_error instead of printing
// one.
using CommandBody = std::function<int(Console& console)>;

// Wrong use of the command line that only the command itself can see. Exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace gneiss
