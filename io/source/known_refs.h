// Some of the refs that a source has, for the message when the wanted one is not among them.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace gneiss {

class KnownRefs {
 public:
  // Keeps the first few that are not empty.
  void Add(std::string_view ref);
  // Throws InputError with `source`: "expected an image WANTED, found refs ...".
  [[noreturn]] void ThrowMissing(const std::string& source, std::string_view wanted) const;

 private:
  std::set<std::string, std::less<>> refs_;
};

}  // namespace gneiss
