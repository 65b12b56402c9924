#include "io/apply/layout_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/bytes/atomic_file.h"
#include "io/bytes/compressor.h"
#include "io/bytes/sha256_stream.h"
#include "io/json/json_writer.h"
#include "io/source/layout.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMarkerName = "gneiss-apply.json";
constexpr std::string_view kNotesName = "gneiss-apply.notes";
constexpr std::string_view kUnfinishedName =
    "gneiss-apply.new";  // until it takes the marker's place
constexpr std::string_view kWorkPrefix = "gneiss-apply.";
constexpr std::string_view kWorkSuffix = ".tmp";
constexpr std::size_t kWorkDigits = 16;
constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;  // of a marker, a record, the notes
constexpr mode_t kDirectoryMode = 0775;                       // never for everybody to write to
constexpr std::size_t kCopyBytes = std::size_t{1} << 20;

bool IsHex(std::string_view text, std::size_t num_digits) {
  return text.size() == num_digits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// "gneiss-apply.<16 hexadecimal digits>.tmp".
bool IsWorkName(std::string_view name) {
  return name.starts_with(kWorkPrefix) && name.ends_with(kWorkSuffix) &&
         name.size() == kWorkPrefix.size() + kWorkDigits + kWorkSuffix.size() &&
         IsHex(name.substr(kWorkPrefix.size(), kWorkDigits), kWorkDigits);
}

std::string NewWorkName() {
  std::random_device random;
  const std::uint64_t number = random() | (std::uint64_t{random()} << 32);
  return fmt::format("{}{:016x}{}", kWorkPrefix, number, kWorkSuffix);
}

// The text of a small plain file; nullopt when there is none.
std::optional<std::string> ReadSmallFile(const OpenDirectory& directory, std::string_view name) {
  const std::string text(name);
  const std::unique_ptr<ByteSource> file = directory.OpenFile(text);
  if (file == nullptr) return std::nullopt;
  return ReadWhole(*file, directory.PathOf(name), kUnknownSize, kMaxFileBytes);
}

std::string HexOf(const Digest& digest) { return FormatDigest(digest).substr(7); }

// The directory that is there: itself, or the nearest above.
std::string ExistingDirectory(const std::string& directory) {
  fs::path path = fs::absolute(directory);
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_parent_path() && path != path.parent_path()) {
    path = path.parent_path();
  }
  return path.string();
}

dev_t DeviceOf(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) FailAt(errno, path);
  return status.st_dev;
}

// Where a layout that is a directory has a plain file of that size for a blob; empty when none has.
std::string PlainFileOf(const LayerBlobs& blobs, const CarriedBlob& blob) {
  for (const std::string& directory : blobs.directories()) {
    std::string path = directory + "/" + LayoutBlobs::NameOf(blob.digest_text);
    struct stat status {};
    if (lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_size == blob.size) {
      return path;
    }
  }
  return "";
}

bool IsRecord(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  return json.is_object() && json.value("schema", Json()) == "gneiss.apply/1";
}

// A source that cannot be read is as bad as one of other bytes, and no fault of the layout's.
template <typename Read>
auto ReadingSource(const Read& read) {
  try {
    return read();
  } catch (const std::system_error& error) {
    throw InputError(error.what());
  }
}

}  // namespace

LayoutWriter::LayoutWriter(std::string directory, std::string marker)
    : directory_(std::move(directory)), marker_(std::move(marker) + "\n") {
  std::error_code ignored;
  const fs::file_status status = fs::status(directory_, ignored);
  if (!fs::exists(status)) return;
  if (!fs::is_directory(status)) {
    throw InputError(directory_, "", "expected a directory to write to, or none, found a file");
  }
  LookAround();
}

LayoutWriter::~LayoutWriter() {
  if (!work_) return;
  try {
    RemoveWork(work_name_);
  } catch (const std::exception&) {
    // The next run removes it.
  }
}

// What is there, and whether it is what a run of this command leaves.
void LayoutWriter::LookAround() {
  top_.emplace(directory_);
  const std::vector<std::string> names = top_->Names();
  const auto is_link = [](const OpenDirectory& in, const std::string& name) {
    const std::optional<struct stat> status = in.StatusOf(name);
    return status && S_ISLNK(status->st_mode);
  };
  const auto refuse_link = [&](std::string_view name) {
    throw InputError(directory_, "",
                     fmt::format("expected a directory without symbolic links in it, found {}; "
                                 "remove it, or write to another directory",
                                 name));
  };
  for (const std::string& name : names) {
    if (is_link(*top_, name)) refuse_link(name);
  }
  const std::optional<std::string> found = ReadSmallFile(*top_, kMarkerName);
  is_resumed_ = found && *found == marker_;
  if (found && !is_resumed_ && !IsRecord(*found)) {
    throw InputError(
        directory_, "",
        fmt::format("expected what an ended run of this command left, found that of another plan, "
                    "level or compression ({}); remove the directory, or write to another one",
                    kMarkerName));
  }
  const std::array<std::string_view, 6> kKnown = {kMarkerName, kNotesName,   kUnfinishedName,
                                                  "blobs",     "oci-layout", "index.json"};
  for (const std::string& name : names) {
    // A run that was ended before it had a marker leaves its work directory.
    if (IsWorkName(name)) continue;
    if (!is_resumed_) {
      throw InputError(directory_, "",
                       fmt::format("expected an empty directory or none, found {} in it", name));
    }
    if (std::ranges::find(kKnown, name) != kKnown.end()) continue;
    throw InputError(directory_, "",
                     fmt::format("expected what an ended run of this command left, found {}; "
                                 "remove it, or write to another directory",
                                 name));
  }
  if (!is_resumed_) return;
  const std::optional<OpenDirectory> blobs = top_->Open("blobs");
  if (!blobs) return;
  ExpectOwn(*blobs);
  for (const std::string& name : blobs->Names()) {
    if (is_link(*blobs, name)) refuse_link("blobs/" + name);
  }
  blobs_ = blobs->Open("sha256");
  if (!blobs_) return;
  ExpectOwn(*blobs_);
  for (const std::string& name : blobs_->Names()) {
    if (is_link(*blobs_, name)) refuse_link("blobs/sha256/" + name);
  }
  ReadNotes();
}

// Lines "KEY DIGEST SIZE"; what is none is passed over, as the last one may be cut.
void LayoutWriter::ReadNotes() {
  const std::optional<std::string> text = ReadSmallFile(*top_, kNotesName);
  if (!text) return;
  for (std::string_view rest = *text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return;
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    const std::size_t first = line.find(' ');
    const std::size_t second = line.find(' ', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::optional<ParsedDigest> digest =
        ParseDigest(line.substr(first + 1, second - first - 1));
    const std::string_view number = line.substr(second + 1);
    Bytes size = 0;
    const auto [last, error] = std::from_chars(number.data(), number.data() + number.size(), size);
    if (!IsHex(line.substr(0, first), 64) || !digest || !digest->verifiable ||
        error != std::errc() || last != number.data() + number.size() || size < 0) {
      continue;
    }
    noted_.insert_or_assign(std::string(line.substr(0, first)), std::pair(digest->digest, size));
  }
}

void LayoutWriter::ExpectOwn(const OpenDirectory& directory) const {
  const struct stat status = directory.Status();
  if (status.st_uid == geteuid() && (status.st_mode & S_IWOTH) == 0) return;
  throw InputError(
      directory.path(), "",
      fmt::format("expected a directory that an ended run of this command made, found one {}; "
                  "remove it, or write to another directory",
                  status.st_uid == geteuid()
                      ? "that everybody can write to"
                      : fmt::format("of another user (uid {})", status.st_uid)));
}

std::string LayoutWriter::WhoElseWrites() const {
  if (!top_) return "";
  const struct stat status = top_->Status();
  if ((status.st_mode & S_IWOTH) != 0) return "everybody";
  if (status.st_uid != geteuid() && status.st_uid != 0) {
    return fmt::format("another user (uid {})", status.st_uid);
  }
  return "";
}

Bytes LayoutWriter::FreeBytes() const {
  const fs::space_info space = fs::space(ExistingDirectory(directory_));
  return static_cast<Bytes>(std::min<std::uintmax_t>(space.available, std::uintmax_t{1} << 62));
}

bool LayoutWriter::CanLink(const LayerBlobs& blobs, const CarriedBlob& blob) const {
  const std::string path = PlainFileOf(blobs, blob);
  return !path.empty() && DeviceOf(path) == DeviceOf(ExistingDirectory(directory_));
}

bool LayoutWriter::HasFile(std::string_view digest_text, Bytes size) const {
  const std::optional<ParsedDigest> digest = ParseDigest(digest_text);
  return digest && digest->verifiable && OpenOwn(digest->digest, size) != nullptr;
}

void LayoutWriter::OpenWork() {
  do {
    work_name_ = NewWorkName();
  } while (mkdirat(top_->descriptor(), work_name_.c_str(), 0700) != 0 && errno == EEXIST);
  work_ = top_->Open(work_name_);
  if (!work_) FailAt(ENOENT, top_->PathOf(work_name_));
  // Nobody has put another one in its place meanwhile.
  ExpectOwn(*work_);
}

void LayoutWriter::TakeLock() {
  const std::string name(kMarkerName);
  lock_ = OpenDescriptor(
      openat(top_->descriptor(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (lock_.get() < 0) FailAt(errno, top_->PathOf(name));
  // Some network file systems have no locks. Two runs may have made their markers at once.
  if ((flock(lock_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) ||
      ReadSmallFile(*top_, kMarkerName) != marker_) {
    throw InputError(directory_, "",
                     "expected to be alone, found another gneiss apply at work in it");
  }
}

void LayoutWriter::Begin() {
  if (!top_) {
    MakeDirectories(directory_);
    LookAround();
  }
  OpenWork();
  const std::string marker_name(kMarkerName);
  if (!is_resumed_) {
    work_->WriteFile(".gneiss-marker", marker_);
    work_->Move(".gneiss-marker", *top_, marker_name);
    top_->Sync();
  }
  TakeLock();
  for (const std::string& name : top_->Names()) {
    if (IsWorkName(name) && name != work_name_) RemoveWork(name);
  }
  top_->Remove("index.json");
  top_->Remove(std::string(kUnfinishedName));
  blobs_ = top_->Make("blobs", kDirectoryMode).Make("sha256", kDirectoryMode);

  // A file of our own: what an ended run left may have other names elsewhere.
  std::string notes;
  for (const std::string& key : believed_) {
    const auto& [digest, size] = noted_.at(key);
    notes += fmt::format("{} {} {}\n", key, FormatDigest(digest), size);
  }
  const std::string notes_name(kNotesName);
  work_->WriteFile(".gneiss-notes", notes);
  notes_ = OpenDescriptor(
      openat(work_->descriptor(), ".gneiss-notes", O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
  if (notes_.get() < 0) FailAt(errno, work_->PathOf(".gneiss-notes"));
  work_->Move(".gneiss-notes", *top_, notes_name);
}

// With the files in it. Never one that is not ours, whatever it is called.
void LayoutWriter::RemoveWork(const std::string& name) const {
  const std::optional<OpenDirectory> work = top_->Open(name);
  if (!work) return;
  ExpectOwn(*work);
  for (const std::string& file : work->Names()) work->Remove(file);
  top_->RemoveDirectory(name);
}

std::string LayoutWriter::NewName() { return std::to_string(++num_names_); }

std::unique_ptr<ByteSource> LayoutWriter::OpenOwn(const Digest& digest, Bytes size) const {
  if (!blobs_) return nullptr;
  const std::string name = HexOf(digest);
  const std::optional<struct stat> status = blobs_->StatusOf(name);
  if (!status || !S_ISREG(status->st_mode) || status->st_size != size ||
      status->st_uid != geteuid() || (status->st_mode & S_IWOTH) != 0) {
    return nullptr;
  }
  return blobs_->OpenFile(name);
}

bool LayoutWriter::IsWhole(const Digest& digest, Bytes size,
                           const std::function<void(Bytes)>& on_bytes) {
  const std::unique_ptr<ByteSource> file = OpenOwn(digest, size);
  const bool is_whole = file != nullptr && HashSource(*file, on_bytes).digest == digest;
  if (is_whole && is_resumed_) ++num_found_;
  return is_whole;
}

void LayoutWriter::Publish(const std::string& name, const Digest& digest) const {
  work_->Move(name, *blobs_, HexOf(digest));
  // Between two names of one file rename does nothing.
  work_->Remove(name);
}

std::optional<Carried> LayoutWriter::Carry(const LayerBlobs& blobs, const CarriedBlob& blob,
                                           const std::function<void(Bytes)>& on_bytes) {
  const std::optional<ParsedDigest> digest = ParseDigest(blob.digest_text);
  if (!digest || !digest->verifiable) {
    throw InputError(
        fmt::format("expected a sha256, found {}: what cannot be verified is not carried over",
                    blob.digest_text));
  }
  if (IsWhole(digest->digest, blob.size, on_bytes)) return Carried::kThere;
  const std::string name = NewName();
  // Publishes what is at `name`, or takes it away and says what is wrong.
  const auto publish = [&](const HashedBytes& found) {
    if (found.digest == digest->digest && found.size == blob.size) {
      Publish(name, digest->digest);
      return;
    }
    work_->Remove(name);
    if (found.size != blob.size) {
      throw InputError(fmt::format("expected {} bytes in blob {}, found {}", blob.size,
                                   blob.digest_text, found.size));
    }
    throw InputError(fmt::format("expected a blob of digest {}, found {}", blob.digest_text,
                                 FormatDigest(found.digest)));
  };
  if (const std::string path = PlainFileOf(blobs, blob);
      !path.empty() && linkat(AT_FDCWD, path.c_str(), work_->descriptor(), name.c_str(), 0) == 0) {
    // What is published is what was read, whatever becomes of the source's name meanwhile.
    publish(ReadingSource([&] {
      const std::unique_ptr<ByteSource> linked = work_->OpenFile(name);
      if (linked == nullptr) FailAt(ENOENT, work_->PathOf(name));
      return HashSource(*linked, on_bytes);
    }));
    return Carried::kLinked;
  }
  const std::unique_ptr<ByteSource> source =
      ReadingSource([&] { return blobs.Open(blob.digest_text, blob.size); });
  if (source == nullptr) {
    if (blob.is_optional) return std::nullopt;
    throw InputError(fmt::format("expected its blob {}, found it in no source", blob.digest_text));
  }
  CompressedFile copy(*work_, name, {.codec = LayerCodec::kTar});  // as it is
  Bytes size = 0;
  std::vector<char> buffer(kCopyBytes);
  while (const std::size_t count = ReadingSource([&] { return source->Read(buffer); })) {
    size += static_cast<Bytes>(count);
    // Before the disk is filled with what is not wanted.
    if (size <= blob.size) copy.Write({buffer.data(), count});
    if (on_bytes) on_bytes(static_cast<Bytes>(count));
  }
  copy.Finish();
  publish({.digest = copy.digest(), .size = size});
  return Carried::kCopied;
}

void LayoutWriter::WriteBlob(std::string_view content) {
  const Digest digest = Sha256(content);
  if (IsWhole(digest, std::ssize(content), {})) return;
  const std::string name = NewName();
  work_->WriteFile(name, content);
  Publish(name, digest);
}

std::optional<LayoutWriter::NotedLayer> LayoutWriter::FindNewLayer(const std::string& key) const {
  const auto noted = noted_.find(key);
  if (noted == noted_.end()) return std::nullopt;
  const auto& [digest, size] = noted->second;
  NotedLayer found{.digest = digest, .size = size, .blob = OpenOwn(digest, size)};
  if (found.blob == nullptr) return std::nullopt;
  return found;
}

void LayoutWriter::BelieveNewLayer(const std::string& key) {
  if (believed_.insert(key).second) ++num_found_;
}

void LayoutWriter::AddNewLayer(const std::string& key, const std::string& name,
                               const Digest& digest) {
  const std::optional<struct stat> status = work_->StatusOf(name);
  if (!status) FailAt(ENOENT, work_->PathOf(name));
  const std::string note =
      fmt::format("{} {} {}\n", key, FormatDigest(digest), Bytes{status->st_size});
  Publish(name, digest);
  const std::lock_guard lock(mutex_);
  // A note that is lost or cut costs the layer another making. In one call, so that it is whole.
  if (write(notes_.get(), note.data(), note.size()) < 0) FailAt(errno, top_->PathOf(kNotesName));
}

void LayoutWriter::Finish(std::string_view index, const std::set<Digest>& to_stay,
                          std::string_view record) {
  std::set<std::string> names;
  for (const Digest& digest : to_stay) names.insert(HexOf(digest));
  for (const std::string& name : blobs_->Names()) {
    if (!names.contains(name)) blobs_->Remove(name);
  }
  blobs_->Sync();
  const std::string marker_name(kMarkerName);
  const std::string record_name(kUnfinishedName);
  const auto publish = [&](const std::string& name, std::string_view text) {
    work_->WriteFile(name, text);
    work_->Move(name, *top_, name);
  };
  publish("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  if (!record.empty()) publish(record_name, record);
  publish("index.json", index);
  top_->Sync();
  top_->Remove(std::string(kNotesName));
  RemoveWork(work_name_);
  work_.reset();
  if (record.empty()) {
    top_->Remove(marker_name);
  } else {
    top_->Move(record_name, *top_, marker_name);
  }
  top_->Sync();
}

}  // namespace gneiss
