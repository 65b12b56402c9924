// How two image configs differ: in what a container gets to see, or in all of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/json/go_json.h"
#include "planner/fleet/digest.h"

namespace gneiss {

// `left` and `right` are JSON, or "nothing" where a side has no such member.
struct ConfigDifference {
  std::string pointer;  // RFC 6901: "/config/Env/0"
  std::string left;
  std::string right;

  friend bool operator==(const ConfigDifference&, const ConfigDifference&) = default;
};

enum class ConfigPart : std::uint8_t {
  // `config` (Env, Cmd, Entrypoint, ...) and the platform. Members of `config` and of its
  // Healthcheck that are absent, null, empty, false or 0 say the same to every runtime; but for a
  // StopTimeout of 0, which kills at once. Left out are members that no runtime takes from an
  // image, because they tell of the container that it was made in: Hostname, Domainname, Image,
  // MacAddress, NetworkDisabled, Attach*, Tty, OpenStdin, StdinOnce, and what docker once took of
  // limits (Memory, MemorySwap, CpuShares). Members that nobody knows are compared.
  kRuntime,
  kWhole,  // every member, rootfs, history and times included
};

// In the order of their pointers, which have the names as the specification spells them. Both texts
// are read as Go reads them (io/json/go_json.h), once as containerd does and once as docker does:
// what differs to one of them is a difference. Throws InputError, placed at the first text that is
// no config: not JSON, nested too deep, no object.
[[nodiscard]] std::vector<ConfigDifference> CompareConfigs(std::string_view left,
                                                           std::string_view right, ConfigPart part);

// What of a config stays when its layers are made anew: a hash of all but rootfs and history.
// Throws InputError as above.
[[nodiscard]] Digest ConfigFingerprint(std::string_view config);

// The diff_ids that a config gives its layers to one reader, as it writes them; empty when it gives
// none. Throws InputError as above.
[[nodiscard]] std::vector<std::string> DiffIdTexts(std::string_view config,
                                                   GoReader reader = GoReader::kContainerd);

}  // namespace gneiss
