#include "io/apply/layer_writer.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include "io/bytes/sha256_stream.h"
#include "io/scan/tar_reader.h"
#include "planner/contents/paths.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
constexpr std::size_t kHoleBytes = 4096;  // of a block that is a hole when it is all zeros

// A run of a file with holes that is stored.
struct StoredRun {
  Bytes offset = 0;
  Bytes length = 0;
};

mode_t FormatOf(EntryType type) {
  switch (type) {
    case EntryType::kDirectory:
      return AE_IFDIR;
    case EntryType::kSymlink:
      return AE_IFLNK;
    case EntryType::kCharDevice:
      return AE_IFCHR;
    case EntryType::kBlockDevice:
      return AE_IFBLK;
    case EntryType::kFifo:
      return AE_IFIFO;
    default:
      return AE_IFREG;
  }
}

// libarchive would encode other names, which readers do not decode.
bool IsXattrName(std::string_view name) {
  return std::ranges::all_of(name,
                             [](char c) { return c > ' ' && c < '\x7f' && c != '%' && c != '='; });
}

// libarchive would cut the second copy of the name, which a file with holes needs.
bool CanBeSparse(std::string_view path) {
  constexpr std::size_t kNameBytes = 99;
  return path.size() <= kNameBytes ||
         std::ranges::all_of(path, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool IsAllZeros(std::span<const char> bytes) {
  return std::ranges::all_of(bytes, [](char c) { return c == 0; });
}

class LayerWriter {
 public:
  LayerWriter(const NewLayer& layer, const LayerContents& contents, const ContentSpool& spool,
              CompressedFile& file)
      : layer_(layer),
        contents_(contents),
        spool_(spool),
        file_(file),
        writer_(archive_write_new()),
        entry_(archive_entry_new()),
        buffer_(kChunkBytes) {
    if (writer_ == nullptr || entry_ == nullptr) throw std::bad_alloc();
  }

  WrittenLayer Run() {
    const CLocale::Scope scope(locale_);
    archive* const writer = writer_.get();
    Check(archive_write_set_format_pax(writer));
    Check(archive_write_set_format_option(writer, "pax", "xattrheader", "SCHILY"));
    Check(archive_write_set_bytes_per_block(writer, 1 << 16));
    // No padding but the two blocks of zeros.
    Check(archive_write_set_bytes_in_last_block(writer, 1));
    Check(archive_write_open(writer, this, nullptr, &LayerWriter::Take, nullptr));
    for (const NewEntry& entry : layer_.entries) Write(entry);
    Check(archive_write_close(writer));
    file_.Finish();
    return {.digest = file_.digest(),
            .diff_id = hash_.Finish(),
            .size = file_.size(),
            .tar_size = tar_size_};
  }

 private:
  struct FreeWriter {
    void operator()(archive* writer) const { archive_write_free(writer); }
  };
  struct FreeEntry {
    void operator()(archive_entry* entry) const { archive_entry_free(entry); }
  };

  static la_ssize_t Take(archive* writer, void* self, const void* bytes, std::size_t count) {
    auto& me = *static_cast<LayerWriter*>(self);
    // No exception may pass through libarchive, nor anything be written after one.
    if (me.failure_) return -1;
    try {
      const std::string_view block(static_cast<const char*>(bytes), count);
      me.hash_.Update(block);
      me.tar_size_ += std::ssize(block);
      me.file_.Write(block);
      return static_cast<la_ssize_t>(count);
    } catch (...) {
      me.failure_ = std::current_exception();
      archive_set_error(writer, EIO, "the file cannot be written");
      return -1;
    }
  }

  void Write(const NewEntry& entry) {
    path_ = contents_.paths.key(entry.path);
    archive_entry_clear(entry_.get());
    if (IsMarkerEntry(entry.type)) {
      SetMarker(entry);
    } else {
      archive_entry_copy_pathname(entry_.get(), path_.empty() ? "./" : path_.c_str());
      SetAttributes(entry);
      SetType(entry);
    }
    WriteHeader();
    if (entry.contents != EntryRef{}) WriteContents(entry);
    Check(archive_write_finish_entry(writer_.get()));
  }

  void SetMarker(const NewEntry& entry) {
    std::string name = entry.type == EntryType::kOpaque
                           ? path_
                           : std::string(entry.path == kRootPath ? "" : ParentPath(path_));
    if (!name.empty()) name += '/';
    name += ".wh.";
    name += entry.type == EntryType::kOpaque ? ".wh..opq" : std::string(BaseName(path_));
    archive_entry_copy_pathname(entry_.get(), name.c_str());
    archive_entry_set_filetype(entry_.get(), AE_IFREG);
    archive_entry_set_perm(entry_.get(), 0600);
    archive_entry_set_size(entry_.get(), 0);
    archive_entry_set_mtime(entry_.get(), 0, 0);
  }

  void SetAttributes(const NewEntry& entry) {
    const Inventory& inventory = contents_.InventoryOf(entry.source);
    const Entry& source = contents_.EntryOf(entry.source);
    archive_entry* const target = entry_.get();
    archive_entry_set_perm(target, source.mode);
    archive_entry_set_uid(target, source.uid);
    archive_entry_set_gid(target, source.gid);
    SetTime(source);
    archive_entry_set_size(target, 0);
    // Of a hard link too, although the file has them: containerd sets the owner again with every
    // name, and with that the kernel takes capabilities away.
    const std::vector<XattrView> xattrs = ParseXattrs(inventory.texts[source.xattrs]);
    // libarchive puts each before those that it has.
    for (auto x = xattrs.rbegin(); x != xattrs.rend(); ++x) {
      if (!IsXattrName(x->name)) {
        Fail(
            fmt::format("expected names of extended attributes in ASCII without '%' and '=', "
                        "found \"{}\"",
                        x->name));
      }
      archive_entry_xattr_add_entry(target, std::string(x->name).c_str(), x->value.data(),
                                    x->value.size());
    }
  }

  // A header says a time before 1970 as seconds and their fraction with one sign for both.
  void SetTime(const Entry& source) {
    std::int64_t seconds = source.mtime;
    auto nanoseconds = static_cast<long>(source.mtime_nsec);
    if (seconds < 0 && nanoseconds > 0) {
      ++seconds;
      nanoseconds = 1'000'000'000 - nanoseconds;
      if (seconds == 0) {
        Fail("expected a time that can be written, found less than a second before 1970");
      }
    }
    archive_entry_set_mtime(entry_.get(), seconds, nanoseconds);
  }

  void SetType(const NewEntry& entry) {
    const Inventory& inventory = contents_.InventoryOf(entry.source);
    const Entry& source = contents_.EntryOf(entry.source);
    archive_entry* const target = entry_.get();
    archive_entry_set_filetype(target, FormatOf(entry.type));
    runs_.clear();
    switch (entry.type) {
      case EntryType::kHardLink: {
        const PathIndex path = entry.link == kNone ? entry.target : layer_.entries[entry.link].path;
        archive_entry_copy_hardlink(target, contents_.paths.key(path).c_str());
        break;
      }
      case EntryType::kSymlink:
        archive_entry_copy_symlink(target, std::string(inventory.link(source)).c_str());
        break;
      case EntryType::kCharDevice:
      case EntryType::kBlockDevice:
        archive_entry_set_rdevmajor(target, source.device_major);
        archive_entry_set_rdevminor(target, source.device_minor);
        break;
      case EntryType::kRegular:
        archive_entry_set_size(target, source.size);
        if (source.stored_size < source.size && CanBeSparse(path_)) FindRuns(entry.contents);
        break;
      default:
        break;
    }
  }

  // Calls visit(offset, bytes) for the contents in order.
  template <typename Visit>
  void ForEachChunk(EntryRef ref, const Visit& visit) {
    const Bytes size = contents_.EntryOf(ref).size;
    for (Bytes at = 0; at < size;) {
      const auto count = static_cast<std::size_t>(std::min<Bytes>(size - at, kChunkBytes));
      const std::span<char> chunk(buffer_.data(), count);
      spool_.Read(contents_.ContentOf(ref), at, chunk);
      visit(at, chunk);
      at += static_cast<Bytes>(count);
    }
  }

  // Where the holes are is a matter of the contents alone, not of what the layer of today has.
  void FindRuns(EntryRef ref) {
    ForEachChunk(ref, [&](Bytes offset, std::span<const char> chunk) {
      for (; !chunk.empty(); chunk = chunk.subspan(std::min(kHoleBytes, chunk.size()))) {
        const auto block = chunk.first(std::min(kHoleBytes, chunk.size()));
        const auto length = std::ssize(block);
        if (!IsAllZeros(block)) {
          if (runs_.empty() || runs_.back().offset + runs_.back().length != offset) {
            runs_.push_back({.offset = offset, .length = 0});
          }
          runs_.back().length += length;
        }
        offset += length;
      }
    });
    const Bytes size = contents_.EntryOf(ref).size;
    // All of it: an entry that is not there is no map to libarchive.
    if (runs_.empty()) runs_.push_back({.offset = size, .length = 0});
    for (const StoredRun& run : runs_) {
      archive_entry_sparse_add_entry(entry_.get(), run.offset, run.length);
    }
  }

  // libarchive takes holes as zeros, and leaves them out.
  void WriteContents(const NewEntry& entry) {
    ForEachChunk(entry.contents, [&](Bytes, std::span<const char> chunk) {
      while (!chunk.empty()) {
        const la_ssize_t count = archive_write_data(writer_.get(), chunk.data(), chunk.size());
        if (count <= 0) Fail();
        chunk = chunk.subspan(static_cast<std::size_t>(count));
      }
    });
  }

  void WriteHeader() {
    const int status = archive_write_header(writer_.get(), entry_.get());
    if (status == ARCHIVE_OK) return;
    const char* const text = archive_error_string(writer_.get());
    // It says so of names that it then writes as they are.
    const bool is_of_bytes = status == ARCHIVE_WARN && text != nullptr &&
                             std::string_view(text).starts_with("Can't translate ");
    if (!is_of_bytes || failure_) Fail();
  }

  void Check(int status) {
    if (status != ARCHIVE_OK) Fail();
  }

  [[noreturn]] void Fail() {
    if (failure_) std::rethrow_exception(failure_);
    const char* const text = archive_error_string(writer_.get());
    Fail(fmt::format("expected an entry that a tar can hold, found one that it cannot: {}",
                     text == nullptr ? "libarchive does not say why" : text));
  }
  [[noreturn]] void Fail(std::string problem) {
    throw InputError("", fmt::format("entry \"{}\"", path_), std::move(problem));
  }

  const NewLayer& layer_;
  const LayerContents& contents_;
  const ContentSpool& spool_;
  CompressedFile& file_;
  CLocale locale_;
  std::exception_ptr failure_;  // before the writer, whose end may call Take
  Sha256Stream hash_;
  Bytes tar_size_ = 0;
  std::unique_ptr<archive, FreeWriter> writer_;
  std::unique_ptr<archive_entry, FreeEntry> entry_;
  std::string path_;  // of the current entry
  std::vector<StoredRun> runs_;
  std::vector<char> buffer_;
};

}  // namespace

WrittenLayer WriteLayer(const NewLayer& layer, const LayerContents& contents,
                        const ContentSpool& spool, const CompressionOptions& compression,
                        const OpenDirectory& directory, const std::string& name) {
  CompressedFile file(directory, name, compression);
  return LayerWriter(layer, contents, spool, file).Run();
}

}  // namespace gneiss
