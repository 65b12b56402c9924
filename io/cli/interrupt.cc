#include "io/cli/interrupt.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string_view>

namespace gneiss {
namespace {

// Written by the program, read by the handler. `has_file` is set last and cleared first.
std::array<char, 4096> file_to_remove{};
volatile std::sig_atomic_t has_file = 0;
volatile std::sig_atomic_t has_progress = 0;

void Say(std::string_view text) {
  // Nothing can be done about a failure here.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

// Calls async-signal-safe functions only (signal-safety(7)).
void Interrupt(int signal) {
  if (has_file != 0) unlink(file_to_remove.data());
  if (has_progress != 0) Say("\r\x1b[K");
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

void RemoveOnInterrupt(const std::string& path) {
  has_file = 0;
  if (path.empty() || path.size() >= file_to_remove.size()) return;
  std::ranges::copy(path, file_to_remove.begin());
  file_to_remove[path.size()] = '\0';
  has_file = 1;
}

void EraseOnInterrupt(bool erase) { has_progress = erase ? 1 : 0; }

}  // namespace gneiss
