#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "io/report/whole/report_csv.h"
#include "io/report/whole/report_html.h"
#include "io/report/whole/report_index.h"
#include "io/report/whole/report_markdown.h"
#include "io/report/whole/report_prom.h"

namespace gneiss {
namespace {

TEST_CASE("JSON in a page cannot end its script, and says the same", "[io][report]") {
  const nlohmann::json value = {"</script><script>alert(1)</script>", "<!--", "]]>",
                                "a\u2028b\u2029c", "caf\u00e9 \u2030"};
  const std::string text = JsonForScript(value.dump());
  CHECK(text.find('<') == std::string::npos);
  CHECK(text.find("\u2028") == std::string::npos);
  CHECK(text.find("\u2029") == std::string::npos);
  CHECK(text.find("caf\u00e9 \u2030") != std::string::npos);
  CHECK(nlohmann::json::parse(text) == value);
  CHECK(JsonForScript("").empty());
}

TEST_CASE("HTML text has no markup and no quote", "[io][report]") {
  CHECK(HtmlText("<b a=\"1\" c='2'>&amp;\x1b[0m") ==
        "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;\\x1b[0m");
  CHECK(HtmlText("team a/b") == "team a/b");
}

TEST_CASE("A policy names scripts by their base64 hash", "[io][report]") {
  // `printf '' | openssl dgst -sha256 -binary | base64`, and of "abc".
  CHECK(PolicyHash("") == "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
  CHECK(PolicyHash("abc") == "'sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='");
}

TEST_CASE("The page embedded is whole", "[io][report]") {
  const PageFiles page = EmbeddedPage();
  CHECK(page.html.starts_with("<!DOCTYPE html>"));
  CHECK(page.html.ends_with("</html>\n"));
  CHECK(page.style.find("@media print") != std::string_view::npos);
  CHECK(page.script.starts_with("'use strict';\n"));
  CHECK(page.script.ends_with("startPage();\n"));
  CHECK(page.library.starts_with("// https://d3js.org v5."));
}

TEST_CASE("CSV quotes what RFC 4180 says, and disarms formulas", "[io][report]") {
  CHECK(CsvText("library/php") == "library/php");
  CHECK(CsvText("a,b") == "\"a,b\"");
  CHECK(CsvText("say \"x\"") == "\"say \"\"x\"\"\"");
  CHECK(CsvText("") == "");
  // Line ends are written out, so a record is a line.
  CHECK(CsvText("a\nb") == "a\\nb");
  for (const char* const formula : {"=1+1", "+1", "-1", "@SUM(A1)", "＝1"}) {
    CHECK(CsvText(formula) == std::string("'") + formula);
  }
  CHECK(CsvText("\t=1") == "'\\t=1");
  CHECK(CsvText("=HYPERLINK(\"x\",\"y\")") == "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
  CHECK(CsvText("a=b") == "a=b");
}

TEST_CASE("Markdown shows a name as it is, and mentions nobody", "[io][report]") {
  CHECK(MarkdownText("team a/b:1.2-rc") == "team a/b\\:1.2-rc");
  CHECK(MarkdownText("|x| `y` <b> [l](u)") == "\\|x\\| \\`y\\` \\<b\\> \\[l\\]\\(u\\)");
  CHECK(MarkdownText("@all #1") == "@<!-- -->all #<!-- -->1");
  CHECK(MarkdownText("www.evil.org") == "www\\.evil.org");
  CHECK(MarkdownText("a\nb") == "a\\\\nb");
}

TEST_CASE("Prometheus label values are escaped and never one for two names", "[io][report]") {
  CHECK(PromLabelValue("say \"x\" \\ y") == "say \\\"x\\\" \\\\ y");
  CHECK(PromLabelValue("a\nb").find('\n') == std::string::npos);
  CHECK(PromLabelValue("a\nb") != PromLabelValue("a\\nb"));
  CHECK(PromLabelValue("team") == "team");
}

TEST_CASE("File names of groups are safe, and no two are one", "[io][report]") {
  const std::vector<std::string> groups = {
      "library", "Library", "a/b",   "a-b",  "../../etc/passwd",   "index", "(none)", "", ".", "..",
      "a b",     "-rf",     "nul\n", "\xff", std::string(300, 'x')};
  const std::vector<std::string> names = GroupFileNames(groups, "html");
  REQUIRE(names.size() == groups.size());
  CHECK(names[0] == "library.html");
  CHECK(names[3] == "a-b.html");
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
  for (const std::string& name : names) {
    CAPTURE(name);
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.-") == std::string::npos);
    CHECK(name.front() != '.');
    CHECK(name.front() != '-');
    CHECK(name.size() < 110);
    CHECK(name != "index.html");
  }
  CHECK(GroupFileNames(groups, "html") == names);
  // A name made to look like another's is another all the same.
  const std::string made = names[2].substr(0, names[2].size() - 5);
  const std::vector<std::string> clash = GroupFileNames({"a/b", made}, "html");
  CHECK(clash[1] == names[2]);
  CHECK(clash[0] != clash[1]);
}

}  // namespace
}  // namespace gneiss
