// Writing and reading the inventory of one layer, beside what a script would keep: the same entries
// as JSON lines in one zstd frame. Items are entries; the counter is bytes of the file for each.
#include <string>
#include <utility>

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>
#include <zstd.h>

#include "bench/seeded_random.h"
#include "io/store/inventory_file.h"
#include "planner/fleet/digest.h"

namespace gneiss {
namespace {

// As a package manager leaves a layer: directories of files with like owners and times, in the
// order of their paths, every file of its own content.
Inventory MakeInventory(std::size_t num_entries) {
  Random random(1);
  Inventory inventory;
  inventory.codec = LayerCodec::kGzip;
  for (std::size_t i = 0; i < num_entries; ++i) {
    Entry entry;
    entry.type = i % 20 == 0   ? EntryType::kDirectory
                 : i % 20 == 1 ? EntryType::kSymlink
                               : EntryType::kRegular;
    std::string path = "usr/share/package-" + std::to_string(100'000 + i / 20);
    if (i % 20 != 0) path += "/file-" + std::to_string(random.Below(100'000'000)) + ".so";
    entry.path = inventory.texts.Add(path);
    entry.position = static_cast<std::uint32_t>(i);
    entry.mode = entry.type == EntryType::kDirectory ? 0755 : 0644;
    entry.mtime = 1'600'000'000 + static_cast<std::int64_t>(i / 500 * 86'400 + random.Below(60));
    entry.blob_bytes = static_cast<Bytes>(40 + random.Below(20'000));
    if (entry.type == EntryType::kSymlink) {
      entry.link = inventory.texts.Add("../lib/lib" + std::to_string(random.Below(1'000'000)));
    }
    if (entry.type == EntryType::kRegular) {
      entry.size = entry.stored_size = entry.blob_bytes * 3;
      entry.content = static_cast<std::uint32_t>(inventory.contents.size());
      inventory.contents.push_back(Sha256(path));
    }
    inventory.blob_size += entry.blob_bytes;
    inventory.entries.push_back(entry);
  }
  SortEntries(inventory);
  return inventory;
}

void CountEntries(benchmark::State& state, std::size_t file_bytes) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["bytes_per_entry"] =
      static_cast<double>(file_bytes) / static_cast<double>(state.range(0));
}

void BM_EncodeInventory(benchmark::State& state) {
  const Inventory inventory = MakeInventory(static_cast<std::size_t>(state.range(0)));
  const std::string expected = EncodeInventory(inventory);
  for (auto _ : state) {
    if (EncodeInventory(inventory) != expected) state.SkipWithError("not the same bytes");
  }
  CountEntries(state, expected.size());
}

void BM_DecodeInventory(benchmark::State& state) {
  const std::string file = EncodeInventory(MakeInventory(static_cast<std::size_t>(state.range(0))));
  if (EncodeInventory(*DecodeInventoryFile(file).inventory) != file) {
    state.SkipWithError("another inventory came back");
  }
  for (auto _ : state) {
    const ScannedLayer layer = DecodeInventoryFile(file);
    benchmark::DoNotOptimize(layer.inventory->entries.data());
  }
  CountEntries(state, file.size());
}

void BM_ReadInventorySummary(benchmark::State& state) {
  const std::string file = EncodeInventory(MakeInventory(static_cast<std::size_t>(state.range(0))));
  for (auto _ : state) {
    if (ReadInventorySummary(file).num_entries != state.range(0)) {
      state.SkipWithError("another number of entries");
    }
  }
  CountEntries(state, file.size());
}

void BM_EncodeJsonLines(benchmark::State& state) {
  const Inventory inventory = MakeInventory(static_cast<std::size_t>(state.range(0)));
  std::size_t file_bytes = 0;
  for (auto _ : state) {
    std::string lines;
    for (const Entry& entry : inventory.entries) {
      nlohmann::json line = {{"path", inventory.path(entry)},
                             {"type", EntryTypeName(entry.type)},
                             {"mode", entry.mode},
                             {"uid", entry.uid},
                             {"gid", entry.gid},
                             {"size", entry.size},
                             {"mtime", entry.mtime},
                             {"blob_bytes", entry.blob_bytes}};
      if (entry.link != 0) line["link"] = inventory.link(entry);
      if (entry.content != kNone) line["sha256"] = FormatDigest(inventory.contents[entry.content]);
      lines += line.dump() + "\n";
    }
    std::string file(ZSTD_compressBound(lines.size()), '\0');
    file_bytes = ZSTD_compress(file.data(), file.size(), lines.data(), lines.size(), 6);
    if (ZSTD_isError(file_bytes)) state.SkipWithError("zstd failed");
  }
  CountEntries(state, file_bytes);
}

BENCHMARK(BM_EncodeInventory)->Arg(10)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_DecodeInventory)->Arg(10)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_ReadInventorySummary)->Arg(10)->Arg(100'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_EncodeJsonLines)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace gneiss
