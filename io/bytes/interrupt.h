// SIGINT, SIGTERM and SIGHUP: one line, no half-written file, exit code 128 + signal, at any moment
// of a run, a blocked read included. SIGPIPE and SIGXFSZ are ignored: a closed pipe and a file past
// its limit are failed writes.
#pragma once

#include <string>

namespace gneiss {

// For the process; call once, before any work.
void HandleInterrupts();

// While it lives, an interrupt removes the file `path`, which need not be there yet. Any number may
// live, in any thread; past 64 of them, or with a path of 4096 bytes or more, the file stays.
class RemovedOnInterrupt {
 public:
  explicit RemovedOnInterrupt(const std::string& path);
  // The same for a path in a directory that stays open until then.
  RemovedOnInterrupt(int directory, const std::string& path);
  RemovedOnInterrupt(const RemovedOnInterrupt&) = delete;
  RemovedOnInterrupt& operator=(const RemovedOnInterrupt&) = delete;
  ~RemovedOnInterrupt();

 private:
  int slot_ = -1;
};

// While it lives, the first SIGINT or SIGTERM only asks the work to end with what it has; the next
// one ends the process as ever. One at a time.
class StopOnInterrupt {
 public:
  StopOnInterrupt();
  StopOnInterrupt(const StopOnInterrupt&) = delete;
  StopOnInterrupt& operator=(const StopOnInterrupt&) = delete;
  ~StopOnInterrupt();

  // The signal that asked; 0: none.
  int signal() const;
};

// Whether a progress line stands on the terminal and has to be erased first.
void EraseOnInterrupt(bool erase);

}  // namespace gneiss
