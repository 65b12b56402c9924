#include "io/store/inventory_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "io/bytes/atomic_file.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kInventorySuffix = ".inv";

OpenDescriptor OpenIn(const OpenDescriptor& directory, const fs::path& path, int flags) {
  return OpenDescriptor(
      openat(directory.get(), path.filename().c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY));
}

[[noreturn]] void FailAt(int error, const std::string& path) {
  throw std::system_error(error, std::generic_category(), path);
}

struct stat StatusOf(const OpenDescriptor& file, const std::string& path) {
  struct stat status {};
  if (fstat(file.get(), &status) != 0) FailAt(errno, path);
  return status;
}

// Never waits for a pipe, and reads no device.
OpenDescriptor OpenPlainFileIn(const OpenDescriptor& folder, const std::string& path) {
  OpenDescriptor file = OpenIn(folder, path, O_RDONLY | O_NONBLOCK);
  if (file.get() < 0) {
    if (errno == ENOENT) return file;
    if (errno == ELOOP) throw InputError(path, "", "expected a plain file, found a symbolic link");
    FailAt(errno, path);
  }
  const struct stat status = StatusOf(file, path);
  if (!S_ISREG(status.st_mode)) {
    throw InputError(path, "",
                     fmt::format("expected a plain file, found {}",
                                 S_ISDIR(status.st_mode) ? "a directory" : "something else"));
  }
  if (status.st_size > static_cast<off_t>(kMaxInventoryFileBytes + kInventorySealBytes)) {
    throw InputError(path, "",
                     fmt::format("expected an inventory of at most {} bytes, found {}",
                                 kMaxInventoryFileBytes, status.st_size));
  }
  return file;
}

std::string ReadAll(const OpenDescriptor& file, const std::string& path) {
  std::string bytes(static_cast<std::size_t>(StatusOf(file, path).st_size), '\0');
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count = read(file.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) FailAt(errno, path);
    if (count == 0) throw InputError(path, "", "file became shorter while it was read");
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

// As FindOtherWriter, of a file in a folder that others may write to, but take nothing from: one
// that somebody else put there under this name may be anybody's.
std::string FindOtherWriterOfFile(const struct stat& status) {
  const std::string why = FindOtherWriter(status);
  if (!why.empty() || status.st_nlink == 1) return why;
  return fmt::format("has {} names", status.st_nlink);
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
    if (!fan.is_symlink(ignored)) fans.push_back(fan.path());
  }
  return fans;
}

}  // namespace

InventoryStore::InventoryStore(std::string directory, StoreTrust trust)
    : directory_(std::move(directory)),
      trust_(std::move(trust)),
      opened_(std::make_shared<OpenedKinds>()) {
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

std::shared_ptr<const TrustedDirectory> InventoryStore::OpenKind(bool is_verifiable) const {
  const std::lock_guard lock(opened_->mutex);
  std::shared_ptr<const TrustedDirectory>& kind = opened_->kinds[is_verifiable ? 1 : 0];
  if (kind == nullptr) {
    kind = std::make_shared<const TrustedDirectory>(
        OpenTrustedDirectory(KindDirectory(directory_, is_verifiable)));
  }
  return kind;
}

void InventoryStore::ForgetKinds() {
  const std::lock_guard lock(opened_->mutex);
  opened_->kinds = {};
}

std::string InventoryStore::FindDoubt() const {
  if (trust_.key != nullptr || trust_.takes_all) return "";
  const std::string doubt = OpenKind(true)->doubt;
  return doubt.empty() ? OpenKind(false)->doubt : doubt;
}

void InventoryStore::JudgeSeal(const ParsedDigest& layer, const std::string& path,
                               StoredFile& file) const {
  const SealedInventory sealed = TakeSeal(*file.bytes);
  if (sealed.mac && sealed.content.size() >= Digest::kBytes &&
      trust_.key->IsMacOf(*sealed.mac, layer, NamedContent(sealed.content))) {
    file.belief = Belief::kKeyed;
  } else {
    file.doubt = path + (sealed.mac ? " is not sealed with this key" : " has no seal");
  }
}

InventoryStore::StoredFile InventoryStore::ReadStored(const ParsedDigest& layer) const {
  StoredFile file;
  const std::string path = PathOf(layer);
  try {
    const std::shared_ptr<const TrustedDirectory> kind = OpenKind(layer.verifiable);
    if (kind->descriptor.get() < 0) return file;
    const std::string fan = fs::path(path).parent_path().string();
    const OpenDescriptor folder = OpenIn(kind->descriptor, fan, O_PATH | O_DIRECTORY);
    if (folder.get() < 0) {
      if (errno == ENOENT) return file;
      FailAt(errno, fan);
    }
    const OpenDescriptor opened = OpenPlainFileIn(folder, path);
    if (opened.get() < 0) return file;
    if (trust_.key == nullptr && !trust_.is_shipped) {
      file.doubt = kind->doubt;
      for (const auto& [why, what] :
           {std::pair(FindOtherWriter(StatusOf(folder, fan)), fan),
            std::pair(FindOtherWriterOfFile(StatusOf(opened, path)), path)}) {
        if (file.doubt.empty() && !why.empty()) file.doubt = what + " " + why;
      }
      if (!file.doubt.empty() && !trust_.takes_all) return file;
      file.belief = Belief::kOwn;
    }
    file.bytes = ReadAll(opened, path);
    if (trust_.key != nullptr) JudgeSeal(layer, path, file);
    if (file.doubt.empty() && file.belief != Belief::kUnknown) return file;
    if (trust_.is_shipped || trust_.takes_all) {
      file.belief = trust_.is_shipped ? Belief::kShipped : Belief::kTrusted;
      file.doubt.clear();
    } else {
      file.bytes.reset();
    }
  } catch (const InputError& error) {
    file.damage = error.what();
  } catch (const std::system_error& error) {
    file.damage = error.what();
  }
  return file;
}

InventoryStore::Found InventoryStore::Find(const ParsedDigest& layer) const {
  StoredFile file = ReadStored(layer);
  Found found{.damage = std::move(file.damage), .doubt = std::move(file.doubt)};
  if (!file.bytes) return found;
  try {
    InventorySummary summary = ReadInventorySummary(*file.bytes);
    ExpectLayer(summary.layer, layer.digest);
    found.summary = std::move(summary);
    found.file_bytes = std::ssize(*file.bytes);
    found.belief = file.belief;
  } catch (const InputError& error) {
    found.damage = error.WithSource(PathOf(layer), error.place()).what();
  }
  return found;
}

InventoryStore::ReadLayer InventoryStore::Read(const ParsedDigest& layer) const {
  StoredFile file = ReadStored(layer);
  ReadLayer read{.damage = std::move(file.damage), .doubt = std::move(file.doubt)};
  if (!file.bytes) return read;
  try {
    ScannedLayer scanned = DecodeInventoryFile(*file.bytes);
    ExpectLayer(
        scanned.inventory ? scanned.inventory->layer : ReadInventorySummary(*file.bytes).layer,
        layer.digest);
    read.scanned = std::move(scanned);
    read.belief = file.belief;
  } catch (const InputError& error) {
    read.damage = error.WithSource(PathOf(layer), error.place()).what();
  }
  return read;
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
  MakeDirectories(version, IsForMany() ? 0777 : 0755);
  ExpectWritableDirectory(version);
  // A directory that vanishes or cannot be read keeps its leftovers, which harm nobody.
  RemoveLeftovers(version);
  for (const bool is_verifiable : {true, false}) {
    for (const fs::path& fan : FansOf(KindDirectory(directory_, is_verifiable))) {
      RemoveLeftovers(fan.string());
    }
  }
}

bool InventoryStore::HasForeignSeal(const ParsedDigest& layer) const {
  if (trust_.key != nullptr) return false;
  const StoredFile file =
      InventoryStore(directory_, {.key = nullptr, .takes_all = true}).ReadStored(layer);
  if (!file.bytes || !TakeSeal(*file.bytes).mac) return false;
  try {
    return ReadInventorySummary(*file.bytes).layer == layer.digest;
  } catch (const InputError&) {
    return false;
  }
}

void InventoryStore::WriteFile(const ParsedDigest& layer, const std::string& bytes) {
  const std::string path = PathOf(layer);
  const std::string fan = fs::path(path).parent_path().string();
  OpenDescriptor folder;
  const auto open_folder = [&] {
    const std::shared_ptr<const TrustedDirectory> kind = OpenKind(layer.verifiable);
    if (kind->descriptor.get() < 0) return false;
    folder = OpenIn(kind->descriptor, fan, O_RDONLY | O_DIRECTORY);
    if (folder.get() < 0 && errno != ENOENT) FailAt(errno, fan);
    return folder.get() >= 0;
  };
  if (!open_folder()) {
    MakeDirectories(fan, IsForMany() ? 0777 : 0755);
    ForgetKinds();
    if (!open_folder()) FailAt(ENOENT, fan);
  }
  WriteAtomicallyAt(folder.get(), path, bytes, IsForMany() ? 0666 : 0644);
}

Bytes InventoryStore::Write(const ParsedDigest& layer, Bytes blob_size, const ScannedLayer& scanned,
                            bool replaces) {
  if (!replaces) {
    if (const Found found = Find(layer); found.summary) return found.file_bytes;
  }
  std::string bytes = scanned.inventory ? EncodeInventory(*scanned.inventory)
                                        : EncodeNotATar(layer.digest, blob_size, scanned.not_a_tar);
  if (trust_.key != nullptr) {
    const Digest content = NamedContent(bytes);
    bytes = PutSeal(std::move(bytes), trust_.key->MacOf(layer, content));
  }
  if (replaces || !HasForeignSeal(layer)) {
    try {
      WriteFile(layer, bytes);
    } catch (const std::system_error& error) {
      if (!IsOfOnePlace(error.code())) throw;
      // Or is it all of the store?
      ExpectWritableDirectory(KindDirectory(directory_, layer.verifiable));
      throw InputError(fmt::format("{}; this place in the store cannot be written", error.what()));
    }
  }
  return std::ssize(bytes);
}

}  // namespace gneiss
