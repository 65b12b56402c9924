#include "io/store/inventory_store.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "io/source/byte_source.h"
#include "io/store/atomic_file.h"
#include "planner/fleet.h"
#include "planner/input_error.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kInventorySuffix = ".inv";

// What the store holds for a layer: its bytes, or why they do not count. Both empty: nothing there.
struct StoredFile {
  std::optional<std::string> bytes;
  std::string damage;
};

StoredFile ReadStored(const std::string& path) {
  StoredFile file;
  try {
    if (const std::unique_ptr<ByteSource> opened = OpenPlainFile(path)) {
      if (opened->stored_size() > static_cast<std::int64_t>(kMaxInventoryFileBytes)) {
        throw InputError(path, "",
                         fmt::format("expected an inventory of at most {} bytes, found {}",
                                     kMaxInventoryFileBytes, opened->stored_size()));
      }
      file.bytes = ReadWhole(*opened, path, kUnknownSize, kMaxInventoryFileBytes);
    }
  } catch (const InputError& error) {
    file.damage = error.what();
  } catch (const std::system_error& error) {
    file.damage = error.what();
  }
  return file;
}

void ExpectLayer(const Digest& found, const Digest& layer) {
  if (found == layer) return;
  throw InputError(fmt::format("expected the inventory of {}, found that of {}",
                               FormatDigest(layer), FormatDigest(found)));
}

// Whether a refusal may have its cause in one file or directory of the store.
bool IsOfOnePlace(const std::error_code& code) {
  constexpr std::array kCauses = {EISDIR, ENOTDIR, EACCES, EPERM, ELOOP, ENOTEMPTY, EEXIST, EBUSY};
  return code.category() == std::generic_category() &&
         std::ranges::find(kCauses, code.value()) != kCauses.end();
}

std::string VersionDirectory(const std::string& directory) {
  return fmt::format("{}/inventories/v{}", directory, kInventoryFileVersion);
}

std::string KindDirectory(const std::string& directory, bool is_verifiable) {
  return fmt::format("{}/{}", VersionDirectory(directory), is_verifiable ? "sha256" : "unverified");
}

// The directories of one kind, at most 256.
std::vector<fs::path> FansOf(const std::string& kind_directory) {
  std::vector<fs::path> fans;
  std::error_code ignored;
  for (const auto& fan : fs::directory_iterator(kind_directory, ignored)) {
    fans.push_back(fan.path());
  }
  return fans;
}

}  // namespace

InventoryStore::InventoryStore(std::string directory) : directory_(std::move(directory)) {
  std::error_code ignored;
  const fs::file_status status = fs::status(directory_, ignored);
  const bool is_dangling =
      !fs::exists(status) && fs::is_symlink(fs::symlink_status(directory_, ignored));
  if (is_dangling || (fs::exists(status) && !fs::is_directory(status))) {
    throw InputError(directory_, "",
                     fmt::format("expected a directory of inventories, found {}; choose another "
                                 "with --store",
                                 is_dangling ? "a symlink to nothing" : "a file"));
  }
  while (directory_.size() > 1 && directory_.ends_with('/')) directory_.pop_back();
}

std::string InventoryStore::DefaultDirectory() {
  // The XDG specification has relative paths ignored.
  if (const char* const cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/') {
    return std::string(cache) + "/gneiss";
  }
  if (const char* const home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return std::string(home) + "/.cache/gneiss";
  }
  throw InputError(
      "expected a directory for inventories, found neither XDG_CACHE_HOME nor HOME; "
      "give one with --store DIR");
}

std::string InventoryStore::PathOf(const ParsedDigest& layer) const {
  const std::string hex = FormatDigest(layer.digest).substr(std::string_view("sha256:").size());
  return fmt::format("{}/{}/{}{}", KindDirectory(directory_, layer.verifiable), hex.substr(0, 2),
                     hex, kInventorySuffix);
}

InventoryStore::Found InventoryStore::Find(const ParsedDigest& layer) const {
  const std::string path = PathOf(layer);
  StoredFile file = ReadStored(path);
  if (!file.bytes) return {.summary = std::nullopt, .damage = std::move(file.damage)};
  try {
    InventorySummary summary = ReadInventorySummary(*file.bytes);
    ExpectLayer(summary.layer, layer.digest);
    return {.summary = std::move(summary), .file_bytes = std::ssize(*file.bytes), .damage = {}};
  } catch (const InputError& error) {
    return {.summary = std::nullopt, .damage = error.WithSource(path, error.place()).what()};
  }
}

InventoryStore::ReadLayer InventoryStore::Read(const ParsedDigest& layer) const {
  const std::string path = PathOf(layer);
  StoredFile file = ReadStored(path);
  if (!file.bytes) return {.scanned = std::nullopt, .damage = std::move(file.damage)};
  try {
    ScannedLayer scanned = DecodeInventoryFile(*file.bytes);
    ExpectLayer(
        scanned.inventory ? scanned.inventory->layer : ReadInventorySummary(*file.bytes).layer,
        layer.digest);
    return {.scanned = std::move(scanned), .damage = {}};
  } catch (const InputError& error) {
    return {.scanned = std::nullopt, .damage = error.WithSource(path, error.place()).what()};
  }
}

bool InventoryStore::Listing::Has(const ParsedDigest& layer) const {
  return std::ranges::binary_search(layer.verifiable ? sha256 : unverified, layer.digest);
}

InventoryStore::Listing InventoryStore::List() const {
  Listing listing;
  for (const bool is_verifiable : {true, false}) {
    std::vector<Digest>& layers = is_verifiable ? listing.sha256 : listing.unverified;
    for (const fs::path& fan : FansOf(KindDirectory(directory_, is_verifiable))) {
      std::error_code ignored;
      for (const auto& file : fs::directory_iterator(fan, ignored)) {
        if (file.path().extension() != kInventorySuffix) continue;
        const auto layer = ParseDigest("sha256:" + file.path().stem().string());
        if (layer) layers.push_back(layer->digest);
      }
    }
    std::ranges::sort(layers);
  }
  return listing;
}

void InventoryStore::PrepareToWrite() {
  const std::string version = VersionDirectory(directory_);
  MakeDirectories(version);
  ExpectWritableDirectory(version);
  // A directory that vanishes or cannot be read keeps its leftovers, which harm nobody.
  RemoveLeftovers(version);
  for (const bool is_verifiable : {true, false}) {
    for (const fs::path& fan : FansOf(KindDirectory(directory_, is_verifiable))) {
      RemoveLeftovers(fan.string());
    }
  }
}

Bytes InventoryStore::Write(const ParsedDigest& layer, Bytes blob_size,
                            const ScannedLayer& scanned) {
  if (const Found found = Find(layer); found.summary) return found.file_bytes;
  const std::string path = PathOf(layer);
  const std::string bytes = scanned.inventory
                                ? EncodeInventory(*scanned.inventory)
                                : EncodeNotATar(layer.digest, blob_size, scanned.not_a_tar);
  try {
    MakeDirectories(fs::path(path).parent_path().string());
    WriteAtomically(path, bytes);
  } catch (const std::system_error& error) {
    if (!IsOfOnePlace(error.code())) throw;
    // Or is it all of the store?
    ExpectWritableDirectory(fs::path(path).parent_path().parent_path().string());
    throw InputError(fmt::format("{}; this place in the store cannot be written", error.what()));
  }
  return std::ssize(bytes);
}

}  // namespace gneiss
