#include "io/cli/options/store_options.h"

#include <CLI/CLI.hpp>

#include "io/text/shell_quote.h"

namespace gneiss {
namespace {

StoreTrust TrustOf(const StoreArguments& arguments) {
  StoreTrust trust;
  if (!arguments.key_file.empty()) trust.key = StoreKey::ReadFile(arguments.key_file);
  trust.takes_all = arguments.trusts;
  return trust;
}

}  // namespace

void AddStoreOptions(CLI::App& app, StoreArguments& arguments) {
  app.add_option("--store", arguments.directory,
                 "directory of the inventories (default: $XDG_CACHE_HOME/gneiss or "
                 "~/.cache/gneiss)")
      ->check([](const std::string& path) {
        return std::string(path.empty() ? "expected a directory's name, found an empty one" : "");
      })
      ->type_name("DIR");
  CLI::Option* const key =
      app.add_option("--store-key", arguments.key_file,
                     "key of a store that several users fill, 32 bytes or more: inventories are "
                     "sealed with it, and only those are believed that are")
          ->check([](const std::string& path) {
            return std::string(path.empty() ? "expected a file's name, found an empty one" : "");
          })
          ->type_name("FILE");
  app.add_flag("--trust-store", arguments.trusts,
               "take inventories that another user could have written, and say so")
      ->excludes(key);
  app.add_flag("--rescan", arguments.rescan,
               "read the layers' blobs, whatever the store knows of them, and replace that");
}

InventoryStore OpenStore(const StoreArguments& arguments) {
  return InventoryStore(
      arguments.directory.empty() ? InventoryStore::DefaultDirectory() : arguments.directory,
      TrustOf(arguments));
}

InventoryStore OpenShippedStore(const std::string& directory, const StoreArguments& arguments) {
  StoreTrust trust = TrustOf(arguments);
  trust.is_shipped = true;
  return InventoryStore(directory, std::move(trust));
}

std::string StoreWords(const StoreArguments& arguments) {
  std::string words;
  if (!arguments.directory.empty()) words += " --store " + ShellQuote(arguments.directory);
  if (!arguments.key_file.empty()) words += " --store-key " + ShellQuote(arguments.key_file);
  return words;
}

}  // namespace gneiss
