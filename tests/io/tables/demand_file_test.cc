#include "io/tables/demand_file.h"

#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "io/bytes/byte_source.h"
#include "io/tables/record_lines.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/demand.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

std::string TellPulls(std::string_view text) {
  Demand demand;
  ReadPulls(ReadMemory(text), "FILE", demand);
  std::string told;
  for (const PullCount& count : demand.pulls) {
    told += count.name + "|" + count.platform + "|" + std::to_string(count.pulls) + "\n";
  }
  return told;
}

std::string TellPools(std::string_view text) {
  Demand demand;
  ReadPools(ReadMemory(text), "FILE", demand);
  std::string told;
  for (const auto& [pool, nodes] : demand.pools) told += pool + "=" + std::to_string(nodes) + "\n";
  for (const PoolUse& use : demand.pool_uses) told += use.pool + ": " + use.name + "\n";
  return told;
}

std::string ErrorOfPulls(std::string_view text) {
  return MessageOf<InputError>([&] { (void)TellPulls(text); });
}

std::string ErrorOfPools(std::string_view text) {
  return MessageOf<InputError>([&] { (void)TellPools(text); });
}

TEST_CASE("Pulls come as CSV, with or without names of columns, or as JSON", "[io][demand_file]") {
  const std::string told = "web/app:1||5\ndb:2|linux/arm64|0\n";
  CHECK(TellPulls("web/app:1,5\ndb:2,0,linux/arm64\n") == told);
  CHECK(TellPulls("\xef\xbb\xbf# of May\r\n\r\n ref , pulls,platform\r\n\"web/app:1\", 5\r\n"
                  "db:2,0,linux/arm64") == told);
  CHECK(TellPulls("day,pulls,host,ref\n1,5,a,web/app:1\n") == "web/app:1||5\n");
  CHECK(TellPulls("{\"ref\":\"web/app:1\",\"pulls\":5,\"x\":1}\n"
                  "{\"ref\":\"db:2\",\"pulls\":0,\"platform\":\"linux/arm64\"}\n") == told);
  CHECK(TellPulls("{\"digest\":\"sha256:ab\",\"pulls\":5,\"ref\":null}\n") == "sha256:ab||5\n");
  CHECK(TellPulls(Gzip("web/app:1,5\n")) == "web/app:1||5\n");
}

TEST_CASE("A line of pulls that is none is an error that names it", "[io][demand_file]") {
  CHECK(ErrorOfPulls("") ==
        "FILE: expected lines \"ref,pulls,platform\" or JSON objects, found none");
  CHECK(ErrorOfPulls("ref,pulls\n") ==
        "FILE: expected lines \"ref,pulls,platform\" or JSON objects, found none");
  CHECK(ErrorOfPulls("a,1\nb\n") ==
        "FILE:2: expected \"ref,pulls,platform\", found 1 of these columns");
  CHECK(ErrorOfPulls("a,1\nb,-1\n") ==
        "FILE:2: expected a whole number of pulls from 0 to 9007199254740992, found \"-1\"");
  CHECK(ErrorOfPulls("a,1.5\n").ends_with("found \"1.5\""));
  CHECK(ErrorOfPulls("a,9007199254740993\n").ends_with("found \"9007199254740993\""));
  CHECK(ErrorOfPulls(",1\n") == "FILE:1: expected an image's name, found an empty one");
  CHECK(ErrorOfPulls("\"a,1\n") ==
        "FILE:1: expected a closing double quote, found the end of the line");
  CHECK(ErrorOfPulls("{\"pulls\":1}\n").starts_with("FILE:1: digest: expected an image's ref or"));
  CHECK(ErrorOfPulls("{\"ref\":\"a\"}\n").starts_with("FILE:1: pulls: expected a whole number"));
  CHECK(ErrorOfPulls("{\"ref\":\"a\",\"pulls\":-1}\n").ends_with("found -1"));
  CHECK(ErrorOfPulls("{\"ref\":\"a\",\n").starts_with("FILE:1: byte "));
  CHECK(ErrorOfPulls("\x1f\x8b\x08garbage").starts_with("FILE:"));
}

TEST_CASE("Fields of CSV are cut as RFC 4180 says", "[io][demand_file]") {
  using Fields = std::vector<std::string>;
  CHECK(SplitCsvLine("a,b") == Fields{"a", "b"});
  CHECK(SplitCsvLine("") == Fields{""});
  CHECK(SplitCsvLine(",") == Fields{"", ""});
  CHECK(SplitCsvLine(" \"a, \"\"b\"\"\" , c ") == Fields{"a, \"b\"", "c"});
  CHECK_THROWS_WITH(SplitCsvLine("\"a\"b,c"), "expected a comma after a quoted field, found \"b\"");
}

TEST_CASE("Pools come as CSV or as JSON lines", "[io][demand_file]") {
  const std::string told = "batch=2\nweb=3\nweb: app:1\nweb: db:1\nbatch: app:1\n";
  CHECK(TellPools("pool,nodes,ref\nweb,3,app:1\nweb,,db:1\nbatch,2,app:1\n") == told);
  CHECK(TellPools("{\"pool\":\"web\",\"nodes\":3,\"images\":[\"app:1\",\"db:1\"]}\n"
                  "{\"pool\":\"batch\",\"nodes\":2,\"images\":[\"app:1\"]}\n") == told);
  CHECK(ErrorOfPools("web,,app:1\n") ==
        "FILE:1: expected the nodes of pool \"web\" with its first line, found none");
  CHECK(ErrorOfPools("web,3,app:1\nweb,4,db:1\n") ==
        "FILE:2: pool \"web\" had 3 nodes before, here 4; give it one number");
  CHECK(ErrorOfPools("{\"pool\":\"web\",\"nodes\":3}\n").starts_with("FILE:1: images: expected"));
  CHECK(ErrorOfPools("{\"pool\":\"web\",\"nodes\":3,\"images\":[5]}\n")
            .starts_with("FILE:1: images[0]: expected a string"));
}

std::string Pod(std::string_view node, std::string_view spec, std::string_view status = "") {
  return std::string("{\"kind\":\"Pod\",\"spec\":{\"nodeName\":\"") + std::string(node) +
         "\",\"containers\":[" + std::string(spec) + "]},\"status\":{\"containerStatuses\":[" +
         std::string(status) + "]}}";
}

std::string Pods(std::string_view items) {
  return "{\n  \"apiVersion\": \"v1\",\n  \"items\": [" + std::string(items) +
         "],\n  \"kind\": \"List\"\n}\n";
}

TEST_CASE("Nodes of kubectl's pods that run the same images are a pool", "[io][demand_file]") {
  const std::string app = R"({"name":"a","image":"app:1"})";
  const std::string db = R"({"name":"d","image":"db"})";
  CHECK(TellPools(Pods(Pod("n2", app) + "," + Pod("n1", app) + "," + Pod("n3", app) + "," +
                       Pod("n3", db) + "," + Pod("", db))) ==
        "n1=2\nn3=1\nn1: app:1\nn3: app:1\nn3: db\n");
  const std::string digest = "sha256:" + std::string(64, 'a');
  // What runs is told by its digest; what has not started by its spec.
  CHECK(TellPools(Pods(Pod(
            "n", app + "," + db,
            R"({"name":"a","image":"docker.io/library/app:1","imageID":"docker.io/library/app@)" +
                digest + R"("},{"name":"d","image":"db","imageID":""})"))) ==
        "n=1\nn: db\nn: docker.io/library/app:1@" + digest + "\n");
  CHECK(TellPools(Pods(
            Pod("n", app, R"({"name":"a","image":"sha256:1","imageID":")" + digest + R"("})"))) ==
        "n=1\nn: " + digest + "\n");
}

TEST_CASE("A file of pods without a node, or that is cut, is an error", "[io][demand_file]") {
  CHECK(ErrorOfPools(Pods("")) ==
        "FILE: expected pods that run on nodes, found none; print them with `kubectl get pods "
        "--all-namespaces -o json`");
  CHECK(ErrorOfPools(Pods("{}").substr(0, 40)).starts_with("FILE: expected the JSON of `kubectl"));
  CHECK(ErrorOfPools("{\"apiVersion\":\"v1\",\"items\":5}").starts_with("FILE: expected pods"));
}

}  // namespace
}  // namespace gneiss
