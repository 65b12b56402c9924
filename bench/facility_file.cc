#include "bench/facility_file.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fmt/format.h>

#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

// More of either is a mistake in the file, or nothing that fits a machine.
constexpr std::int64_t kMostRows = 10'000'000;
constexpr std::int64_t kMostLinks = 1'000'000'000;
constexpr int kMostDecimals = 12;

// A number as it stands: digits without the point, and how many came after it.
struct Decimal {
  std::int64_t digits = 0;
  int num_decimals = 0;
};

class FacilityWords {
 public:
  FacilityWords(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  std::int64_t Count(const char* what) {
    const std::string_view word = Word(what);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || value < 1 ||
        value > kMostRows) {
      Fail(fmt::format("{}, 1 to {}", what, kMostRows), word);
    }
    return value;
  }

  Decimal Cost(const std::string& what) {
    const std::string_view word = Word(what);
    Decimal decimal;
    bool after_point = false;
    bool any = false;
    int zeros = 0;  // after the point, not yet known to matter
    const auto append = [&](int digit) {
      if (decimal.digits > (std::int64_t{1} << 62) / 10 - 1) {
        Fail(what + " that fits 62 bits with its decimals", word);
      }
      decimal.digits = decimal.digits * 10 + digit;
    };
    for (const char c : word) {
      if (c == '.' && !after_point) {
        after_point = true;
        continue;
      }
      if (c < '0' || c > '9') Fail(what + ", a decimal number >= 0", word);
      any = true;
      if (after_point && c == '0') {
        ++zeros;
        continue;
      }
      if (after_point) {
        for (; zeros > 0; --zeros, ++decimal.num_decimals) append(0);
        ++decimal.num_decimals;
      }
      append(c - '0');
    }
    if (!any) Fail(what + ", a decimal number >= 0", word);
    if (decimal.num_decimals > kMostDecimals) {
      Fail(fmt::format("{} with at most {} decimals", what, kMostDecimals), word);
    }
    return decimal;
  }

  void Skip(const std::string& what) { static_cast<void>(Word(what)); }

  void End() {
    SkipSpace();
    if (at_ < text_.size()) Fail("the end of the file", Word("the end"));
  }

  [[noreturn]] void Fail(const std::string& expected, std::string_view found) const {
    constexpr std::size_t kMostShown = 40;
    throw InputError(
        name_, std::to_string(line_),
        fmt::format("expected {}, found '{}'", expected, Printable(found.substr(0, kMostShown))));
  }

 private:
  static bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

  static std::string Printable(std::string_view text) {
    std::string shown(text);
    for (char& c : shown) {
      if (c < ' ' || c > '~') c = '?';
    }
    return shown;
  }

  void SkipSpace() {
    for (; at_ < text_.size() && IsSpace(text_[at_]); ++at_) line_ += text_[at_] == '\n' ? 1 : 0;
  }

  std::string_view Word(const std::string& what) {
    SkipSpace();
    const std::size_t begin = at_;
    while (at_ < text_.size() && !IsSpace(text_[at_])) ++at_;
    if (at_ == begin) {
      throw InputError(name_, std::to_string(line_),
                       fmt::format("expected {}, found the end of the file", what));
    }
    return text_.substr(begin, at_ - begin);
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
};

struct FileClose {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

void FacilityInstance::AddCustomer(const std::vector<std::int64_t>& costs) {
  const auto begin = static_cast<std::ptrdiff_t>(links.size());
  for (std::uint32_t j = 0; j < costs.size(); ++j) {
    links.push_back({.facility = j, .cost = costs[j]});
  }
  std::stable_sort(links.begin() + begin, links.end(),
                   [](const auto& a, const auto& b) { return a.cost < b.cost; });
  first_link.push_back(links.size());
}

FacilityInstance ParseFacilityFile(std::string_view text, const std::string& name) {
  FacilityWords words(text, name);
  const std::int64_t m = words.Count("the number of facilities");
  const std::int64_t n = words.Count("the number of customers");
  // Every cost takes two bytes, so a file that is too short for its numbers shows at once.
  if (m > kMostLinks / n || static_cast<std::size_t>(m * n) > text.size()) {
    words.Fail(fmt::format("{} x {} costs", n, m), "a file too short for them");
  }
  std::vector<Decimal> decimals;
  decimals.reserve(static_cast<std::size_t>(m + m * n));
  for (std::int64_t j = 1; j <= m; ++j) {
    words.Skip(fmt::format("the capacity of facility {}", j));
    decimals.push_back(words.Cost(fmt::format("the opening cost of facility {}", j)));
  }
  for (std::int64_t i = 1; i <= n; ++i) {
    words.Skip(fmt::format("the demand of customer {}", i));
    const std::string what = fmt::format("a cost of customer {}", i);
    for (std::int64_t j = 0; j < m; ++j) decimals.push_back(words.Cost(what));
  }
  words.End();

  FacilityInstance instance;
  for (const Decimal& d : decimals) {
    instance.num_decimals = std::max(instance.num_decimals, d.num_decimals);
  }
  // The solver's range (solver/facilities/facility_location.h), where no more than all of these are
  // added.
  const std::int64_t most = (std::int64_t{1} << 60) / (n + 2) / (m + 1) - 1;
  std::vector<std::int64_t> costs;
  costs.reserve(decimals.size());
  for (const Decimal& d : decimals) {
    std::int64_t cost = d.digits;
    for (int k = d.num_decimals; k < instance.num_decimals; ++k) {
      cost = std::min(cost, most) * 10;
    }
    if (cost > most) {
      throw InputError(name, "",
                       fmt::format("expected costs of at most {} in steps of 10^-{}, found {}",
                                   FormatDecimal(most, instance.num_decimals),
                                   instance.num_decimals, FormatDecimal(d.digits, d.num_decimals)));
    }
    costs.push_back(cost);
  }
  instance.opening_cost.assign(costs.begin(), costs.begin() + m);
  for (auto row = costs.begin() + m; row != costs.end(); row += m) {
    instance.AddCustomer({row, row + m});
  }
  return instance;
}

FacilityInstance ReadFacilityFile(const std::string& path) {
  const auto fail = [&](const char* what) {
    return InputError(path, "", fmt::format("{}: {}", what, std::strerror(errno)));
  };
  const std::unique_ptr<std::FILE, FileClose> file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) throw fail("cannot open");
  std::string text;
  char buffer[65536];
  while (const std::size_t size = std::fread(buffer, 1, sizeof buffer, file.get())) {
    text.append(buffer, size);
  }
  if (std::ferror(file.get()) != 0) throw fail("cannot read");
  return ParseFacilityFile(text, path);
}

std::string FormatDecimal(std::int64_t amount, int num_decimals) {
  std::int64_t unit = 1;
  for (int k = 0; k < num_decimals; ++k) unit *= 10;
  if (num_decimals == 0) return std::to_string(amount);
  return fmt::format("{}.{:0{}}", amount / unit, amount % unit, num_decimals);
}

}  // namespace gneiss
