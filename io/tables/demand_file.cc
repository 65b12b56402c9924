#include "io/tables/demand_file.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/bytes/line_reader.h"
#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "io/tables/pods_file.h"
#include "io/tables/record_lines.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::size_t kDemandHeadBytes = 4096;

void AddPool(const std::string& name, std::optional<std::int64_t> nodes, Demand& demand) {
  ExpectName(name, "a pool's name");
  const auto known = demand.pools.find(name);
  if (known == demand.pools.end()) {
    if (!nodes) {
      throw InputError(fmt::format("expected the nodes of pool {} with its first line, found none",
                                   Quote(name)));
    }
    demand.pools.emplace(name, *nodes);
  } else if (nodes && *nodes != known->second) {
    throw InputError(fmt::format("pool {} had {} nodes before, here {}; give it one number",
                                 Quote(name), known->second, *nodes));
  }
}

}  // namespace

void ReadPulls(std::unique_ptr<ByteSource> stored, const std::string& path, Demand& demand) {
  static constexpr std::array<std::string_view, 3> kColumns = {"ref", "pulls", "platform"};
  WithPath(path, [&] {
    RecordLines lines(std::move(stored), path, kColumns, 2);
    const auto add = [&](std::string name, std::string platform, std::int64_t pulls) {
      ExpectName(name, "an image's name");
      demand.pulls.push_back(
          {.name = std::move(name), .platform = std::move(platform), .pulls = pulls});
    };
    lines.ForEach(
        [&](std::int64_t /*line*/, const std::vector<std::string>& fields) {
          add(fields[0], fields[2], ParseCount(fields[1], "pulls"));
        },
        [&](std::int64_t /*line*/, const JsonValue& object) {
          const JsonPath root;
          const bool by_digest = FindMember(object, "ref") == nullptr;
          const JsonValue* const pulls = FindMember(object, "pulls");
          if (pulls == nullptr) ThrowMissing(root.member("pulls"), "a whole number of pulls");
          const JsonValue* const platform = FindMember(object, "platform");
          add(ExpectText(object, by_digest ? "digest" : "ref", "an image's ref or digest"),
              platform == nullptr
                  ? std::string()
                  : std::string(ReadText(TreeJson(*platform), root.member("platform"))),
              ReadWhole(TreeJson(*pulls), root.member("pulls"), "a whole number of pulls"));
        });
  });
}

void ReadPools(std::unique_ptr<ByteSource> stored, const std::string& path, Demand& demand) {
  static constexpr std::array<std::string_view, 3> kColumns = {"pool", "nodes", "ref"};
  WithPath(path, [&] {
    RecordLines lines(std::move(stored), path, kColumns, 3);
    if (IsPods(lines.lines().Peek(kDemandHeadBytes))) {
      ReadPods(lines.lines().ReadRest("pods", kMaxPodsBytes), path, demand);
      return;
    }
    lines.ForEach(
        [&](std::int64_t /*line*/, const std::vector<std::string>& fields) {
          AddPool(fields[0],
                  fields[1].empty() ? std::nullopt : std::optional(ParseCount(fields[1], "nodes")),
                  demand);
          ExpectName(fields[2], "an image's name");
          demand.pool_uses.push_back({.pool = fields[0], .name = fields[2]});
        },
        [&](std::int64_t /*line*/, const JsonValue& object) {
          const JsonPath root;
          const std::string pool = ExpectText(object, "pool", "a pool's name");
          const JsonValue* const nodes = FindMember(object, "nodes");
          AddPool(pool,
                  nodes == nullptr ? std::nullopt
                                   : std::optional(ReadWhole(TreeJson(*nodes), root.member("nodes"),
                                                             "a whole number of nodes")),
                  demand);
          const JsonValue* const images = FindMember(object, "images");
          if (images == nullptr) ThrowMissing(root.member("images"), "an array of refs");
          ExpectKind(TreeJson(*images), JsonKind::kArray, root.member("images"),
                     "an array of refs");
          std::int64_t index = 0;
          const JsonPath list = root.member("images");
          TreeJson(*images).ForEachElement([&](const TreeJson& image) {
            std::string name(ReadText(image, list.element(index++)));
            ExpectName(name, "an image's name");
            demand.pool_uses.push_back({.pool = pool, .name = std::move(name)});
          });
        });
  });
}

}  // namespace gneiss
