#include "io/cli/options/registry_options.h"

#include <cstdint>
#include <filesystem>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/cli/options/report_options.h"
#include "io/store/inventory_store.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

namespace {

constexpr std::uintmax_t kMaxPemBytes = std::uintmax_t{16} << 20;

// libcurl reads these files whole, whatever they are. What cannot be looked at it refuses itself.
void ExpectPemFile(const char* option, const std::string& path) {
  std::error_code ignored;
  const bool is_device = std::filesystem::is_character_file(path, ignored) ||
                         std::filesystem::is_block_file(path, ignored);
  const bool is_large = std::filesystem::is_regular_file(path, ignored) &&
                        std::filesystem::file_size(path, ignored) > kMaxPemBytes;
  if (!is_device && !is_large) return;
  throw InputError(path, "",
                   fmt::format("expected a PEM file of at most {} bytes as {}, found {}",
                               kMaxPemBytes, option, is_device ? "a device" : "a larger one"));
}

}  // namespace

void AddRegistryOptions(CLI::App& app, RegistryArguments& arguments) {
  const std::string group = "Live registries";
  const auto add = [&](const char* name, std::string& text, const char* what, const char* type) {
    app.add_option(name, text, what)->type_name(type)->group(group);
  };
  add("--creds", arguments.creds, "who we are to registries (default: as docker and podman know)",
      "USER[:PASSWORD]");
  add("--authfile", arguments.auth_file, "the file of credentials, as docker and podman write it",
      "FILE");
  add("--cacert", arguments.cacert, "authorities to trust beside the system's, PEM", "FILE");
  CLI::Option* const cert =
      app.add_option("--cert", arguments.cert, "our certificate, PEM")->type_name("FILE");
  cert->group(group);
  app.add_option("--key", arguments.key, "its key, PEM (default: in the same file)")
      ->type_name("FILE")
      ->needs(cert)
      ->group(group);
  app.add_flag("--plain-http", arguments.plain_http,
               "no TLS (default: for this machine alone, where it has none)")
      ->group(group);
  AddSizeOption(app, "--max-rate", arguments.max_rate,
                "most bytes a second, 0 for no limit (default: 0)")
      ->group(group);
  AddCountOption(app, "--requests", arguments.requests,
                 "requests for manifests at once (default: 8)", 1)
      ->group(group);
  for (const auto& [name, patterns, what] :
       {std::tuple("--include", &arguments.include, "only repositories or tags that match"),
        std::tuple("--exclude", &arguments.exclude, "none that match")}) {
    app.add_option(name, *patterns,
                   std::string(what) + ", shell pattern over REPO and REPO:TAG; may be given again")
        ->allow_extra_args(false)
        ->type_name("PATTERN")
        ->group(group);
  }
  AddCountOption(app, "--newest-tags", arguments.newest_tags,
                 "of each repository the N tags created last, 0 for all (default: 0)")
      ->group(group);
}

RegistryReadOptions MakeRegistryReadOptions(const RegistryArguments& arguments) {
  RegistryReadOptions options;
  options.client.credentials.creds = arguments.creds;
  options.client.credentials.auth_file = arguments.auth_file;
  ExpectPemFile("--cacert", arguments.cacert);
  ExpectPemFile("--cert", arguments.cert);
  ExpectPemFile("--key", arguments.key);
  options.client.http.cacert = arguments.cacert;
  options.client.http.cert = arguments.cert;
  options.client.http.key = arguments.key;
  options.client.http.max_rate = arguments.max_rate;
  if (arguments.plain_http) {
    options.client.plain_http = true;
    options.client.http.allow_plain_http = true;
  }
  options.jobs = arguments.requests;
  options.include = arguments.include;
  options.exclude = arguments.exclude;
  options.newest_tags = arguments.newest_tags;
  try {
    options.cache = InventoryStore::DefaultDirectory();
  } catch (const InputError&) {
    // Without a home nothing is kept.
  }
  return options;
}

}  // namespace gneiss
