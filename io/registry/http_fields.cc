#include "io/registry/http_fields.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <ctime>
#include <system_error>

#include <curl/curl.h>

namespace gneiss {
namespace {

constexpr std::int64_t kMaxRetryAfterSeconds = 24 * 60 * 60;
constexpr std::size_t kMaxChallenges = 16;
constexpr std::size_t kMaxParameters = 32;

char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), ToLower);
  return lower;
}

std::string_view TrimBlanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Digits alone, that fit.
std::optional<Bytes> WholeOf(std::string_view text) {
  Bytes number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || text.front() == '-' || error != std::errc() || stop != end) {
    return std::nullopt;
  }
  return number;
}

// Takes a value's pieces from its front.
class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  void SkipBlanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }
  void SkipBlanksAndCommas() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t,"), rest_.size()));
  }
  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // RFC 9110, 5.6.2; empty when there is none.
  std::string_view Token() {
    const auto end = std::ranges::find_if_not(rest_, [](char c) {
      const char lower = ToLower(c);
      return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
             std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
    const auto token = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(token.size());
    return token;
  }
  // Up to one of `ends`.
  std::string_view Until(std::string_view ends) {
    const auto text = rest_.substr(0, rest_.find_first_of(ends));
    rest_.remove_prefix(text.size());
    return text;
  }
  // A quoted string, or what stands up to one of `ends`; nullopt when a quote is not closed.
  std::optional<std::string> Value(std::string_view ends) {
    if (!Take('"')) return std::string(TrimBlanks(Until(ends)));
    std::string value;
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return value;
      if (c == '\\' && !rest_.empty()) {
        c = rest_.front();
        rest_.remove_prefix(1);
      }
      value += c;
    }
    return std::nullopt;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// Whether a parameter "NAME = ..." follows, and not the scheme of the next challenge. "a==" is no
// parameter but what some schemes have instead of them.
bool IsParameterNext(FieldReader reader) {
  if (reader.Token().empty()) return false;
  reader.SkipBlanks();
  if (!reader.Take('=')) return false;
  reader.SkipBlanks();
  return !reader.at_end() && !reader.Take('=') && !reader.Take(',');
}

// Whether a rel parameter names "next", alone or among others.
bool NamesNext(std::string_view relations) {
  const std::string lower = Lower(relations);
  for (std::string_view rest = lower; !rest.empty();) {
    const std::size_t blank = std::min(rest.find(' '), rest.size());
    if (rest.substr(0, blank) == "next") return true;
    rest.remove_prefix(std::min(blank + 1, rest.size()));
  }
  return false;
}

}  // namespace

std::optional<std::chrono::seconds> ParseRetryAfter(std::string_view value, std::int64_t unix_now) {
  const std::string text(TrimBlanks(value));
  std::int64_t seconds = 0;
  if (!text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
    seconds = WholeOf(text).value_or(kMaxRetryAfterSeconds);
  } else {
    const std::time_t date = curl_getdate(text.c_str(), nullptr);
    if (date == -1) return std::nullopt;
    seconds = static_cast<std::int64_t>(date) - unix_now;
  }
  return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, kMaxRetryAfterSeconds));
}

std::optional<ContentRange> ParseContentRange(std::string_view value) {
  FieldReader reader(TrimBlanks(value));
  if (Lower(reader.Token()) != "bytes") return std::nullopt;
  reader.SkipBlanks();
  const std::optional<Bytes> first = WholeOf(reader.Until("-"));
  if (!reader.Take('-')) return std::nullopt;
  const std::optional<Bytes> last = WholeOf(reader.Until("/"));
  if (!reader.Take('/')) return std::nullopt;
  const std::optional<Bytes> total = WholeOf(reader.rest());
  if (!first || !last || *last < *first || (!total && reader.rest() != "*")) return std::nullopt;
  if (total && *last >= *total) return std::nullopt;
  return ContentRange{.first = *first, .last = *last, .total = total};
}

std::optional<std::string> ParseNextLink(std::string_view value) {
  FieldReader reader(value);
  while (true) {
    reader.SkipBlanksAndCommas();
    if (!reader.Take('<')) return std::nullopt;
    const std::string target(TrimBlanks(reader.Until(">")));
    if (!reader.Take('>')) return std::nullopt;
    bool is_next = false;
    while (reader.SkipBlanks(), reader.Take(';')) {
      reader.SkipBlanks();
      const std::string name = Lower(reader.Token());
      reader.SkipBlanks();
      if (!reader.Take('=')) continue;
      reader.SkipBlanks();
      const std::optional<std::string> parameter = reader.Value(";,");
      if (!parameter) return std::nullopt;
      if (name == "rel" && NamesNext(*parameter)) is_next = true;
    }
    if (is_next) return target;
    reader.SkipBlanks();
    if (reader.at_end()) return std::nullopt;
  }
}

std::string_view AuthChallenge::Find(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

std::vector<AuthChallenge> ParseChallenges(std::string_view value) {
  std::vector<AuthChallenge> challenges;
  FieldReader reader(value);
  while (challenges.size() < kMaxChallenges) {
    reader.SkipBlanksAndCommas();
    const std::string scheme = Lower(reader.Token());
    if (scheme.empty()) break;
    AuthChallenge& challenge = challenges.emplace_back(AuthChallenge{.scheme = scheme});
    reader.SkipBlanks();
    // "Negotiate BASE64==" has no parameters.
    if (!reader.at_end() && reader.rest().front() != ',' && !IsParameterNext(reader)) {
      static_cast<void>(reader.Until(","));
      continue;
    }
    while (reader.SkipBlanksAndCommas(), IsParameterNext(reader)) {
      const std::string name = Lower(reader.Token());
      reader.SkipBlanks();
      reader.Take('=');
      reader.SkipBlanks();
      const std::optional<std::string> parameter = reader.Value(", \t");
      if (!parameter || challenge.parameters.size() == kMaxParameters) return challenges;
      challenge.parameters.emplace_back(name, *parameter);
    }
  }
  return challenges;
}

std::string ParseMediaType(std::string_view value) {
  return Lower(TrimBlanks(value.substr(0, value.find(';'))));
}

}  // namespace gneiss
