#include "io/source/tar_archive.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <limits>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include <archive.h>
#include <archive_entry.h>

#include "io/bytes/file_head.h"
#include "io/bytes/sha256_stream.h"
#include "io/source/manifest.h"
#include "planner/contents/paths.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReadBytes = std::size_t{128} << 10;
constexpr std::int64_t kMaxMembers = 1'000'000;
constexpr std::size_t kMaxNameBytes = 4096;
constexpr Bytes kMaxNamesBytes = Bytes{256} << 20;  // of all names and targets
constexpr Bytes kMaxTextsBytes = Bytes{64} << 20;   // of all JSON files kept
// What a compressed archive may unpack to, as for layers (ScanLimits): so many bytes for each of
// its own, but these in any case.
constexpr Bytes kMaxRatio = 1100;
constexpr Bytes kFreeOfRatio = Bytes{16} << 20;
constexpr int kMaxLinks = 16;  // on the way to a file

constexpr std::string_view kExpected = "an archive of images";

// Bytes of a member on their way to a hash.
class ContentReader {
 public:
  void Add(std::string_view bytes) {
    if (head_.size() < kFileHeadBytes) head_ += bytes.substr(0, kFileHeadBytes - head_.size());
    hash_.Update(bytes);
  }
  TarArchive::Content Finish() {
    const bool is_tar = IsTarHeader(head_);
    head_.clear();
    return {.digest = hash_.Finish(), .is_tar = is_tar};
  }

 private:
  Sha256Stream hash_;
  std::string head_;
};

// A run of the bytes of an archive, which is opened once more for it.
class MemberSource : public ByteSource {
 public:
  MemberSource(const std::string& archive, std::string path, Bytes begin, Bytes size)
      : archive_(archive),
        path_(std::move(path)),
        bytes_(Decompress(OpenFile(archive, kExpected))),
        begin_(begin),
        size_(size) {}

  std::size_t Read(std::span<char> buffer) override {
    if (position_ == size_) return 0;
    const auto left = static_cast<std::size_t>(size_ - position_);
    std::size_t count = 0;
    try {
      if (position_ > 0 || bytes_->Skip(begin_) == begin_) {
        count = bytes_->Read(buffer.first(std::min(buffer.size(), left)));
      }
    } catch (const InputError& error) {
      throw error.WithSource(archive_, error.place());
    }
    if (count == 0) throw InputError(path_, "", "the archive became shorter while it was read");
    position_ += static_cast<Bytes>(count);
    return count;
  }
  std::int64_t stored_position() const override { return position_; }
  std::int64_t stored_size() const override { return size_; }
  bool has_changed() const override { return bytes_->has_changed(); }

 private:
  const std::string& archive_;
  std::string path_;
  std::unique_ptr<ByteSource> bytes_;
  Bytes begin_;
  Bytes size_;
  Bytes position_ = 0;
};

constexpr Bytes kBlockBytes = 512;
Bytes Padded(Bytes size) { return (size + kBlockBytes - 1) / kBlockBytes * kBlockBytes; }

}  // namespace

// Fills `members_` from the headers of the tar.
class TarArchive::Indexer {
 public:
  Indexer(TarArchive& archive, const ReadProgress& on_progress)
      : archive_(archive),
        on_progress_(on_progress),
        bytes_(Decompress(OpenFile(archive.path_, kExpected))),
        buffer_(kReadBytes),
        reader_(archive_read_new(), &archive_read_free) {}

  void Run() {
    if (reader_ == nullptr || archive_read_support_format_tar(reader_.get()) != ARCHIVE_OK) {
      throw std::bad_alloc();
    }
    if (archive_read_open2(reader_.get(), this, nullptr, &Indexer::Feed,
                           bytes_->is_compressed() ? nullptr : &Indexer::Skip,
                           nullptr) != ARCHIVE_OK) {
      Fail();
    }
    archive_entry* entry = nullptr;
    while (true) {
      const int status = archive_read_next_header(reader_.get(), &entry);
      if (failure_) Fail();
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN && status != ARCHIVE_EOF) Fail();
      CheckLast();
      if (status == ARCHIVE_EOF) return;
      Add(entry);
    }
  }

 private:
  // No exception may pass through libarchive.
  template <typename F>
  la_int64_t Guard(const F& read) {
    try {
      return read();
    } catch (...) {
      failure_ = std::current_exception();
      archive_set_error(reader_.get(), EIO, "the archive cannot be read");
      return ARCHIVE_FATAL;
    }
  }
  static la_ssize_t Feed(archive* /*reader*/, void* self, const void** bytes) {
    auto& me = *static_cast<Indexer*>(self);
    return static_cast<la_ssize_t>(me.Guard([&] {
      const std::size_t count = me.bytes_->Read(me.buffer_);
      if (me.head_.empty()) me.head_.assign(me.buffer_.data(), std::min(count, kFileHeadBytes));
      *bytes = me.buffer_.data();
      me.num_read_ += static_cast<Bytes>(count);
      me.CheckRatio();
      if (me.on_progress_) {
        me.on_progress_(me.bytes_->stored_position(), me.bytes_->stored_size());
      }
      return static_cast<la_int64_t>(count);
    }));
  }
  static la_int64_t Skip(archive* /*reader*/, void* self, la_int64_t count) {
    auto& me = *static_cast<Indexer*>(self);
    return me.Guard([&] {
      const la_int64_t skipped = me.bytes_->Skip(count);
      me.num_read_ += skipped;
      return skipped;
    });
  }

  void CheckRatio() const {
    if (num_read_ <= kFreeOfRatio || !bytes_->is_compressed()) return;
    if (num_read_ / kMaxRatio <= bytes_->stored_position()) return;
    throw InputError("", "tar byte " + std::to_string(num_read_),
                     "expected a tar of at most " + std::to_string(kMaxRatio) +
                         " times the archive's stored size, found more; decompress it first");
  }

  void Add(archive_entry* entry) {
    last_ = nullptr;
    if (++num_members_ > kMaxMembers) {
      throw ErrorHere("expected at most " + std::to_string(kMaxMembers) + " members, found more");
    }
    const std::string name = CheckedName(archive_entry_pathname(entry));
    Member member = Describe(entry);
    PathKey key = MakePathKey(name);
    last_begin_ = archive_filter_bytes(reader_.get(), 0);
    last_size_ = member.kind == Kind::kFile ? member.size : 0;
    // So that no sum of the two passes the largest number.
    if (last_size_ > std::numeric_limits<Bytes>::max() - kBlockBytes - last_begin_) {
      throw ErrorHere("expected a member that ends within 2^63 bytes, found one of " +
                      std::to_string(last_size_) + " bytes");
    }
    last_name_ = name;
    member.begin = last_begin_;
    if (key.above_root || key.key.empty()) return;
    last_ = &(archive_.members_[std::move(key.key)] = std::move(member));
    if (bytes_->is_compressed() && last_->kind == Kind::kFile) ReadContent(*last_);
  }

  Member Describe(archive_entry* entry) {
    Member member;
    if (const char* const target = archive_entry_hardlink(entry)) {
      member.kind = Kind::kHardLink;
      member.target = CheckedName(target);
    } else if (archive_entry_filetype(entry) == AE_IFLNK) {
      member.kind = Kind::kSymbolicLink;
      member.target = CheckedName(archive_entry_symlink(entry));
    } else if (archive_entry_filetype(entry) == AE_IFREG) {
      member.kind = Kind::kFile;
      member.size = archive_entry_size(entry);
    } else if (archive_entry_filetype(entry) == AE_IFDIR) {
      member.kind = Kind::kDirectory;
    }
    return member;
  }

  std::string CheckedName(const char* name) {
    const std::string_view text = name != nullptr ? name : "";
    if (text.size() > kMaxNameBytes) {
      throw ErrorHere("expected names of at most " + std::to_string(kMaxNameBytes) +
                      " bytes, found one of " + std::to_string(text.size()));
    }
    names_bytes_ += std::ssize(text);
    if (names_bytes_ > kMaxNamesBytes) {
      throw ErrorHere("expected names of at most " + std::to_string(kMaxNamesBytes) +
                      " bytes in all, found more");
    }
    return std::string(text);
  }

  // What is decompressed once is not to be decompressed again only for its hash or for a manifest.
  void ReadContent(Member& member) {
    const bool may_be_kept = member.size <= static_cast<Bytes>(kMaxManifestBytes) &&
                             member.size <= kMaxTextsBytes - texts_bytes_;
    Bytes count = 0;
    while (true) {
      const void* data = nullptr;
      std::size_t size = 0;
      la_int64_t offset = 0;
      const int status = archive_read_data_block(reader_.get(), &data, &size, &offset);
      if (status == ARCHIVE_EOF) break;
      if (failure_ || status < ARCHIVE_WARN) Fail();
      const std::string_view bytes(static_cast<const char*>(data), size);
      content_.Add(bytes);
      if (may_be_kept &&
          (count > 0 ? !member.text.empty() : bytes.starts_with('{') || bytes.starts_with('['))) {
        member.text += bytes;
      }
      count += static_cast<Bytes>(size);
    }
    member.content = content_.Finish();
    texts_bytes_ += std::ssize(member.text);
  }

  // The next header shows where the member before it has ended: not there, when it is sparse.
  void CheckLast() {
    if (last_ == nullptr || last_->kind != Kind::kFile) return;
    last_->is_whole =
        archive_read_header_position(reader_.get()) == last_begin_ + Padded(last_size_);
  }

  InputError ErrorAt(Bytes position, std::string problem) const {
    return InputError(archive_.path_, "tar byte " + std::to_string(position), std::move(problem));
  }
  InputError ErrorHere(std::string problem) const {
    return ErrorAt(archive_read_header_position(reader_.get()), std::move(problem));
  }

  [[noreturn]] void Fail() {
    if (failure_) {
      try {
        std::rethrow_exception(failure_);
      } catch (const InputError& error) {
        throw error.WithSource(archive_.path_, error.place());
      }
    }
    if (num_members_ == 0) {
      throw InputError(
          archive_.path_, "",
          "expected a tar, plain or compressed by gzip or zstd, found " + DescribeBytes(head_));
    }
    if (num_read_ < last_begin_ + last_size_) {
      throw InputError(archive_.path_ + ":" + last_name_, "",
                       "expected " + std::to_string(last_size_) + " bytes, found " +
                           std::to_string(std::max<Bytes>(num_read_ - last_begin_, 0)) +
                           "; the archive is truncated, fetch or write it again");
    }
    const char* const text = archive_error_string(reader_.get());
    throw ErrorAt(last_begin_ + Padded(last_size_),
                  std::string("expected the header of a tar's member, found none: ") +
                      (text != nullptr ? text : "unknown error"));
  }

  TarArchive& archive_;
  const ReadProgress& on_progress_;
  std::unique_ptr<ByteSource> bytes_;
  std::vector<char> buffer_;
  std::string head_;
  std::unique_ptr<archive, decltype(&archive_read_free)> reader_;
  std::exception_ptr failure_;
  ContentReader content_;
  Bytes num_read_ = 0;  // bytes of the tar that libarchive has had
  std::int64_t num_members_ = 0;
  Bytes names_bytes_ = 0;
  Bytes texts_bytes_ = 0;
  // The member read last; its place in `members_` when it is there.
  Member* last_ = nullptr;
  std::string last_name_;
  Bytes last_begin_ = 0;
  Bytes last_size_ = 0;
};

TarArchive::TarArchive(std::string path, const ReadProgress& on_progress) : path_(std::move(path)) {
  // Members are looked up again and again, which pipes and devices do not allow.
  if (fs::exists(path_) && !fs::is_regular_file(path_) && !fs::is_directory(path_)) {
    throw InputError(
        path_, "", "expected a file, found a pipe or a device; write the archive to a file first");
  }
  Indexer(*this, on_progress).Run();
}

std::string TarArchive::repository() const {
  const std::string name = fs::path(path_).filename().string();
  const std::size_t end = std::min(name.rfind(".tar"), name.rfind(".tgz"));
  return name.substr(0, end);
}

std::string TarArchive::PathOf(std::string_view name) const {
  return path_ + ":" + std::string(name);
}

TarArchive::Found TarArchive::Find(std::string_view name) const {
  Found found{.member = nullptr, .name = MakePathKey(name).key, .fault = {}};
  for (int num_links = 0;; ++num_links) {
    const auto at = members_.find(found.name);
    if (at == members_.end()) {
      if (num_links > 0) found.fault = "a link to " + found.name + ", which the archive lacks";
      return found;
    }
    const Member& member = at->second;
    if (member.kind != Kind::kSymbolicLink && member.kind != Kind::kHardLink) {
      found.member = &member;
      return found;
    }
    if (num_links == kMaxLinks) {
      found.fault = "more than " + std::to_string(kMaxLinks) + " links in a row";
      return found;
    }
    // Hard links are named from the root of the archive, symbolic ones from where they stand.
    const bool is_symbolic = member.kind == Kind::kSymbolicLink;
    PathKey target = MakePathKey(
        (is_symbolic ? std::string(ParentPath(found.name)) + "/" : std::string()) + member.target);
    if (target.above_root || (is_symbolic && member.target.starts_with('/'))) {
      found.fault = "a link to " + member.target + ", which is outside the archive";
      return found;
    }
    found.name = std::move(target.key);
  }
}

std::unique_ptr<ByteSource> TarArchive::Open(std::string_view name) const {
  const Found found = Find(name);
  const auto fail = [&](const std::string& what) {
    throw InputError(PathOf(name), "", "expected a plain file, found " + what);
  };
  if (!found.fault.empty()) fail(found.fault);
  if (found.member == nullptr) return nullptr;
  const Member& member = *found.member;
  if (member.kind == Kind::kDirectory) fail("a directory");
  if (member.kind != Kind::kFile) fail("something else");
  if (!member.is_whole) fail("a sparse one");
  if (!member.text.empty()) return ReadMemory(member.text);
  return std::make_unique<MemberSource>(path_, PathOf(name), member.begin, member.size);
}

std::optional<Bytes> TarArchive::SizeOf(std::string_view name) const {
  const Found found = Find(name);
  if (found.member == nullptr || found.member->kind != Kind::kFile) return std::nullopt;
  if (!found.member->is_whole) return std::nullopt;
  return found.member->size;
}

std::optional<std::string> TarArchive::Target(std::string_view name) const {
  Found found = Find(name);
  if (found.member == nullptr) return std::nullopt;
  return std::move(found.name);
}

TarArchive::Content TarArchive::Identify(std::string_view name,
                                         const std::function<void(Bytes)>& on_bytes) const {
  const std::unique_ptr<ByteSource> source = Open(name);
  if (const Found found = Find(name); found.member->content) return *found.member->content;
  ContentReader content;
  std::vector<char> buffer(kReadBytes);
  while (const std::size_t count = source->Read(buffer)) {
    content.Add({buffer.data(), count});
    on_bytes(static_cast<Bytes>(count));
  }
  return content.Finish();
}

void TarArchive::AddName(const std::string& other, std::string_view name) {
  const Found found = Find(name);
  if (found.name == other) return;
  Member member = *found.member;
  members_[other] = std::move(member);
}

}  // namespace gneiss
