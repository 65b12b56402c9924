#include "io/source/document_schema.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <system_error>

#include <fmt/format.h>

#include "io/bytes/byte_source.h"
#include "io/json/json_value.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::size_t kDocumentHeadBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxDocumentBytes = std::size_t{2} << 30;

// The first `max_bytes` of the content, fewer only where it ends.
std::string ReadHead(const std::string& path, std::size_t max_bytes) {
  const std::unique_ptr<ByteSource> file = Decompress(OpenFile(path, "a plan or a fleet file"));
  std::string head(max_bytes, '\0');
  std::size_t size = 0;
  while (size < head.size()) {
    const std::size_t count = file->Read(std::span(head).subspan(size));
    if (count == 0) break;
    size += count;
  }
  head.resize(size);
  return head;
}

// The member as far as it can be read; a text that is no JSON has none.
std::string SchemaOfText(std::string_view text) {
  try {
    return std::string(ParseJson(text).root.FindText("schema"));
  } catch (const InputError&) {
    return "";
  }
}

}  // namespace

std::string LeadingSchema(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto skip = [&](std::string_view expected) {
    text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
  };
  if (!skip("{") || !skip("\"schema\"") || !skip(":") || !skip("\"")) return "";
  const std::size_t end = text.find('"');
  return end == std::string_view::npos ? "" : std::string(text.substr(0, end));
}

std::string SchemaOfFile(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return "";
  std::string head;
  try {
    head = ReadHead(path, kDocumentHeadBytes);
  } catch (const InputError&) {
    return "";
  }
  if (std::string leading = LeadingSchema(head); !leading.empty()) return leading;
  const std::size_t start = head.find_first_not_of(" \t\r\n");
  if (start == std::string::npos || head[start] != '{') return "";
  // A line of a fleet file is a whole object; a document in several lines is none.
  const std::size_t end = head.find('\n', start);
  if (end == std::string::npos) {
    return head.size() < kDocumentHeadBytes ? SchemaOfText(head) : "";
  }
  const std::string_view first_line = std::string_view(head).substr(start, end - start);
  if (first_line.find('}') != std::string_view::npos) return SchemaOfText(first_line);
  return SchemaOfText(ReadDocument(path, "a JSON document", kMaxDocumentBytes));
}

std::string ReadDocument(const std::string& path, std::string_view expected,
                         std::size_t max_bytes) {
  try {
    const std::unique_ptr<ByteSource> file = Decompress(OpenFile(path, expected));
    return ReadText(*file, expected, max_bytes);
  } catch (const InputError& error) {
    throw error.source().empty() ? error.WithSource(path, error.place()) : error;
  }
}

}  // namespace gneiss
