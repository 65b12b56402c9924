#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <set>
#include <type_traits>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "io/apply/verify_fleets.h"
#include "io/json/json_value.h"
#include "io/json/json_writer.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

using ConfigJson = nlohmann::json;

constexpr std::array<const char*, 6> kRuntimeMembers = {"config",  "architecture", "os",
                                                        "variant", "os.version",   "os.features"};

constexpr std::array<std::string_view, 14> kUnreadSettings = {
    "Hostname",    "Domainname",   "Image",        "MacAddress", "NetworkDisabled",
    "AttachStdin", "AttachStdout", "AttachStderr", "Tty",        "OpenStdin",
    "StdinOnce",   "Memory",       "MemorySwap",   "CpuShares"};

// Of equal keys the last one wins. ParseJson bounds the depth.
ConfigJson ToJson(const JsonValue& value) {
  return std::visit(
      []<typename T>(const T& held) {
        if constexpr (std::is_same_v<T, JsonValue::Array>) {
          ConfigJson array = ConfigJson::array();
          for (const JsonValue& element : held) array.push_back(ToJson(element));
          return array;
        } else if constexpr (std::is_same_v<T, JsonValue::Object>) {
          ConfigJson object = ConfigJson::object();
          for (const auto& [key, member] : held) object[key] = ToJson(member);
          return object;
        } else {
          return ConfigJson(held);
        }
      },
      value.variant());
}

ConfigJson ParseConfigJson(std::string_view text, GoReader reader = GoReader::kContainerd) {
  JsonDocument document = ParseJson(text);
  if (document.root.kind() != JsonKind::kObject) {
    throw InputError("expected an image config, a JSON object");
  }
  return ToJson(ConfigAsGoReads(std::move(document), reader).root);
}

// A member's name as a part of a pointer (RFC 6901).
std::string EscapePointer(std::string_view name) {
  std::string escaped;
  for (const char c : name) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  return escaped;
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

void DropUnreadSettings(ConfigJson& settings) {
  for (const std::string_view name : kUnreadSettings) settings.erase(std::string(name));
  if (const auto check = settings.find("Healthcheck");
      check != settings.end() && check->is_object()) {
    DropNothings(*check);
  }
  ConfigJson stop_timeout;
  if (const auto found = settings.find("StopTimeout"); found != settings.end()) {
    stop_timeout = std::move(*found);
  }
  DropNothings(settings);
  if (!stop_timeout.is_null()) settings["StopTimeout"] = std::move(stop_timeout);
}

ConfigJson RuntimePart(ConfigJson config) {
  ConfigJson part = ConfigJson::object();
  for (const char* const name : kRuntimeMembers) {
    const auto member = config.find(name);
    if (member == config.end()) continue;
    if (member->is_object()) DropUnreadSettings(*member);
    part[name] = std::move(*member);
  }
  DropNothings(part);
  part.emplace("config", ConfigJson::object());
  return part;
}

// Whether two values that are no containers are one to Go, which takes 1.0 for no whole number.
bool AreEqualScalars(const ConfigJson& left, const ConfigJson& right) {
  return left.is_number_float() == right.is_number_float() && left == right;
}

void AddDifferences(const ConfigJson* left, const ConfigJson* right, const std::string& pointer,
                    std::map<std::string, ConfigDifference>& differences) {
  const auto text = [](const ConfigJson* value) {
    return value == nullptr ? "nothing" : CompactJson(*value);
  };
  if (left == nullptr || right == nullptr || left->is_object() != right->is_object() ||
      left->is_array() != right->is_array()) {
    differences.try_emplace(pointer, ConfigDifference{pointer, text(left), text(right)});
  } else if (left->is_object()) {
    std::set<std::string> keys;
    for (const ConfigJson* const side : {left, right}) {
      for (const auto& member : side->items()) keys.insert(member.key());
    }
    for (const std::string& key : keys) {
      const auto l = left->find(key);
      const auto r = right->find(key);
      AddDifferences(l == left->end() ? nullptr : &*l, r == right->end() ? nullptr : &*r,
                     pointer + "/" + EscapePointer(key), differences);
    }
  } else if (left->is_array()) {
    for (std::size_t i = 0; i < std::max(left->size(), right->size()); ++i) {
      AddDifferences(i < left->size() ? &(*left)[i] : nullptr,
                     i < right->size() ? &(*right)[i] : nullptr, pointer + "/" + std::to_string(i),
                     differences);
    }
  } else if (!AreEqualScalars(*left, *right)) {
    differences.try_emplace(pointer, ConfigDifference{pointer, text(left), text(right)});
  }
}

}  // namespace

std::vector<ConfigDifference> CompareConfigs(std::string_view left, std::string_view right,
                                             ConfigPart part) {
  std::map<std::string, ConfigDifference> found;  // by pointer
  for (const GoReader reader : {GoReader::kContainerd, GoReader::kDocker}) {
    ConfigJson a = ParseConfigJson(left, reader);
    ConfigJson b = ParseConfigJson(right, reader);
    if (part == ConfigPart::kRuntime) {
      a = RuntimePart(std::move(a));
      b = RuntimePart(std::move(b));
    }
    AddDifferences(&a, &b, "", found);
  }
  std::vector<ConfigDifference> differences;
  for (auto& [pointer, difference] : found) differences.push_back(std::move(difference));
  return differences;
}

Digest ConfigFingerprint(std::string_view config) {
  ConfigJson json = ParseConfigJson(config);
  json.erase("rootfs");
  json.erase("history");
  return Sha256(CompactJson(json));
}

std::vector<std::string> DiffIdTexts(std::string_view config, GoReader reader) {
  const ConfigJson json = ParseConfigJson(config, reader);
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
