#include "io/registry/http_url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
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

}  // namespace gneiss
