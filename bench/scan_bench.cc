// Scanning a layer, beside what bounds it: a bare loop that inflates with the same library and
// hashes the same bytes (blob, tar, contents); and beside libarchive alone with its own gzip
// filter, reading all data, and hashing nothing or as much. MB/s of tar. The layer is made from a
// fixed seed, or is the file that GNEISS_BENCH_LAYER names.
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <benchmark/benchmark.h>
#include <zlib.h>

#include "io/bytes/byte_source.h"
#include "io/bytes/inflater.h"
#include "io/bytes/sha256_stream.h"
#include "io/scan/scan_layer.h"
#include "planner/fleet/digest.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {
namespace {

constexpr std::size_t kTarBytes = std::size_t{150} << 20;
constexpr int kNumSmallEntries = 1'000'000;

// Files of 200 bytes to 8 MB, most of them a few KB, as in /usr; words of a small dictionary with
// numbers between them deflate to about a third.
std::string MakeTar() {
  std::mt19937_64 random(1);
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  std::vector<std::string> words;
  for (int i = 0; i < 2000; ++i) {
    std::string word;
    for (std::uint64_t length = 3 + below(8); length > 0; --length) {
      word += static_cast<char>('a' + below(26));
    }
    words.push_back(word);
  }
  std::string tar;
  for (int i = 0; tar.size() < kTarBytes; ++i) {
    std::uint64_t size = 200;
    for (int step = 0; step < 9; ++step) size += size * below(3);
    size = std::min<std::uint64_t>(size, 8 << 20);
    std::string body;
    while (body.size() < size) {
      body += words[below(words.size())];
      body += ' ';
      if (below(3) == 0) body += std::to_string(below(100'000));
    }
    body.resize(size);
    tar += File("usr/lib/package" + std::to_string(i / 40) + "/file" + std::to_string(i), body);
  }
  return tar + EndBlocks();
}

std::string Compress(const std::string& content) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  std::string compressed(deflateBound(&stream, content.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  deflate(&stream, Z_FINISH);
  compressed.resize(stream.total_out);
  deflateEnd(&stream);
  return compressed;
}

struct Layer {
  std::string blob;
  Digest digest;
  Inventory inventory;
};

const Layer& TheLayer() {
  static const Layer layer = [] {
    Layer made;
    if (const char* const path = std::getenv("GNEISS_BENCH_LAYER")) {
      std::ifstream file(path, std::ios::binary);
      made.blob.assign(std::istreambuf_iterator<char>(file), {});
    } else {
      made.blob = Compress(MakeTar());
    }
    made.digest = Sha256(made.blob);
    made.inventory = ScanBlob(made.blob).inventory.value();
    return made;
  }();
  return layer;
}

// A plain tar of many empty files, made as it is read, so that the memory is the scan's own.
class SmallEntries : public ByteSource {
 public:
  std::size_t Read(std::span<char> buffer) override {
    if (at_ == part_.size()) {
      part_.clear();
      at_ = 0;
      for (int i = 0; i < 100 && next_ < kNumSmallEntries; ++i, ++next_) {
        part_ += File("usr/share/doc/package" + std::to_string(next_ / 100) + "/examples/file" +
                      std::to_string(next_));
      }
    }
    const std::size_t count = std::min(buffer.size(), part_.size() - at_);
    std::copy_n(part_.data() + at_, count, buffer.data());
    at_ += count;
    position_ += static_cast<std::int64_t>(count);
    return count;
  }
  std::int64_t stored_position() const override { return position_; }
  std::int64_t stored_size() const override { return 0; }

 private:
  std::string part_;
  std::size_t at_ = 0;
  int next_ = 0;
  std::int64_t position_ = 0;
};

double PeakMegabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

Inventory Scan(const Layer& layer, InflateLibrary library) {
  const auto source = ReadMemory(layer.blob);
  ScanOptions options;
  options.inflate = library;
  const ExpectedLayer expected{.digest = {.digest = layer.digest},
                               .size = static_cast<Bytes>(layer.blob.size())};
  return ScanLayer(*source, expected, options).inventory.value();
}

// Argument: InflateLibrary.
void BM_ScanLayer(benchmark::State& state) {
  const Layer& layer = TheLayer();
  const auto library = static_cast<InflateLibrary>(state.range(0));
  for (auto _ : state) {
    const Inventory inventory = Scan(layer, library);
    if (inventory.diff_id != layer.inventory.diff_id ||
        inventory.contents != layer.inventory.contents || !FindInventoryFault(inventory).empty()) {
      state.SkipWithError("another inventory");
    }
  }
  state.SetBytesProcessed(state.iterations() * layer.inventory.tar_size);
  state.counters["entries"] = static_cast<double>(layer.inventory.entries.size());
}

// Offset past the header of the gzip member at `at`, which has no more than a name.
std::size_t AfterGzipHeader(std::string_view blob, std::size_t at) {
  const bool has_name = blob[at + 3] == 8;
  return has_name ? blob.find('\0', at + 10) + 1 : at + 10;
}

// No headers are read, nothing is checked but the CRC: all of the blob and of the tar, and as many
// bytes as the contents have, through the same inflater and hash.
void BM_InflateAndHash(benchmark::State& state) {
  const Layer& layer = TheLayer();
  const std::string_view blob = layer.blob;
  Bytes content_bytes = 0;
  for (const Entry& entry : layer.inventory.entries) content_bytes += entry.stored_size;
  std::vector<char> block(std::size_t{256} << 10);
  const auto inflater = MakeInflater(static_cast<InflateLibrary>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(Sha256(blob));
    Sha256Stream tar;
    Sha256Stream contents;
    Bytes left = content_bytes;
    for (std::size_t at = 0; at < blob.size(); at += 8) {
      at = AfterGzipHeader(blob, at);
      inflater->Reset();
      std::uint32_t crc = 0;
      InflateStep step;
      do {
        step = inflater->Inflate(blob.substr(at), block);
        at += static_cast<std::size_t>(step.used);
        const std::string_view bytes(block.data(), step.written);
        crc = inflater->Crc32(crc, bytes);
        tar.Update(bytes);
        const Bytes count = std::min(left, std::ssize(bytes));
        contents.Update(bytes.substr(0, static_cast<std::size_t>(count)));
        left -= count;
      } while (step.status == InflateStatus::kMore);
      benchmark::DoNotOptimize(crc);
    }
    benchmark::DoNotOptimize(contents.Finish());
    if (tar.Finish() != layer.inventory.diff_id) state.SkipWithError("another tar");
  }
  state.SetBytesProcessed(state.iterations() * layer.inventory.tar_size);
}

// Argument: whether to hash the blob, the tar (here: the contents once more) and the contents, as a
// scan must.
void BM_LibarchiveAlone(benchmark::State& state) {
  const Layer& layer = TheLayer();
  const bool hashes = state.range(0) != 0;
  for (auto _ : state) {
    Sha256Stream tar;
    Sha256Stream contents;
    if (hashes) benchmark::DoNotOptimize(Sha256(layer.blob));
    archive* const reader = archive_read_new();
    archive_read_support_filter_gzip(reader);
    archive_read_support_format_tar(reader);
    archive_read_open_memory(reader, layer.blob.data(), layer.blob.size());
    std::size_t num_entries = 0;
    archive_entry* entry = nullptr;
    while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
      const void* bytes = nullptr;
      std::size_t size = 0;
      la_int64_t offset = 0;
      while (archive_read_data_block(reader, &bytes, &size, &offset) == ARCHIVE_OK) {
        if (!hashes) continue;
        tar.Update(std::string_view(static_cast<const char*>(bytes), size));
        contents.Update(std::string_view(static_cast<const char*>(bytes), size));
      }
      ++num_entries;
    }
    archive_read_free(reader);
    benchmark::DoNotOptimize(tar.Finish());
    benchmark::DoNotOptimize(contents.Finish());
    if (num_entries < layer.inventory.entries.size()) state.SkipWithError("entries are missing");
  }
  state.SetBytesProcessed(state.iterations() * layer.inventory.tar_size);
}

// Argument: number of threads, each with a layer of its own.
void BM_ScanInThreads(benchmark::State& state) {
  const Layer& layer = TheLayer();
  for (auto _ : state) {
    std::vector<std::jthread> threads;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      threads.emplace_back(
          [&] { benchmark::DoNotOptimize(Scan(layer, InflateLibrary::kFastest)); });
    }
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * layer.inventory.tar_size);
}

// What an entry costs. The peak is the process's: run this one alone for it.
void BM_ScanEntries(benchmark::State& state) {
  const ExpectedLayer expected{.digest = {.verifiable = false},
                               .size = Bytes{kNumSmallEntries} * 512};
  for (auto _ : state) {
    SmallEntries source;
    const ScannedLayer scanned = ScanLayer(source, expected, {});
    if (scanned.inventory->entries.size() != kNumSmallEntries) {
      state.SkipWithError("entries are missing");
    }
  }
  state.SetItemsProcessed(state.iterations() * kNumSmallEntries);
  state.counters["peak_MiB"] = PeakMegabytes();
}

constexpr auto kFastest = static_cast<std::int64_t>(InflateLibrary::kFastest);
constexpr auto kZlib = static_cast<std::int64_t>(InflateLibrary::kZlib);
BENCHMARK(BM_ScanEntries)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_ScanLayer)->Arg(kFastest)->Arg(kZlib)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_InflateAndHash)->Arg(kFastest)->Arg(kZlib)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_LibarchiveAlone)->ArgName("hashes")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_ScanInThreads)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gneiss
