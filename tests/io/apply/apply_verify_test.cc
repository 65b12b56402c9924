// Plans of random histories carried out and verified, as commands; and results that were tampered
// with, told.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/make/cli_run.h"
#include "tests/make/layout_maker.h"
#include "tests/make/random_tars.h"
#include "tests/make/rounds.h"
#include "tests/make/shown_layout.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;
using TamperedJson = nlohmann::ordered_json;

// Images of up to four layers out of four, each with hard links or without.
void MakeRandomLayout(RandomTars& random, const LayoutMaker& layout) {
  std::vector<std::string> tars;
  const bool has_links = random.Below(2) == 0;
  for (int l = 0; l < 4; ++l) tars.push_back(random.Tar(has_links));
  std::vector<std::vector<std::string>> chains(1 + random.Below(3));
  std::vector<std::string> images;
  for (std::size_t i = 0; i < chains.size(); ++i) {
    if (i > 0 && random.Below(3) != 0) chains[i] = chains[0];
    for (unsigned more = 1 + random.Below(3); more > 0; --more) {
      chains[i].push_back(tars[random.Below(4)]);
    }
    images.push_back(layout.Image("app:" + std::to_string(i), chains[i]));
  }
  layout.Index(images);
}

// The headers of a plain tar as offsets, those of extended headers apart.
std::vector<std::size_t> HeadersOf(const std::string& tar) {
  std::vector<std::size_t> headers;
  std::size_t at = 0;
  while (at + 512 <= tar.size() && tar[at] != '\0') {
    if (tar[at + 156] != 'x') headers.push_back(at);
    at += 512 + (std::stoul(tar.substr(at + 124, 11), nullptr, 8) + 511) / 512 * 512;
  }
  return headers;
}

void FixChecksum(std::string& tar, std::size_t header) {
  std::memset(&tar[header + 148], ' ', 8);
  unsigned sum = 0;
  for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(tar[header + i]);
  tar.replace(header + 148, 7, Octal(sum, 6) + '\0');
}

// One byte of a file, one mode, or one entry that is gone (a whiteout where there is one). Empty
// where the tar has no such.
std::string Tamper(RandomTars& random, std::string tar) {
  const std::vector<std::size_t> headers = HeadersOf(tar);
  if (headers.empty()) return "";
  const std::size_t header = headers[random.Below(static_cast<unsigned>(headers.size()))];
  const std::size_t size = std::stoul(tar.substr(header + 124, 11), nullptr, 8);
  switch (random.Below(3)) {
    case 0:
      if (size == 0) return "";
      tar[header + 512 + size - 1] ^= 1;
      return tar;
    case 1:
      if (tar[header + 156] == '2') return "";  // no runtime has modes of symlinks
      tar[header + 106] = tar[header + 106] == '0' ? '1' : '0';
      FixChecksum(tar, header);
      return tar;
    default:
      break;
  }
  // With the extended header before it.
  std::size_t begin = header;
  for (std::size_t records = 512; records <= 4096 && records + 512 <= header; records += 512) {
    const std::size_t extended = header - records - 512;
    if (tar[extended + 156] != 'x' || tar.compare(extended + 257, 5, "ustar") != 0) continue;
    if ((std::stoul(tar.substr(extended + 124, 11), nullptr, 8) + 511) / 512 * 512 != records) {
      continue;
    }
    begin = extended;
    break;
  }
  tar.erase(begin, header + 512 + (size + 511) / 512 * 512 - begin);
  return tar;
}

// Tampers with one layer of one image of a layout, its digests made good again. False when nothing
// was changed.
bool TamperLayout(RandomTars& random, const LayoutMaker& layout) {
  TamperedJson index = TamperedJson::parse(ReadWholeFile(layout.path() + "/index.json"));
  TamperedJson& entry =
      index["manifests"][random.Below(static_cast<unsigned>(index["manifests"].size()))];
  const std::string ref = entry["annotations"]["org.opencontainers.image.ref.name"];
  if (!ref.starts_with("app:")) return false;  // a new base, which the source does not have
  TamperedJson manifest = TamperedJson::parse(layout.ReadBlob(entry["digest"]));
  TamperedJson& layers = manifest["layers"];
  if (layers.empty()) return false;
  const std::size_t l = random.Below(static_cast<unsigned>(layers.size()));
  // Layers that stay are not compressed.
  const std::string blob = layout.ReadBlob(layers[l]["digest"]);
  const std::string tar = Tamper(random, blob.starts_with("\x1f\x8b") ? Gunzip(blob) : blob);
  if (tar.empty()) return false;
  TamperedJson config = TamperedJson::parse(layout.ReadBlob(manifest["config"]["digest"]));
  config["rootfs"]["diff_ids"][l] = LayoutMaker::DigestOf(tar);
  const auto replace = [&](TamperedJson& descriptor, const std::string& content) {
    (void)layout.Blob("any", content);
    descriptor["digest"] = LayoutMaker::DigestOf(content);
    descriptor["size"] = content.size();
  };
  replace(layers[l], Gzip(tar));
  replace(manifest["config"], config.dump());
  replace(entry, manifest.dump());
  std::ofstream(layout.path() + "/index.json") << index.dump();
  return true;
}

TEST_CASE(
    "Whatever a plan does to random histories, verify finds nothing, and what is tampered with",
    "[io][apply][verify]") {
  RandomTars random(11);
  std::map<std::string, int> num_applied;
  int num_refused = 0;
  int num_found = 0;
  int num_hidden = 0;
  for (int round = 0; round < NumRounds(60); ++round) {
    const TemporaryDirectory dir;
    const LayoutMaker source(dir.path("src"));
    MakeRandomLayout(random, source);
    const std::string from = "oci:" + source.path();
    const std::vector<std::string> store = {"--store", dir.path("store"), "--quiet"};
    const auto run = [&](std::vector<std::string> arguments) {
      arguments.insert(arguments.end(), store.begin(), store.end());
      return RunCli(arguments);
    };
    REQUIRE(run({"scan", from}).code == kDone);
    const CliRun plan =
        run({"plan", from, "--json", "--max-layers", std::to_string(1 + random.Below(4)),
             "--layer-cost", std::to_string(random.Below(3) * 4000)});
    REQUIRE(plan.code == kDone);
    const std::string file = dir.Write("plan.json", plan.out);
    const auto today = ShowImages(source.path(), true);
    // Where all images keep their layers there is nothing that other levels could make.
    const bool are_kept =
        TamperedJson::parse(plan.out)["model"]["unwritable_images"] == today.size();
    const bool is_odd = are_kept || std::ranges::any_of(today, [](const auto& image) {
                          return image.second.has_broken_links;
                        });
    for (const std::string level : {"squash", "bases", "carve"}) {
      INFO("round " << round << ' ' << level);
      const LayoutMaker result(dir.path(level));
      fs::remove_all(result.path());
      const CliRun applied =
          run({"apply", file, "--from", from, "--to", "oci:" + result.path(), "--level", level});
      INFO(applied.err);
      if (applied.code != kDone) {
        // Hard links to nothing cannot be carried over; nor can attributes that headers of hard
        // links have beside their file's, which no builder writes.
        REQUIRE((is_odd || applied.err.find("in the link's header") != std::string::npos));
        ++num_refused;
        continue;
      }
      ++num_applied[level];
      const CliRun verified = run({"verify", from, "oci:" + result.path()});
      INFO(verified.out << verified.err);
      // Hard links whose headers say other than their file's, as no builder writes them, get its
      // attributes, and verify tells.
      const bool has_odd_link = verified.out.find("in the link's header") != std::string::npos;
      if (!is_odd && !has_odd_link) REQUIRE(verified.code == kDone);
      if (verified.code != kDone || !TamperLayout(random, result)) continue;
      auto shown = ShowImages(result.path(), true);
      std::string difference;
      for (const auto& [ref, files] : today) {
        difference += FindDifferences(files, shown[ref]);
      }
      const CliRun found = run({"verify", from, "oci:" + result.path()});
      INFO(found.out << difference);
      const bool is_same = difference.empty();
      REQUIRE(found.code == (is_same ? kDone : kPolicyNotMet));
      ++(is_same ? num_hidden : num_found);
    }
  }
  CAPTURE(num_refused, num_found, num_hidden);
  for (const auto& [level, count] : num_applied) REQUIRE(count > NumRounds(30));
  REQUIRE(num_found > NumRounds(40));
}

}  // namespace
}  // namespace gneiss
