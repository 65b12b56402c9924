// Manifests read by several threads and added in one, of a place that is in memory.
#include "io/source/manifest_reader.h"

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/bytes/parallel_for.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

using Texts = std::vector<std::string>;

// A registry, as far as this matters: texts by digest, some of which cannot be had.
class MemoryBlobs : public ManifestBlobs {
 public:
  std::string Add(const std::string& type, const std::string& text,
                  const std::string& members = "") {
    const std::string digest = FormatDigest(Sha256(text));
    texts_[digest] = text;
    return fmt::format(
        R"({{"mediaType":"application/vnd.oci.image.{}","digest":"{}","size":{}{}}})", type, digest,
        text.size(), members);
  }
  std::string AddImage(int number, const std::string& platform = "amd64") {
    const std::string layer = fmt::format(R"({{"digest":"{}","size":{}}})",
                                          FormatDigest(Sha256(std::to_string(number))), number);
    const std::string config =
        Add("config.v1+json", fmt::format(R"({{"os":"linux","architecture":"{}"}})", platform));
    return Add("manifest.v1+json",
               fmt::format(R"({{"schemaVersion":2,"config":{},"layers":[{}]}})", config, layer),
               fmt::format(R"(,"platform":{{"os":"linux","architecture":"{}"}})", platform));
  }
  void Lose(const std::string& digest) { texts_.erase(digest); }
  std::size_t num_reads(const std::string& digest) const {
    const auto found = reads_.find(digest);
    return found == reads_.end() ? 0 : found->second;
  }

  std::string PathOf(BlobRole role, const Descriptor& descriptor) const override {
    return (role == BlobRole::kManifest ? "manifests/" : "blobs/") + descriptor.digest_text;
  }
  std::optional<std::string> Read(BlobRole role, const Descriptor& descriptor,
                                  ReadReport& report) override {
    {
      const std::lock_guard lock(mutex_);
      ++reads_[descriptor.digest_text];
    }
    const auto text = texts_.find(descriptor.digest_text);
    if (text == texts_.end() && role == BlobRole::kConfig) {
      throw std::system_error(std::make_error_code(std::errc::connection_refused),
                              PathOf(role, descriptor));
    }
    if (text == texts_.end()) return std::nullopt;
    if (text->second.size() % 3 == 0) report.AddWarning("slow", descriptor.digest_text);
    return text->second;
  }
  void LookForLayer(const Descriptor& layer, ReadReport&) override {
    if (layer.size == 13) throw InputError("layer 13 is on fire");
  }

 private:
  std::map<std::string, std::string> texts_;
  std::map<std::string, std::size_t> reads_;
  std::mutex mutex_;
};

Descriptor DescriptorOf(const std::string& text) {
  return ParseManifest(R"({"schemaVersion":2,"manifests":[)" + text + "]}").manifests.at(0);
}

std::string IndexText(const Texts& entries) {
  return fmt::format(R"({{"schemaVersion":2,"manifests":[{}]}})", fmt::join(entries, ","));
}

// Everything that a reading gave, in its order.
std::string Told(const Fleet& fleet, const ReadReport& report) {
  std::string text =
      fmt::format("{} {} {}\n", report.num_lines, report.filtered_out, report.num_problems);
  for (const InputError& problem : report.problems) text += fmt::format("{}\n", problem.what());
  for (const auto& [kind, count] : report.skipped) text += fmt::format("{} {}\n", kind, count);
  for (const auto& [kind, warning] : report.warnings) {
    text += fmt::format("{} {} {}\n", kind, warning.count, warning.first);
  }
  for (const Image& image : fleet.images) {
    text += fmt::format("{} {}", FormatDigest(image.identity), fleet.text(image.platform));
    for (const TextIndex ref : fleet.refs_of(image)) text += fmt::format(" {}", fleet.text(ref));
    text += '\n';
  }
  return text;
}

const ManifestPlace kMemory = {.name = "the memory", .root = "the tag"};

TEST_CASE("What threads have read makes the same fleet in any of their orders",
          "[io][manifest_reader]") {
  std::mt19937 random(20240607);
  const auto below = [&](int limit) {
    return std::uniform_int_distribution<int>(0, limit - 1)(random);
  };
  for (int round = 0; round < 5; ++round) {
    MemoryBlobs blobs;
    std::vector<Descriptor> tags;
    for (int tag = 0; tag < 40; ++tag) {
      const std::string image = blobs.AddImage(below(30));
      Texts entries = {image, blobs.AddImage(below(30), "arm64")};
      std::string root = below(2) == 0 ? image : blobs.Add("index.v1+json", IndexText(entries));
      if (below(5) == 0) root = blobs.Add("index.v1+json", IndexText({root, root}));
      tags.push_back(DescriptorOf(root));
      if (below(8) == 0) blobs.Lose(tags.back().digest_text);
    }
    if (below(2) == 0) {
      blobs.Lose(FormatDigest(Sha256(R"({"os":"linux","architecture":"arm64"})")));
    }
    const ReadOptions options{.platform =
                                  PlatformFilter(below(2) == 0 ? "linux/amd64" : "linux/arm64")};
    std::string expected;
    for (const std::int64_t jobs : {1, 2, 5}) {
      std::vector<ManifestsRead> read(tags.size());
      ParallelFor(tags.size(), jobs, [&](const ParallelItem& item) {
        ManifestReader reader(blobs, kMemory, options);
        read[item.index] = reader.Read(tags[item.index], "app:" + std::to_string(item.index));
      });
      FleetBuilder builder;
      ReadReport report;
      for (const ManifestsRead& one : read) AddImages(one, {}, false, builder, report);
      const std::string told = Told(builder.Build(), report);
      if (expected.empty()) expected = told;
      CHECK(told == expected);
    }
  }
}

TEST_CASE("What is wrong with one entry of an index is in the result", "[io][manifest_reader]") {
  MemoryBlobs blobs;
  const std::string good = blobs.AddImage(1);
  const std::string burning = blobs.AddImage(13);
  const std::string absent = blobs.AddImage(2);
  blobs.Lose(DescriptorOf(absent).digest_text);
  const Descriptor root =
      DescriptorOf(blobs.Add("index.v1+json", IndexText({burning, absent, good, "7"})));
  const ReadOptions all;
  ManifestReader reader(blobs, kMemory, all);
  const ManifestsRead read = reader.Read(root, "app:1");
  Texts problems;
  for (const InputError& problem : read.report.problems) problems.emplace_back(problem.what());
  CHECK(problems ==
        Texts{"manifests/" + root.digest_text +
                  ": manifests[3]: expected a descriptor, an object, found 7",
              "manifests/" + DescriptorOf(burning).digest_text + ": layer 13 is on fire"});
  const ReadWarning& left_out =
      read.report.warnings.at("manifest of an index that is not there, as of platforms left out");
  CHECK(left_out.count == 1);
  CHECK(left_out.first == "manifests/" + root.digest_text + " (linux/amd64)");
  REQUIRE(read.images.size() == 1);
  CHECK(read.images[0].ref == "app:1");
  CHECK(read.reached == Texts{root.digest_text, DescriptorOf(burning).digest_text,
                              DescriptorOf(absent).digest_text, DescriptorOf(good).digest_text});
  FleetBuilder builder;
  ReadReport report;
  CHECK_THROWS_WITH(AddImages(read, {}, true, builder, report), problems[0]);
}

TEST_CASE("A descriptor of unknown size gets that of its text", "[io][manifest_reader]") {
  MemoryBlobs blobs;
  Descriptor tag = DescriptorOf(blobs.AddImage(1));
  const Bytes size = tag.size;
  tag.size = kUnknownSize;
  tag.media_type.clear();
  const ReadOptions all;
  ManifestReader reader(blobs, kMemory, all);
  const ManifestsRead read = reader.Read(tag, "app:1");
  REQUIRE(read.images.size() == 1);
  CHECK(read.images[0].descriptor.size == size);
}

TEST_CASE("Images are added under each ref that is given", "[io][manifest_reader]") {
  MemoryBlobs blobs;
  const Descriptor tag = DescriptorOf(blobs.AddImage(1));
  const ReadOptions all;
  ManifestReader reader(blobs, kMemory, all);
  const ManifestsRead read = reader.Read(tag, "app:1");
  FleetBuilder builder;
  ReadReport report;
  AddImages(read, Texts{"app:1", "app:latest"}, false, builder, report);
  const Fleet fleet = builder.Build();
  REQUIRE(fleet.images.size() == 1);
  CHECK(fleet.images[0].num_refs == 2);
  CHECK(report.num_lines == 1);
  // Nothing is asked for twice under one ref.
  CHECK(reader.Read(tag, "app:1").images.empty());
  CHECK(blobs.num_reads(tag.digest_text) == 1);
  CHECK(reader.Read(tag, "app:2").images.size() == 1);
}

TEST_CASE("Reports add up", "[io][source]") {
  ReadReport whole;
  whole.AddWarning("odd", "first");
  for (int i = 0; i < 70; ++i) whole.AddProblem(InputError("a" + std::to_string(i)), false);
  ReadReport part;
  part.AddWarning("odd", "second", 4);
  part.AddWarning("new", "third");
  for (int i = 0; i < 150; ++i) part.AddProblem(InputError("b" + std::to_string(i)), false);
  part.skipped["artifact manifest"] = 2;
  part.num_lines = 3;
  part.filtered_out = 5;
  part.missing_layer_blobs = 7;
  whole.Merge(part, false);
  CHECK(CountsOf(whole) == Counts{{"new", 1}, {"odd", 5}});
  CHECK(whole.warnings.at("odd").first == "first");
  CHECK(whole.num_problems == 220);
  REQUIRE(whole.problems.size() == ReadReport::kMaxKept);
  CHECK(whole.problems.back().what() == std::string("b29"));
  CHECK(whole.skipped == Counts{{"artifact manifest", 2}});
  CHECK(whole.num_lines == 3);
  CHECK(whole.filtered_out == 5);
  CHECK(whole.missing_layer_blobs == 7);
  CHECK_THROWS_WITH(whole.Merge(part, true), "b0");
}

TEST_CASE("Platforms of an index that are not there cost one line, or the image where none is",
          "[io][manifest_reader]") {
  MemoryBlobs blobs;
  const std::string here = blobs.AddImage(1);
  Texts entries = {here};
  for (int i = 2; i < 14; ++i) {
    entries.push_back(blobs.AddImage(i, "arch" + std::to_string(i)));
    blobs.Lose(DescriptorOf(entries.back()).digest_text);
  }
  const Descriptor sparse = DescriptorOf(blobs.Add("index.v1+json", IndexText(entries)));
  const ReadOptions all;
  const ManifestsRead read = ManifestReader(blobs, kMemory, all).Read(sparse, "app:1");
  CHECK(read.images.size() == 1);
  CHECK(read.report.num_problems == 0);
  CHECK(read.report.num_lines == 1);
  const ReadWarning& left_out =
      read.report.warnings.at("manifest of an index that is not there, as of platforms left out");
  CHECK(left_out.count == 12);
  CHECK(left_out.first ==
        "manifests/" + sparse.digest_text +
            " (linux/arch2, linux/arch3, linux/arch4, linux/arch5, linux/arch6, linux/arch7, "
            "linux/arch8, linux/arch9 and 4 more)");

  const auto problem_of = [&](const Texts& absent) {
    const Descriptor index = DescriptorOf(blobs.Add("index.v1+json", IndexText(absent)));
    const ManifestsRead none = ManifestReader(blobs, kMemory, all).Read(index, "app:1");
    CHECK(none.images.empty());
    CHECK(none.report.num_problems == 1);
    return std::string(none.report.problems.at(0).what());
  };
  CHECK_THAT(problem_of({entries[1], entries[2]}),
             Catch::Matchers::EndsWith(": expected a manifest of this index in the memory, found "
                                       "none of linux/arch2, linux/arch3"));
  CHECK(problem_of({entries[1]}) == "manifests/" + DescriptorOf(entries[1]).digest_text +
                                        ": expected a manifest, found no such blob in the memory");
  // A platform that was asked for and is not there is no image.
  const ReadOptions arch2{.platform = PlatformFilter("linux/arch2")};
  const ManifestsRead asked = ManifestReader(blobs, kMemory, arch2).Read(sparse, "app:1");
  CHECK(asked.report.num_problems == 1);
}

}  // namespace
}  // namespace gneiss
