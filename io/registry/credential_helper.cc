#include "io/registry/credential_helper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstddef>
#include <new>
#include <system_error>
#include <utility>

#include "io/bytes/atomic_file.h"
#include "io/json/json_value.h"
#include "io/registry/registry_clock.h"
#include "planner/fleet/bytes.h"

extern char** environ;

namespace gneiss {
namespace {

constexpr std::size_t kMaxAnswerBytes = std::size_t{64} << 10;
constexpr int kHelperPollMilliseconds = 50;

struct Pipe {
  OpenDescriptor read;
  OpenDescriptor write;
};

Pipe OpenPipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe");
  }
  return {.read = OpenDescriptor(ends[0]), .write = OpenDescriptor(ends[1])};
}

// The helper as a child process; killed unless it was waited for.
class HelperProcess {
 public:
  HelperProcess(const std::string& program, int input, int output) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0) throw std::bad_alloc();
    if (posix_spawnattr_init(&attributes) != 0) {
      posix_spawn_file_actions_destroy(&actions);
      throw std::bad_alloc();
    }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    // What it complains of may name secrets.
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    std::string name = program;
    std::string verb = "get";
    std::array<char*, 3> arguments = {name.data(), verb.data(), nullptr};
    const int error =
        posix_spawnp(&id_, program.c_str(), &actions, &attributes, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
      throw InputError(program, "",
                       "cannot be run: " + std::generic_category().message(error) +
                           "; install it, or take it out of credHelpers and credsStore");
    }
    is_running_ = true;
  }
  HelperProcess(const HelperProcess&) = delete;
  HelperProcess& operator=(const HelperProcess&) = delete;
  ~HelperProcess() {
    if (!is_running_) return;
    kill(id_, SIGKILL);
    Reap(0);
  }

  // Its exit status, 128 and more when a signal ended it; nullopt while it runs.
  std::optional<int> Poll() { return Reap(WNOHANG); }

 private:
  std::optional<int> Reap(int flags) {
    int status = 0;
    pid_t ended;
    do {
      ended = waitpid(id_, &status, flags);
    } while (ended < 0 && errno == EINTR);
    if (ended == 0) return std::nullopt;
    is_running_ = false;
    if (ended < 0) return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  pid_t id_ = -1;
  bool is_running_ = false;
};

// Waits a little for `descriptor`. Throws when the time is up.
class HelperPatience {
 public:
  HelperPatience(const std::string& program, std::chrono::milliseconds limit,
                 const std::function<bool()>& is_moot)
      : program_(program), limit_(limit), end_(Clock::now() + limit), is_moot_(is_moot) {}

  void Wait(int descriptor) const {
    if (is_moot_ && is_moot_()) throw RequestAbandoned();
    if (Clock::now() > end_) {
      throw InputError(
          program_, "",
          "did not answer within " +
              std::to_string(std::chrono::duration_cast<std::chrono::seconds>(limit_).count()) +
              " s; it may wait for a password that nobody can enter");
    }
    pollfd waited{.fd = descriptor, .events = POLLIN, .revents = 0};
    poll(&waited, descriptor < 0 ? 0 : 1, kHelperPollMilliseconds);
  }

 private:
  using Clock = std::chrono::steady_clock;  // a process runs by no clock of ours

  const std::string& program_;
  std::chrono::milliseconds limit_;
  Clock::time_point end_;
  const std::function<bool()>& is_moot_;
};

std::string ReadOutput(const std::string& program, int descriptor, const HelperPatience& patience) {
  std::string output;
  std::array<char, 4096> piece;
  while (true) {
    const ssize_t count = read(descriptor, piece.data(), piece.size());
    if (count == 0) return output;
    if (count > 0) {
      output.append(piece.data(), static_cast<std::size_t>(count));
      if (output.size() > kMaxAnswerBytes) {
        throw InputError(program, "",
                         "expected at most " + std::to_string(kMaxAnswerBytes) +
                             " bytes on its output, found more");
      }
    } else if (errno == EAGAIN) {
      patience.Wait(descriptor);
    } else if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), program);
    }
  }
}

HelperAnswer ParseHelperAnswer(const std::string& program, const std::string& output) {
  try {
    const JsonDocument document = ParseJson(output);
    HelperAnswer answer{.user = std::string(document.root.FindText("Username")),
                        .secret = std::string(document.root.FindText("Secret"))};
    if (!answer.secret.empty()) return answer;
  } catch (const InputError&) {
    // What it wrote may be a secret.
  }
  throw InputError(program, "", "expected JSON with Username and Secret on its output, found else");
}

}  // namespace

bool IsHelperName(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= 100 && is_plain(name.front()) &&
         std::ranges::all_of(
             name, [&](char c) { return is_plain(c) || c == '.' || c == '_' || c == '-'; });
}

std::optional<HelperAnswer> AskCredentialHelper(const std::string& name, const std::string& server,
                                                std::chrono::milliseconds limit,
                                                const std::function<bool()>& is_moot) {
  assert(IsHelperName(name));
  const std::string program = "docker-credential-" + name;
  Pipe input = OpenPipe();
  Pipe output = OpenPipe();
  HelperProcess process(program, input.read.get(), output.write.get());
  input.read = OpenDescriptor();
  output.write = OpenDescriptor();
  // One that does not read it, or has ended, is judged by what it answers. A host fits into a pipe.
  static_cast<void>(!write(input.write.get(), server.data(), server.size()));
  input.write = OpenDescriptor();
  fcntl(output.read.get(), F_SETFL, O_NONBLOCK);
  const HelperPatience patience(program, limit, is_moot);
  const std::string answer = ReadOutput(program, output.read.get(), patience);
  std::optional<int> status;
  while (!(status = process.Poll())) patience.Wait(-1);
  if (*status == 127) throw InputError(program, "", "cannot be run; is it in PATH?");
  if (*status != 0) {
    if (answer.find("credentials not found") != std::string::npos) return std::nullopt;
    throw InputError(program, "",
                     "failed with status " + std::to_string(*status) + "; try `echo " + server +
                         " | " + program + " get`");
  }
  return ParseHelperAnswer(program, answer);
}

}  // namespace gneiss
