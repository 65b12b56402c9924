// Absolute http and https URLs, parsed by libcurl so that what is checked is what is asked. Without
// user, password and fragment: a URL with the first two is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gneiss {

class HttpUrl {
 public:
  // nullopt when `text` is no such URL.
  static std::optional<HttpUrl> Parse(std::string_view text);

  // `reference`, absolute or relative to this URL; nullopt as in Parse.
  std::optional<HttpUrl> Resolve(std::string_view reference) const;
  // With NAME=VALUE appended to the query, the value escaped; of any length. REQUIRES: `name` needs
  // no escapes.
  HttpUrl WithQuery(std::string_view name, std::string_view value) const&;
  HttpUrl WithQuery(std::string_view name, std::string_view value) &&;

  // As it is asked. May hold secrets in its query, as signed URLs do.
  const std::string& text() const { return text_; }
  // Without the query, printable and of bounded length: for messages.
  std::string Shown() const;

  bool is_https() const { return is_https_; }
  const std::string& host() const { return host_; }
  // Same scheme, host and port: what credentials are for.
  bool HasOriginOf(const HttpUrl& other) const {
    return is_https_ == other.is_https_ && host_ == other.host_ && port_ == other.port_;
  }
  // localhost, 127.0.0.0/8 or [::1]: requests do not leave the machine.
  bool IsLoopback() const;

 private:
  std::string text_;
  std::string path_;
  std::string host_;  // lower case
  std::string port_;  // also where it is the default
  bool is_https_ = false;
};

}  // namespace gneiss
