#include "io/report/questions/policy.h"

#include <sstream>
#include <string>

#include <catch2/catch.hpp>

#include "io/json/json_value.h"
#include "io/tables/policy_file.h"
#include "io/text/table.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

std::string PolicyErrorOf(const std::string& text) {
  try {
    (void)ParsePolicy("p.json", text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST_CASE("A policy's limits are read exactly", "[io][policy]") {
  const Policy policy = ParsePolicy("p.json", R"({
    "max_physical": "1.5 GB", "max_image_size": 4096, "max_growth": "2.5 %",
    "min_shared_ratio": 2.5, "max_layers": 12, "max_wasted_share": "0.0001%",
    "exempt": ["a:*"], "not_judged": "pass", "scope": "ecr",
    "repositories": {"t/*": {"no_secrets": true}}})");
  CHECK(policy.scope == Scope::kRepository);
  CHECK(policy.unjudged_passes);
  REQUIRE(policy.sections.size() == 2);
  const auto& limits = policy.sections[0].limits;
  REQUIRE(limits.size() == 6);
  CHECK(limits[0].value == 1'500'000'000);
  CHECK(limits[1].value == 4096);
  CHECK((limits[2].unit == PolicyUnit::kMillionths && limits[2].value == 25'000));
  CHECK(limits[3].value == 2'500'000);
  CHECK(limits[4].value == 12);
  CHECK(limits[5].value == 1);
  CHECK(limits[0].line == 2);
  CHECK(limits[3].line == 3);
  CHECK(policy.sections[1].repositories == "t/*");
}

TEST_CASE("A wrong policy is refused with file, line and what to do", "[io][policy]") {
  CHECK(PolicyErrorOf("{\n// c\n\n\"max_layer\": 4}") ==
        "p.json:4: unknown key \"max_layer\", did you mean \"max_layers\"?");
  CHECK(PolicyErrorOf("{\"max_layers\": 4,\n\"max_layers\": 5}") ==
        "p.json:2: expected each key once, found \"max_layers\" again, which stands in line 1 "
        "already");
  CHECK(PolicyErrorOf("{\"max_physical\": \"5 G\"}") ==
        "p.json:1: max_physical: expected a unit of 1000 (kB, MB, GB, TB) or of 1024 (KiB, MiB, "
        "GiB, TiB), found \"5 G\"");
  CHECK(PolicyErrorOf("{\"max_physical\": \"5 " + std::string(100'000, 'G') + "\"}") ==
        "p.json:1: max_physical: expected a size such as 4096, 256KiB or 1.5GB, found \"5 " +
            std::string(118, 'G') + "...\"");
  CHECK(PolicyErrorOf("{\n\"max_physical\": -5}") ==
        "p.json:2: max_physical: expected a size such as 4096, 256KiB or 1.5GB, found \"-5\"");
  CHECK(PolicyErrorOf("{\"max_growth\": \"x %\"}") ==
        "p.json:1: max_growth: expected a share such as \"5 %\" with at most four decimals, found "
        "\"x %\"");
  CHECK(PolicyErrorOf("{\"max_wasted_share\": 0.1}") ==
        "p.json:1: max_wasted_share: expected a share such as \"5 %\", found 0.1");
  CHECK(PolicyErrorOf("{\"max_layers\": 0}") ==
        "p.json:1: max_layers: expected a whole number of layers from 1 to 100000, found 0");
  CHECK(PolicyErrorOf("{\"min_shared_ratio\": \"2\"}") ==
        "p.json:1: min_shared_ratio: expected a number such as 2.5, with at most six decimals, "
        "found \"2\"");
  CHECK(PolicyErrorOf("{\"allowed_bases\": [\n\"a\",\n7]}") ==
        "p.json:3: allowed_bases: expected a shell pattern, found 7");
  CHECK(PolicyErrorOf("{\"no_secrets\": \"yes\"}") ==
        "p.json:1: no_secrets: expected true or false, found \"yes\"");
  CHECK(PolicyErrorOf("{\"schema\": \"gneiss.policy/2\", \"max_layers\": 3}") ==
        "p.json:1: schema: expected \"gneiss.policy/1\", found \"gneiss.policy/2\"");
  CHECK(PolicyErrorOf("{\"repositories\": {\"a\": {\"exempt\": []}}}") ==
        "p.json:1: unknown key \"exempt\", which stands at the top of a policy only");
  CHECK(PolicyErrorOf("{\"no_secrets\": false}") ==
        "p.json:1: expected at least one rule, such as \"max_physical\": \"500 GB\", found none");
  CHECK(PolicyErrorOf("[]") == "p.json:1: expected a policy, an object, found an array");
  CHECK(PolicyErrorOf("{\n\"max_layers\": }").starts_with("p.json:2: not JSON: "));
  CHECK(PolicyErrorOf("").starts_with("p.json:1: not JSON: "));
}

TEST_CASE("Lines of members are those of their keys", "[io][policy]") {
  const LinedJson root = ParseLinedJson(
      "/* one\n two */ {\"a\":\n 1,\n\"b\": [\n2,\n3\n], // x\n\"c\": {\"d\": null}}");
  CHECK(root.Find("a")->line == 2);
  CHECK(root.Find("a")->text == "1");
  CHECK(root.Find("b")->line == 4);
  CHECK(root.Find("c")->Find("d")->line == 8);
  CHECK(root.Find("e") == nullptr);
}

PolicyReport HostileReport() {
  PolicyResult result{.repositories = "a<&\">'*"};
  result.limit = {.rule = PolicyRule::kMaxLayers, .unit = PolicyUnit::kCount, .value = 3};
  result.limit.line = 7;
  result.verdict = PolicyVerdict::kFail;
  result.figure = 5;
  result.num_checked = 2;
  result.offences = {{.name = "x\n::error::|<b>@all\x1b[1m\xef\xbf\xbf%", .figure = 5}};
  PolicyReport report;
  report.results = {result};
  return report;
}

TEST_CASE("A figure never looks like a limit that it is not", "[io][policy]") {
  const PolicyLimit size{.rule = PolicyRule::kMaxPhysical, .value = 1'080'000'000};
  CHECK(PolicyFigure(size, 1'080'000'000, ByteUnits::kSi) == "1.08 GB");
  CHECK(PolicyFigure(size, 1'080'000'001, ByteUnits::kSi) == "1,080,000,001 B");
  CHECK(PolicyFigure(size, 1'090'000'000, ByteUnits::kSi) == "1.09 GB");
  const PolicyLimit ratio{
      .rule = PolicyRule::kMinSharedRatio, .unit = PolicyUnit::kMillionths, .value = 2'500'000};
  CHECK(PolicyLimitText(ratio, ByteUnits::kSi) == "at least 2.50x");
  CHECK(PolicyFigure(ratio, 2'358'838, ByteUnits::kSi) == "2.36x");
  CHECK(PolicyFigure(ratio, 2'499'999, ByteUnits::kSi) == "2.499999x");
  const PolicyLimit share{
      .rule = PolicyRule::kMaxGrowth, .unit = PolicyUnit::kMillionths, .value = 50'000};
  CHECK(PolicyFigure(share, -12'345, ByteUnits::kSi) == "-1.23 %");
}

TEST_CASE("JUnit escapes what names hold", "[io][policy]") {
  std::ostringstream out;
  WritePolicyJunit(HostileReport(), ByteUnits::kSi, 0, out);
  CHECK(out.str() ==
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuites name=\"gneiss check\" tests=\"1\" failures=\"1\" errors=\"0\" "
        "skipped=\"0\">\n"
        "  <testsuite name=\"a&lt;&amp;&quot;&gt;&apos;*\" tests=\"1\" failures=\"1\" errors=\"0\" "
        "skipped=\"0\">\n"
        "    <testcase classname=\"gneiss.a&lt;&amp;&quot;&gt;&apos;*\" name=\"max_layers\">\n"
        "      <failure type=\"max_layers\" message=\"found 5, expected at most 3\">1 of 2 images: "
        "x\\n::error::|&lt;b&gt;@all\\x1b[1m\\uffff% (5)</failure>\n"
        "    </testcase>\n  </testsuite>\n</testsuites>\n");
}

TEST_CASE("A name cannot end a workflow command or begin another", "[io][policy]") {
  std::ostringstream out;
  WritePolicyAnnotations(HostileReport(), "dir,a:b%.json", ByteUnits::kSi, 0, out);
  CHECK(out.str() ==
        "::error file=dir%2Ca%3Ab%25.json,line=7,title=max_layers of a<&\">'*::found 5, expected "
        "at most 3: 1 of 2 images: x\\n::error::|<b>@all\\x1b[1m\xef\xbf\xbf%25 (5)\n"
        "1 of 1 rule failed\n");
}

TEST_CASE("A cell of Markdown holds no markup, link or mention", "[io][policy]") {
  CHECK(MarkdownCell("a|b*c_d`e\n<i>&#@x ![y](http://z)") ==
        "a\\|b\\*c\\_d\\`e\\\\n&#60;i&#62;&#38;&#35;&#64;x &#33;\\[y\\](http&#58;//z)");
}

}  // namespace
}  // namespace gneiss
