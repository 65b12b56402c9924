#include "io/report/plan/plan_commands.h"

#include <cstdio>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "io/text/shell_quote.h"
#include "tests/make/source_files.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

// What a shell prints for a command.
std::string ShellOutput(const std::string& command) {
  std::FILE* const pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  char buffer[256];
  for (std::size_t count; (count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    output.append(buffer, count);
  }
  REQUIRE(pclose(pipe) == 0);
  return output;
}

TEST_CASE("A shell reads a quoted text as it was", "[io][report][plan_commands]") {
  CHECK(ShellQuote("oci:dir/a-b_c.d:1.0@x=y,+") == "oci:dir/a-b_c.d:1.0@x=y,+");
  CHECK(ShellQuote("") == "''");
  CHECK(ShellQuote("a b") == "'a b'");
  std::string all = "$(touch x) `id` \"$HOME\" 'q' \\ ; & | < > * ? [a] {a,b} ~ # ! %s \n\t end";
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  for (const std::string& text : {all, std::string("'"), std::string("''"), std::string("-n"),
                                  std::string("\n"), std::string("a\\"), std::string("$'x'")}) {
    CHECK(ShellOutput("printf %s. " + ShellQuote(text)) == text + ".");
  }
  CHECK(ShellQuote(std::string("ab\0cd", 5)) == "ab");
}

std::string ScriptOf(const Fleet& fleet, const PlanScript& script) {
  std::ostringstream out;
  PrintPlanCommands(fleet, MakePlan(fleet, {}), script, out);
  return out.str();
}

bool Has(const std::string& script, const std::string& line) {
  return ("\n" + script).find("\n" + line + "\n") != std::string::npos;
}

void CheckSyntax(const std::string& script) {
  const TemporaryDirectory directory;
  const std::string path = directory.Write("script", script);
  INFO(script);
  CHECK(std::system(("bash -n " + path + " 2>" + directory.path("err")).c_str()) == 0);
  CHECK(std::system(("sh -n " + path + " 2>" + directory.path("err")).c_str()) == 0);
}

TEST_CASE("An image that becomes one layer is flattened beside its tag",
          "[io][report][plan_commands]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "web/shop:1", .layers = {"a:10", "b:10"}}});
  const std::string script =
      ScriptOf(fleet, {.sources = {"oci:my dir"}, .store_options = " --store 's t'"});
  CHECK(Has(script, "crane flatten --tag web/shop:1-gneiss web/shop:1"));
  CHECK(Has(script, "# docker build --tag web/shop:1 DIRECTORY"));
  CHECK(Has(script, "# buildah build --layers --tag web/shop:1 DIRECTORY"));
  CHECK(Has(script,
            "gneiss apply \"$plan\" --level squash --from 'oci:my dir' --to oci:gneiss-squash "
            "--store 's t'"));
  CHECK(Has(script, "gneiss verify 'oci:my dir' oci:gneiss-squash --store 's t'"));
  CHECK(Has(script,
            "skopeo copy --all oci:gneiss-squash:web/shop:1 docker://\"$REGISTRY\"/web/shop:1"));
  CheckSyntax(script);
}

TEST_CASE("Of a ref with several platforms crane takes the one", "[io][report][plan_commands]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "h.io:5000/shop", .layers = {"a:10", "b:10"}},
       {.ref = "h.io:5000/shop", .layers = {"c:10", "d:10"}, .platform = "linux/arm64"}});
  const std::string script = ScriptOf(fleet, {.sources = {"x"}, .repositories = {}});
  CHECK(Has(script,
            "crane flatten --platform linux/arm64 --tag h.io:5000/shop:gneiss-linux-arm64 "
            "h.io:5000/shop"));
  CHECK(Has(script,
            "skopeo copy --all oci:gneiss-squash:h.io:5000/shop docker://\"$REGISTRY\"/shop"));
}

TEST_CASE("Bare tags of a layout are named as the layout names them",
          "[io][report][plan_commands]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "layout:1", .layers = {"a:10", "b:10"}}});
  const std::string script = ScriptOf(fleet, {.sources = {"x"}, .repositories = {"layout"}});
  CHECK(Has(script, "skopeo copy --all oci:gneiss-squash:1 docker://\"$REGISTRY\"/layout:1"));
}

TEST_CASE("Several sources make one layout, and are not verified against it",
          "[io][report][plan_commands]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "layout:1", .layers = {"a:10", "b:10"}}});
  const std::string script = ScriptOf(fleet, {.sources = {"x", "y"}});
  CHECK(Has(script,
            "gneiss apply \"$plan\" --level squash --from x --from y "
            "--to oci:gneiss-squash"));
  CHECK(
      Has(script, "skopeo copy --all oci:gneiss-squash:layout:1 docker://\"$REGISTRY\"/layout:1"));
  CHECK(script.find("gneiss verify x") == std::string::npos);
}

TEST_CASE("Refs of several hosts do not take each other's place", "[io][report][plan_commands]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a.io/shop:1", .layers = {"a:10", "b:10"}},
                                     {.ref = "b.io/shop:1", .layers = {"c:10", "d:10"}},
                                     {.ref = "b.io/shop:2", .layers = {"c:10", "d:10"}}});
  const std::string script = ScriptOf(fleet, {.sources = {"x"}});
  const std::string copy = "skopeo copy --all oci:gneiss-squash:";
  CHECK(Has(script, copy + "a.io/shop:1 docker://\"$REGISTRY\"/shop:1"));
  CHECK(Has(script, copy + "b.io/shop:2 docker://\"$REGISTRY\"/shop:2"));
  CHECK(Has(script,
            "# b.io/shop:1 would take the place of a.io/shop:1: push it to another repository"));
  CHECK(script.find(copy + "b.io/shop:1") == std::string::npos);
}

TEST_CASE("Hostile refs and instructions stay in comments on one line",
          "[io][report][plan_commands]") {
  const std::string evil = "$(touch pwned)\ntouch pwned2\n`x` '; touch pwned3 #\x1b[2J";
  TinyImage step{.ref = "--tag=evil", .layers = {"a:10", "b:10"}, .created_by = "RUN " + evil};
  TinyImage named{.ref = evil, .layers = {"c:10", "d:10"}};
  const Fleet fleet = MakeTinyFleet(
      {step, named, {.ref = "web/shop:1", .layers = {"e:9", "f:9"}, .created_by = "RUN " + evil}});
  const std::string script = ScriptOf(fleet, {.sources = {evil}});
  CheckSyntax(script);
  std::istringstream lines(ScriptOf(fleet, {.sources = {"x"}}));
  for (std::string line; std::getline(lines, line);) {
    CHECK(line.find('\x1b') == std::string::npos);
    if (line.find("touch") != std::string::npos) CHECK(line.starts_with("# "));
  }
  CHECK(script.find("crane flatten --tag web/shop:1-gneiss web/shop:1\n") != std::string::npos);
  CHECK(script.find("crane flatten --tag=") == std::string::npos);
  // Run with commands that only say what they got, it touches nothing.
  const TemporaryDirectory directory;
  directory.Write("script", script);
  for (const char* const tool : {"crane", "gneiss", "skopeo"}) {
    directory.Write(std::string("bin/") + tool, "#!/bin/sh\nprintf '<%s>' \"$0\" \"$@\" >>log\n");
    std::filesystem::permissions(directory.path(std::string("bin/") + tool),
                                 std::filesystem::perms::owner_all);
  }
  const std::string run =
      "cd " + directory.path() + " && PATH=\"$PWD/bin:$PATH\" REGISTRY=r sh script plan.json";
  CHECK(std::system(run.c_str()) == 0);
  const std::string log = ReadWholeFile(directory.path("log"));
  CHECK(log.find("<--from><" + evil + ">") != std::string::npos);
  for (const char* const name : {"pwned", "pwned2", "pwned3"}) {
    CHECK(!std::filesystem::exists(directory.path(name)));
  }
}

TEST_CASE("Runs of RUN are told as one RUN", "[io][report][plan_commands]") {
  TinyImage image{.ref = "shop:1", .layers = {"a:10", "b:10"}};
  image.created_by = "/bin/sh -c make";
  const std::string script = ScriptOf(MakeTinyFleet({image}), {.sources = {"x"}});
  CHECK(script.find("#   RUN make && \\\n#       make\n") != std::string::npos);
}

}  // namespace
}  // namespace gneiss
