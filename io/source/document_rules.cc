#include "io/source/document_rules.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "io/bytes/byte_source.h"
#include "io/json/go_json.h"
#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "io/text/rfc3339.h"
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

namespace {

using Check = void(const JsonValue& value, const JsonPath& path);

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool IsHex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

// Member `key`, nullptr when absent or null.
const JsonValue* FindGiven(const JsonValue& object, std::string_view key) {
  const JsonValue* const value = object.Find(key);
  return value == nullptr || value->kind() == JsonKind::kNull ? nullptr : value;
}

void CheckMember(const JsonValue& object, std::string_view key, const JsonPath& path,
                 Check* check) {
  if (const JsonValue* const value = FindGiven(object, key)) check(*value, path.member(key));
}

void CheckRequired(const JsonValue& object, std::string_view key, const JsonPath& path,
                   std::string_view expected, Check* check) {
  const JsonValue* const value = FindGiven(object, key);
  if (value == nullptr) ThrowMissing(path.member(key), expected);
  check(*value, path.member(key));
}

void CheckObject(const JsonValue& value, const JsonPath& path) {
  ExpectKind(TreeJson(value), JsonKind::kObject, path, "an object");
}

void CheckElements(const JsonValue& value, const JsonPath& path, std::string_view expected,
                   Check* check) {
  ExpectKind(TreeJson(value), JsonKind::kArray, path, expected);
  std::int64_t index = 0;
  for (const JsonValue& element : value.elements()) check(element, path.element(index++));
}

void CheckText(const JsonValue& value, const JsonPath& path) {
  (void)ReadText(TreeJson(value), path);
}

void CheckTexts(const JsonValue& value, const JsonPath& path) {
  CheckElements(value, path, "an array of strings", CheckText);
}

void CheckFlag(const JsonValue& value, const JsonPath& path) {
  ExpectKind(TreeJson(value), JsonKind::kBoolean, path, "true or false");
}

void CheckTextMap(const JsonValue& value, const JsonPath& path) {
  ExpectKind(TreeJson(value), JsonKind::kObject, path, "an object of strings");
  for (const auto& [key, member] : value.members()) CheckText(member, path.member(key));
}

// How the spec writes a set: each value is an empty object.
void CheckSet(const JsonValue& value, const JsonPath& path) {
  ExpectKind(TreeJson(value), JsonKind::kObject, path, "an object of empty objects");
  for (const auto& [key, member] : value.members()) CheckObject(member, path.member(key));
}

void CheckName(const JsonValue& value, const JsonPath& path) {
  if (ReadText(TreeJson(value), path).empty()) ThrowExpected(path, "a name", "an empty one");
}

void CheckDigest(const JsonValue& value, const JsonPath& path) {
  (void)ReadDigest(TreeJson(value), path);
}

void CheckSize(const JsonValue& value, const JsonPath& path) {
  const Bytes size = ReadSize(TreeJson(value), path);
  // As a double: Go refuses a whole number that has a point or an exponent.
  if (std::holds_alternative<double>(value.variant())) {
    ThrowExpected(path, "digits alone", std::to_string(size) + " with a point or an exponent");
  }
}

constexpr std::string_view kExpectedMediaType = "a media type, as \"type/subtype\" of RFC 6838";

// RFC 6838, 4.2.
bool IsRestrictedName(std::string_view name) {
  return !name.empty() && name.size() <= 127 && IsAlphanumeric(name.front()) &&
         std::ranges::all_of(name, [](char c) {
           return IsAlphanumeric(c) ||
                  std::string_view("!#$&-^_.+").find(c) != std::string_view::npos;
         });
}

void CheckMediaType(const JsonValue& value, const JsonPath& path) {
  const std::string_view text = ReadText(TreeJson(value), path);
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || !IsRestrictedName(text.substr(0, slash)) ||
      !IsRestrictedName(text.substr(slash + 1))) {
    ThrowExpected(path, kExpectedMediaType, Quote(text));
  }
}

// RFC 3986, section 3, without the grammars of its parts.
bool IsUri(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  const std::string_view scheme = text.substr(0, colon);
  if (!IsAlphanumeric(scheme.front()) || (scheme.front() >= '0' && scheme.front() <= '9')) {
    return false;
  }
  if (!std::ranges::all_of(
          scheme, [](char c) { return IsAlphanumeric(c) || c == '+' || c == '-' || c == '.'; })) {
    return false;
  }
  for (std::size_t i = colon + 1; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !IsHex(text[i + 1]) || !IsHex(text[i + 2])) return false;
    } else if (!IsAlphanumeric(text[i]) &&
               std::string_view("-._~:/?#[]@!$&'()*+,;=").find(text[i]) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

void CheckUri(const JsonValue& value, const JsonPath& path) {
  const std::string_view text = ReadText(TreeJson(value), path);
  if (!IsUri(text)) ThrowExpected(path, "a URI of RFC 3986, with its scheme", Quote(text));
}

void CheckUris(const JsonValue& value, const JsonPath& path) {
  CheckElements(value, path, "an array of URIs", CheckUri);
}

void CheckTime(const JsonValue& value, const JsonPath& path) {
  const std::string_view text = ReadText(TreeJson(value), path);
  if (!ParseRfc3339(text)) {
    ThrowExpected(path, "a time of RFC 3339, as 2024-02-29T12:00:00Z", Quote(text));
  }
}

// What a platform and a config say of where they run.
void CheckPlatformMembers(const JsonValue& value, const JsonPath& path) {
  CheckRequired(value, "architecture", path, "a name", CheckName);
  CheckRequired(value, "os", path, "a name", CheckName);
  CheckMember(value, "os.version", path, CheckText);
  CheckMember(value, "os.features", path, CheckTexts);
  CheckMember(value, "variant", path, CheckText);
}

void CheckPlatform(const JsonValue& value, const JsonPath& path) {
  CheckObject(value, path);
  CheckPlatformMembers(value, path);
}

void CheckDescriptor(const JsonValue& value, const JsonPath& path) {
  ExpectKind(TreeJson(value), JsonKind::kObject, path, "a descriptor, an object");
  CheckRequired(value, "mediaType", path, kExpectedMediaType, CheckMediaType);
  CheckRequired(value, "digest", path, kExpectedDigest, CheckDigest);
  CheckRequired(value, "size", path, "the blob's bytes, a whole number", CheckSize);
  CheckMember(value, "urls", path, CheckUris);
  CheckMember(value, "annotations", path, CheckTextMap);
  CheckMember(value, "data", path, CheckText);
  CheckMember(value, "artifactType", path, CheckMediaType);
  CheckMember(value, "platform", path, CheckPlatform);
}

void CheckDescriptors(const JsonValue& value, const JsonPath& path) {
  CheckElements(value, path, "an array of descriptors", CheckDescriptor);
}

void CheckLayers(const JsonValue& value, const JsonPath& path) {
  CheckDescriptors(value, path);
  if (value.elements().empty()) ThrowExpected(path, "at least one layer", "an empty array");
}

void CheckSchemaVersion(const JsonValue& value, const JsonPath& path) {
  const bool is_two = value.kind() == JsonKind::kNumber && TreeJson(value).whole() == 2;
  if (!is_two) ThrowExpected(path, "2", Describe(TreeJson(value)));
}

void CheckManifest(const JsonValue& root, const JsonPath& path) {
  ExpectKind(TreeJson(root), JsonKind::kObject, path, "a manifest, a JSON object");
  CheckRequired(root, "schemaVersion", path, "2", CheckSchemaVersion);
  CheckMember(root, "mediaType", path, CheckMediaType);
  CheckMember(root, "artifactType", path, CheckMediaType);
  CheckMember(root, "subject", path, CheckDescriptor);
  CheckMember(root, "annotations", path, CheckTextMap);
  const bool is_index = FindGiven(root, "manifests") != nullptr;
  if (is_index) {
    CheckRequired(root, "manifests", path, "an array of descriptors", CheckDescriptors);
  } else {
    CheckRequired(root, "config", path, "a descriptor, an object", CheckDescriptor);
    CheckRequired(root, "layers", path, "an array of layers", CheckLayers);
  }
  // One text that is an image to one client and an index to another has two contents.
  const std::string_view type = root.FindText("mediaType");
  const bool says_index = type == "application/vnd.oci.image.index.v1+json" ||
                          type == "application/vnd.docker.distribution.manifest.list.v2+json";
  const bool says_image = type == "application/vnd.oci.image.manifest.v1+json" ||
                          type == "application/vnd.docker.distribution.manifest.v2+json";
  if (is_index ? says_image : says_index) {
    ThrowExpected(path.member("mediaType"), is_index ? "that of an index" : "that of a manifest",
                  Quote(type));
  }
}

void CheckVariable(const JsonValue& value, const JsonPath& path) {
  const std::string_view text = ReadText(TreeJson(value), path);
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos) {
    ThrowExpected(path, "NAME=VALUE", Quote(text));
  }
}

void CheckVariables(const JsonValue& value, const JsonPath& path) {
  CheckElements(value, path, "an array of NAME=VALUE", CheckVariable);
}

// "8080" or "8080/udp"; the spec has tcp and udp, builders take sctp, too.
bool IsPort(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view protocol = text.substr(slash + 1);
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") return false;
  }
  const std::string_view digits = text.substr(0, slash);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc() && end == digits.data() + digits.size();
}

void CheckPorts(const JsonValue& value, const JsonPath& path) {
  CheckSet(value, path);
  for (const auto& [port, ignored] : value.members()) {
    if (!IsPort(port)) ThrowExpected(path, "ports as \"8080/tcp\"", Quote(port));
  }
}

void CheckSettings(const JsonValue& value, const JsonPath& path) {
  CheckObject(value, path);
  CheckMember(value, "User", path, CheckText);
  CheckMember(value, "ExposedPorts", path, CheckPorts);
  CheckMember(value, "Env", path, CheckVariables);
  CheckMember(value, "Entrypoint", path, CheckTexts);
  CheckMember(value, "Cmd", path, CheckTexts);
  CheckMember(value, "Volumes", path, CheckSet);
  CheckMember(value, "WorkingDir", path, CheckText);
  CheckMember(value, "Labels", path, CheckTextMap);
  CheckMember(value, "StopSignal", path, CheckText);
  CheckMember(value, "ArgsEscaped", path, CheckFlag);
}

void CheckRootfsType(const JsonValue& value, const JsonPath& path) {
  const std::string_view type = ReadText(TreeJson(value), path);
  if (type != "layers") ThrowExpected(path, "\"layers\"", Quote(type));
}

void CheckDiffIds(const JsonValue& value, const JsonPath& path) {
  CheckElements(value, path, "an array of digests", CheckDigest);
}

void CheckRootfs(const JsonValue& value, const JsonPath& path) {
  CheckObject(value, path);
  CheckRequired(value, "type", path, "\"layers\"", CheckRootfsType);
  CheckRequired(value, "diff_ids", path, "an array of digests", CheckDiffIds);
}

void CheckHistoryEntry(const JsonValue& value, const JsonPath& path) {
  CheckObject(value, path);
  CheckMember(value, "created", path, CheckTime);
  CheckMember(value, "author", path, CheckText);
  CheckMember(value, "created_by", path, CheckText);
  CheckMember(value, "comment", path, CheckText);
  CheckMember(value, "empty_layer", path, CheckFlag);
}

void CheckHistory(const JsonValue& value, const JsonPath& path) {
  CheckElements(value, path, "an array of history entries", CheckHistoryEntry);
}

void CheckConfig(const JsonValue& root, const JsonPath& path) {
  ExpectKind(TreeJson(root), JsonKind::kObject, path, "an image config, a JSON object");
  CheckPlatformMembers(root, path);
  CheckMember(root, "created", path, CheckTime);
  CheckMember(root, "author", path, CheckText);
  CheckMember(root, "config", path, CheckSettings);
  CheckRequired(root, "rootfs", path, "an object with type and diff_ids", CheckRootfs);
  CheckMember(root, "history", path, CheckHistory);
}

void CheckAsWrittenAndRead(const JsonDocument& written, const JsonDocument& read, Check* check) {
  check(written.root, {});
  check(read.root, {});
  if (read.num_duplicate_keys > 0) {
    throw InputError("expected each member of an object once, found " +
                     std::to_string(read.num_duplicate_keys) + " given again");
  }
}

}  // namespace

void CheckManifestRules(std::string_view text) {
  const JsonDocument document = ParseJson(text);
  CheckAsWrittenAndRead(document, ManifestAsGoReads(document), CheckManifest);
}

void CheckConfigRules(std::string_view text) {
  const JsonDocument document = ParseJson(text);
  CheckAsWrittenAndRead(document, ConfigAsGoReads(document), CheckConfig);
}

void CheckLayoutFileRules(std::string_view text) {
  const JsonDocument document = ParseJson(text);
  const JsonPath path;
  ExpectKind(TreeJson(document.root), JsonKind::kObject, path, "a JSON object");
  CheckRequired(document.root, "imageLayoutVersion", path, "\"1.0.0\"",
                [](const JsonValue& value, const JsonPath& at) {
                  if (value.kind() != JsonKind::kText || value.text() != "1.0.0") {
                    ThrowExpected(at, "\"1.0.0\"", Describe(TreeJson(value)));
                  }
                });
}

}  // namespace gneiss
