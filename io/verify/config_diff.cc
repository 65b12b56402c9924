#include "io/verify/config_diff.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "io/report/json_writer.h"
#include "io/source/json_value.h"
#include "planner/input_error.h"

namespace gneiss {
namespace {

using ConfigJson = nlohmann::json;

constexpr std::array<const char*, 6> kRuntimeMembers = {"config",  "architecture", "os",
                                                        "variant", "os.version",   "os.features"};

ConfigJson ParseConfigJson(std::string_view text) {
  // Bounds the depth, and names what is wrong.
  (void)ParseJson(text);
  ConfigJson json = ConfigJson::parse(text);
  if (!json.is_object()) throw InputError("expected an image config, a JSON object");
  return json;
}

bool IsNothing(const ConfigJson& value) {
  if (value.is_null()) return true;
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number()) return value == 0;
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.empty();
}

void DropNothings(ConfigJson& object) {
  for (auto member = object.begin(); member != object.end();) {
    member = IsNothing(member.value()) ? object.erase(member) : std::next(member);
  }
}

ConfigJson RuntimePart(ConfigJson config) {
  ConfigJson part = ConfigJson::object();
  for (const char* const name : kRuntimeMembers) {
    const auto member = config.find(name);
    if (member == config.end()) continue;
    if (member->is_object()) {
      if (const auto check = member->find("Healthcheck");
          check != member->end() && check->is_object()) {
        DropNothings(*check);
      }
      DropNothings(*member);
    }
    part[name] = std::move(*member);
  }
  DropNothings(part);
  part.emplace("config", ConfigJson::object());
  return part;
}

}  // namespace

std::vector<ConfigDifference> CompareConfigs(std::string_view left, std::string_view right,
                                             ConfigPart part) {
  ConfigJson a = ParseConfigJson(left);
  ConfigJson b = ParseConfigJson(right);
  if (part == ConfigPart::kRuntime) {
    a = RuntimePart(std::move(a));
    b = RuntimePart(std::move(b));
  }
  std::vector<ConfigDifference> differences;
  for (const ConfigJson& step : ConfigJson::diff(a, b)) {  // RFC 6902: add, remove, replace
    const auto& pointer = step.at("path").get_ref<const std::string&>();
    const bool is_new = step.at("op") == "add";
    differences.push_back(
        {.pointer = pointer,
         .left = is_new ? "nothing" : CompactJson(a.at(ConfigJson::json_pointer(pointer))),
         .right = step.contains("value") ? CompactJson(step.at("value")) : "nothing"});
  }
  std::ranges::stable_sort(differences, {}, &ConfigDifference::pointer);
  return differences;
}

Digest ConfigFingerprint(std::string_view config) {
  ConfigJson json = ParseConfigJson(config);
  json.erase("rootfs");
  json.erase("history");
  return Sha256(CompactJson(json));
}

std::vector<std::string> DiffIdTexts(std::string_view config) {
  const ConfigJson json = ParseConfigJson(config);
  std::vector<std::string> texts;
  const auto rootfs = json.find("rootfs");
  if (rootfs == json.end() || !rootfs->is_object()) return texts;
  const auto ids = rootfs->find("diff_ids");
  if (ids == rootfs->end() || !ids->is_array()) return texts;
  for (const ConfigJson& id : *ids) {
    texts.push_back(id.is_string() ? id.get<std::string>() : CompactJson(id));
  }
  return texts;
}

}  // namespace gneiss
