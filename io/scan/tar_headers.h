// The headers of a tar, checked before libarchive sees them. Decides where every header and body
// is and what an entry is called, strictly, and by the rules of Go's archive/tar, which unpacks
// layers in container runtimes; where readers of tar would come to different entries, the tar is
// refused or what libarchive sees is made plain. Bounded memory: one extended header at a time.
//
// Leaves out: owner, mode and times of plain headers, which libarchive reads. It is shown no names,
// whose bytes it would convert, and no attributes, of which it knows more than Go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/bytes/stored_shares.h"
#include "io/scan/pax_records.h"
#include "io/scan/scan_layer.h"
#include "io/scan/scan_warnings.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

// One entry, in the order of the tar.
struct TarMember {
  Bytes begin = 0;        // tar offset of the first of its headers
  Bytes feed_begin = 0;   // bytes passed on before it
  Bytes size = 0;         // of its contents, holes included
  Bytes stored_size = 0;  // of what the tar holds of them
  std::string name;       // as written, whatever header has it
  std::string link;       // target of a link, as written
  PaxAttributes attributes;
  char type = '0';  // type flag: '0' to '6'
  bool is_sparse = false;
  bool is_odd_link = false;  // a hard link that gives a size
  // Where in the stored bytes the gzip member starts that starts with its headers, if one does.
  std::optional<Bytes> gzip_member;
};

class TarHeaders {
 public:
  // Cuts `shares` where each member begins, and where the last one ends.
  TarHeaders(const ScanLimits& limits, StoredShares& shares, ScanWarnings& warnings)
      : limits_(limits), shares_(shares), warnings_(warnings) {}

  // Reads the next block, at `begin` of the tar; all but the last are a multiple of 512 bytes. May
  // mend headers in it. Throws InputError with place "tar byte N".
  void Walk(std::span<char> block, Bytes begin);
  // After the last block. The last body may lack its padding, as end blocks may be missing: Go's
  // archive/tar, by which runtimes unpack, takes both; GNU tar takes only the second. TakePart then
  // gives the padding.
  void Finish(Bytes tar_size);

  // What libarchive is to see of the last block, in order; empty when there is no more. Valid until
  // the next Walk or Finish. Ends with the last entry: no blocks of zeros.
  std::string_view TakePart();
  // Whether the end of the tar has been found: blocks that follow need no Walk.
  bool ended() const { return ended_; }
  // Then: what follows in the last block.
  std::string_view rest() const { return block_.substr(rest_); }

  // Members found and not popped.
  const std::deque<TarMember>& members() const { return members_; }
  void PopMember() { members_.pop_front(); }

  // Members so far, and the longest of extended headers and maps of sparse files.
  std::int64_t num_members() const { return num_members_; }
  Bytes max_header_bytes() const { return max_header_bytes_; }

 private:
  enum class State { kHeader, kExtension, kSparseHeader, kMap, kBody, kHidden };

  struct Extension {
    std::string header;
    std::string body;  // without padding
  };
  // A run of the block or of `made_`.
  struct Part {
    bool is_made = false;
    std::size_t begin = 0;
    std::size_t size = 0;
  };

  void ReadHeader(std::span<char> header);
  void ReadZeroBlock();
  void StartExtension(std::string_view header, char type);
  void FinishExtension();
  void ReadGlobal() const;
  void DropExtensions();
  void StartMember(std::span<char> header, char type);
  PaxLayout ReadPaxLayoutOf();
  void ReadNames(std::string_view header, const PaxLayout& layout, TarMember& member) const;
  std::string ReadPrefix(std::string_view header) const;
  void DropBody(std::span<char> header, char type, std::int64_t header_size,
                const PaxLayout& layout, TarMember& member);
  void ReadOldSparse(std::string_view header, TarMember& member);
  void ReadSparseHeader(std::string_view block);
  void AddOldSparseParts(std::string_view parts);
  std::size_t ReadMap(std::string_view text);
  void CountMapBytes(Bytes count);
  TarMember& Last();
  void CheckMap(const std::string& fault) const;
  void StartBody();
  void PassExtension(const Extension& extension, std::string_view body);

  void StartParts(std::string_view block);
  void Pass(std::size_t begin, std::size_t size);
  void PassMade(std::string_view bytes);
  // A global one alone needs no entry.
  bool has_extension() const { return pax_ || long_name_ || long_link_; }
  [[noreturn]] void Fail(const std::string& problem) const;

  const ScanLimits& limits_;
  StoredShares& shares_;
  ScanWarnings& warnings_;
  State state_ = State::kHeader;
  Bytes at_ = 0;         // tar offset of what is being read
  Bytes header_at_ = 0;  // of the header being read, for errors
  Bytes remaining_ = 0;  // of the body, extension or hidden run, padding included
  Bytes extension_size_ = 0;

  std::optional<Extension> pax_;
  std::optional<Extension> long_name_;
  std::optional<Extension> long_link_;
  char extension_type_ = 0;
  Extension reading_;
  Bytes member_begin_ = -1;  // of the member whose extensions are being read

  SparseMap map_;
  SparseMapText map_text_;
  Bytes map_size_ = 0;   // bytes of the map's own text or headers
  Bytes link_size_ = 0;  // that the hard link just read gives, padded
  Bytes padding_ = 0;    // of the body, at its end

  std::deque<TarMember> members_;
  std::int64_t num_members_ = 0;
  Bytes max_header_bytes_ = 0;
  bool after_zero_block_ = false;
  bool ended_ = false;
  Bytes end_ = 0;  // tar offset of the block of zeros after the last entry

  std::string_view block_;
  std::size_t rest_ = 0;
  std::string made_;
  std::vector<Part> parts_;
  std::size_t next_part_ = 0;
  Bytes num_passed_ = 0;
};

// Whether a tar begins like this: a header that is one, or claims to be, or a block of zeros.
[[nodiscard]] bool LooksLikeTar(std::string_view head);

}  // namespace gneiss
