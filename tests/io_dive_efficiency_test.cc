// Dive's own figures on dive's own image, from the corpus.
#include <cstdlib>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "io/scan/scan_layer.h"
#include "planner/dive_efficiency.h"
#include "tests/source_files.h"

namespace gneiss {
namespace {

// Members of a plain ustar archive by name; enough for what `docker save` writes.
std::map<std::string, std::string> ReadArchive(const std::string& bytes) {
  constexpr std::size_t kBlock = 512;
  std::map<std::string, std::string> members;
  for (std::size_t at = 0; at + kBlock <= bytes.size() && bytes[at] != '\0';) {
    const std::string name = bytes.substr(at, 100).c_str();
    const std::size_t size = std::strtoul(bytes.substr(at + 124, 12).c_str(), nullptr, 8);
    members[name] = bytes.substr(at + kBlock, size);
    at += kBlock + (size + kBlock - 1) / kBlock * kBlock;
  }
  return members;
}

TEST_CASE("Dive's figures of its own test image come out to the last digit",
          "[corpus][dive_efficiency]") {
  const auto path = CorpusPath("fixtures/dive/test-docker-image.tar");
  if (!path) return;
  const auto members = ReadArchive(ReadWholeFile(*path));
  const auto manifest = nlohmann::json::parse(members.at("manifest.json"));
  std::deque<Inventory> inventories;
  std::vector<const Inventory*> chain;
  for (const std::string name : manifest[0]["Layers"]) {
    const std::string& layer = members.at(name);
    const auto source = ReadMemory(layer);
    const ExpectedLayer expected{.digest = {.digest = Sha256(layer)},
                                 .size = static_cast<Bytes>(layer.size())};
    inventories.push_back(*ScanLayer(*source, expected, {}).inventory);
    chain.push_back(&inventories.back());
  }
  CHECK(chain.size() == 14);
  const DiveEfficiency found = ComputeDiveEfficiency(chain);
  CHECK(found.size_bytes == 1220598);
  CHECK(found.user_bytes == 66237);
  CHECK(found.wasted_bytes == 32025);
  CHECK(found.efficiency == 0.9844212134184309);
}

}  // namespace
}  // namespace gneiss
