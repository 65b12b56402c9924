// The corpora of tests/fuzz: seeds and what the fuzzers have found.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include <catch2/catch.hpp>

#include "tests/fuzz/fuzz_reader.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

const std::filesystem::path kCorpora = "tests/fuzz/corpus";

TEST_CASE("Each reader takes or refuses what its fuzzer's corpus holds", "[io][fuzz_corpus]") {
  for (const FuzzReader* const reader : FuzzReader::All()) {
    INFO(reader->name());
    int num_taken = 0;
    for (const auto& file : std::filesystem::directory_iterator(kCorpora / reader->name())) {
      INFO(file.path());
      const std::string bytes = ReadWholeFile(file.path().string());
      CHECK_NOTHROW(num_taken += reader->Takes(bytes) ? 1 : 0);
    }
    // One that is refused at once is fuzzed in vain.
    CHECK(num_taken > 0);
  }
}

TEST_CASE("Each corpus of a fuzzer has its reader", "[io][fuzz_corpus]") {
  std::set<std::string> readers;
  for (const FuzzReader* const reader : FuzzReader::All()) readers.insert(reader->name());
  CHECK(readers.size() == FuzzReader::All().size());
  std::set<std::string> corpora;
  for (const auto& folder : std::filesystem::directory_iterator(kCorpora)) {
    corpora.insert(folder.path().filename().string());
  }
  CHECK(corpora == readers);
}

}  // namespace
}  // namespace gneiss
