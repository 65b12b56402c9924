#include "io/apply/layout_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/report/json_writer.h"
#include "io/source/byte_source.h"
#include "io/source/layout_blobs.h"
#include "io/source/verified_blob.h"
#include "io/store/atomic_file.h"
#include "planner/input_error.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMarkerName = "gneiss-apply.json";
constexpr std::string_view kWorkName = "gneiss-apply.tmp";
constexpr std::size_t kMaxMarkerBytes = 4096;
constexpr std::size_t kCopyBytes = std::size_t{1} << 20;

[[noreturn]] void FailAt(int error, const std::string& path) {
  throw std::system_error(error, std::generic_category(), path);
}

// The text of a small plain file; nullopt when there is none.
std::optional<std::string> ReadSmallFile(const std::string& path) {
  const std::unique_ptr<ByteSource> file = OpenPlainFile(path);
  if (file == nullptr) return std::nullopt;
  return ReadWhole(*file, path, kUnknownSize, kMaxMarkerBytes);
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

}  // namespace

LayoutWriter::LayoutWriter(std::string directory, std::string marker)
    : directory_(std::move(directory)),
      marker_path_(fmt::format("{}/{}", directory_, kMarkerName)),
      marker_(std::move(marker) + "\n"),
      work_(fmt::format("{}/{}", directory_, kWorkName)) {
  std::error_code ignored;
  const fs::file_status status = fs::status(directory_, ignored);
  if (!fs::exists(status)) return;
  if (!fs::is_directory(status)) {
    throw InputError(directory_, "", "expected a directory to write to, or none, found a file");
  }
  if (const std::optional<std::string> found = ReadSmallFile(marker_path_)) {
    if (*found == marker_) {
      is_resumed_ = true;
      return;
    }
    throw InputError(
        directory_, "",
        fmt::format("expected what an ended run of this command left, found that of another plan, "
                    "level or compression ({}); remove the directory, or write to another one",
                    kMarkerName));
  }
  // What a run left that was ended before it had a marker.
  RemoveLeftovers(directory_);
  const fs::directory_iterator entries(directory_);
  if (entries == fs::directory_iterator()) return;
  throw InputError(directory_, "",
                   fmt::format("expected an empty directory or none, found {} in it",
                               entries->path().filename().string()));
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
  struct stat status {};
  return lstat(BlobPath(digest_text).c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         status.st_size == size;
}

void LayoutWriter::Begin() {
  MakeDirectories(directory_);
  if (!is_resumed_) WriteAtomically(marker_path_, marker_);
  lock_ = OpenDescriptor(open(marker_path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (lock_.get() < 0) FailAt(errno, marker_path_);
  // Some network file systems have no locks.
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw InputError(directory_, "",
                     "expected to be alone, found another gneiss apply at work in it");
  }
  RemoveLeftovers(directory_);
  std::error_code ignored;
  fs::remove(directory_ + "/index.json", ignored);
  MakeDirectories(directory_ + "/blobs/sha256");
  RemoveLeftovers(directory_ + "/blobs/sha256");
  MakeDirectories(work_);
  for (const fs::directory_entry& entry : fs::directory_iterator(work_)) {
    if (entry.path().extension() != ".json") fs::remove_all(entry.path());
  }
}

std::string LayoutWriter::BlobPath(std::string_view digest_text) const {
  return directory_ + "/" + LayoutBlobs::NameOf(digest_text);
}
std::string LayoutWriter::BlobPath(const Digest& digest) const {
  return BlobPath(FormatDigest(digest));
}

std::string LayoutWriter::NewName() { return fmt::format("{}/{}", work_, ++num_names_); }

void LayoutWriter::Keep(const Digest& digest) {
  const std::lock_guard lock(mutex_);
  kept_.insert(digest);
}

bool LayoutWriter::IsWhole(const Digest& digest, Bytes size,
                           const std::function<void(Bytes)>& on_bytes) {
  if (!HasFile(FormatDigest(digest), size)) return false;
  const std::unique_ptr<ByteSource> file = OpenPlainFile(BlobPath(digest));
  const bool is_whole = file != nullptr && HashSource(*file, on_bytes).digest == digest;
  if (is_whole && is_resumed_) ++num_found_;
  return is_whole;
}

void LayoutWriter::Publish(const std::string& from, const Digest& digest) {
  const std::string to = BlobPath(digest);
  if (rename(from.c_str(), to.c_str()) != 0) FailAt(errno, to);
  // Between two names of one file rename does nothing.
  unlink(from.c_str());
  Keep(digest);
}

std::optional<Carried> LayoutWriter::Carry(const LayerBlobs& blobs, const CarriedBlob& blob,
                                           const std::function<void(Bytes)>& on_bytes) {
  const std::optional<ParsedDigest> digest = ParseDigest(blob.digest_text);
  const auto fail = [&](const std::string& problem) {
    throw InputError(fmt::format("{}: {}", blob.of, problem));
  };
  if (!digest || !digest->verifiable) {
    fail(fmt::format("expected a sha256, found {}: what cannot be verified is not carried over",
                     blob.digest_text));
  }
  if (IsWhole(digest->digest, blob.size, on_bytes)) {
    Keep(digest->digest);
    return Carried::kThere;
  }
  const std::string name = NewName();
  // Publishes what is at `name`, or takes it away and says what is wrong.
  const auto publish = [&](const HashedBytes& found) {
    if (found.digest == digest->digest && found.size == blob.size) {
      Publish(name, digest->digest);
      return;
    }
    unlink(name.c_str());
    if (found.size != blob.size) {
      fail(fmt::format("expected {} bytes in blob {}, found {}", blob.size, blob.digest_text,
                       found.size));
    }
    fail(fmt::format("expected a blob of digest {}, found {}", blob.digest_text,
                     FormatDigest(found.digest)));
  };
  if (const std::string path = PlainFileOf(blobs, blob);
      !path.empty() && linkat(AT_FDCWD, path.c_str(), AT_FDCWD, name.c_str(), 0) == 0) {
    // What is published is what was read, whatever becomes of the source's name meanwhile.
    const std::unique_ptr<ByteSource> linked = OpenPlainFile(name);
    if (linked == nullptr) FailAt(ENOENT, name);
    publish(HashSource(*linked, on_bytes));
    return Carried::kLinked;
  }
  const std::unique_ptr<ByteSource> source = blobs.Open(blob.digest_text, blob.size);
  if (source == nullptr) {
    if (blob.is_optional) return std::nullopt;
    fail(fmt::format("expected its blob {}, found it in no source", blob.digest_text));
  }
  CompressedFile copy(name, {.codec = LayerCodec::kTar});  // as it is
  Bytes size = 0;
  std::vector<char> buffer(kCopyBytes);
  while (const std::size_t count = source->Read(buffer)) {
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
  if (!IsWhole(digest, std::ssize(content), {})) WriteAtomically(BlobPath(digest), content);
  Keep(digest);
}

std::optional<WrittenLayer> LayoutWriter::ReadRecord(const std::string& key) const {
  const std::optional<std::string> text = ReadSmallFile(fmt::format("{}/{}.json", work_, key));
  if (!text) return std::nullopt;
  const Json record = Json::parse(*text, nullptr, false);
  const auto digest_of = [&](const char* name) -> std::optional<Digest> {
    if (!record.is_object() || !record.contains(name) || !record[name].is_string()) {
      return std::nullopt;
    }
    const std::optional<ParsedDigest> parsed = ParseDigest(record[name].get<std::string>());
    return parsed ? std::optional(parsed->digest) : std::nullopt;
  };
  const std::optional<Digest> digest = digest_of("digest");
  const std::optional<Digest> diff_id = digest_of("diff_id");
  if (!digest || !diff_id || !record.contains("size") || !record["size"].is_number_integer() ||
      !record.contains("tar_size") || !record["tar_size"].is_number_integer()) {
    return std::nullopt;
  }
  return WrittenLayer{.digest = *digest,
                      .diff_id = *diff_id,
                      .size = record["size"].get<Bytes>(),
                      .tar_size = record["tar_size"].get<Bytes>()};
}

std::optional<WrittenLayer> LayoutWriter::FindNewLayer(const std::string& key) {
  if (!is_resumed_) return std::nullopt;
  const std::optional<WrittenLayer> known = ReadRecord(key);
  if (!known || !IsWhole(known->digest, known->size, {})) return std::nullopt;
  Keep(known->digest);
  return known;
}

void LayoutWriter::AddNewLayer(const std::string& key, const std::string& path,
                               const WrittenLayer& written) {
  Publish(path, written.digest);
  WriteAtomically(fmt::format("{}/{}.json", work_, key),
                  Json({{"digest", FormatDigest(written.digest)},
                        {"diff_id", FormatDigest(written.diff_id)},
                        {"size", written.size},
                        {"tar_size", written.tar_size}})
                      .dump());
}

void LayoutWriter::Finish(std::string_view index) {
  std::set<std::string> names;
  for (const Digest& digest : kept_) names.insert(HexOf(digest));
  const std::string blobs = directory_ + "/blobs/sha256";
  for (const fs::directory_entry& entry : fs::directory_iterator(blobs)) {
    if (!names.contains(entry.path().filename().string())) fs::remove_all(entry.path());
  }
  SyncDirectory(blobs);
  WriteAtomically(directory_ + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  WriteAtomically(directory_ + "/index.json", index);
  fs::remove_all(work_);
  fs::remove(marker_path_);
  SyncDirectory(directory_);
}

}  // namespace gneiss
