// The main of every test binary, compiled once. Tells the tests tagged [corpus] where their folder
// is: the environment variable GNEISS_CORPUS is set in every test, by the user or here.
#include <cstdlib>
#include <filesystem>
#include <iostream>

#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

namespace {
constexpr int kSkipped = 77;  // SKIP_RETURN_CODE in tests/CMakeLists.txt
}  // namespace

int main(int argc, char** argv) {
  setenv("GNEISS_CORPUS", GNEISS_DEFAULT_CORPUS, /*overwrite=*/0);
  Catch::Session session;
  // A filter that selects nothing and a test that asserts nothing are failures.
  session.configData().warnings = static_cast<Catch::WarnAbout::What>(
      Catch::WarnAbout::NoTests | Catch::WarnAbout::NoAssertions);
  if (const int status = session.applyCommandLine(argc, argv); status != 0) return status;
  const auto& filters = session.configData().testsOrTags;
  const std::filesystem::path corpus = std::getenv("GNEISS_CORPUS");
  const bool only_corpus = filters.size() == 1 && filters.front().starts_with("[corpus]");
  if (only_corpus && !std::filesystem::is_directory(corpus)) {
    std::cout << "skipped: no folder " << corpus << "; GNEISS_CORPUS names another\n";
    return kSkipped;
  }
  return session.run();
}
