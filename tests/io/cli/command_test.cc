#include "io/cli/command.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <streambuf>
#include <string>
#include <system_error>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/make/cli_run.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

using Catch::Contains;

// A directory with one good fleet file.
class CommandFixture {
 protected:
  const TemporaryDirectory directory_;
  const std::string good_ = directory_.Write(
      "good.ndjson", FleetLineOf("a:1", {"x:1000", "y:20"}) + FleetLineOf("b:1", {"x:1000"}));
};

TEST_CASE("A missing, unknown or mistyped command is a usage error", "[io][command]") {
  CHECK(RunCli({}).code == kUsage);
  CHECK(RunCli({}).err == "gneiss: expected a command; see `gneiss --help`\n");
  CHECK(RunCli({"stta"}).err ==
        "gneiss: unknown command \"stta\", did you mean \"stat\"? See `gneiss --help`\n");
  CHECK(RunCli({"stta"}).code == kUsage);
  CHECK_THAT(RunCli({"publish"}).err, Contains("unknown command \"publish\", expected one of "));
  CHECK_THAT(RunCli({"--json"}).err, Contains("expected a command, found \"--json\""));
  CHECK(RunCli({"\x1b[2J"}).err.find('\x1b') == std::string::npos);
}

TEST_CASE("Every command has a help with its options and an example", "[io][command]") {
  REQUIRE_FALSE(Commands().empty());
  for (const Command& command : Commands()) {
    const std::string name(command.name);
    CAPTURE(name);
    const CliRun run = RunCli({name, "--help"});
    CHECK(run.code == kDone);
    CHECK(run.err.empty());
    CHECK_THAT(run.out, Contains("Usage: gneiss " + name));
    // A plan says itself which images it is of, and these are of none.
    const bool reads_a_fleet = name != "apply" && name != "completion" && name != "man";
    if (reads_a_fleet) CHECK_THAT(run.out, Contains("--platform"));
    CHECK_THAT(run.out, Contains("Example:\n  gneiss " + name));
    CHECK(RunCli({"help", name}).out == run.out);
    std::istringstream lines(run.out);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("  gneiss ")) continue;
      CAPTURE(line);
      CHECK(line.size() <= 100);
    }
    CHECK_THAT(RunCli({"--help"}).out, Contains("\n  " + name));
  }
}

TEST_CASE("The version is one line", "[io][command]") {
  const CliRun run = RunCli({"--version"});
  CHECK(run.code == kDone);
  CHECK_THAT(run.out, Catch::StartsWith("gneiss "));
  CHECK(run.out.find('\n') == run.out.size() - 1);
}

TEST_CASE("A wrong option is one line that says what was expected", "[io][command]") {
  const auto error = [](std::vector<std::string> arguments) {
    const CliRun run = RunCli(arguments);
    CHECK(run.code == kUsage);
    CHECK(run.out.empty());
    CHECK(run.err.find('\n') == run.err.size() - 1);
    return run.err;
  };
  CHECK(error({"stat"}) == "gneiss stat: expected at least one SOURCE; see `gneiss stat --help`\n");
  CHECK(
      error({"stat", "x", "--laers-only"}) ==
      "gneiss stat: unknown option \"--laers-only\", did you mean --layers-only? See `gneiss stat "
      "--help`\n");
  CHECK_THAT(error({"stat", "x", "--frobnicate"}), Contains("unknown option \"--frobnicate\";"));
  CHECK_THAT(error({"stat", "x", "--top", "abc"}),
             Contains("--top: expected a whole number, 0 or more, found \"abc\""));
  CHECK_THAT(error({"stat", "x", "--top=-1"}), Contains("found \"-1\""));
  CHECK_THAT(error({"stat", "x", "--top", "99999999999999999999"}), Contains("--top: expected"));
  CHECK_THAT(error({"stat", "x", "--top"}), Contains("--top"));
  CHECK_THAT(error({"stat", "x", "--by", "colour"}),
             Contains("--by: expected repository, namespace, platform or label:KEY, found "
                      "\"colour\""));
  CHECK_THAT(error({"stat", "x", "--scope", "moon"}), Contains("found \"moon\""));
  CHECK_THAT(error({"stat", "x", "--iec", "--bytes"}), Contains("excludes"));
  CHECK_THAT(error({"stat", "x", "--platform", "linux"}), Contains("OS/ARCH[/VARIANT]"));
  CHECK_THAT(error({"tree", "x", "--min-size", "10XB"}),
             Contains("--min-size: expected a size such as 4096, 256KiB or 1.5GB, found \"10XB\""));
  CHECK_THAT(error({"graph", "x", "--format", "png"}),
             Contains("--format: expected dot, graphml or json, found \"png\""));
  CHECK_THAT(error({"graph", "x", "--what", "all"}), Contains("expected sharing or trie"));
  CHECK_THAT(error({"graph", "x", "--json", "--format", "dot"}), Contains("excludes"));
}

TEST_CASE("A source that is not there fails with its name", "[io][command]") {
  for (const char* const command : {"stat", "tree", "graph"}) {
    const CliRun run = RunCli({command, "/no/such/fleet.ndjson"});
    CHECK(run.code == kFailed);
    CHECK(run.out.empty());
    CHECK_THAT(run.err, Catch::StartsWith("gneiss: /no/such/fleet.ndjson: expected "));
    CHECK(run.err.find('\n') == run.err.size() - 1);
  }
}

TEST_CASE_METHOD(CommandFixture, "A good fleet says nothing on standard error", "[io][command]") {
  for (const char* const command : {"stat", "tree", "graph"}) {
    const CliRun run = RunCli({command, good_});
    CHECK(run.code == kDone);
    CHECK(run.err.empty());
    CHECK_FALSE(run.out.empty());
  }
}

TEST_CASE_METHOD(CommandFixture, "Bad lines are listed, counted, and fail the run",
                 "[io][command]") {
  std::string lines = FleetLineOf("a:1", {"x:1"});
  for (int i = 0; i < 12; ++i) lines += "no json\n";
  const std::string path = directory_.Write("bad.ndjson", lines);
  const CliRun run = RunCli({"stat", path, "--json"});
  CHECK(run.code == kFailed);
  CHECK(nlohmann::json::parse(run.out)["images"] == 1);
  CHECK(nlohmann::json::parse(run.out)["bad_images"] == 12);
  CHECK_THAT(run.err, Catch::StartsWith("gneiss: " + path + ":2: "));
  CHECK_THAT(run.err, Contains(path + ":11: "));
  CHECK_THAT(run.err, !Contains(path + ":12: "));
  CHECK_THAT(run.err, Contains("gneiss: [2 more]\n"
                               "gneiss: 12 bad entries are left out of this report; --keep-going "
                               "makes the exit code 0\n"));
  const CliRun going = RunCli({"stat", path, "--json", "--keep-going"});
  CHECK(going.code == kDone);
  CHECK(going.out == run.out);
  CHECK_THAT(going.err, Contains("12 bad entries are left out of this report\n"));
  const CliRun strict = RunCli({"stat", path, "--strict"});
  CHECK(strict.code == kFailed);
  CHECK(strict.out.empty());
  CHECK_THAT(strict.err, Catch::StartsWith("gneiss: " + path + ":2: "));
  CHECK(strict.err.find('\n') == strict.err.size() - 1);
}

TEST_CASE_METHOD(CommandFixture, "A bad source ends the run unless told to keep going",
                 "[io][command]") {
  const std::string cut =
      directory_.Write("cut.gz", Gzip(FleetLineOf("c:1", {"z:1"})).substr(0, 60));
  const CliRun run = RunCli({"stat", good_, cut});
  CHECK(run.code == kFailed);
  CHECK(run.out.empty());
  CHECK_THAT(run.err, Contains(cut) && Contains("gzip stream ends early"));
  const CliRun going = RunCli({"stat", good_, cut, "--json", "--keep-going"});
  CHECK(going.code == kDone);
  CHECK(nlohmann::json::parse(going.out)["images"] == 2);
  CHECK_THAT(going.err, Contains("1 bad entry is left out of this report"));
}

TEST_CASE_METHOD(CommandFixture, "A platform that no image has is an error that names those here",
                 "[io][command]") {
  const CliRun run = RunCli({"stat", good_, "--platform", "linux/foo"});
  CHECK(run.code == kFailed);
  CHECK(run.err ==
        "gneiss: --platform linux/foo matches none of the 2 images; platforms here: linux/amd64\n");
}

TEST_CASE_METHOD(CommandFixture, "A fleet of bad lines only is no fleet", "[io][command]") {
  const CliRun run = RunCli({"tree", directory_.Write("bad", "{}\n{}\n")});
  CHECK(run.code == kFailed);
  CHECK(run.out.empty());
  CHECK_THAT(run.err, Catch::EndsWith("gneiss: no image left: 2 entries are bad\n"));
}

TEST_CASE_METHOD(CommandFixture, "A source given twice is read once", "[io][command]") {
  const CliRun once = RunCli({"stat", good_});
  const CliRun twice = RunCli({"stat", good_, good_});
  CHECK(twice.code == kDone);
  CHECK(twice.out == once.out);
  CHECK(twice.err == "gneiss: 1 source given again, read once\n");
  CHECK(RunCli({"stat", good_, good_, "--quiet"}).err.empty());
}

TEST_CASE_METHOD(CommandFixture, "What is odd is said once, after reading", "[io][command]") {
  const std::string path =
      directory_.Write("odd", FleetLineOf("a:1", {"x:5", "x:5"}) + FleetLineOf("b:1", {}));
  const CliRun run = RunCli({"stat", path});
  CHECK(run.code == kDone);
  CHECK(run.err ==
        "gneiss: warning: 1 image without layers\n"
        "gneiss: warning: 1 image with one layer more than once, stored once\n");
}

TEST_CASE_METHOD(CommandFixture, "A report can go to a file", "[io][command]") {
  const std::string file = directory_.path("report");
  for (const char* const command : {"stat", "tree", "graph"}) {
    const CliRun to_console = RunCli({command, good_});
    const CliRun to_file = RunCli({command, good_, "-o", file});
    CHECK(to_file.code == kDone);
    CHECK(to_file.out.empty());
    CHECK(ReadWholeFile(file) == to_console.out);
  }
  const CliRun failed = RunCli({"stat", good_, "-o", directory_.path("no/such/report")});
  CHECK(failed.code == kFailed);
  CHECK_THAT(failed.err, Contains("no/such/report: No such file or directory"));
}

TEST_CASE_METHOD(CommandFixture, "Options after a value belong to the command, not to the value",
                 "[io][command]") {
  // --by takes one word: a SOURCE after it is a SOURCE.
  const CliRun run = RunCli({"stat", "--by", "platform", good_, "--json"});
  CHECK(run.code == kDone);
  const auto report = nlohmann::json::parse(run.out);
  CHECK(report.contains("by_platform"));
  CHECK_FALSE(report.contains("by_repository"));
}

TEST_CASE_METHOD(CommandFixture, "Names of the input cannot steer the terminal", "[io][command]") {
  const std::string path = directory_.Write(
      "evil", FleetLineOf("\\u001b[2Ja:1", {"x:5"},
                          R"(,"history":[{"created_by":"RUN \u001b]0;x\u0007"}])") +
                  FleetLineOf("b\\u202e:1", {"\\u001b:1"}));
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"stat", "--images"},
                                             {"tree"},
                                             {"graph"},
                                             {"graph", "--format", "graphml"},
                                             {"stat", "--json", "--images"},
                                             {"tree", "--json"},
                                             {"graph", "--json"}}) {
    std::vector<std::string> arguments = command;
    arguments.push_back(path);
    const CliRun run = RunCli(arguments);
    CAPTURE(command, run.err);
    CHECK_FALSE(run.out.empty());
    for (const std::string& text : {run.out, run.err}) {
      CHECK(text.find('\x1b') == std::string::npos);
      CHECK(text.find('\x07') == std::string::npos);
    }
  }
}

TEST_CASE_METHOD(CommandFixture, "How many are shown is a whole number", "[io][command]") {
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"plan"}, {"explain", "S1"}, {"stat"}, {"tree"}}) {
    for (const std::string top : {"-1", "x", "99999999999999999999"}) {
      std::vector<std::string> arguments = command;
      arguments.insert(arguments.end(), {good_, "--top", top});
      const CliRun run = RunCli(arguments);
      CHECK(run.code == kUsage);
      CHECK(run.err == "gneiss " + command[0] +
                           ": --top: expected a whole number, 0 or more, found \"" + top +
                           "\"; see `gneiss " + command[0] + " --help`\n");
    }
  }
}

TEST_CASE_METHOD(CommandFixture, "-o writes a plan beside the screen, with --json alone",
                 "[io][command]") {
  const std::string json = RunCli({"plan", good_, "--json"}).out;
  const std::string text = RunCli({"plan", good_}).out;
  REQUIRE_THAT(json, Catch::StartsWith("{"));
  REQUIRE_THAT(text, Catch::StartsWith("2 images"));
  const std::string file = directory_.path("plan.json");
  CHECK(RunCli({"plan", good_, "-o", file}).out == text);
  CHECK(ReadWholeFile(file) == json);
  const std::string alone = directory_.path("alone.json");
  CHECK(RunCli({"plan", good_, "--json", "-o", alone}).out.empty());
  CHECK(ReadWholeFile(alone) == json);
  CHECK(RunCli({"plan", good_, "-o", "-"}).out == json);
}

// A stream that is full after some bytes, as a closed pipe or a full disk is.
class FullBuffer : public std::streambuf {
 protected:
  int_type overflow(int_type) override {
    throw std::system_error(std::make_error_code(std::errc::no_space_on_device), "standard output");
  }
};

TEST_CASE_METHOD(CommandFixture, "A report that cannot be written fails the run", "[io][command]") {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"stat", good_},
                                             {"tree", good_},
                                             {"graph", good_},
                                             {"stat", good_, "--json"},
                                             {"--help"},
                                             {"--version"}}) {
    FullBuffer buffer;
    std::ostream out(&buffer);
    out.exceptions(std::ios::badbit);
    std::ostringstream err;
    Console console{.out = &out, .err = &err};
    CHECK(RunCommand(arguments, console) == kFailed);
    CHECK(err.str() ==
          "gneiss: standard output: No space left on device; free some space and run again\n");
  }
}

TEST_CASE_METHOD(CommandFixture, "Colour needs a console that has it", "[io][command]") {
  std::ostringstream out;
  std::ostringstream err;
  Console console{.out = &out, .err = &err, .out_is_terminal = true, .width = 60, .colour = true};
  CHECK(RunCommand({"stat", good_}, console) == kDone);
  CHECK_THAT(out.str(), Catch::StartsWith("\x1b[1m"));
  CHECK(RunCli({"stat", good_}).out.find('\x1b') == std::string::npos);
}

TEST_CASE("A snapshot with an image less never takes the place of a good one", "[io][command]") {
  const TemporaryDirectory directory;
  const std::string good = FleetLineOf("a:1", {"x:1"});
  const std::string mixed = directory.Write("mixed.ndjson", good + "{\"ref\":1}\n");
  const std::string snapshot = directory.Write("snapshot.ndjson", "the good one");
  const auto now = [&] {
    std::ifstream file(snapshot);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const CliRun refused = RunCli({"snapshot", mixed, "-o", snapshot, "--quiet"});
  CHECK(refused.code == kFailed);
  CHECK_THAT(refused.err, Contains("gneiss: " + snapshot +
                                   " is not written: 1 bad entry would not be in it; mend what is "
                                   "named above, or write the others with --keep-going\n"));
  CHECK(now() == "the good one");
  CHECK(RunCli({"snapshot", mixed, "-o", snapshot, "--quiet", "--keep-going"}).code == kDone);
  CHECK_THAT(now(), Contains("\"ref\":\"a:1\""));
  // A pipe has nothing to lose.
  const CliRun piped = RunCli({"snapshot", mixed});
  CHECK(piped.code == kFailed);
  CHECK_THAT(piped.out, Contains("\"ref\":\"a:1\""));
}

TEST_CASE("A password on the command line is in no message", "[io][command]") {
  for (const char* const source :
       {"docker://user:hunter2@127.0.0.1:1/r", "registry://user:hunter2@127.0.0.1:1",
        "registry://user:hunter2@127.0.0.1:1/team", "https://user:hunter2@127.0.0.1:1/r",
        "user:hunter2@127.0.0.1:1/r", "docker:user:hunter2@127.0.0.1:1/r",
        "docker://user:hunter2@127.0.0.1:1", "skopeo:user:hunter2@127.0.0.1:1/r"}) {
    INFO(source);
    const CliRun run = RunCli({"stat", source});
    CHECK(run.code == kFailed);
    CHECK(run.err.find("hunter2") == std::string::npos);
    CHECK(std::ranges::count(run.err, '\n') == 1);
  }
  const CliRun apply = RunCli(
      {"apply", "plan.json", "--from", "oci:none", "--to", "docker://user:hunter2@127.0.0.1:1/r"});
  CHECK(apply.err.find("hunter2") == std::string::npos);
}

TEST_CASE("One hostile image costs a line, and the others are reported", "[io][command]") {
  const TemporaryDirectory directory;
  std::vector<std::string> layers;
  for (int i = 0; i < 1025; ++i) layers.push_back(std::to_string(i) + ":9007199254740992");
  const std::string fleet = directory.Write(
      "fleet.ndjson",
      FleetLineOf("evil:1", layers) + FleetLineOf("good:1", {"x:5", "y:6"}) +
          FleetLineOf("pulled:1", {"z:9007199254740992"}, ",\"pulls\":9007199254740992"));
  for (const char* const limit : {"500", "5000"}) {
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"stat"}, {"plan"}, {"report"}, {"tree"}, {"snapshot"}}) {
      INFO(command[0] << " " << limit);
      std::vector<std::string> arguments = command;
      arguments.insert(arguments.end(), {fleet, "--max-image-layers", limit});
      const CliRun run = RunCli(arguments);
      CHECK(run.code == kFailed);
      CHECK_THAT(run.err, Contains(fleet + ":1: expected an image of at most "));
      CHECK_THAT(run.err, Contains(fleet + ":3: pulls: expected so many that they move at most "));
      CHECK_THAT(run.err, Contains("2 bad entries are left out of this report"));
      CHECK_FALSE(run.out.empty());
      arguments.push_back("--keep-going");
      CHECK(RunCli(arguments).code == kDone);
    }
  }
}

TEST_CASE("A text of megabytes in an input does not fill a line", "[io][command]") {
  const TemporaryDirectory directory;
  const std::string huge(3'000'000, '7');
  const std::string good = FleetLineOf("good:1", {"x:5"});
  for (const std::string& bad :
       {"{\"ref\":" + huge + ",\"layers\":[]}", "{\"ref\":\"a\",\"layers\":\"" + huge + "\"}",
        "{\"ref\":\"a\",\"pulls\":-" + huge + ",\"layers\":[]}",
        "{\"ref\":\"a\",\"layers\":[{\"digest\":\"" + huge + "\",\"size\":1}]}",
        "{\"ref\":\"a\",\"layers\":[{\"digest\":\"x:" + huge +
            "\",\"size\":1},{\"digest\":\"x:" + huge + "\",\"size\":2}]}",
        "{\"ref\":\"a\",\"layers\":[],\"platform\":\"" + huge + "\"}"}) {
    const CliRun run = RunCli({"stat", directory.Write("fleet.ndjson", bad + "\n" + good)});
    CHECK(run.code == kFailed);
    CHECK(run.err.size() < 2'500);
    CHECK(std::ranges::count(run.err, '\n') == 2);
  }
  for (const std::string& bad : {"[1" + huge + "]", "\"" + huge, huge + "x", "{\"" + huge + "\":1}",
                                 "{\"rules\":" + huge + ".5}"}) {
    const std::string small = directory.Write("fleet.ndjson", good);
    const std::string policy = directory.Write("policy.json", bad.substr(0, 1'000'000));
    const CliRun run = RunCli({"check", small, "--policy", policy});
    CHECK(run.code != kDone);
    CHECK(run.err.size() < 2'500);
  }
}

}  // namespace
}  // namespace gneiss
