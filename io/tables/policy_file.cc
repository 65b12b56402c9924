#include "io/tables/policy_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/json/json_value.h"
#include "io/source/document_rules.h"
#include "io/text/screen_text.h"
#include "io/text/suggestion.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

struct SizeUnit {
  std::string_view name;  // in lower case
  std::int64_t bytes;
};

constexpr std::array<SizeUnit, 12> kUnits = {{{"", 1},
                                              {"b", 1},
                                              {"kb", 1'000},
                                              {"mb", 1'000'000},
                                              {"gb", 1'000'000'000},
                                              {"tb", 1'000'000'000'000},
                                              {"pb", 1'000'000'000'000'000},
                                              {"kib", 1LL << 10},
                                              {"mib", 1LL << 20},
                                              {"gib", 1LL << 30},
                                              {"tib", 1LL << 40},
                                              {"pib", 1LL << 50}}};

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

[[noreturn]] void Refuse(std::string_view expected, std::string_view text) {
  throw InputError("expected " + std::string(expected) + ", found \"" + CutText(Printable(text)) +
                   "\"");
}

}  // namespace

Bytes ParseSize(std::string_view text) {
  const std::size_t end_of_number = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, end_of_number);
  std::string_view unit_name = text.substr(end_of_number);
  if (unit_name.starts_with(' ')) unit_name.remove_prefix(1);
  const std::string lower = Lower(unit_name);
  if (lower == "k" || lower == "m" || lower == "g" || lower == "t") {
    Refuse("a unit of 1000 (kB, MB, GB, TB) or of 1024 (KiB, MiB, GiB, TiB)", text);
  }
  const auto unit = std::ranges::find(kUnits, lower, &SizeUnit::name);
  if (number.empty() || unit == kUnits.end()) {
    Refuse("a size such as 4096, 256KiB or 1.5GB", text);
  }
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), whole);
  if (error == std::errc::result_out_of_range) Refuse("a size below 8 EiB", text);
  if (error == std::errc() && end == number.data() + number.size()) {
    Bytes bytes = 0;
    if (__builtin_mul_overflow(whole, unit->bytes, &bytes)) Refuse("a size below 8 EiB", text);
    return bytes;
  }
  double decimal = 0;
  const auto [decimal_end, decimal_error] = std::from_chars(
      number.data(), number.data() + number.size(), decimal, std::chars_format::fixed);
  if (decimal_error != std::errc() || decimal_end != number.data() + number.size()) {
    Refuse("a size such as 4096, 256KiB or 1.5GB", text);
  }
  const double bytes = std::round(decimal * static_cast<double>(unit->bytes));
  if (bytes >= 9223372036854775808.0) Refuse("a size below 8 EiB", text);
  return static_cast<Bytes>(bytes);
}

namespace {

constexpr std::string_view kPolicySchema = "gneiss.policy/1";
constexpr std::size_t kMaxPolicyBytes = std::size_t{1} << 20;
constexpr std::int64_t kPercent = 10'000;  // in millionths
constexpr std::int64_t kOne = 1'000'000;   // likewise
constexpr std::int64_t kMaxLayersLimit = 100'000;

// Keys beside the rules, at the top.
constexpr std::array<std::string_view, 8> kTopKeys = {
    "$schema", "schema",          "scope",      "layers_only",
    "exempt",  "allowed_secrets", "not_judged", "repositories"};

[[noreturn]] void FailAt(std::int64_t line, std::string problem) {
  throw InputError("", fmt::format("{}", line), std::move(problem));
}

[[noreturn]] void ThrowFound(std::string_view key, const LinedJson& value,
                             std::string_view expected) {
  FailAt(value.line, fmt::format("{}: expected {}, found {}", key, expected, value.Describe()));
}

std::optional<PolicyRule> FindRule(std::string_view key) {
  for (std::size_t r = 0; r < kNumPolicyRules; ++r) {
    if (PolicyRuleName(static_cast<PolicyRule>(r)) == key) return static_cast<PolicyRule>(r);
  }
  return std::nullopt;
}

// A decimal number of 0 or more times `unit`, exactly; nullopt when it is none, has more digits
// than `unit` has zeros, or leaves int64.
std::optional<std::int64_t> ParseDecimal(std::string_view text, std::int64_t unit) {
  const std::size_t point = text.find('.');
  std::int64_t whole = 0;
  const auto parse = [](std::string_view digits, std::int64_t& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size() && value >= 0 &&
           digits.front() != '-';
  };
  const std::string_view before = text.substr(0, point);
  if (before.empty() || !parse(before, whole)) return std::nullopt;
  std::int64_t result = 0;
  if (__builtin_mul_overflow(whole, unit, &result)) return std::nullopt;
  if (point == std::string_view::npos) return result;
  const std::string_view after = text.substr(point + 1);
  if (after.empty()) return std::nullopt;
  for (const char c : after) {
    if (c < '0' || c > '9' || unit % 10 != 0) return std::nullopt;
    unit /= 10;
    if (__builtin_add_overflow(result, (c - '0') * unit, &result)) return std::nullopt;
  }
  return result;
}

Bytes ReadSize(std::string_view key, const LinedJson& value) {
  if (value.kind != JsonKind::kText && value.kind != JsonKind::kNumber) {
    ThrowFound(key, value, "a size such as \"500 GB\" or a number of bytes");
  }
  try {
    return ParseSize(value.text);
  } catch (const InputError& error) {
    FailAt(value.line, fmt::format("{}: {}", key, error.problem()));
  }
}

// "5 %" in millionths; nullopt when it does not end so.
std::optional<std::int64_t> ReadPercent(std::string_view key, const LinedJson& value) {
  std::string_view text = value.text;
  if (value.kind != JsonKind::kText || !text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  const std::optional<std::int64_t> percent = ParseDecimal(text, kPercent);
  if (!percent) ThrowFound(key, value, "a share such as \"5 %\" with at most four decimals");
  return percent;
}

std::vector<std::string> ReadPatterns(std::string_view key, const LinedJson& value) {
  if (value.kind != JsonKind::kArray) ThrowFound(key, value, "an array of shell patterns");
  std::vector<std::string> patterns;
  for (const LinedJson& element : value.elements) {
    if (element.kind != JsonKind::kText || element.text.empty()) {
      ThrowFound(key, element, "a shell pattern");
    }
    patterns.push_back(element.text);
  }
  return patterns;
}

bool ReadFlag(std::string_view key, const LinedJson& value) {
  if (value.kind != JsonKind::kBoolean) ThrowFound(key, value, "true or false");
  return value.text == "true";
}

std::int64_t ReadLayerLimit(std::string_view key, const LinedJson& value) {
  std::int64_t count = 0;
  const char* const end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(value.text.data(), end, count);
  if (value.kind != JsonKind::kNumber || error != std::errc() || stop != end || count < 1 ||
      count > kMaxLayersLimit) {
    ThrowFound(key, value, "a whole number of layers from 1 to 100000");
  }
  return count;
}

// nullopt for a rule that is switched off.
std::optional<PolicyLimit> ReadLimit(PolicyRule rule, const LinedJson& value) {
  const std::string_view key = PolicyRuleName(rule);
  PolicyLimit limit{.rule = rule, .line = value.line};
  switch (rule) {
    case PolicyRule::kMaxPhysical:
    case PolicyRule::kMaxLogical:
    case PolicyRule::kMaxImageSize:
    case PolicyRule::kMaxWastedBytes:
      limit.value = ReadSize(key, value);
      break;
    case PolicyRule::kMaxGrowth:
      if (const std::optional<std::int64_t> share = ReadPercent(key, value)) {
        limit.unit = PolicyUnit::kMillionths;
        limit.value = *share;
      } else {
        limit.value = ReadSize(key, value);
      }
      break;
    case PolicyRule::kMaxLayers:
      limit.unit = PolicyUnit::kCount;
      limit.value = ReadLayerLimit(key, value);
      break;
    case PolicyRule::kMaxWastedShare: {
      const std::optional<std::int64_t> share = ReadPercent(key, value);
      if (!share) ThrowFound(key, value, "a share such as \"5 %\"");
      limit.unit = PolicyUnit::kMillionths;
      limit.value = *share;
      break;
    }
    case PolicyRule::kMinSharedRatio: {
      const std::optional<std::int64_t> ratio =
          value.kind == JsonKind::kNumber ? ParseDecimal(value.text, kOne) : std::nullopt;
      if (!ratio) ThrowFound(key, value, "a number such as 2.5, with at most six decimals");
      limit.unit = PolicyUnit::kMillionths;
      limit.value = *ratio;
      break;
    }
    case PolicyRule::kAllowedBases:
      limit.unit = PolicyUnit::kCount;
      limit.patterns = ReadPatterns(key, value);
      if (limit.patterns.empty()) ThrowFound(key, value, "at least one shell pattern");
      break;
    case PolicyRule::kNoSecrets:
      limit.unit = PolicyUnit::kCount;
      if (!ReadFlag(key, value)) return std::nullopt;
      break;
  }
  return limit;
}

[[noreturn]] void FailUnknownKey(const std::string& key, const LinedJson& value, bool is_top) {
  std::vector<std::string> known;
  for (std::size_t r = 0; r < kNumPolicyRules; ++r) {
    known.emplace_back(PolicyRuleName(static_cast<PolicyRule>(r)));
  }
  if (is_top) known.insert(known.end(), kTopKeys.begin(), kTopKeys.end());
  const std::string nearest = NearestWord(key, known);
  std::string problem = fmt::format("unknown key {}", Quote(key));
  if (!nearest.empty()) {
    problem += fmt::format(", did you mean \"{}\"?", nearest);
  } else if (!is_top && std::ranges::find(kTopKeys, key) != kTopKeys.end()) {
    problem += ", which stands at the top of a policy only";
  } else {
    known.erase(std::remove(known.begin(), known.end(), "$schema"), known.end());
    problem += ", expected one of ";
    for (std::size_t i = 0; i < known.size(); ++i) problem += (i > 0 ? ", " : "") + known[i];
  }
  FailAt(value.line, std::move(problem));
}

class PolicyReader {
 public:
  Policy Read(const LinedJson& root) {
    if (root.kind != JsonKind::kObject) {
      FailAt(root.line, fmt::format("expected a policy, an object, found {}", root.Describe()));
    }
    policy_.sections.emplace_back();
    for (const auto& [key, value] : root.members) {
      if (const std::optional<PolicyRule> rule = FindRule(key)) {
        AddLimit(*rule, value, policy_.sections.front());
      } else {
        ReadTopKey(key, value);
      }
    }
    if (policy_.sections.front().limits.empty()) policy_.sections.erase(policy_.sections.begin());
    if (policy_.sections.empty()) {
      FailAt(root.line,
             "expected at least one rule, such as \"max_physical\": \"500 GB\", found "
             "none");
    }
    return std::move(policy_);
  }

 private:
  static void AddLimit(PolicyRule rule, const LinedJson& value, PolicySection& section) {
    if (std::optional<PolicyLimit> limit = ReadLimit(rule, value)) {
      section.limits.push_back(std::move(*limit));
    }
  }

  void ReadTopKey(const std::string& key, const LinedJson& value) {
    if (key == "$schema") return;  // for editors
    if (key == "schema") {
      if (value.kind != JsonKind::kText || value.text != kPolicySchema) {
        ThrowFound(key, value, "\"gneiss.policy/1\"");
      }
    } else if (key == "scope") {
      const std::optional<Scope> scope = ParseScope(value.text);
      if (value.kind != JsonKind::kText || !scope) {
        ThrowFound(key, value, "a scope as of --scope, such as \"global\" or \"repository\"");
      }
      policy_.scope = *scope;
    } else if (key == "layers_only") {
      policy_.layers_only = ReadFlag(key, value);
    } else if (key == "exempt") {
      policy_.exempt = ReadPatterns(key, value);
    } else if (key == "allowed_secrets") {
      policy_.allowed_secrets = ReadPatterns(key, value);
    } else if (key == "not_judged") {
      if (value.kind != JsonKind::kText || (value.text != "fail" && value.text != "pass")) {
        ThrowFound(key, value, "\"fail\" or \"pass\"");
      }
      policy_.unjudged_passes = value.text == "pass";
    } else if (key == "repositories") {
      ReadRepositories(value);
    } else {
      FailUnknownKey(key, value, /*is_top=*/true);
    }
  }

  void ReadRepositories(const LinedJson& value) {
    if (value.kind != JsonKind::kObject) {
      ThrowFound("repositories", value, "an object of shell patterns");
    }
    for (const auto& [pattern, rules] : value.members) {
      if (pattern.empty()) FailAt(rules.line, "repositories: expected a shell pattern, found \"\"");
      if (rules.kind != JsonKind::kObject) {
        ThrowFound(Quote(pattern), rules, "an object of rules");
      }
      PolicySection section{.repositories = pattern, .limits = {}};
      for (const auto& [key, limit] : rules.members) {
        const std::optional<PolicyRule> rule = FindRule(key);
        if (!rule) FailUnknownKey(key, limit, /*is_top=*/false);
        AddLimit(*rule, limit, section);
      }
      if (section.limits.empty()) {
        FailAt(rules.line,
               fmt::format("{}: expected at least one rule, found none", Quote(pattern)));
      }
      policy_.sections.push_back(std::move(section));
    }
  }

  Policy policy_;
};

}  // namespace

Policy ParsePolicy(const std::string& path, std::string_view text) {
  try {
    return PolicyReader().Read(ParseLinedJson(text));
  } catch (const InputError& error) {
    throw error.WithSource(path, error.place());
  }
}

Policy ReadPolicyFile(const std::string& path) {
  return ParsePolicy(path, ReadDocument(path, "a policy", kMaxPolicyBytes));
}

}  // namespace gneiss
