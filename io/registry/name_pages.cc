#include "io/registry/name_pages.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "io/json/json_value.h"
#include "io/registry/http_fields.h"
#include "io/registry/registry_error.h"
#include "io/registry/registry_session.h"
#include "planner/fleet/bytes.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

// Of a registry that gives all names at once.
constexpr std::size_t kMaxPageBytes = std::size_t{64} << 20;

class NameLister {
 public:
  NameLister(RegistrySession& session, RegistryRequest request, std::string_view key,
             bool (*is_name)(std::string_view))
      : session_(session), request_(std::move(request)), key_(key), is_name_(is_name) {}

  // nullopt when the first page is not there.
  std::optional<NameList> List() {
    SeededSet<std::string> seen_pages = {request_.url.text()};
    for (std::int64_t num_pages = 1;; ++num_pages) {
      const HttpResponse page = session_.Fetch(request_, kMaxPageBytes);
      if (page.status == 404 && num_pages == 1) return std::nullopt;
      if (page.status != 200) throw session_.StatusError(request_, page);
      AddNames(page);
      const std::optional<HttpUrl> next = NextOf(page);
      if (!next) {
        std::ranges::sort(list_.names);
        return std::move(list_);
      }
      if (!seen_pages.insert(next->text()).second) {
        Throw(page, "its Link leads to a page that was read before; the list has no end");
      }
      if (num_pages == session_.options().max_pages) {
        Throw(page, "it has more than " + std::to_string(num_pages) + " pages");
      }
      request_.url = *next;
    }
  }

 private:
  [[noreturn]] void Throw(const HttpResponse& page, const std::string& problem) const {
    throw InputError(page.url.Shown(), "",
                     "expected " + request_.expected + " of an end, but " + problem);
  }

  void AddNames(const HttpResponse& page) {
    JsonDocument document;
    try {
      document = ParseJson(page.body);
    } catch (const InputError&) {
      throw MakeContentError(page, request_.expected);
    }
    const JsonValue* const names = document.root.Find(key_);
    if (names == nullptr ||
        (names->kind() != JsonKind::kArray && names->kind() != JsonKind::kNull)) {
      throw MakeContentError(page, request_.expected);
    }
    if (names->kind() == JsonKind::kNull) return;  // a repository whose tags are all deleted
    for (const JsonValue& name : names->elements()) {
      if (name.kind() != JsonKind::kText) throw MakeContentError(page, request_.expected);
      Add(page, std::string(name.text()));
    }
  }

  void Add(const HttpResponse& page, std::string name) {
    if (!is_name_(name)) {
      if (list_.num_refused++ == 0 || name < list_.first_refused) {
        list_.first_refused = std::move(name);
      }
      return;
    }
    if (!known_.insert(name).second) return;
    if (std::ssize(list_.names) == session_.options().max_names) {
      Throw(page, "it has more than " + std::to_string(session_.options().max_names) + " names");
    }
    list_.names.push_back(std::move(name));
  }

  std::optional<HttpUrl> NextOf(const HttpResponse& page) const {
    for (const std::string_view link : page.headers.FindAll("link")) {
      const std::optional<std::string> target = ParseNextLink(link);
      if (!target) continue;
      const std::optional<HttpUrl> next = page.url.Resolve(*target);
      if (!next) Throw(page, "its Link leads to what is no http or https URL, " + Quote(*target));
      if (!next->HasOriginOf(request_.url)) {
        Throw(page, "its Link leads to another host, " + next->Shown());
      }
      return next;
    }
    return std::nullopt;
  }

  RegistrySession& session_;
  RegistryRequest request_;
  std::string_view key_;
  bool (*is_name_)(std::string_view);
  NameList list_;
  SeededSet<std::string> known_;
};

}  // namespace

std::optional<NameList> ListNames(RegistrySession& session, const RegistryRequest& first,
                                  std::string_view key, bool (*is_name)(std::string_view)) {
  return NameLister(session, first, key, is_name).List();
}

}  // namespace gneiss
