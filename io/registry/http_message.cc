#include "io/registry/http_message.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <new>
#include <system_error>
#include <utility>

#include <curl/curl.h>

#include "io/text/screen_text.h"

namespace gneiss {
namespace {

constexpr std::size_t kMaxUrlBytes = std::size_t{16} << 10;
constexpr std::size_t kMaxShownPathBytes = 300;

using UrlHandle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

UrlHandle NewUrl() {
  UrlHandle url(curl_url(), &curl_url_cleanup);
  if (url == nullptr) throw std::bad_alloc();
  return url;
}

// Empty when there is no such part.
std::string PartOf(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  const std::unique_ptr<char, decltype(&curl_free)> owner(text, &curl_free);
  return text;
}

bool HasControl(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) == 0x7f;
  });
}

bool SetUrl(CURLU* url, std::string_view text) {
  if (text.size() > kMaxUrlBytes || HasControl(text)) return false;
  return curl_url_set(url, CURLUPART_URL, std::string(text).c_str(), CURLU_DISALLOW_USER) ==
         CURLUE_OK;
}

// As forms escape a value.
void AppendEscaped(std::string& text, std::string_view value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain.find(c) != std::string_view::npos) {
      text += c;
    } else if (c == ' ') {
      text += '+';
    } else {
      text += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
  }
}

}  // namespace

std::optional<HttpUrl> HttpUrl::Parse(std::string_view text) {
  const UrlHandle parsed = NewUrl();
  if (!SetUrl(parsed.get(), text)) return std::nullopt;
  const std::string scheme = PartOf(parsed.get(), CURLUPART_SCHEME);
  if (scheme != "https" && scheme != "http") return std::nullopt;
  if (curl_url_set(parsed.get(), CURLUPART_FRAGMENT, nullptr, 0) != CURLUE_OK) return std::nullopt;
  HttpUrl url;
  url.is_https_ = scheme == "https";
  url.host_ = PartOf(parsed.get(), CURLUPART_HOST);
  std::ranges::transform(url.host_, url.host_.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  url.port_ = PartOf(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  url.path_ = PartOf(parsed.get(), CURLUPART_PATH);
  url.text_ = PartOf(parsed.get(), CURLUPART_URL);
  if (url.host_.empty() || url.text_.empty()) return std::nullopt;
  return url;
}

std::optional<HttpUrl> HttpUrl::Resolve(std::string_view reference) const {
  const UrlHandle parsed = NewUrl();
  if (!SetUrl(parsed.get(), text_) || !SetUrl(parsed.get(), reference)) return std::nullopt;
  return Parse(PartOf(parsed.get(), CURLUPART_URL));
}

HttpUrl HttpUrl::WithQuery(std::string_view name, std::string_view value) const& {
  return HttpUrl(*this).WithQuery(name, value);
}

HttpUrl HttpUrl::WithQuery(std::string_view name, std::string_view value) && {
  if (text_.find('?') == std::string::npos) {
    text_ += '?';
  } else if (text_.back() != '?' && text_.back() != '&') {
    text_ += '&';
  }
  text_.append(name) += '=';
  AppendEscaped(text_, value);
  return std::move(*this);
}

std::string HttpUrl::Shown() const {
  std::string shown = is_https_ ? "https://" : "http://";
  shown += host_;
  if (port_ != (is_https_ ? "443" : "80")) shown += ":" + port_;
  shown += path_.substr(0, kMaxShownPathBytes);
  if (path_.size() > kMaxShownPathBytes) shown += "...";
  return Printable(shown);
}

bool HttpUrl::IsLoopback() const {
  if (host_ == "localhost" || host_ == "[::1]") return true;
  in_addr address{};
  return inet_pton(AF_INET, host_.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24U) == 127;
}

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

std::optional<std::string_view> HttpHeaders::Find(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> HttpHeaders::FindAll(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : fields_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

std::optional<Bytes> HttpHeaders::ContentLength() const {
  const std::optional<std::string_view> text = Find("content-length");
  Bytes length = 0;
  if (!text) return std::nullopt;
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, length);
  if (error != std::errc() || stop != end || length < 0) return std::nullopt;
  return length;
}

void HttpHeaders::Add(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  std::string_view value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(kBlanks), value.size()));
  value = value.substr(0, value.find_last_not_of(kBlanks) + 1);
  fields_.emplace_back(std::move(name), value);
}

}  // namespace gneiss
