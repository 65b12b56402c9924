#include "io/bytes/interrupt.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <string_view>

namespace gneiss {
namespace {

enum SlotState : int { kFree, kFilling, kFilled };

// Filled by any thread, read by the handler in another. Directory and path belong to whoever made
// the slot kFilling, and do not change while it is kFilled.
struct Slot {
  std::atomic<int> state = kFree;
  int directory = AT_FDCWD;
  std::array<char, 4096> path{};
};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

std::array<Slot, 64> slots;
std::atomic<bool> interrupted = false;
std::atomic<bool> has_progress = false;
std::atomic<bool> may_stop = false;
std::atomic<int> asked_to_stop = 0;

void Say(std::string_view text) {
  // Nothing can be done about a failure here.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

// Calls async-signal-safe functions only (signal-safety(7)).
void Interrupt(int signal) {
  if (may_stop && signal != SIGHUP && asked_to_stop.exchange(signal) == 0) {
    if (has_progress) Say("\r\x1b[K");
    Say("gneiss: stopping with the best so far; again to end at once\n");
    return;
  }
  interrupted = true;
  for (const Slot& slot : slots) {
    if (slot.state == kFilled) unlinkat(slot.directory, slot.path.data(), 0);
  }
  if (has_progress) Say("\r\x1b[K");
  Say(signal == SIGINT    ? "gneiss: interrupted\n"
      : signal == SIGTERM ? "gneiss: terminated\n"
                          : "gneiss: hung up\n");
  _exit(128 + signal);
}

}  // namespace

void HandleInterrupts() {
  struct sigaction action {};
  sigfillset(&action.sa_mask);
  action.sa_handler = Interrupt;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old {};
    // nohup and shells' background jobs ask for a signal to be ignored; that stays so.
    if (sigaction(signal, nullptr, &old) == 0 && old.sa_handler == SIG_IGN) continue;
    sigaction(signal, &action, nullptr);
  }
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
  sigaction(SIGXFSZ, &action, nullptr);
}

RemovedOnInterrupt::RemovedOnInterrupt(const std::string& path)
    : RemovedOnInterrupt(AT_FDCWD, path) {}

RemovedOnInterrupt::RemovedOnInterrupt(int directory, const std::string& path) {
  if (path.size() >= slots[0].path.size()) return;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    int expected = kFree;
    if (!slots[i].state.compare_exchange_strong(expected, kFilling)) continue;
    // The handler is at work in another thread: it may have seen this slot filled before, and its
    // path must not change now. The process is about to end.
    while (interrupted) pause();
    slots[i].directory = directory;
    std::ranges::copy(path, slots[i].path.begin());
    slots[i].path[path.size()] = '\0';
    slots[i].state = kFilled;
    slot_ = static_cast<int>(i);
    return;
  }
}

RemovedOnInterrupt::~RemovedOnInterrupt() {
  if (slot_ >= 0) slots[static_cast<std::size_t>(slot_)].state = kFree;
}

StopOnInterrupt::StopOnInterrupt() {
  asked_to_stop = 0;
  may_stop = true;
}

StopOnInterrupt::~StopOnInterrupt() { may_stop = false; }

int StopOnInterrupt::signal() const { return asked_to_stop; }

void EraseOnInterrupt(bool erase) { has_progress = erase; }

}  // namespace gneiss
