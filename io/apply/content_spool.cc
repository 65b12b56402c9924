#include "io/apply/content_spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <exception>
#include <optional>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "io/bytes/parallel_for.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

[[noreturn]] void FailSpool(int error, const std::string& directory) {
  throw std::system_error(error, std::generic_category(), "temporary file in " + directory);
}

OpenDescriptor OpenNameless(const OpenDirectory& directory) {
  OpenDescriptor file(openat(directory.descriptor(), ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
  if (file.get() >= 0) return file;
  // EISDIR: an old kernel.
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
    FailSpool(errno, directory.path());
  }
  for (int number = 0;; ++number) {
    const std::string name = fmt::format(".gneiss-spool-{}", number);
    file = OpenDescriptor(openat(directory.descriptor(), name.c_str(),
                                 O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() >= 0) {
      unlinkat(directory.descriptor(), name.c_str(), 0);
      return file;
    }
    if (errno != EEXIST) FailSpool(errno, directory.path());
  }
}

}  // namespace

SpoolFile::SpoolFile(const OpenDirectory& directory)
    : directory_(directory.path()), file_(OpenNameless(directory)) {}

void SpoolFile::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(file_.get(), bytes.data(), bytes.size(), end_);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) FailSpool(errno, directory_);
    end_ += count;
    bytes.remove_prefix(static_cast<std::size_t>(count));
    ends_in_hole_ = false;
  }
}

void SpoolFile::AppendHole(Bytes count) {
  end_ = CheckedAdd(end_, count);
  ends_in_hole_ = true;
}

void SpoolFile::TruncateTo(Bytes end) {
  if (ftruncate(file_.get(), end) != 0) FailSpool(errno, directory_);
  end_ = end;
  ends_in_hole_ = false;
}

void SpoolFile::Complete() {
  if (ends_in_hole_) TruncateTo(end_);
}

void SpoolFile::Read(Bytes offset, std::span<char> buffer) const {
  // Through the page cache holes cost more than all else that is done with them. The position that
  // this sets is nobody's.
  const off_t data = lseek(file_.get(), offset, SEEK_DATA);
  if (data >= offset + std::ssize(buffer) || (data < 0 && errno == ENXIO && offset < end_)) {
    std::ranges::fill(buffer, '\0');
    return;
  }
  while (!buffer.empty()) {
    const ssize_t count = pread(file_.get(), buffer.data(), buffer.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) FailSpool(count < 0 ? errno : EIO, directory_);
    offset += count;
    buffer = buffer.subspan(static_cast<std::size_t>(count));
  }
}

namespace {

// One content, and where it lies once it has been read.
struct SpooledContent {
  Digest digest;
  EntryRef from;
  Bytes offset = -1;
  std::uint32_t file = kNone;
};

// Each distinct content once, by digest, from the first layer that has it.
std::vector<SpooledContent> DistinctContents(const LayerContents& contents,
                                             std::span<const EntryRef> wanted) {
  std::vector<SpooledContent> distinct;
  distinct.reserve(wanted.size());
  for (const EntryRef ref : wanted) {
    assert(contents.EntryOf(ref).type == EntryType::kRegular);
    distinct.push_back({.digest = contents.ContentOf(ref), .from = ref});
  }
  std::ranges::sort(distinct, [](const SpooledContent& a, const SpooledContent& b) {
    return std::tie(a.digest, a.from) < std::tie(b.digest, b.from);
  });
  const auto repeated = std::ranges::unique(distinct, {}, &SpooledContent::digest);
  distinct.erase(repeated.begin(), repeated.end());
  return distinct;
}

SpooledContent* FindContent(std::span<SpooledContent> distinct, const Digest& digest) {
  const auto found = std::ranges::lower_bound(distinct, digest, {}, &SpooledContent::digest);
  return found != distinct.end() && found->digest == digest ? &*found : nullptr;
}

// The first entry that a layer has otherwise than its inventory says; empty when all is the same.
// What the layer does not say for sure, such as packages, is not compared.
std::string FindOtherEntry(const Inventory& expected, const Inventory& found) {
  const auto plain = [](const Inventory& inventory, const Entry& e) {
    return std::tuple(inventory.path(e), e.type, e.size, e.stored_size, e.mode, e.uid, e.gid,
                      e.mtime, e.mtime_nsec, inventory.link(e), inventory.texts[e.xattrs],
                      e.device_major, e.device_minor, e.position,
                      e.content == kNone ? Digest{} : inventory.contents[e.content]);
  };
  const std::size_t common = std::min(expected.entries.size(), found.entries.size());
  for (std::size_t i = 0; i < common; ++i) {
    const Entry& entry = expected.entries[i];
    if (plain(expected, entry) == plain(found, found.entries[i])) continue;
    return fmt::format("another entry than \"{}\"", expected.path(entry));
  }
  if (expected.entries.size() == found.entries.size()) return "";
  return fmt::format("{} entries instead of {}", found.entries.size(), expected.entries.size());
}

// Thrown through a scan.
struct SpoolIsMoot {};  // it is no longer wanted
struct SpoolIsClosed {  // its contents cannot be kept
  std::exception_ptr cause;
};

// Keeps what is wanted of one layer.
class LayerSink : public ContentSink {
 public:
  LayerSink(LayerIndex layer, const LayerContents& contents, std::span<SpooledContent> distinct,
            std::span<const std::uint32_t> mine, SpoolFile& file, std::uint32_t file_index)
      : layer_(layer), distinct_(distinct), file_(file), file_index_(file_index) {
    for (const std::uint32_t i : mine) {
      const EntryRef from = distinct[i].from;
      const Entry& entry = contents.EntryOf(from);
      wanted_.emplace_back(contents.InventoryOf(from).path(entry), entry.size);
    }
    std::ranges::sort(wanted_);
  }

  bool Begin(std::string_view path, Bytes size) override {
    begin_ = file_.end();
    return std::ranges::binary_search(wanted_, std::pair(path, size));
  }
  void Write(std::string_view bytes) override {
    Keep([&] { file_.Append(bytes); });
  }
  void WriteHole(Bytes count) override {
    Keep([&] { file_.AppendHole(count); });
  }
  void End(const Digest& content) override {
    SpooledContent* const spooled = FindContent(distinct_, content);
    // A tar may have a path twice, and one content at several.
    if (spooled == nullptr || spooled->from.layer != layer_ || spooled->file != kNone) {
      Keep([&] { file_.TruncateTo(begin_); });
      return;
    }
    Keep([&] { file_.Complete(); });
    spooled->offset = begin_;
    spooled->file = file_index_;
  }

 private:
  // A full disk of ours is no fault of the layer's.
  template <typename Act>
  static void Keep(const Act& act) {
    try {
      act();
    } catch (const std::system_error&) {
      throw SpoolIsClosed{std::current_exception()};
    }
  }

  LayerIndex layer_;
  std::span<SpooledContent> distinct_;
  SpoolFile& file_;
  std::uint32_t file_index_;
  std::vector<std::pair<std::string_view, Bytes>> wanted_;  // paths and sizes, sorted
  Bytes begin_ = 0;
};

}  // namespace

struct ContentSpool::State {
  std::vector<SpooledContent> distinct;  // by digest
  std::vector<SpoolFile> files;          // one for each thread
  std::map<LayerIndex, std::string> unreadable;
};

namespace {

class SpoolFiller {
 public:
  SpoolFiller(const Fleet& fleet, const LayerBlobs& blobs, const LayerContents& contents,
              const ContentSpoolOptions& options, std::span<SpooledContent> distinct)
      : fleet_(fleet),
        blobs_(blobs),
        contents_(contents),
        options_(options),
        distinct_(distinct),
        of_layer_(fleet.layers.size()) {
    for (std::uint32_t i = 0; i < distinct.size(); ++i) {
      of_layer_[distinct[i].from.layer].push_back(i);
    }
    for (LayerIndex l = 0; l < of_layer_.size(); ++l) {
      if (of_layer_[l].empty() && !std::ranges::binary_search(options.also_read, l)) continue;
      queue_.push_back(l);
      bytes_total_ = CheckedAdd(bytes_total_, fleet.layers[l].size);
    }
    // Largest first, so that threads end together.
    std::ranges::stable_sort(queue_, [&](LayerIndex a, LayerIndex b) {
      return fleet.layers[a].size > fleet.layers[b].size;
    });
    problems_.resize(queue_.size());
  }

  std::size_t num_layers() const { return queue_.size(); }

  // One thread for each file. What is wrong with which layers.
  std::map<LayerIndex, std::string> Run(std::vector<SpoolFile>& files) {
    ParallelFor(
        queue_.size(), std::ssize(files),
        [&](const ParallelItem& item) {
          try {
            Read(item, files[item.thread]);
          } catch (const InputError& error) {
            problems_[item.index] = error.what();
          } catch (const std::system_error& error) {
            problems_[item.index] = error.what();
          } catch (const SpoolIsClosed& closed) {
            std::rethrow_exception(closed.cause);
          }
          ++layers_done_;
        },
        [&] { Report(); });
    std::map<LayerIndex, std::string> unreadable;
    for (std::size_t q = 0; q < queue_.size(); ++q) {
      if (!problems_[q].empty()) unreadable.emplace(queue_[q], std::move(problems_[q]));
    }
    return unreadable;
  }

 private:
  void Report() const {
    if (!options_.on_progress) return;
    options_.on_progress({.bytes_read = bytes_read_,
                          .bytes_total = bytes_total_,
                          .layers_done = layers_done_,
                          .layers_total = std::ssize(queue_)});
  }

  void Read(const ParallelItem& item, SpoolFile& file) {
    const LayerIndex l = queue_[item.index];
    const Layer& layer = fleet_.layers[l];
    const auto blob = blobs_.Open(fleet_.digest_text(layer), layer.size);
    if (blob == nullptr) throw InputError("expected its blob in a source, found it in none");
    LayerSink sink(l, contents_, distinct_, of_layer_[l], file,
                   static_cast<std::uint32_t>(item.thread));
    ScanOptions scan = options_.scan;
    scan.sink = &sink;
    scan.on_progress = [&](std::int64_t bytes) {
      if (item.IsMoot()) throw SpoolIsMoot();
      bytes_read_ += bytes;
    };
    ScannedLayer scanned = ScanLayer(*blob, ExpectedLayerOf(fleet_, layer), scan);
    if (!scanned.inventory) throw InputError("expected a tar, found " + scanned.not_a_tar.found);
    AddImpliedDirectories(*scanned.inventory);  // as LayerContents::Add does
    const std::string other = FindOtherEntry(*contents_.inventories[l], *scanned.inventory);
    if (!other.empty()) {
      throw InputError("expected what its inventory says, found " + other +
                       "; scan it again into another --store");
    }
    for ([[maybe_unused]] const std::uint32_t i : of_layer_[l]) assert(distinct_[i].file != kNone);
  }

  const Fleet& fleet_;
  const LayerBlobs& blobs_;
  const LayerContents& contents_;
  const ContentSpoolOptions& options_;
  std::span<SpooledContent> distinct_;
  std::vector<std::vector<std::uint32_t>> of_layer_;  // contents to read from each
  std::vector<LayerIndex> queue_;
  std::vector<std::string> problems_;  // by place in the queue; empty: none
  Bytes bytes_total_ = 0;
  std::atomic<Bytes> bytes_read_ = 0;
  std::atomic<std::int64_t> layers_done_ = 0;
};

}  // namespace

ContentSpool ContentSpool::Fill(const Fleet& fleet, const LayerBlobs& blobs,
                                const LayerContents& contents, std::span<const EntryRef> wanted,
                                const OpenDirectory& directory,
                                const ContentSpoolOptions& options) {
  auto state = std::make_unique<State>();
  state->distinct = DistinctContents(contents, wanted);
  SpoolFiller filler(fleet, blobs, contents, options, state->distinct);
  const auto jobs = static_cast<std::size_t>(std::max<std::int64_t>(options.jobs, 1));
  while (state->files.size() < std::min(jobs, filler.num_layers())) {
    state->files.emplace_back(directory);
  }
  state->unreadable = filler.Run(state->files);
  return ContentSpool(std::move(state));
}

ContentSpool::ContentSpool(std::unique_ptr<State> state) : state_(std::move(state)) {}
ContentSpool::ContentSpool(ContentSpool&&) noexcept = default;
ContentSpool& ContentSpool::operator=(ContentSpool&&) noexcept = default;
ContentSpool::~ContentSpool() = default;

const std::map<LayerIndex, std::string>& ContentSpool::unreadable() const {
  return state_->unreadable;
}

void ContentSpool::Read(const Digest& digest, Bytes offset, std::span<char> buffer) const {
  const SpooledContent* const found = FindContent(state_->distinct, digest);
  assert(found != nullptr);
  state_->files[found->file].Read(found->offset + offset, buffer);
}

SpoolNeeds FindSpoolNeeds(const LayerContents& contents, std::span<const EntryRef> wanted) {
  SpoolNeeds needs;
  for (const SpooledContent& content : DistinctContents(contents, wanted)) {
    needs.disk_bytes = CheckedAdd(needs.disk_bytes, contents.EntryOf(content.from).stored_size);
    needs.layers.push_back(content.from.layer);
  }
  std::ranges::sort(needs.layers);
  needs.layers.erase(std::ranges::unique(needs.layers).begin(), needs.layers.end());
  return needs;
}

}  // namespace gneiss
