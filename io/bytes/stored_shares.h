// Shares of the stored bytes among the entries of a tar. Marks say where in the stored bytes a tar
// offset lies; cuts are the tar offsets at which entries start; between two marks it is linear,
// rounded down, so that the shares between all cuts sum exactly.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "planner/fleet/bytes.h"

namespace gneiss {

class StoredShares {
 public:
  struct Mark {
    Bytes tar = 0;
    Bytes stored = 0;
  };

  // A mark not below the last one; less than 512 bytes of tar behind it, it is passed over.
  void AddMark(Bytes tar, Bytes stored);
  // The mark that ends all.
  void Finish(Bytes tar, Bytes stored);
  // Marks before this can be forgotten: from here on no cut lies more than 512 bytes below the tar
  // offset of the last mark.
  void StartBlock();
  // REQUIRES: cuts ascend.
  void Cut(Bytes tar);

  // Those of the block, and the last before it; ascending.
  std::span<const Mark> marks() const { return marks_; }

  // A gzip member that starts at `stored` holds what comes from `tar` on.
  void StartMember(Bytes tar, Bytes stored);
  // Where the member starts in the stored bytes that starts at `tar`, a multiple of 512 in the last
  // block; nullopt where none does.
  std::optional<Bytes> MemberAt(Bytes tar) const;

  // Stored bytes between a cut and the next, from the first pair on; nullopt while the marks do not
  // reach that far.
  std::optional<Bytes> TakeShare();

 private:
  void Append(const Mark& mark);
  Bytes At(Bytes tar) const;
  void Resolve(Bytes stored);

  std::vector<Mark> marks_{Mark{}};
  std::vector<Mark> members_;  // those that an entry's header may start, since StartBlock
  std::deque<Bytes> waiting_;  // cuts past the last mark
  std::deque<Bytes> shares_;
  std::optional<Bytes> last_;  // stored offset of the last resolved cut
};

}  // namespace gneiss
