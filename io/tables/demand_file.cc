#include "io/tables/demand_file.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "io/bytes/line_reader.h"
#include "io/json/json_field.h"
#include "io/json/json_value.h"
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

namespace {

// Read by simdjson, as clusters have hundreds of megabytes of it.
class PodsReader {
 public:
  explicit PodsReader(const std::string& path) : path_(path) {}

  void Read(std::string_view text, Demand& demand) {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    if (const auto error = parser.parse(text.data(), text.size()).get(root)) {
      throw InputError(path_, "",
                       fmt::format("expected the JSON of `kubectl get pods -o json`, "
                                   "found none: {}",
                                   simdjson::error_message(error)));
    }
    simdjson::dom::array items;
    if (root["items"].get(items) != simdjson::SUCCESS) {
      // One pod by itself.
      AddPod(root);
    } else {
      for (const simdjson::dom::element item : items) AddPod(item);
    }
    if (images_of_.empty()) {
      throw InputError(path_, "",
                       "expected pods that run on nodes, found none; print them with `kubectl get "
                       "pods --all-namespaces -o json`");
    }
    MakePools(demand);
  }

 private:
  void AddPod(simdjson::dom::element pod) {
    std::string_view node;
    // One that waits for a node.
    if (pod["spec"]["nodeName"].get(node) != simdjson::SUCCESS || node.empty()) return;
    std::set<std::string>& images = images_of_[std::string(node)];
    // What the kubelet says of a container knows the digest; the spec has those that have not
    // started.
    std::set<std::string_view> told;
    for (const char* const list :
         {"initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"}) {
      ForEachIn(pod["status"][list], [&](simdjson::dom::element container) {
        const std::string_view id = TextOf(container, "imageID");
        const std::string_view image = TextOf(container, "image");
        if (const std::string_view name = TextOf(container, "name"); !name.empty() && !id.empty()) {
          told.insert(name);
        }
        if (!id.empty()) images.insert(NameOfRunning(image, id));
      });
    }
    for (const char* const list : {"initContainers", "containers", "ephemeralContainers"}) {
      ForEachIn(pod["spec"][list], [&](simdjson::dom::element container) {
        const std::string_view image = TextOf(container, "image");
        if (!image.empty() && !told.contains(TextOf(container, "name"))) {
          images.insert(std::string(image));
        }
      });
    }
  }

  // "image@sha256:...": by digest where the fleet has that, else by ref. An ID may be of the index
  // that was pulled, or with containerd a digest alone.
  static std::string NameOfRunning(std::string_view image, std::string_view id) {
    const std::size_t digest = id.find("sha256:");
    if (digest == std::string_view::npos) return std::string(image.empty() ? id : image);
    const std::string_view ref = image.starts_with("sha256:") ? std::string_view() : image;
    if (ref.empty()) return std::string(id);
    return fmt::format("{}@{}", ref.substr(0, ref.find('@')), id.substr(digest));
  }

  static std::string_view TextOf(simdjson::dom::element object, const char* key) {
    std::string_view text;
    return object[key].get(text) == simdjson::SUCCESS ? text : std::string_view();
  }

  template <typename F>
  static void ForEachIn(simdjson::simdjson_result<simdjson::dom::element> list, const F& f) {
    simdjson::dom::array array;
    if (list.get(array) != simdjson::SUCCESS) return;
    for (const simdjson::dom::element element : array) f(element);
  }

  void MakePools(Demand& demand) const {
    std::map<std::set<std::string>, std::pair<std::string, std::int64_t>> pools;
    for (const auto& [node, images] : images_of_) {
      // Nodes come in the order of their names.
      ++pools.try_emplace(images, node, 0).first->second.second;
    }
    for (const auto& [images, pool] : pools) {
      demand.pools.emplace(pool.first, pool.second);
      for (const std::string& image : images) {
        demand.pool_uses.push_back({.pool = pool.first, .name = image});
      }
    }
  }

  const std::string& path_;
  std::map<std::string, std::set<std::string>> images_of_;  // by node
};

}  // namespace

bool IsPods(std::string_view head) {
  return head.find("\"apiVersion\"") != std::string_view::npos &&
         head.find_first_not_of(" \t\r\n") == head.find('{');
}

void ReadPods(std::string_view text, const std::string& path, Demand& demand) {
  PodsReader(path).Read(text, demand);
}

}  // namespace gneiss
