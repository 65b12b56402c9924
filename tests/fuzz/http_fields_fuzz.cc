// Fields of a registry's answers, and the URLs and names in them. A line each.
#include <limits>
#include <string>
#include <string_view>

#include "io/packages/package_listing.h"
#include "io/registry/http_message.h"
#include "io/registry/registry_reference.h"
#include "io/source/names.h"
#include "tests/fuzz/fuzz_reader.h"

namespace gneiss {
namespace {

void ExpectSoundUrl(const HttpUrl& url) {
  const std::optional<HttpUrl> again = HttpUrl::Parse(url.text());
  Expect(again && again->text() == url.text() && again->HasOriginOf(url),
         "another URL: " + url.text());
  for (const unsigned char byte : url.text()) {
    Expect(byte > ' ' && byte != 0x7f, "a control character in " + url.text());
  }
  ExpectMessage(url.Shown());
  const HttpUrl asked = url.WithQuery("n", "a b&c");
  Expect(asked.HasOriginOf(url), "a query leads elsewhere: " + asked.text());
}

void ReadFuzzedValue(std::string_view value) {
  static const HttpUrl kBase = *HttpUrl::Parse("https://r.example:5000/v2/_catalog?n=2");
  if (const auto wait = ParseRetryAfter(value, 1'800'000'000)) {
    Expect(wait->count() >= 0 && wait->count() <= 86400, "a wait of another length");
  }
  if (const auto range = ParseContentRange(value)) {
    Expect(0 <= range->first && range->first <= range->last &&
               range->last < range->total.value_or(std::numeric_limits<Bytes>::max()),
           "a range of nothing");
  }
  if (const auto next = ParseNextLink(value)) {
    if (const auto url = kBase.Resolve(*next)) ExpectSoundUrl(*url);
  }
  for (const AuthChallenge& challenge : ParseChallenges(value)) {
    Expect(!challenge.scheme.empty(), "a challenge without a scheme");
    for (const auto& [name, text] : challenge.parameters) {
      Expect(!name.empty(), "a parameter without a name");
      (void)challenge.Find(name);
      if (const auto url = HttpUrl::Parse(text)) ExpectSoundUrl(*url);
    }
  }
  (void)ParseMediaType(value);
  if (const auto url = HttpUrl::Parse(value)) ExpectSoundUrl(*url);
  if (const auto url = kBase.Resolve(value)) ExpectSoundUrl(*url);
  (void)RefusalFrom([&] {
    const RegistryReference reference = ParseRegistryReference(value);
    Expect(IsRepositoryName(reference.repository) && IsHostAndPort(reference.host) &&
               (reference.tag.empty() || IsTagName(reference.tag)),
           "a name that is none: " + reference.text());
    Expect(ParseRegistryReference(reference.text()).text() == reference.text(),
           "another name: " + reference.text());
  });
  (void)RefusalFrom([&] { (void)ParseRegistryPlace(value); });
}

void ReadFuzzedFields(std::string_view bytes) {
  HttpHeaders headers;
  TextLines lines(bytes);
  while (const auto line = lines.Next()) {
    headers.Add(*line);
    ReadFuzzedValue(*line);
  }
  if (const auto length = headers.ContentLength()) Expect(*length >= 0, "a length below zero");
  for (const std::string_view name : {"www-authenticate", "link", "retry-after", "location"}) {
    for (const std::string_view value : headers.FindAll(name)) ReadFuzzedValue(value);
    Expect(headers.Find(name).has_value() != headers.FindAll(name).empty(), "found and not");
  }
}

const FuzzReader kFieldsReader("http_fields", ReadFuzzedFields);

}  // namespace
}  // namespace gneiss
