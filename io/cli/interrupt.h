// SIGINT, SIGTERM and SIGHUP: one line, no half-written file, exit code 128 + signal, at any moment
// of a run, a blocked read included. SIGPIPE and SIGXFSZ are ignored: a closed pipe and a file past
// its limit are failed writes.
#pragma once

#include <string>

namespace gneiss {

// For the process; call once, before any work.
void HandleInterrupts();

// The file that an interrupt removes, until it is called with an empty path. One at a time.
// REQUIRES: the path is shorter than 4096 bytes; a longer one is left where it is.
void RemoveOnInterrupt(const std::string& path);

// Whether a progress line stands on the terminal and has to be erased first.
void EraseOnInterrupt(bool erase);

}  // namespace gneiss
