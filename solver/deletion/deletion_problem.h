// Items that can go at a loss, and blobs that are freed when every item that holds them goes: what
// deleting images of a fleet frees. freed(S) = sum of the weights of blobs whose holders are all in
// S, so items free more together than one by one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gneiss {

// REQUIRES: losses and weights are >= 0, and both sums fit int64.
struct DeletionProblem {
  std::vector<std::uint32_t> ids;   // of the items, for whoever asks; in parts those of the whole
  std::vector<std::int64_t> loss;   // per item
  std::vector<std::int64_t> alone;  // per item: freed as soon as it goes
  // Blobs of two or more holders.
  std::vector<std::uint32_t> blob_ids;  // in parts those of the whole
  std::vector<std::int64_t> weight;
  std::vector<std::uint32_t> first_holder = {0};  // per blob, and one past the end: into `holders`
  std::vector<std::uint32_t> holders;             // items, each once within a blob

  std::uint32_t num_items() const { return static_cast<std::uint32_t>(loss.size()); }
  std::uint32_t num_blobs() const { return static_cast<std::uint32_t>(weight.size()); }
  std::span<const std::uint32_t> holders_of(std::uint32_t blob) const {
    return std::span(holders).subspan(first_holder[blob],
                                      first_holder[blob + 1] - first_holder[blob]);
  }
  std::int64_t total_loss() const;
  std::int64_t total_freed() const;  // when all go

  // Returns the item.
  std::uint32_t AddItem(std::uint32_t id, std::int64_t item_loss);
  // A blob of no weight is left out; one holder's adds to what that frees alone. REQUIRES: one
  // holder or more, each once.
  void AddBlob(std::uint32_t id, std::int64_t blob_weight,
               std::span<const std::uint32_t> blob_holders);
};

// The problem in parts that are decided one after the other: items by their part, a blob with the
// last one of its holders, where those of earlier parts have gone already. REQUIRES: part <
// num_parts for every item. Time O(size).
[[nodiscard]] std::vector<DeletionProblem> SplitDeletions(const DeletionProblem& problem,
                                                          std::span<const std::uint32_t> part,
                                                          std::uint32_t num_parts);

// Parts that share no blob with each other, by first item.
[[nodiscard]] std::vector<DeletionProblem> SplitApart(const DeletionProblem& problem);

// The same with blobs of equal holders as one, under the id of the first.
[[nodiscard]] DeletionProblem JoinEqualBlobs(const DeletionProblem& problem);

}  // namespace gneiss
