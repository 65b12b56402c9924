// Image configs: the same to whoever compares one with itself, and read as Go reads them once and
// for all.
#include <string_view>

#include "io/apply/verify_fleets.h"
#include "io/json/go_json.h"
#include "io/json/json_value.h"
#include "io/source/document_rules.h"
#include "io/source/manifest.h"
#include "tests/fuzz/fuzz_reader.h"
#include "tests/fuzz/same_json.h"

namespace gneiss {
namespace {

void ReadFuzzedConfig(std::string_view text) {
  (void)RefusalFrom([&] { CheckConfigRules(text); });
  (void)RefusalFrom([&] {
    for (const GoReader reader : {GoReader::kContainerd, GoReader::kDocker}) {
      const JsonDocument once = ConfigAsGoReads(ParseJson(text), reader);
      const JsonDocument twice = ConfigAsGoReads(once, reader);
      Expect(IsSameJson(once.root, twice.root), "Go reads otherwise what it has read");
    }
  });
  (void)RefusalFrom([&] {
    for (const ConfigPart part : {ConfigPart::kRuntime, ConfigPart::kWhole}) {
      Expect(CompareConfigs(text, text, part).empty(), "a config differs from itself");
      (void)CompareConfigs(text, "{}", part);
    }
    (void)ConfigFingerprint(text);
    (void)DiffIdTexts(text);
  });
  const ImageConfig config = ParseImageConfig(text);
  Expect(DiffIdTexts(text).size() == config.diff_ids.size(), "another number of diff_ids");
}

const FuzzReader kConfigReader("image_config", ReadFuzzedConfig);

}  // namespace
}  // namespace gneiss
