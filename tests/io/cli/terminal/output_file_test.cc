#include "io/cli/terminal/output_file.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <sstream>
#include <string>
#include <system_error>

#include <catch2/catch.hpp>

#include "io/bytes/interrupt.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

struct Streams {
  std::ostringstream out;
  std::ostringstream err;
  Console console{.out = &out, .err = &err};
};

std::size_t NumEntries(const std::string& directory) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

TEST_CASE("A report without a file goes to the console", "[io][output_file]") {
  Streams streams;
  for (const char* const path : {"", "-"}) {
    OutputFile file(path, streams.console);
    CHECK(file.is_console());
    file.stream() << "x";
    file.Finish();
  }
  CHECK(streams.out.str() == "xx");
}

TEST_CASE("A file appears whole when it is finished", "[io][output_file]") {
  const TemporaryDirectory directory;
  Streams streams;
  const std::string path = directory.Write("report.json", "old");
  OutputFile file(path, streams.console);
  file.stream() << std::string(100'000, 'x') << "new";
  CHECK(ReadWholeFile(path) == "old");
  file.Finish();
  CHECK(ReadWholeFile(path) == std::string(100'000, 'x') + "new");
  CHECK(NumEntries(directory.path()) == 1);
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  const mode_t mask = umask(0);
  umask(mask);
  CHECK((status.st_mode & 0777) == (0666 & ~mask));
}

TEST_CASE("A file that is not finished leaves nothing and keeps the old one", "[io][output_file]") {
  const TemporaryDirectory directory;
  Streams streams;
  const std::string path = directory.Write("report.json", "old");
  {
    OutputFile file(path, streams.console);
    file.stream() << "half";
    CHECK(NumEntries(directory.path()) == 2);
  }
  CHECK(NumEntries(directory.path()) == 1);
  CHECK(ReadWholeFile(path) == "old");
}

TEST_CASE("A file is replaced through a symbolic link", "[io][output_file]") {
  const TemporaryDirectory directory;
  Streams streams;
  const std::string path = directory.Write("real", "old");
  fs::create_symlink("real", directory.path("link"));
  OutputFile file(directory.path("link"), streams.console);
  file.stream() << "new";
  file.Finish();
  CHECK(fs::is_symlink(directory.path("link")));
  CHECK(ReadWholeFile(path) == "new");
}

TEST_CASE("A file is made where a symbolic link points, and one that is there keeps its mode",
          "[io][output_file]") {
  Streams streams;
  const TemporaryDirectory directory;
  fs::create_symlink("new", directory.path("link"));
  for (const mode_t mode : {0600, 0444}) {
    OutputFile file(directory.path("link"), streams.console);
    file.stream() << mode;
    file.Finish();
    CHECK(fs::is_symlink(directory.path("link")));
    REQUIRE(chmod(directory.path("new").c_str(), mode) == 0);
    OutputFile again(directory.path("link"), streams.console);
    again.Finish();
    struct stat status {};
    REQUIRE(stat(directory.path("new").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == mode);
    CHECK(status.st_size == 0);
  }
}

TEST_CASE("A device is written to and not replaced", "[io][output_file]") {
  Streams streams;
  {
    OutputFile file("/dev/null", streams.console);
    file.stream() << "x";
    file.Finish();
  }
  CHECK(fs::is_character_file("/dev/null"));
  OutputFile full("/dev/full", streams.console);
  full.stream() << "x";
  CHECK_THROWS_AS(full.Finish(), std::system_error);
}

TEST_CASE("A file that cannot be made is named", "[io][output_file]") {
  const TemporaryDirectory directory;
  Streams streams;
  const std::string missing = directory.path("no/such/file");
  CHECK_THROWS_WITH(OutputFile(missing, streams.console), missing + ": No such file or directory");
  CHECK_THROWS_WITH(OutputFile(directory.path(), streams.console),
                    directory.path() + ": Is a directory");
}

TEST_CASE("A signal while a file is written leaves nothing of it", "[io][output_file]") {
  const TemporaryDirectory directory;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      // The child must not return into the test runner.
      std::signal(signal, SIG_DFL);
      if (freopen("/dev/null", "w", stderr) == nullptr) _exit(1);
      HandleInterrupts();
      Streams streams;
      OutputFile file(directory.path("report"), streams.console);
      file.stream() << "half";
      raise(signal);
      _exit(1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CAPTURE(signal);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 128 + signal);
    CHECK(NumEntries(directory.path()) == 0);
  }
}

}  // namespace
}  // namespace gneiss
