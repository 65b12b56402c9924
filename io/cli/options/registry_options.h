// Options of sources that are live registries.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/registry/registry_source.h"
#include "planner/fleet/bytes.h"

namespace CLI {
class App;
}

namespace gneiss {

struct RegistryArguments {
  std::string creds;      // --creds USER[:PASSWORD]
  std::string auth_file;  // --authfile
  std::string cacert;     // --cacert
  std::string cert;       // --cert
  std::string key;        // --key
  bool plain_http = false;
  Bytes max_rate = 0;         // --max-rate, bytes a second; 0: no limit
  std::int64_t requests = 8;  // --requests
  std::int64_t newest_tags = 0;
  std::vector<std::string> include;
  std::vector<std::string> exclude;
};

// `arguments` must outlive the parsing.
void AddRegistryOptions(CLI::App& app, RegistryArguments& arguments);

// With the cache of the default store, where there is one.
[[nodiscard]] RegistryReadOptions MakeRegistryReadOptions(const RegistryArguments& arguments);

}  // namespace gneiss
