#include "io/json/json_edit.h"

#include <algorithm>

#include "io/json/json_value.h"
#include "io/json/json_writer.h"

namespace gneiss {
namespace {

constexpr std::string_view kJsonSpace = " \t\r\n";

std::size_t SkipSpace(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(kJsonSpace, at), text.size());
}

// One past the string that starts at `at`.
std::size_t EndOfString(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

// One past the value that starts at `at`.
std::size_t EndOfValue(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = EndOfString(text, at);
    } else if (c == '{' || c == '[') {
      ++depth;
      ++at;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;
      --depth;
      ++at;
    } else if (depth > 0) {
      ++at;
      continue;
    } else {
      return std::min(text.find_first_of(",]} \t\r\n", at), text.size());
    }
    if (depth == 0) return at;
  }
  return at;
}

// Calls visit(first, end) for every element, or member, of a container.
template <typename Visit>
void ForEachItem(std::string_view value, char bracket, const Visit& visit) {
  if (value.empty() || value.front() != bracket) return;
  std::size_t at = SkipSpace(value, 1);
  while (at < value.size() && value[at] != ']' && value[at] != '}') {
    at = SkipSpace(value, visit(at));
    if (at < value.size() && value[at] == ',') at = SkipSpace(value, at + 1);
  }
}

}  // namespace

std::string_view TrimJson(std::string_view text) {
  const std::size_t first = SkipSpace(text, 0);
  const std::size_t last = text.find_last_not_of(kJsonSpace);
  return first == text.size() ? std::string_view() : text.substr(first, last + 1 - first);
}

std::vector<JsonMember> MembersOf(std::string_view value) {
  std::vector<JsonMember> members;
  ForEachItem(value, '{', [&](std::size_t at) {
    const std::size_t key_end = EndOfString(value, at);
    const std::size_t first = SkipSpace(value, SkipSpace(value, key_end) + 1);
    const std::size_t end = EndOfValue(value, first);
    const std::string_view key = value.substr(at, key_end - at);
    members.push_back({.key = std::string(ParseJson(key).root.text()),
                       .key_span = key,
                       .value = value.substr(first, end - first)});
    return end;
  });
  return members;
}

std::vector<std::string_view> ElementsOf(std::string_view value) {
  std::vector<std::string_view> elements;
  ForEachItem(value, '[', [&](std::size_t at) {
    const std::size_t end = EndOfValue(value, at);
    elements.push_back(value.substr(at, end - at));
    return end;
  });
  return elements;
}

std::string_view FindMember(std::string_view value, std::string_view key) {
  std::string_view found;
  for (const JsonMember& member : MembersOf(value)) {
    if (member.key == key) found = member.value;
  }
  return found == "null" ? std::string_view() : found;
}

void JsonEdit::Replace(std::string_view span, std::string with) {
  changes_.push_back({.first = OffsetOf(span), .size = span.size(), .with = std::move(with)});
}

void JsonEdit::Set(std::string_view object, std::string_view key, std::string value) {
  const std::vector<JsonMember> members = MembersOf(object);
  const auto last = std::ranges::find(members.rbegin(), members.rend(), key, &JsonMember::key);
  if (last == members.rend()) {
    const std::size_t end = OffsetOf(object) + object.size() - 1;  // of '}'
    const bool is_second = std::ranges::any_of(
        changes_, [&](const Change& c) { return c.first == end && c.size == 0; });
    std::string added = members.empty() && !is_second ? "" : ",";
    added += JsonText(key) + ":" + value;
    changes_.push_back({.first = end, .size = 0, .with = std::move(added)});
    return;
  }
  Replace(last->value, std::move(value));
  for (std::size_t m = 0; m + 1 < members.size() && &members[m] != &*last; ++m) {
    if (members[m].key != key) continue;
    const std::size_t first = OffsetOf(members[m].key_span);
    changes_.push_back(
        {.first = first, .size = OffsetOf(members[m + 1].key_span) - first, .with = {}});
  }
}

void JsonEdit::Remove(std::string_view object, std::string_view key) {
  const std::vector<JsonMember> members = MembersOf(object);
  // From each kept member on, up to the next kept one, goes what is between but one comma.
  std::size_t end_of_kept = OffsetOf(object) + 1;
  bool has_kept = false;
  for (std::size_t m = 0; m < members.size();) {
    if (members[m].key != key) {
      end_of_kept = OffsetOf(members[m].value) + members[m].value.size();
      has_kept = true;
      ++m;
      continue;
    }
    std::size_t next = m;
    while (next < members.size() && members[next].key == key) ++next;
    const JsonMember& last = members[next - 1];
    std::size_t first = end_of_kept;
    std::size_t end = OffsetOf(last.value) + last.value.size();
    if (!has_kept && next < members.size()) {
      first = OffsetOf(members[m].key_span);
      end = OffsetOf(members[next].key_span);
    }
    changes_.push_back({.first = first, .size = end - first, .with = {}});
    m = next;
  }
}

std::string JsonEdit::Finish() && {
  std::ranges::stable_sort(changes_, {}, &Change::first);
  std::string result;
  std::size_t at = 0;
  for (const Change& change : changes_) {
    result.append(text_.substr(at, change.first - at)).append(change.with);
    at = change.first + change.size;
  }
  return result.append(text_.substr(at));
}

std::string JsonText(std::string_view text) { return CompactJson(Json(text)); }

}  // namespace gneiss
