#include "io/store/inventory_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "io/bytes/atomic_file.h"
#include "planner/fleet/bytes.h"
#include "tests/make/random_inventory.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

ParsedDigest NameOf(const Inventory& inventory) {
  return {.digest = inventory.layer, .verifiable = true};
}

Inventory SomeInventory(std::uint64_t seed, std::size_t num_entries = 20) {
  std::mt19937_64 random(seed);
  return RandomInventory(random, num_entries);
}

Bytes Keep(InventoryStore& store, const Inventory& inventory) {
  return store.Write(NameOf(inventory), inventory.blob_size,
                     {.inventory = inventory, .not_a_tar = {}});
}

// All files below a directory, relative to it, sorted.
std::vector<std::string> FilesIn(const std::string& directory) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_directory()) {
      files.push_back(fs::relative(entry.path(), directory).string());
    }
  }
  std::ranges::sort(files);
  return files;
}

// A file as a killed writer leaves it.
std::string Leftover(const std::string& directory, const std::string& hex) {
  return directory + "/.gneiss-" + hex + ".tmp";
}

TEST_CASE("A store gives back what was kept, under the layer's digest", "[io][inventory_store]") {
  const TemporaryDirectory directory;
  InventoryStore store(directory.path("a/store/"));
  const Inventory inventory = SomeInventory(1);
  const std::string hex = FormatDigest(inventory.layer).substr(7);
  CHECK(store.directory() == directory.path("a/store"));
  CHECK_FALSE(store.Find(NameOf(inventory)).summary.has_value());
  CHECK_FALSE(store.Read(NameOf(inventory)).scanned.has_value());
  CHECK_FALSE(fs::exists(directory.path("a")));  // reading makes nothing

  store.PrepareToWrite();
  const Bytes size = Keep(store, inventory);
  CHECK(FilesIn(store.directory()) ==
        std::vector<std::string>{"inventories/v5/sha256/" + hex.substr(0, 2) + "/" + hex + ".inv"});
  CHECK(store.PathOf(NameOf(inventory)) ==
        store.directory() + "/" + FilesIn(store.directory()).front());
  const InventoryStore::Found found = store.Find(NameOf(inventory));
  REQUIRE(found.summary.has_value());
  CHECK(found.summary->num_entries == 20);
  CHECK(found.file_bytes == size);
  CHECK(found.damage.empty());
  const InventoryStore::ReadLayer read = store.Read(NameOf(inventory));
  REQUIRE(read.scanned.has_value());
  REQUIRE(read.scanned->inventory.has_value());
  CHECK(EncodeInventory(*read.scanned->inventory) == EncodeInventory(inventory));
}

TEST_CASE("A store remembers layers that are no tar", "[io][inventory_store]") {
  const TemporaryDirectory directory;
  InventoryStore store(directory.path());
  const ParsedDigest layer = *ParseDigest("rot13:abc");
  store.Write(layer, 5, {.inventory = std::nullopt, .not_a_tar = {.found = "zero bytes"}});
  const std::string hex = FormatDigest(layer.digest).substr(7);
  CHECK(FilesIn(directory.path()) ==
        std::vector<std::string>{"inventories/v5/unverified/" + hex.substr(0, 2) + "/" + hex +
                                 ".inv"});
  const InventoryStore::ReadLayer read = store.Read(layer);
  REQUIRE(read.scanned.has_value());
  CHECK_FALSE(read.scanned->inventory.has_value());
  CHECK(read.scanned->not_a_tar.found == "zero bytes");
}

TEST_CASE("A listing has every layer that has a file", "[io][inventory_store]") {
  const TemporaryDirectory directory;
  InventoryStore store(directory.path("store"));
  CHECK_FALSE(store.List().Has(*ParseDigest("rot13:abc")));
  const ParsedDigest unverified = *ParseDigest("rot13:abc");
  store.Write(unverified, 5, {.inventory = std::nullopt, .not_a_tar = {.found = "zero bytes"}});
  std::vector<Inventory> kept;
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    Keep(store, kept.emplace_back(SomeInventory(seed)));
  }
  const std::string fan = fs::path(store.PathOf(NameOf(kept[0]))).parent_path().string();
  std::ofstream(Leftover(fan, "0123456789abcdef")) << "half";
  std::ofstream(fan + "/notes.txt") << "a stranger's";
  std::ofstream(store.PathOf(NameOf(kept[1]))) << "damaged";  // Read says so
  const InventoryStore::Listing listing = store.List();
  CHECK(listing.unverified == std::vector{unverified.digest});
  CHECK(listing.sha256.size() == kept.size());
  for (const Inventory& inventory : kept) CHECK(listing.Has(NameOf(inventory)));
  CHECK(listing.Has(unverified));
  CHECK_FALSE(listing.Has({.digest = unverified.digest, .verifiable = true}));
  CHECK_FALSE(listing.Has(NameOf(SomeInventory(5))));
}

TEST_CASE("A good file is never written again", "[io][inventory_store]") {
  const TemporaryDirectory directory;
  InventoryStore store(directory.path());
  Inventory inventory = SomeInventory(2);
  const Bytes size = Keep(store, inventory);
  const std::string path = store.PathOf(NameOf(inventory));
  const std::string before = ReadWholeFile(path);
  struct stat first {};
  REQUIRE(stat(path.c_str(), &first) == 0);
  inventory.warnings.push_back({.kind = "z", .count = 1, .first = "byte 1"});
  CHECK(Keep(store, inventory) == size);
  struct stat second {};
  REQUIRE(stat(path.c_str(), &second) == 0);
  CHECK(first.st_ino == second.st_ino);
  CHECK(ReadWholeFile(path) == before);
}

TEST_CASE("A damaged file counts as absent, says why, and is replaced", "[io][inventory_store]") {
  const TemporaryDirectory directory;
  InventoryStore store(directory.path());
  const Inventory inventory = SomeInventory(3);
  const Bytes size = Keep(store, inventory);
  const std::string path = store.PathOf(NameOf(inventory));
  const std::string good = ReadWholeFile(path);
  const auto damage = [&] {
    const InventoryStore::Found found = store.Find(NameOf(inventory));
    const InventoryStore::ReadLayer read = store.Read(NameOf(inventory));
    CHECK_FALSE(found.summary.has_value());
    CHECK_FALSE(read.scanned.has_value());
    CHECK(found.damage == read.damage);
    CHECK(Keep(store, inventory) == size);
    CHECK(ReadWholeFile(path) == good);
    CHECK(store.Find(NameOf(inventory)).damage.empty());
    return found.damage;
  };
  fs::resize_file(path, 0);
  CHECK(damage() == path + ": expected an inventory, found a file of 0 bytes");
  directory.Write(fs::relative(path, directory.path()).string(), "<html>not found</html>");
  CHECK(damage() == path + ": expected an inventory, found another kind of file");
  std::string changed = good;
  changed[60] ^= 4;
  directory.Write(fs::relative(path, directory.path()).string(), changed);
  CHECK(damage().starts_with(path + ": expected content of sha256:"));
  const Inventory other = SomeInventory(4);
  directory.Write(fs::relative(path, directory.path()).string(), EncodeInventory(other));
  CHECK(damage() == path + ": expected the inventory of " + FormatDigest(inventory.layer) +
                        ", found that of " + FormatDigest(other.layer));
  const std::string outside = directory.Write("outside", good);
  fs::remove(path);
  fs::create_symlink(outside, path);
  CHECK(damage() == path + ": expected a plain file, found a symbolic link");
  CHECK(fs::is_regular_file(fs::symlink_status(path)));
}

TEST_CASE("What killed writers left is removed, what a living one holds is not",
          "[io][inventory_store]") {
  const TemporaryDirectory directory;
  InventoryStore store(directory.path());
  const Inventory inventory = SomeInventory(5);
  Keep(store, inventory);
  const std::string folder = fs::path(store.PathOf(NameOf(inventory))).parent_path().string();
  const std::string dead = Leftover(folder, "0123456789abcdef");
  const std::string living = Leftover(folder, "fedcba9876543210");
  const std::string foreign = folder + "/.gneiss-notes.tmp";
  for (const std::string& path : {dead, living, foreign}) std::ofstream(path) << "half";
  const int held = open(living.c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(held >= 0);
  REQUIRE(flock(held, LOCK_EX | LOCK_NB) == 0);
  store.PrepareToWrite();
  CHECK_FALSE(fs::exists(dead));
  CHECK(fs::exists(living));
  CHECK(fs::exists(foreign));
  CHECK(store.Find(NameOf(inventory)).summary.has_value());
  close(held);
  store.PrepareToWrite();
  CHECK_FALSE(fs::exists(living));
}

TEST_CASE("A store that takes no files is named", "[io][inventory_store]") {
  const TemporaryDirectory directory;
  const std::string file = directory.Write("file", "");
  CHECK(MessageOf<InputError>([&] { InventoryStore{file}; }) ==
        file + ": expected a directory of inventories, found a file; choose another with --store");
  const std::string dangling = directory.path("dangling");
  fs::create_symlink("nowhere", dangling);
  CHECK(MessageOf<InputError>([&] { InventoryStore{dangling}; }) ==
        dangling +
            ": expected a directory of inventories, found a symlink to nothing; choose "
            "another with --store");
  CHECK(MessageOf<std::system_error>([&] {
          InventoryStore("/proc/none").PrepareToWrite();
        }).starts_with("/proc/none: "));
  if (geteuid() == 0) return;  // whom no mode stops
  InventoryStore store(directory.path("store"));
  const Inventory inventory = SomeInventory(6);
  Keep(store, inventory);
  const std::string version = directory.path("store/inventories/v5");
  fs::permissions(version, fs::perms::owner_read | fs::perms::owner_exec);
  CHECK(store.Find(NameOf(inventory)).summary.has_value());
  CHECK(Keep(store, inventory) > 0);  // nothing to write
  CHECK(MessageOf<std::system_error>([&] { store.PrepareToWrite(); }) ==
        version + ": Permission denied");
  fs::permissions(version, fs::perms::owner_all);
}

TEST_CASE("A file that cannot be written whole is not there", "[io][inventory_store]") {
  const TemporaryDirectory directory;
  InventoryStore store(directory.path());
  const Inventory inventory = SomeInventory(7, 500);
  // A limit on the size of files fails a write in its middle, as a full disk does.
  std::fflush(nullptr);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 4096, .rlim_max = 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      Keep(store, inventory);
    } catch (const std::system_error& error) {
      const std::string expected = store.PathOf(NameOf(inventory)) + ": File too large";
      _exit(expected == error.what() ? 0 : 2);
    }
    _exit(1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(FilesIn(directory.path()).empty());
}

TEST_CASE("The store is below the user's cache unless told otherwise", "[io][inventory_store]") {
  const auto set = [](const char* name, const char* value) {
    return value == nullptr ? unsetenv(name) : setenv(name, value, 1);
  };
  const auto saved = [](const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::optional<std::string>() : std::string(value);
  };
  const auto cache = saved("XDG_CACHE_HOME");
  const auto home = saved("HOME");
  set("XDG_CACHE_HOME", "/cache");
  CHECK(InventoryStore::DefaultDirectory() == "/cache/gneiss");
  set("HOME", "/home/u");
  set("XDG_CACHE_HOME", "relative");
  CHECK(InventoryStore::DefaultDirectory() == "/home/u/.cache/gneiss");
  set("XDG_CACHE_HOME", nullptr);
  CHECK(InventoryStore::DefaultDirectory() == "/home/u/.cache/gneiss");
  set("HOME", nullptr);
  CHECK(MessageOf<InputError>([] { (void)InventoryStore::DefaultDirectory(); }) ==
        "expected a directory for inventories, found neither XDG_CACHE_HOME nor HOME; give one "
        "with --store DIR");
  set("XDG_CACHE_HOME", cache ? cache->c_str() : nullptr);
  set("HOME", home ? home->c_str() : nullptr);
}

// Fills a store with layers `first` to 39, then 0 to `first` - 1.
void Fill(const std::string& path, std::uint64_t first) {
  InventoryStore store(path);
  for (std::uint64_t i = 0; i < 40; ++i) {
    store.PrepareToWrite();
    Keep(store, SomeInventory(100 + (first + i) % 40));
  }
}

TEST_CASE("Threads that fill one store at once leave what one would", "[io][inventory_store]") {
  const TemporaryDirectory directory;
  Fill(directory.path("alone"), 0);
  {
    std::vector<std::jthread> threads;
    for (const std::uint64_t first : {0U, 0U, 1U, 20U}) {
      threads.emplace_back([&directory, first] { Fill(directory.path("together"), first); });
    }
  }
  const std::vector<std::string> files = FilesIn(directory.path("alone"));
  CHECK(files.size() == 40);
  CHECK(FilesIn(directory.path("together")) == files);
  for (const std::string& file : files) {
    CHECK(ReadWholeFile(directory.path("alone/" + file)) ==
          ReadWholeFile(directory.path("together/" + file)));
  }
}

TEST_CASE("Processes that fill one store at once leave what one would", "[io][inventory_store]") {
  const TemporaryDirectory directory;
  Fill(directory.path("alone"), 0);
  std::fflush(nullptr);
  std::vector<pid_t> children;
  for (const std::uint64_t first : {0U, 0U, 20U}) {
    children.push_back(fork());
    REQUIRE(children.back() >= 0);
    if (children.back() != 0) continue;
    try {
      Fill(directory.path("together"), first);
    } catch (...) {
      _exit(1);
    }
    _exit(0);
  }
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  const std::vector<std::string> files = FilesIn(directory.path("alone"));
  CHECK(FilesIn(directory.path("together")) == files);
  for (const std::string& file : files) {
    CHECK(ReadWholeFile(directory.path("alone/" + file)) ==
          ReadWholeFile(directory.path("together/" + file)));
  }
}

}  // namespace
}  // namespace gneiss
