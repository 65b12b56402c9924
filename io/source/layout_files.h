// The files of an OCI layout by their names, wherever they lie: what reading a layout asks of a
// directory or an archive. What is no layout but has blobs shows them under a layout's names, so
// that whoever reads blobs need not know the place.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "io/bytes/byte_source.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

// Names are relative, with '/' between their parts: "index.json", "blobs/sha256/...". All functions
// may be called from several threads at once.
class LayoutFiles {
 public:
  virtual ~LayoutFiles() = default;

  // As the user named the directory or archive.
  virtual const std::string& path() const = 0;
  // `path` without what leads to it, for tags that come without a repository; may be empty.
  virtual std::string repository() const = 0;
  // Where inventories may lie beside the blobs; empty when not in a directory.
  virtual std::string directory() const = 0;

  // What a message calls a file, whether or not it is there.
  virtual std::string PathOf(std::string_view name) const = 0;
  // The file as it is stored, null when nothing is there. Throws InputError with PathOf(name) as
  // source when it is no plain file, std::system_error when it cannot be opened.
  virtual std::unique_ptr<ByteSource> Open(std::string_view name) const = 0;
  // Its size, nullopt when Open would give no file.
  virtual std::optional<Bytes> SizeOf(std::string_view name) const = 0;

  // Whether files are read from this machine rather than asked for over a network.
  virtual bool is_local() const { return true; }
};

// The layout in `directory`. Symbolic links in it are not followed: a layout is what its directory
// holds. Throws InputError when there is no such directory.
[[nodiscard]] std::shared_ptr<const LayoutFiles> OpenLayoutDirectory(const std::string& directory);

// The blobs in `directory`, each in the file of it that `file_of` names for a digest's text, and no
// other file; no tags without a repository come from it. REQUIRES: file_of may be called from
// several threads at once.
[[nodiscard]] std::shared_ptr<const LayoutFiles> OpenBlobDirectory(
    const std::string& directory, std::function<std::string(std::string_view digest_text)> file_of);

// Throws InputError unless `directory` is one; `expected` completes the sentence.
void ExpectDirectory(const std::string& directory, std::string_view expected);

// Content of a file of at most `max_bytes`, nullopt when nothing is there. Throws what `Open` and
// ReadWhole throw.
[[nodiscard]] std::optional<std::string> ReadFile(const LayoutFiles& files, std::string_view name,
                                                  Bytes expected_size, std::size_t max_bytes);

}  // namespace gneiss
