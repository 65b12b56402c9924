#include "io/source/demand_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "io/source/csv_line.h"
#include "io/source/json_field.h"
#include "io/source/json_value.h"
#include "io/source/line_reader.h"
#include "planner/bytes.h"
#include "planner/input_error.h"

namespace gneiss {
namespace {

constexpr std::size_t kMaxDemandLineBytes = std::size_t{16} << 20;
constexpr std::size_t kDemandHeadBytes = 4096;

std::int64_t ParseCount(std::string_view text, std::string_view what) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 0 ||
      count > kMaxBlobSize) {
    throw InputError(fmt::format("expected a whole number of {} from 0 to {}, found {}", what,
                                 kMaxBlobSize, Quote(text)));
  }
  return count;
}

const JsonValue* FindMember(const JsonValue& object, std::string_view key) {
  const JsonValue* const value = object.Find(key);
  return value == nullptr || value->kind() == JsonKind::kNull ? nullptr : value;
}

std::string ExpectText(const JsonValue& object, std::string_view key, std::string_view expected) {
  const JsonPath path;
  const JsonValue* const value = FindMember(object, key);
  if (value == nullptr) ThrowMissing(path.member(key), expected);
  return std::string(ReadText(TreeJson(*value), path.member(key)));
}

// A file of lines, each CSV or a JSON object.
class DemandLines {
 public:
  // `columns` of CSV in their usual order, the first `num_needed` of them needed.
  DemandLines(ByteSource& bytes, const std::string& path, std::span<const std::string_view> columns,
              std::size_t num_needed, std::size_t max_line_bytes = kMaxDemandLineBytes)
      : lines_(bytes, max_line_bytes),
        path_(path),
        columns_(columns),
        num_needed_(num_needed),
        max_line_bytes_(max_line_bytes) {
    for (std::size_t c = 0; c < columns.size(); ++c) place_.push_back(c);
  }

  LineReader& lines() { return lines_; }

  // Calls one of the two for each line; what they throw gets the line's number.
  void ForEach(const std::function<void(const std::vector<std::string>&)>& take_fields,
               const std::function<void(const JsonValue&)>& take_object) {
    bool is_first = true;
    std::int64_t num_taken = 0;
    while (const std::optional<Line> line = lines_.Next()) {
      try {
        if (line->too_long) {
          throw InputError(fmt::format("expected a line of at most {} bytes, found a longer one",
                                       max_line_bytes_));
        }
        std::string_view text = line->text;
        if (line->number == 1 && text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
        text.remove_prefix(std::min(text.find_first_not_of(" \t\r"), text.size()));
        if (text.empty() || text.starts_with('#')) continue;
        if (text.starts_with('{')) {
          take_object(ParseJson(text).root);
        } else {
          const std::vector<std::string> fields = SplitCsvLine(text);
          if (std::exchange(is_first, false) && ReadHeader(fields)) continue;
          take_fields(InOrder(fields));
        }
        ++num_taken;
      } catch (const InputError& error) {
        throw InputError(
            path_, std::to_string(line->number),
            error.place().empty() ? error.problem() : error.place() + ": " + error.problem());
      }
    }
    if (num_taken == 0) {
      throw InputError(path_, "",
                       fmt::format("expected lines \"{}\" or JSON objects, found none",
                                   fmt::join(columns_, ",")));
    }
  }

 private:
  // Whether they are names of columns; keeps where each stands.
  bool ReadHeader(const std::vector<std::string>& fields) {
    std::vector<std::size_t> place;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const auto found = std::ranges::find(fields, columns_[c]);
      if (found == fields.end() && c < num_needed_) return false;
      place.push_back(static_cast<std::size_t>(found - fields.begin()));
    }
    place_ = std::move(place);
    return true;
  }

  std::vector<std::string> InOrder(const std::vector<std::string>& fields) const {
    std::vector<std::string> ordered;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (place_[c] < fields.size()) {
        ordered.push_back(fields[place_[c]]);
      } else if (c < num_needed_) {
        throw InputError(fmt::format("expected \"{}\", found {} of these columns",
                                     fmt::join(columns_, ","), fields.size()));
      } else {
        ordered.emplace_back();
      }
    }
    return ordered;
  }

  LineReader lines_;
  const std::string& path_;
  std::span<const std::string_view> columns_;
  std::size_t num_needed_;
  std::size_t max_line_bytes_;
  std::vector<std::size_t> place_;  // of each column in a line
};

void ExpectName(std::string_view name, std::string_view what) {
  if (name.empty()) throw InputError(fmt::format("expected {}, found an empty one", what));
}

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

// What kubectl prints. Read by simdjson, as clusters have hundreds of megabytes of it.
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
      AddPool(pool.first, pool.second, demand);
      for (const std::string& image : images) {
        demand.pool_uses.push_back({.pool = pool.first, .name = image});
      }
    }
  }

  const std::string& path_;
  std::map<std::string, std::set<std::string>> images_of_;  // by node
};

bool IsPods(std::string_view head) {
  return head.find("\"apiVersion\"") != std::string_view::npos &&
         head.find_first_not_of(" \t\r\n") == head.find('{');
}

// Damage of compressed bytes does not know the file.
void WithPath(const std::string& path, const std::function<void()>& read) {
  try {
    read();
  } catch (const InputError& error) {
    if (!error.source().empty()) throw;
    throw error.WithSource(path, error.place());
  }
}

}  // namespace

void ReadPulls(std::unique_ptr<ByteSource> stored, const std::string& path, Demand& demand) {
  static constexpr std::array<std::string_view, 3> kColumns = {"ref", "pulls", "platform"};
  const std::unique_ptr<ByteSource> bytes = Decompress(std::move(stored));
  WithPath(path, [&] {
    DemandLines lines(*bytes, path, kColumns, 2);
    const auto add = [&](std::string name, std::string platform, std::int64_t pulls) {
      ExpectName(name, "an image's name");
      demand.pulls.push_back(
          {.name = std::move(name), .platform = std::move(platform), .pulls = pulls});
    };
    lines.ForEach(
        [&](const std::vector<std::string>& fields) {
          add(fields[0], fields[2], ParseCount(fields[1], "pulls"));
        },
        [&](const JsonValue& object) {
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
  const std::unique_ptr<ByteSource> bytes = Decompress(std::move(stored));
  WithPath(path, [&] {
    // Pods may be one line.
    DemandLines lines(*bytes, path, kColumns, 3, kMaxPodsBytes);
    if (IsPods(lines.lines().Peek(kDemandHeadBytes))) {
      std::string text;
      // Lines are what has been read of it so far.
      while (const std::optional<Line> line = lines.lines().Next()) {
        if (line->too_long || line->text.size() + 1 > kMaxPodsBytes - text.size()) {
          throw InputError(
              path, "",
              fmt::format("expected at most {} bytes of pods, found more", kMaxPodsBytes));
        }
        text.append(line->text).append("\n");
      }
      PodsReader(path).Read(text, demand);
      return;
    }
    lines.ForEach(
        [&](const std::vector<std::string>& fields) {
          AddPool(fields[0],
                  fields[1].empty() ? std::nullopt : std::optional(ParseCount(fields[1], "nodes")),
                  demand);
          ExpectName(fields[2], "an image's name");
          demand.pool_uses.push_back({.pool = fields[0], .name = fields[2]});
        },
        [&](const JsonValue& object) {
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
