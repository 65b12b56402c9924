#include "planner/contents/layer_contents.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace gneiss {
namespace {

// What a layer's own samples must outweigh: parts of one layer differ by more than layers do.
constexpr Bytes kPriorBytes = Bytes{256} << 10;

// A layout may bring inventories of its own, so samples may say anything: no price above this, and
// none for layers larger than any real one, so that sums of new bytes fit where those of today do.
constexpr double kMostPrice = 64;
constexpr Bytes kMostPricedLayer = Bytes{1} << 40;

// What hardly compresses weighs the same with any compressor: entries with this ratio of compressed
// to plain bytes, and partly those from the lower one on. Samples leave such parts out.
constexpr double kDense = 0.9;
constexpr double kLeastDense = 0.7;
constexpr double kHeaderBytes = 512;

Bytes SampledOf(const Recompression& sampled, LayerCodec codec) {
  switch (codec) {
    case LayerCodec::kGzip:
      return sampled.gzip;
    case LayerCodec::kZstd:
      return sampled.zstd;
    case LayerCodec::kTar:
      break;
  }
  return sampled.stored;
}

}  // namespace

std::string_view BeliefName(Belief belief) {
  constexpr std::array<std::string_view, 5> kNames = {"none", "own", "keyed", "trusted", "shipped"};
  return kNames[static_cast<std::size_t>(belief)];
}

void LayerContents::Add(LayerIndex layer, Inventory inventory, Belief its_belief) {
  belief = std::max(belief, its_belief);
  AddImpliedDirectories(inventory);
  layer_paths[layer] = paths.Add(inventory);
  inventories[layer] = std::move(inventory);
}

std::optional<std::size_t> LayerContents::FindMisread(std::span<const LayerIndex> chain) const {
  for (std::size_t p = 0; p < chain.size(); ++p) {
    const auto& inventory = inventories[chain[p]];
    if (inventory && !IsReadFor(p == 0, inventory->warnings)) return p;
  }
  return std::nullopt;
}

void LayerContents::SetNewCodec(std::optional<LayerCodec> codec) {
  new_codec_ = codec;
  std::ranges::fill(prices_, 1.0);
  if (!codec) return;
  struct Sum {
    double stored = 0;
    double made = 0;
  };
  std::array<Sum, kNumLayerCodecs> sums;  // by codec of the layers
  for (const std::optional<Inventory>& inventory : inventories) {
    if (!inventory) continue;
    Sum& sum = sums[static_cast<std::size_t>(inventory->codec)];
    sum.stored += static_cast<double>(inventory->sampled.stored);
    sum.made += static_cast<double>(SampledOf(inventory->sampled, *codec));
  }
  for (LayerIndex l = 0; l < inventories.size(); ++l) {
    if (!inventories[l]) continue;
    const Sum& sum = sums[static_cast<std::size_t>(inventories[l]->codec)];
    if (sum.stored == 0 || inventories[l]->blob_size > kMostPricedLayer) continue;
    const Recompression& sampled = inventories[l]->sampled;
    constexpr auto kPrior = static_cast<double>(kPriorBytes);
    prices_[l] = std::min(kMostPrice, (static_cast<double>(SampledOf(sampled, *codec)) +
                                       kPrior * sum.made / sum.stored) /
                                          (static_cast<double>(sampled.stored) + kPrior));
  }
}

Bytes LayerContents::NewBytes(LayerIndex layer, const Entry& entry) const {
  if (prices_[layer] == 1.0) return std::min(entry.blob_bytes, kMaxNewBytes);
  const auto today = static_cast<double>(entry.blob_bytes);
  double bytes = today * prices_[layer];
  if (inventories[layer]->codec != LayerCodec::kTar) {
    const double ratio = today / (static_cast<double>(entry.stored_size) + kHeaderBytes);
    const double dense = std::clamp((ratio - kLeastDense) / (kDense - kLeastDense), 0.0, 1.0);
    bytes = bytes * (1 - dense) + today * dense;
  }
  return bytes < static_cast<double>(kMaxNewBytes) ? std::llround(bytes) : kMaxNewBytes;
}

bool LayerContents::IsOfNewCodec(LayerIndex layer) const {
  return !new_codec_ || inventories[layer]->codec == *new_codec_;
}

}  // namespace gneiss
