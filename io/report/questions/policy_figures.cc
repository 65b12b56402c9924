#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/report/questions/policy.h"

namespace gneiss {
namespace {

constexpr std::int64_t kMillionthsInOne = 1'000'000;
constexpr std::int64_t kMillionthsInPercent = 10'000;

bool IsListRule(PolicyRule rule) {
  return rule == PolicyRule::kAllowedBases || rule == PolicyRule::kNoSecrets;
}

bool IsOfImages(PolicyRule rule) {
  return rule == PolicyRule::kMaxImageSize || rule == PolicyRule::kMaxLayers ||
         rule == PolicyRule::kAllowedBases;
}

// A share or ratio with all its digits; zeros at the end say nothing.
std::string ExactDecimal(std::int64_t value, std::int64_t unit) {
  std::string text = fmt::format("{:.6f}", static_cast<double>(value) / static_cast<double>(unit));
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string FigureText(const PolicyLimit& limit, std::int64_t figure, ByteUnits units, bool exact) {
  if (limit.unit == PolicyUnit::kBytes) {
    return exact ? FormatCount(figure) + " B" : FormatBytes(figure, units);
  }
  if (limit.unit == PolicyUnit::kCount) return FormatCount(figure);
  const bool is_ratio = limit.rule == PolicyRule::kMinSharedRatio;
  const std::int64_t unit = is_ratio ? kMillionthsInOne : kMillionthsInPercent;
  const std::string_view sign = figure < 0 ? "-" : "";
  const std::int64_t size = figure < 0 ? -figure : figure;
  const std::string digits =
      exact ? ExactDecimal(size, unit)
            : FormatNumber(static_cast<double>(size) / static_cast<double>(unit));
  return fmt::format("{}{}{}", sign, digits, is_ratio ? "x" : " %");
}

std::string OffenceText(const PolicyResult& result, const PolicyOffence& offence, ByteUnits units) {
  std::string text = offence.name;
  std::string more =
      IsListRule(result.limit.rule) ? "" : PolicyFigure(result.limit, offence.figure, units);
  if (!offence.detail.empty()) more += (more.empty() ? "" : ", ") + offence.detail;
  return more.empty() ? text : fmt::format("{} ({})", text, more);
}

}  // namespace

std::string_view PolicyVerdictName(PolicyVerdict verdict) {
  static constexpr std::array<std::string_view, 3> kNames = {"pass", "fail", "not judged"};
  return kNames[static_cast<std::size_t>(verdict)];
}

std::string_view PolicyPartName(const PolicyResult& result) {
  return result.repositories.empty() ? "fleet" : std::string_view(result.repositories);
}

std::string PolicyFigure(const PolicyLimit& limit, std::int64_t figure, ByteUnits units) {
  const std::string rounded = FigureText(limit, figure, units, /*exact=*/false);
  const bool looks_like_limit =
      figure != limit.value && rounded == FigureText(limit, limit.value, units, /*exact=*/false);
  return looks_like_limit ? FigureText(limit, figure, units, /*exact=*/true) : rounded;
}

std::string PolicyLimitText(const PolicyLimit& limit, ByteUnits units) {
  if (limit.rule == PolicyRule::kNoSecrets) return "none";
  if (limit.rule == PolicyRule::kAllowedBases) {
    return fmt::format("{}", fmt::join(limit.patterns, ", "));
  }
  const std::string_view bound = limit.rule == PolicyRule::kMinSharedRatio ? "at least" : "at most";
  return fmt::format("{} {}", bound, PolicyFigure(limit, limit.value, units));
}

std::string PolicyReason(const PolicyResult& result, ByteUnits units, std::size_t max_named) {
  if (result.verdict == PolicyVerdict::kNotJudged) return result.not_judged;
  if (result.offences.empty()) return "";
  const bool is_of_fleet = result.repositories.empty() && !IsOfImages(result.limit.rule) &&
                           result.limit.rule != PolicyRule::kNoSecrets;
  if (is_of_fleet) return "";
  const auto num_offences = std::ssize(result.offences);
  std::string text;
  if (result.limit.rule == PolicyRule::kNoSecrets) {
    text = FormatCounted(num_offences, "file");
  } else {
    text = fmt::format("{} of {}", FormatCount(num_offences),
                       IsOfImages(result.limit.rule)
                           ? FormatCounted(result.num_checked, "image")
                           : FormatCounted(result.num_checked, "repository", "repositories"));
  }
  const std::size_t named =
      max_named == 0 ? result.offences.size() : std::min(max_named, result.offences.size());
  for (std::size_t i = 0; i < named; ++i) {
    text += (i == 0 ? ": " : ", ") + OffenceText(result, result.offences[i], units);
  }
  if (named < result.offences.size()) {
    text +=
        fmt::format(", and {} more", FormatCount(num_offences - static_cast<std::int64_t>(named)));
  }
  return text;
}

}  // namespace gneiss
