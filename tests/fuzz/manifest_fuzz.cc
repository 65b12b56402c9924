// Manifests and indexes: read as Go reads them once and for all, kept byte for byte where they are
// edited, and of the kinds that they say.
#include <string>
#include <string_view>

#include "io/json/go_json.h"
#include "io/json/json_edit.h"
#include "io/json/json_value.h"
#include "io/source/document_rules.h"
#include "io/source/manifest.h"
#include "planner/fleet/digest.h"
#include "tests/fuzz/fuzz_reader.h"
#include "tests/fuzz/same_json.h"

namespace gneiss {
namespace {

void ExpectSoundDescriptor(const Descriptor& descriptor) {
  const auto digest = ParseDigest(descriptor.digest_text);
  Expect(digest.has_value() && digest->digest == descriptor.digest.digest,
         "another digest: " + descriptor.digest_text);
  Expect(descriptor.size >= kUnknownSize, "a size below zero");
}

void ExpectSpans(const JsonValue& value, std::string_view span) {
  Expect(TrimJson(span) == span, "a span with blanks around it");
  if (value.kind() == JsonKind::kObject) {
    const std::vector<JsonMember> members = MembersOf(span);
    Expect(members.size() == value.members().size(), "other members");
    for (std::size_t i = 0; i < members.size(); ++i) {
      Expect(members[i].key == value.members()[i].first, "another member: " + members[i].key);
      ExpectSpans(value.members()[i].second, members[i].value);
    }
  } else if (value.kind() == JsonKind::kArray) {
    const std::vector<std::string_view> elements = ElementsOf(span);
    Expect(elements.size() == value.elements().size(), "other elements");
    for (std::size_t i = 0; i < elements.size(); ++i) {
      ExpectSpans(value.elements()[i], elements[i]);
    }
  } else {
    Expect(IsSameJson(ParseJson(span).root, value), "another value: " + std::string(span));
  }
}

void ExpectEdit(std::string_view text) {
  JsonEdit edit(text);
  edit.Set(TrimJson(text), "digest", "17");
  const std::string edited = std::move(edit).Finish();
  const JsonDocument document = ParseJson(edited);
  const JsonValue* const set = document.root.Find("digest");
  Expect(set != nullptr && set->kind() == JsonKind::kNumber, "not set in " + edited);
}

void ReadFuzzedManifest(std::string_view text) {
  (void)RefusalFrom([&] { CheckManifestRules(text); });
  (void)RefusalFrom([&] { CheckLayoutFileRules(text); });
  (void)RefusalFrom([&] {
    const JsonDocument document = ParseJson(text);
    ExpectSpans(document.root, TrimJson(text));
    if (document.root.kind() == JsonKind::kObject) ExpectEdit(text);
    const JsonDocument once = ManifestAsGoReads(document);
    const JsonDocument twice = ManifestAsGoReads(once);
    Expect(IsSameJson(once.root, twice.root), "Go reads otherwise what it has read");
  });
  const Manifest manifest = ParseManifest(text);
  for (const InputError& error : manifest.bad_entries) ExpectMessage(error.what());
  if (manifest.config) ExpectSoundDescriptor(*manifest.config);
  for (const Descriptor& layer : manifest.layers) ExpectSoundDescriptor(layer);
  for (const Descriptor& entry : manifest.manifests) {
    ExpectSoundDescriptor(entry);
    Expect(!NameOf(KindOf(entry)).empty(), "an entry of no kind");
  }
}

const FuzzReader kManifestReader("manifest", ReadFuzzedManifest);

}  // namespace
}  // namespace gneiss
