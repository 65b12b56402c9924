// What the inventory store believes: who could have written a file, who has sealed it, and what
// commands make of one that is no evidence.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "io/store/inventory_store.h"
#include "io/store/store_key.h"
#include "io/store/trusted_directory.h"
#include "planner/fleet/bytes.h"
#include "tests/make/cli_run.h"
#include "tests/make/layout_maker.h"
#include "tests/make/random_inventory.h"
#include "tests/make/source_files.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kStranger = 12345;

Inventory AnInventory(std::uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  return RandomInventory(random, 20);
}

ParsedDigest LayerOf(const Inventory& inventory) {
  return {.digest = inventory.layer, .verifiable = true};
}

Bytes Put(InventoryStore& store, const Inventory& inventory, bool replaces = false) {
  return store.Write(LayerOf(inventory), inventory.blob_size,
                     {.inventory = inventory, .not_a_tar = {}}, replaces);
}

void SetMode(const std::string& path, mode_t mode) { REQUIRE(chmod(path.c_str(), mode) == 0); }

std::string FolderOf(const std::string& path) { return fs::path(path).parent_path().string(); }

// Until its end, what is made has the modes that were asked for, less these bits.
class Umask {
 public:
  explicit Umask(mode_t bits) : before_(umask(bits)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { umask(before_); }

 private:
  mode_t before_;
};

// Doubts about the file of `inventory`, which Find and Read share, of a store opened anew.
std::string DoubtOf(const std::string& store, const Inventory& inventory) {
  const InventoryStore opened(store);
  const InventoryStore::Found found = opened.Find(LayerOf(inventory));
  const InventoryStore::ReadLayer read = opened.Read(LayerOf(inventory));
  CHECK(found.doubt == read.doubt);
  CHECK(found.damage.empty());
  CHECK(found.summary.has_value() == found.doubt.empty());
  CHECK(read.scanned.has_value() == found.doubt.empty());
  CHECK(found.belief == (found.doubt.empty() ? Belief::kOwn : Belief::kUnknown));
  return found.doubt;
}

TEST_CASE("A file is believed only where nobody else could have written it", "[io][store_trust]") {
  const TemporaryDirectory directory;
  const std::string path = directory.path("above/store");
  InventoryStore store(path);
  const Inventory inventory = AnInventory();
  Put(store, inventory);
  const std::string file = store.PathOf(LayerOf(inventory));
  CHECK(DoubtOf(path, inventory).empty());
  CHECK(InventoryStore(path).FindDoubt().empty());

  std::vector<std::string> folders;
  for (std::string folder = FolderOf(file); folder != directory.path(); folder = FolderOf(folder)) {
    folders.push_back(folder);
  }
  CHECK(folders.size() == 6);
  for (const std::string& folder : folders) {
    for (const mode_t mode : {0777U, 0775U, 0757U, 0730U}) {
      SetMode(folder, mode);
      CHECK(DoubtOf(path, inventory) == folder + " can be written by others");
      // The fan is judged file by file.
      CHECK(InventoryStore(path).FindDoubt().empty() == (folder == folders.front()));
    }
    // Others may add files there, but not take this one away.
    SetMode(folder, 01777);
    CHECK(DoubtOf(path, inventory).empty());
    SetMode(folder, 0755);
  }
  for (const mode_t mode : {0664U, 0646U}) {
    SetMode(file, mode);
    CHECK(DoubtOf(path, inventory) == file + " can be written by others");
  }
  SetMode(file, 0444);
  CHECK(DoubtOf(path, inventory).empty());
  fs::create_hard_link(file, directory.path("another"));
  CHECK(DoubtOf(path, inventory) == file + " has 2 names");
  fs::remove(directory.path("another"));
  CHECK(DoubtOf(path, inventory).empty());

  if (geteuid() != 0) return;  // who alone can give files away
  folders.push_back(file);
  for (const std::string& changed : folders) {
    REQUIRE(lchown(changed.c_str(), kStranger, 0) == 0);
    CHECK(DoubtOf(path, inventory) == changed + " belongs to user 12345");
    REQUIRE(lchown(changed.c_str(), 0, 0) == 0);
  }
}

TEST_CASE("Symlinks that lead to a store are judged as its folders are", "[io][store_trust]") {
  const TemporaryDirectory directory;
  InventoryStore store(directory.path("real/deep/store"));
  const Inventory inventory = AnInventory();
  Put(store, inventory);
  fs::create_directory(directory.path("links"));
  const std::string link = directory.path("links/store");
  fs::create_symlink("../links/../real/./other/store", link);
  fs::create_symlink("deep", directory.path("real/other"));
  CHECK(DoubtOf(link, inventory).empty());
  CHECK(DoubtOf(link + "/../store/", inventory).empty());
  SetMode(directory.path("links"), 0777);
  CHECK(DoubtOf(link, inventory) == directory.path("links") + " can be written by others");
  SetMode(directory.path("links"), 0755);
  SetMode(directory.path("real/deep"), 0777);
  CHECK(DoubtOf(link, inventory) == directory.path("real/deep") + " can be written by others");
  SetMode(directory.path("real/deep"), 0755);
  CHECK(DoubtOf(link, inventory).empty());
  if (geteuid() == 0) {
    REQUIRE(lchown(directory.path("real/other").c_str(), kStranger, 0) == 0);
    CHECK(DoubtOf(link, inventory) == directory.path("real/other") + " belongs to user 12345");
  }
  fs::create_symlink("b", directory.path("a"));
  fs::create_symlink("a", directory.path("b"));
  CHECK_THROWS_AS(OpenTrustedDirectory(directory.path("a/store")), std::system_error);
  CHECK(OpenTrustedDirectory(directory.path("real/nothing/there")).descriptor.get() < 0);
}

TEST_CASE("What is made is closed to others whatever the umask, but for a store of many",
          "[io][store_trust]") {
  const TemporaryDirectory directory;
  const Umask umask(0002);
  const Inventory inventory = AnInventory();
  const auto modes = [&](StoreTrust trust, const std::string& name) {
    InventoryStore store(directory.path(name), std::move(trust));
    store.PrepareToWrite();
    Put(store, inventory);
    const fs::path file = store.PathOf(LayerOf(inventory));
    std::vector<std::string> found;
    for (const fs::path& path : {fs::path(directory.path(name)), file.parent_path(), file}) {
      found.push_back(fmt::format("{:o}", static_cast<unsigned>(fs::status(path).permissions())));
    }
    return found;
  };
  CHECK(modes({}, "own") == std::vector<std::string>{"755", "755", "644"});
  CHECK(DoubtOf(directory.path("own"), inventory).empty());
  CHECK(modes({.key = std::make_shared<const StoreKey>(std::string(32, 'k'))}, "team") ==
        std::vector<std::string>{"775", "775", "664"});
}

TEST_CASE("What is planted in a store neither hangs nor leads elsewhere", "[io][store_trust]") {
  const TemporaryDirectory directory;
  InventoryStore store(directory.path("store"));
  const Inventory inventory = AnInventory();
  Put(store, inventory);
  const std::string file = store.PathOf(LayerOf(inventory));
  const auto damage = [&] {
    const InventoryStore::Found found = store.Find(LayerOf(inventory));
    CHECK_FALSE(found.summary.has_value());
    CHECK(found.damage == store.Read(LayerOf(inventory)).damage);
    return found.damage;
  };
  fs::remove(file);
  REQUIRE(mkfifo(file.c_str(), 0600) == 0);
  CHECK(damage() == file + ": expected a plain file, found something else");
  Put(store, inventory);
  CHECK(store.Find(LayerOf(inventory)).summary.has_value());
  if (geteuid() == 0) {
    fs::remove(file);
    if (mknod(file.c_str(), S_IFCHR | 0600, makedev(1, 5)) == 0) {  // zeros without end
      CHECK(damage() == file + ": expected a plain file, found something else");
    }
  }
  fs::remove(file);
  fs::create_directory(file);
  CHECK(damage() == file + ": expected a plain file, found a directory");

  // The folder of the file, in another place.
  const std::string fan = FolderOf(file);
  fs::remove_all(fan);
  fs::create_directory(directory.path("elsewhere"));
  fs::create_directory_symlink(directory.path("elsewhere"), fan);
  CHECK(damage() == fan + ": Not a directory");
  CHECK(MessageOf<InputError>([&] { Put(store, inventory); }) ==
        fan + ": Not a directory; this place in the store cannot be written");
  CHECK(fs::is_empty(directory.path("elsewhere")));
}

TEST_CASE("A key is a file of its owner's, of 32 bytes or more", "[io][store_trust]") {
  const TemporaryDirectory directory;
  const std::string path = directory.Write("key", std::string(32, 's'));
  for (const mode_t mode : {0644U, 0640U, 0604U, 0620U}) {
    SetMode(path, mode);
    CHECK(MessageOf<InputError>([&] { (void)StoreKey::ReadFile(path); }) ==
          fmt::format("{}: expected a store key that only its owner may read, found mode {:04o}; "
                      "chmod 600 it",
                      path, mode));
  }
  SetMode(path, 0600);
  CHECK(StoreKey::ReadFile(path) != nullptr);
  directory.Write("key", std::string(31, 's'));
  CHECK(MessageOf<InputError>([&] { (void)StoreKey::ReadFile(path); }) ==
        path +
            ": expected a store key of at least 32 bytes, found 31; `openssl rand -out FILE 32` "
            "makes one");
  directory.Write("key", std::string((1 << 16) + 1, 's'));
  CHECK(MessageOf<InputError>([&] { (void)StoreKey::ReadFile(path); }) ==
        path + ": expected a store key of at most 65536 bytes, found more");
  CHECK(MessageOf<InputError>([] { (void)StoreKey::ReadFile("/dev/zero"); }) ==
        "/dev/zero: expected a store key in a plain file, found something else");
  CHECK(MessageOf<std::system_error>([&] { (void)StoreKey::ReadFile(path + "s"); }) ==
        path + "s: No such file or directory");
}

TEST_CASE("A seal is HMAC-SHA-256 of layer and content", "[io][store_trust]") {
  std::string bytes;
  for (char c = 0; c < 32; ++c) bytes += c;
  const StoreKey key(bytes);
  const ParsedDigest layer{.digest = Sha256("layer"), .verifiable = true};
  const Digest mac = key.MacOf(layer, Sha256("content"));
  // By another implementation.
  CHECK(FormatDigest(mac) ==
        "sha256:7b280be0b8604cfb3d4886f8bcde4ed08c221e534d91923c433c26720187140a");
  CHECK(key.IsMacOf(mac, layer, Sha256("content")));
  CHECK_FALSE(key.IsMacOf(mac, layer, Sha256("contents")));
  CHECK_FALSE(key.IsMacOf(mac, {.digest = layer.digest, .verifiable = false}, Sha256("content")));
  CHECK_FALSE(key.IsMacOf(mac, {.digest = Sha256("other"), .verifiable = true}, Sha256("content")));
}

TEST_CASE("With a key, the seal decides and not the owner", "[io][store_trust]") {
  const TemporaryDirectory directory;
  const std::string path = directory.path("store");
  const auto key = std::make_shared<const StoreKey>(std::string(32, 'k'));
  const StoreTrust keyed{.key = key};
  const StoreTrust other{.key = std::make_shared<const StoreKey>(std::string(32, 'o'))};
  const Inventory inventory = AnInventory();
  InventoryStore plain_store(path);
  const Bytes plain_size = Put(plain_store, inventory);
  const std::string file = plain_store.PathOf(LayerOf(inventory));
  const std::string plain = ReadWholeFile(file);

  // No seal: read again, and sealed.
  InventoryStore store(path, keyed);
  CHECK(store.Find(LayerOf(inventory)).doubt == file + " has no seal");
  CHECK(Put(store, inventory) == plain_size + static_cast<Bytes>(kInventorySealBytes));
  CHECK(store.Find(LayerOf(inventory)).belief == Belief::kKeyed);
  const InventoryStore::ReadLayer read = store.Read(LayerOf(inventory));
  CHECK(read.belief == Belief::kKeyed);
  REQUIRE(read.scanned.has_value());
  CHECK(EncodeInventory(*read.scanned->inventory) == plain);
  const std::string sealed = ReadWholeFile(file);
  CHECK(sealed.starts_with(plain));

  // Whoever owns the folders, and whoever wrote it.
  SetMode(path, 0777);
  SetMode(file, 0666);
  CHECK(InventoryStore(path, keyed).Find(LayerOf(inventory)).belief == Belief::kKeyed);
  CHECK(InventoryStore(path, keyed).FindDoubt().empty());
  CHECK(InventoryStore(path, other).Find(LayerOf(inventory)).doubt ==
        file + " is not sealed with this key");
  CHECK(InventoryStore(path).Find(LayerOf(inventory)).doubt == path + " can be written by others");
  SetMode(path, 0755);
  SetMode(file, 0644);
  CHECK(InventoryStore(path).Find(LayerOf(inventory)).belief == Belief::kOwn);

  // One byte changed anywhere, or taken away: the seal does not fit, or the content.
  for (std::size_t at = 0; at < sealed.size(); at += 7) {
    std::string changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    std::ofstream(file, std::ios::binary) << changed;
    CHECK_FALSE(store.Find(LayerOf(inventory)).summary.has_value());
    std::ofstream(file, std::ios::binary) << sealed.substr(0, at);
    CHECK_FALSE(store.Find(LayerOf(inventory)).summary.has_value());
  }

  // The seal of one layer under another's name, and other contents with the old seal.
  const Inventory another = AnInventory(2);
  Put(store, another);
  std::ofstream(file, std::ios::binary) << ReadWholeFile(store.PathOf(LayerOf(another)));
  CHECK(store.Find(LayerOf(inventory)).doubt == file + " is not sealed with this key");
  Inventory forged = AnInventory(3);
  forged.layer = inventory.layer;
  std::ofstream(file, std::ios::binary)
      << EncodeInventory(forged) + sealed.substr(sealed.size() - kInventorySealBytes);
  CHECK(store.Read(LayerOf(inventory)).doubt == file + " is not sealed with this key");

  // Who has no key does not take the seals away, unless asked to.
  std::ofstream(file, std::ios::binary) << sealed;
  SetMode(path, 0777);
  InventoryStore without_key(path);
  Put(without_key, inventory);
  CHECK(ReadWholeFile(file) == sealed);
  Put(without_key, inventory, /*replaces=*/true);
  CHECK(ReadWholeFile(file) == plain);
}

TEST_CASE("What others could have written is taken when asked to, and known as that",
          "[io][store_trust]") {
  const TemporaryDirectory directory;
  const std::string path = directory.path("store");
  const StoreTrust trusting{.key = nullptr, .takes_all = true};
  const Inventory inventory = AnInventory();
  InventoryStore store(path);
  Put(store, inventory);
  CHECK(InventoryStore(path, trusting).Find(LayerOf(inventory)).belief == Belief::kOwn);
  SetMode(path, 0777);
  CHECK(InventoryStore(path, trusting).Find(LayerOf(inventory)).belief == Belief::kTrusted);
  CHECK(InventoryStore(path, trusting).Read(LayerOf(inventory)).belief == Belief::kTrusted);
  SetMode(path, 0755);
  // What came with a fleet is its giver's word, whoever unpacked it.
  const StoreTrust shipped{.key = nullptr, .takes_all = false, .is_shipped = true};
  CHECK(InventoryStore(path, shipped).Read(LayerOf(inventory)).belief == Belief::kShipped);
}

// A layout of one image of two layers, and a store that knows them.
class ScannedShop {
 public:
  ScannedShop() {
    const std::string hidden = "old" + std::string(5000, 'x');
    first_ = TarEntry({.name = "app"}, hidden) + EndBlocks();
    second_ = TarEntry({.name = "app"}, "new") + EndBlocks();
    layout_.Index({layout_.Image("shop:1", {first_, second_})});
    REQUIRE(RunCli({"scan", "oci:" + layout_.path(), "--store", store()}).code == 0);
    before_ = ReadWholeFile(PathOfFirst());
  }

  std::string source() const { return "oci:" + layout_.path(); }
  std::string store() const { return directory_.path("store"); }
  std::string PathOfFirst() const {
    return InventoryStore(store()).PathOf({.digest = Sha256(first_), .verifiable = true});
  }
  const std::string& before() const { return before_; }
  // An inventory of the first layer that is right in all that can be checked without the blob, and
  // says that it holds nothing.
  std::string Forge() const {
    Inventory inventory = *DecodeInventoryFile(before_).inventory;
    Inventory forged;
    forged.layer = inventory.layer;
    forged.diff_id = inventory.diff_id;
    forged.blob_size = inventory.blob_size;
    forged.tar_size = inventory.tar_size;
    forged.overhead_bytes = inventory.blob_size;
    const std::string bytes = EncodeInventory(forged);
    std::ofstream(PathOfFirst(), std::ios::binary) << bytes;
    REQUIRE(DecodeInventoryFile(ReadWholeFile(PathOfFirst())).inventory.has_value());
    return bytes;
  }
  void RemoveBlobs() const {
    for (const std::string& tar : {first_, second_}) {
      fs::remove(layout_.BlobPath(LayoutMaker::DigestOf(tar)));
    }
  }
  CliRun Run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {source(), "--store", store()});
    return RunCli(arguments);
  }

 private:
  TemporaryDirectory directory_;
  LayoutMaker layout_{directory_.path("layout")};
  std::string first_;
  std::string second_;
  std::string before_;
};

nlohmann::json JsonOfRun(const CliRun& run) {
  INFO(run.err);
  CHECK(run.code == 0);
  return nlohmann::json::parse(run.out);
}

TEST_CASE("A forged inventory in a store that others can write is no evidence",
          "[io][store_trust]") {
  const ScannedShop shop;
  const CliRun honest = shop.Run({"waste", "--json"});
  CHECK(honest.err.empty());
  CHECK(JsonOfRun(honest)["fleet"]["store"] == "own");
  CHECK(JsonOfRun(honest)["findings"].size() == 1);
  const std::string forged = shop.Forge();
  SetMode(shop.store(), 0777);
  const std::string not_believed = "gneiss: 2 inventories in " + shop.store() +
                                   " are not believed: " + shop.store() +
                                   " can be written by others; ";

  for (const std::string command : {"waste", "plan"}) {
    const CliRun run = shop.Run({command, "--json"});
    CHECK(run.err == not_believed + "scanned anew; --trust-store takes them\n");
    CHECK(run.code == 0);
    if (command == "waste") CHECK(run.out == honest.out);
    // What would not be believed next time is not written.
    CHECK(ReadWholeFile(shop.PathOfFirst()) == forged);
  }
  const CliRun trusting = shop.Run({"waste", "--trust-store", "--json"});
  CHECK(JsonOfRun(trusting)["fleet"]["store"] == "trusted");
  CHECK(JsonOfRun(trusting)["findings"].empty());
  CHECK(trusting.err == "gneiss: contents of 2 layers as " + shop.store() +
                            " has them, which others could have written\n");
  CHECK(shop.Run({"waste", "--trust-store"})
            .out.find("contents known of all 2 layers, as a store says that others could have "
                      "written\n") != std::string::npos);

  const CliRun scan = shop.Run({"scan", "--json"});
  CHECK(JsonOfRun(scan)["unbelieved_inventories"] == 2);
  CHECK(JsonOfRun(scan)["layers"]["scanned"]["layers"] == 2);
  CHECK(scan.err ==
        not_believed + "scanned anew where a source has the blob; --trust-store takes them\n");
  CHECK(ReadWholeFile(shop.PathOfFirst()) == shop.before());
  SetMode(shop.store(), 0755);
  CHECK(shop.Run({"waste", "--json"}).out == honest.out);

  // Without blobs nothing is known.
  shop.Forge();
  SetMode(shop.store(), 0777);
  shop.RemoveBlobs();
  const CliRun blind = shop.Run({"plan", "--json"});
  CHECK(JsonOfRun(blind)["model"]["contents"]["store"] == "none");
  CHECK(blind.err ==
        not_believed + "contents of them unknown, no blob at hand; --trust-store takes them\n");
}

TEST_CASE("An inventory that is unsound inside is made again, not reported for ever",
          "[io][store_trust]") {
  const ScannedShop shop;
  const std::string honest = shop.Run({"waste", "--json"}).out;
  // Sound by its sha256, unsound in its columns.
  const std::string cut = shop.before().substr(0, shop.before().size() - Digest::kBytes - 9);
  std::string unsound = cut;
  const Digest digest = Sha256(cut);
  unsound.append(reinterpret_cast<const char*>(digest.bytes.data()), Digest::kBytes);
  std::ofstream(shop.PathOfFirst(), std::ios::binary) << unsound;
  REQUIRE(
      InventoryStore(shop.store()).Find({.digest = Sha256(""), .verifiable = true}).damage.empty());
  const CliRun first = shop.Run({"waste", "--json"});
  CHECK(first.out == honest);
  CHECK(
      first.err.starts_with("gneiss: warning: " + shop.PathOfFirst() + ": expected a zstd frame"));
  CHECK(first.err.ends_with("; scanned anew\n"));
  CHECK(ReadWholeFile(shop.PathOfFirst()) == shop.before());
  const CliRun second = shop.Run({"waste", "--json"});
  CHECK(second.out == honest);
  CHECK(second.err.empty());

  // A place that cannot be taken back.
  fs::remove(shop.PathOfFirst());
  fs::create_directory(shop.PathOfFirst());
  std::ofstream(shop.PathOfFirst() + "/file") << "kept";
  const CliRun taken = shop.Run({"waste", "--json"});
  CHECK(taken.out == honest);
  CHECK(taken.err == "gneiss: warning: " + shop.PathOfFirst() +
                         ": expected a plain file, found a directory; scanned anew\n"
                         "gneiss: warning: " +
                         shop.PathOfFirst() +
                         ": Is a directory; this place in the store cannot be written\n");
}

TEST_CASE("--rescan reads all blobs and replaces what the store has", "[io][store_trust]") {
  const ScannedShop shop;
  for (const std::string command : {"scan", "waste", "plan"}) {
    shop.Forge();
    CHECK(shop.Run({command, "--rescan", "--quiet"}).code == 0);
    CHECK(ReadWholeFile(shop.PathOfFirst()) == shop.before());
  }
}

TEST_CASE("Inventories beside a fleet are its giver's word, where there is no blob",
          "[io][store_trust]") {
  const ScannedShop shop;
  const std::string layout = shop.source().substr(4);
  fs::copy(shop.store() + "/inventories", layout + "/inventories", fs::copy_options::recursive);
  fs::remove_all(shop.store());
  const CliRun scanned = shop.Run({"waste", "--json"});
  CHECK(JsonOfRun(scanned)["fleet"]["store"] == "own");
  CHECK(scanned.err.empty());
  CHECK(ReadWholeFile(shop.PathOfFirst()) == shop.before());  // kept in the user's own
  fs::remove_all(shop.store());
  shop.RemoveBlobs();
  const CliRun shipped = shop.Run({"waste", "--json"});
  CHECK(JsonOfRun(shipped)["fleet"]["store"] == "shipped");
  CHECK(shipped.err ==
        "gneiss: contents of 2 layers as " + layout + " itself has them, without the blobs\n");
  CHECK(shop.Run({"plan"}).out.find(
            "contents known of 2 of 2 layers, as the shipped inventories say\n") !=
        std::string::npos);
  CHECK_FALSE(fs::exists(shop.store()));
}

TEST_CASE("A store of many is believed by its key", "[io][store_trust]") {
  const ScannedShop shop;
  const TemporaryDirectory keys;
  const std::string key = keys.Write("key", "0123456789abcdef0123456789abcdef\n");
  SetMode(key, 0600);
  const std::string honest = shop.Run({"waste"}).out;
  SetMode(shop.store(), 0777);
  const CliRun first = shop.Run({"waste", "--store-key", key});
  CHECK(first.out == honest);
  CHECK(first.err == "gneiss: 2 inventories in " + shop.store() + " are not believed: " +
                         shop.PathOfFirst() + " has no seal; scanned anew\n");
  const CliRun second = shop.Run({"waste", "--store-key", key, "--json"});
  CHECK(second.err.empty());
  CHECK(JsonOfRun(second)["fleet"]["store"] == "keyed");
  const CliRun scan = shop.Run({"scan", "--store-key", key, "--json"});
  CHECK(JsonOfRun(scan)["store"] == "keyed");
  CHECK(JsonOfRun(scan)["bytes_read"] == 0);
  shop.Forge();
  const CliRun forged = shop.Run({"waste", "--store-key", key});
  CHECK(forged.out == honest);
  CHECK(forged.err.find("1 inventory in ") != std::string::npos);
  CHECK(shop.Run({"waste", "--store-key", key, "--trust-store"}).code == kUsage);
  SetMode(key, 0644);
  const CliRun open_key = shop.Run({"waste", "--store-key", key});
  CHECK(open_key.code == kFailed);
  CHECK(open_key.err == "gneiss: " + key +
                            ": expected a store key that only its owner may read, found mode 0644; "
                            "chmod 600 it\n");
}

}  // namespace
}  // namespace gneiss
