// Lists of a registry, which come page by page (distribution spec 1.1, "Listing Tags"): from Link
// to Link, to their end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gneiss {

class RegistrySession;
struct RegistryRequest;

// Each once and sorted: registries list tags in an order that differs from one day to the next.
struct NameList {
  std::vector<std::string> names;
  std::int64_t num_refused = 0;  // left out: not of the spec's grammar
  std::string first_refused;     // of them the least, as the registry has it
};

// The names in member `key` of each page from that of `first` on; what `is_name` does not accept is
// refused. nullopt when there is no first page (404). Throws InputError: what
// RegistrySession::Fetch throws, when a page is something else, when a Link leads to another host
// or to a page that was read before, and past max_pages or max_names of RegistryOptions.
[[nodiscard]] std::optional<NameList> ListNames(RegistrySession& session,
                                                const RegistryRequest& first, std::string_view key,
                                                bool (*is_name)(std::string_view));

}  // namespace gneiss
