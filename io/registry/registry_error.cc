#include "io/registry/registry_error.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "io/json/json_value.h"
#include "io/registry/http_message.h"

namespace gneiss {
namespace {

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 400:
      return " Bad Request";
    case 401:
      return " Unauthorized";
    case 403:
      return " Forbidden";
    case 404:
      return " Not Found";
    case 405:
      return " Method Not Allowed";
    case 416:
      return " Range Not Satisfiable";
    case 429:
      return " Too Many Requests";
    case 500:
      return " Internal Server Error";
    case 502:
      return " Bad Gateway";
    case 503:
      return " Service Unavailable";
    case 504:
      return " Gateway Timeout";
    default:
      return "";
  }
}

// By its type, or by how it begins; storage has its errors in other XML.
bool IsHtml(const HttpResponse& answer) {
  if (ParseMediaType(answer.headers.Find("content-type").value_or("")) == "text/html") return true;
  const std::size_t first = std::min(answer.body.find_first_not_of(" \t\r\n"), answer.body.size());
  const std::string begin = ParseMediaType(answer.body.substr(first, 14));  // in lower case
  return begin.starts_with("<html") || begin.starts_with("<!doctype html");
}

// "CODE: message" of the first of `errors`, empty when there is none. The token server of Docker
// Hub has `details`, OAuth 2 `error_description`.
std::string OwnWords(const std::string& body) {
  try {
    const JsonDocument document = ParseJson(body);
    const JsonValue* const errors = document.root.Find("errors");
    if (errors != nullptr && errors->kind() == JsonKind::kArray && !errors->elements().empty()) {
      const JsonValue& first = errors->elements().front();
      const std::string code(first.FindText("code"));
      const std::string message(first.FindText("message"));
      return code.empty() || message.empty() ? code + message : code + ": " + message;
    }
    for (const std::string_view key : {"details", "error_description", "message"}) {
      if (const auto text = document.root.FindText(key); !text.empty()) return std::string(text);
    }
  } catch (const InputError&) {
    // Words that are no JSON are a web page's.
  }
  return {};
}

// A header's value counts as its last word: "Basic SECRET".
bool Repeats(std::string_view text, const std::vector<std::string>& secrets) {
  constexpr std::size_t kShortest = 4;  // shorter ones stand in many words
  return std::ranges::any_of(secrets, [&](std::string_view secret) {
    secret = secret.substr(secret.rfind(' ') + 1);
    return secret.size() >= kShortest && text.find(secret) != std::string_view::npos;
  });
}

std::string AdviceFor(int status, const HttpResponse& answer, const AskedFor& asked) {
  if ((status == 401 || status == 403) && asked.access.empty()) {
    return "; it is asked without credentials, as it is no place of the registry";
  }
  if (status == 401 || status == 403) {
    return "; it was asked " + asked.access + ", give others with --creds or skopeo login";
  }
  if (status == 404) return "; look at the name, and whether it is there for others";
  if (status == 429) {
    const auto after = answer.headers.Find("retry-after");
    return "; try again later" + (after ? ", it says after " + Quote(*after) : std::string()) +
           ", with fewer --jobs or with credentials";
  }
  if (status >= 500) return "; it is the server's fault, try again later";
  return "; is it a registry?";
}

std::string AdviceForFault(const HttpError& error) {
  switch (error.fault()) {
    case HttpFault::kUnknownHost:
      return "; look at the host's name";
    case HttpFault::kConnect:
      return "; is it running, is the port right?";
    case HttpFault::kTimeout:
      return "; try again later, or look at the network and its proxy";
    case HttpFault::kCut:
      return "; try again later";
    case HttpFault::kCertificate:
      return "; give the authority of its certificate with --cacert";
    case HttpFault::kTls:
      return "; a registry without TLS takes --plain-http, one with an authority of its own "
             "--cacert";
    case HttpFault::kClientFile:
      return "; look at the files of --cacert, --cert and --key";
    case HttpFault::kRedirect:
    case HttpFault::kTooLarge:
    case HttpFault::kOther:
      break;
  }
  return {};
}

}  // namespace

std::string DescribeCredentials(const Credentials& credentials) {
  return credentials.is_anonymous() ? "without credentials"
                                    : "with the credentials of " + credentials.origin;
}

InputError MakeStatusError(const HttpResponse& answer, const AskedFor& asked) {
  std::string problem = "expected " + asked.expected + ", found status " +
                        std::to_string(answer.status) + std::string(ReasonPhrase(answer.status));
  if (IsHtml(answer)) {
    problem += " and a web page";
  } else if (const std::string words = OwnWords(answer.body); !words.empty()) {
    problem += Repeats(words, asked.secrets) ? " (its words are not shown, they hold a secret)"
                                             : " (" + Quote(words) + ")";
  }
  return {answer.url.Shown(), "", problem + AdviceFor(answer.status, answer, asked)};
}

InputError MakeFaultError(const HttpError& error, std::string_view expected) {
  return {error.url().Shown(), "",
          "expected " + std::string(expected) + ", found no answer to use: " + error.what() +
              AdviceForFault(error)};
}

InputError MakeContentError(const HttpResponse& answer, std::string_view expected) {
  const std::string type = ParseMediaType(answer.headers.Find("content-type").value_or(""));
  std::string found = "something else";
  if (IsHtml(answer)) {
    found = "a web page; is it a registry, or a login page before it?";
  } else if (!type.empty()) {
    found += " of type " + Quote(type);
  }
  return {answer.url.Shown(), "", "expected " + std::string(expected) + ", found " + found};
}

}  // namespace gneiss
