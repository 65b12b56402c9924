// A tar as a set of files by their names: plain, or compressed by gzip or zstd. Its members are
// read where they lie; nothing is unpacked, and no name from the archive is opened anywhere else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "io/source/layout.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {

// Called now and then with bytes read so far and their total, 0 when not known.
using ReadProgress = std::function<void(std::int64_t bytes_read, std::int64_t bytes_total)>;

// Names are normalised: "./a//b" is "a/b". Of members of one name the last counts, as for tar.
// Names that lead out of the archive are no members. Links, symbolic or hard, lead from member to
// member; those that lead out of the archive are never followed. A link to a directory is not
// followed on the way to a file.
class TarArchive : public LayoutFiles {
 public:
  // What a member holds.
  struct Content {
    Digest digest;
    bool is_tar = false;  // begins with the header of a tar, uncompressed
  };

  // Reads the headers of the tar, and of a compressed one everything else too. Throws InputError
  // with `path` as source when it is no file, no tar, cut short, or passes the limits on the number
  // and the length of names and on what a compressed archive may unpack to; std::system_error when
  // reading fails.
  explicit TarArchive(std::string path, const ReadProgress& on_progress = {});

  const std::string& path() const override { return path_; }
  // The file's name without ".tar" and what follows it.
  std::string repository() const override;
  std::string directory() const override { return {}; }
  // "ARCHIVE:NAME".
  std::string PathOf(std::string_view name) const override;
  // The archive must outlive what Open returns. Of a compressed archive each file costs to
  // decompress all that stands before it, but for small JSON files.
  std::unique_ptr<ByteSource> Open(std::string_view name) const override;
  std::optional<Bytes> SizeOf(std::string_view name) const override;

  bool Has(std::string_view name) const { return Find(name).member != nullptr; }
  // Name of the member that `name` leads to, nullopt when there is none.
  std::optional<std::string> Target(std::string_view name) const;
  // The content of a file. Reads it, unless the archive is compressed and has been read already.
  // REQUIRES: Open gives a file.
  Content Identify(std::string_view name, const std::function<void(Bytes)>& on_bytes) const;
  // Gives the file `name` another name. REQUIRES: Open gives a file.
  void AddName(const std::string& other, std::string_view name);

 private:
  enum class Kind : std::uint8_t { kFile, kSymbolicLink, kHardLink, kDirectory, kOther };
  struct Member {
    Kind kind = Kind::kOther;
    bool is_whole = true;  // its bytes are one run in the tar
    Bytes begin = 0;       // of its bytes in the tar
    Bytes size = 0;
    std::string target;  // of links, as the tar has it
    std::string text;    // of small JSON files in a compressed archive
    std::optional<Content> content;
  };
  struct Found {
    const Member* member = nullptr;  // no link
    std::string name;
    std::string fault;  // why a link led to nothing, completes "found "
  };
  class Indexer;

  Found Find(std::string_view name) const;

  std::string path_;
  SeededMap<std::string, Member> members_;
};

}  // namespace gneiss
