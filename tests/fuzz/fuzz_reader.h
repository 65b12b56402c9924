// A reader of bytes of strangers, as fuzzers and usual tests call it. Each tests/fuzz/NAME_fuzz.cc
// has one:
//
//   the fuzzer NAME_fuzz     is made of it, fuzz_main.cc and our libraries (tests/CMakeLists.txt)
//   tests/fuzz/corpus/NAME   has its seeds and what the fuzzer has found, which
//                            tests/io/fuzz_corpus_test.cc gives to it in every build
#pragma once

#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "planner/fleet/bytes.h"

namespace gneiss {

class FuzzReader {
 public:
  // Throws nothing but InputError, whatever the bytes.
  using Read = void (*)(std::string_view bytes);
  // Makes right what any change of the bytes breaks and the reader looks at first: checksums.
  using Mend = void (*)(std::span<char> bytes);

  FuzzReader(std::string name, Read read, Mend mend = nullptr)
      : name_(std::move(name)), read_(read), mend_(mend) {
    All().push_back(this);
  }
  FuzzReader(const FuzzReader&) = delete;
  FuzzReader& operator=(const FuzzReader&) = delete;

  // Those of the program.
  static std::vector<const FuzzReader*>& All() {
    static std::vector<const FuzzReader*> all;
    return all;
  }

  const std::string& name() const { return name_; }
  void Mended(std::span<char> bytes) const {
    if (mend_ != nullptr) mend_(bytes);
  }
  // Whether the reader takes the bytes. Throws std::logic_error for a broken invariant, and
  // whatever else the reader should not.
  bool Takes(std::string_view bytes) const;

 private:
  std::string name_;
  Read read_;
  Mend mend_;
};

// An invariant of a reader.
inline void Expect(bool holds, const std::string& otherwise) {
  if (!holds) throw std::logic_error(otherwise);
}

// What is said of bad input is for a person: something, and not the input itself.
inline void ExpectMessage(std::string_view message) {
  constexpr std::size_t kMaxBytes = 2000;
  Expect(!message.empty(), "an InputError without a message");
  Expect(message.size() <= kMaxBytes, "a message of " + std::to_string(message.size()) +
                                          " bytes: " + std::string(message.substr(0, kMaxBytes)));
}

// What `read` says of an input that it refuses, empty when it takes it.
inline std::string RefusalFrom(const std::function<void()>& read) {
  try {
    read();
  } catch (const InputError& error) {
    ExpectMessage(error.what());
    return error.what();
  }
  return {};
}

inline bool FuzzReader::Takes(std::string_view bytes) const {
  return RefusalFrom([&] { read_(bytes); }).empty();
}

}  // namespace gneiss
