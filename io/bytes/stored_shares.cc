#include "io/bytes/stored_shares.h"

#include <algorithm>

namespace gneiss {
namespace {

// Marks cost memory, and a layer may have a gzip member for each byte.
constexpr Bytes kMarkSpacing = 512;

}  // namespace

void StoredShares::AddMark(Bytes tar, Bytes stored) {
  if (tar - marks_.back().tar >= kMarkSpacing) Append({.tar = tar, .stored = stored});
}

void StoredShares::Finish(Bytes tar, Bytes stored) { Append({.tar = tar, .stored = stored}); }

void StoredShares::StartBlock() {
  marks_.erase(marks_.begin(), marks_.end() - 1);
  members_.clear();
}

void StoredShares::StartMember(Bytes tar, Bytes stored) {
  if (tar % 512 != 0) return;
  // Those before it at the same offset are empty.
  if (!members_.empty() && members_.back().tar == tar) members_.pop_back();
  members_.push_back({.tar = tar, .stored = stored});
}

std::optional<Bytes> StoredShares::MemberAt(Bytes tar) const {
  const auto found = std::ranges::lower_bound(members_, tar, {}, &Mark::tar);
  if (found == members_.end() || found->tar != tar) return std::nullopt;
  return found->stored;
}

void StoredShares::Cut(Bytes tar) {
  if (tar <= marks_.back().tar) {
    Resolve(At(tar));
  } else {
    waiting_.push_back(tar);
  }
}

std::optional<Bytes> StoredShares::TakeShare() {
  if (shares_.empty()) return std::nullopt;
  const Bytes share = shares_.front();
  shares_.pop_front();
  return share;
}

void StoredShares::Append(const Mark& mark) {
  marks_.push_back(mark);
  for (; !waiting_.empty() && waiting_.front() <= mark.tar; waiting_.pop_front()) {
    Resolve(At(waiting_.front()));
  }
}

Bytes StoredShares::At(Bytes tar) const {
  // Of several marks at one offset the first: what stands between members is of the next one.
  const auto to = std::ranges::lower_bound(marks_, tar, {}, &Mark::tar);
  if (to == marks_.begin() || to->tar == tar) return to->stored;
  const Mark& from = *(to - 1);
  const Bytes stored = to->stored - from.stored;
  const Bytes span = to->tar - from.tar;
  const Bytes part = tar - from.tar;
  // stored * part / span; that cannot overflow, because decoders mark every few MB.
  return from.stored + stored / span * part + stored % span * part / span;
}

void StoredShares::Resolve(Bytes stored) {
  // A cut just below marks that are forgotten lies at the first that is not.
  if (last_) stored = std::max(stored, *last_);
  if (last_) shares_.push_back(stored - *last_);
  last_ = stored;
}

}  // namespace gneiss
