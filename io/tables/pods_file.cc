#include "io/tables/pods_file.h"

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "planner/fleet/bytes.h"

namespace gneiss {
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
