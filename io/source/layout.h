// The files of an OCI layout by their names, wherever they lie: what reading a layout asks of a
// directory or an archive. What is no layout but has blobs shows them under a layout's names, so
// that whoever reads blobs need not know the place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "io/bytes/byte_source.h"
#include "io/source/manifest.h"
#include "io/source/manifest_reader.h"
#include "planner/fleet/bytes.h"
#include "solver/hashing/seeded_hash.h"

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

// The blobs of an OCI layout: where each one is, and that it is what its descriptor says.

struct BlobContent {
  std::string content;
  bool verified = true;  // false: only the size, the algorithm of the digest is not known here
};

// Digests are texts that ParseDigest accepts. Their grammar has no '/' and no "..", so that the
// name of a blob leads nowhere else.
class LayoutBlobs {
 public:
  explicit LayoutBlobs(std::shared_ptr<const LayoutFiles> files) : files_(std::move(files)) {}

  const LayoutFiles& files() const { return *files_; }

  // "blobs/ALGORITHM/ENCODED".
  static std::string NameOf(std::string_view digest_text);
  // The digest in such a name, nullopt in any other.
  static std::optional<std::string> DigestIn(std::string_view name);
  // What a message calls the blob, whether or not it is there.
  std::string PathOf(const Descriptor& descriptor) const {
    return files_->PathOf(NameOf(descriptor.digest_text));
  }

  // The blob, nullopt when it is not there. Throws InputError with its path as source when it is no
  // plain file, has another size than the descriptor says, more than `max_bytes`, or another
  // digest; std::system_error when it cannot be read.
  std::optional<BlobContent> Read(const Descriptor& descriptor, std::size_t max_bytes) const;
  // As LayoutFiles, not verified.
  std::unique_ptr<ByteSource> Open(std::string_view digest_text) const {
    return files_->Open(NameOf(digest_text));
  }
  std::optional<Bytes> SizeOf(const Descriptor& descriptor) const {
    return files_->SizeOf(NameOf(descriptor.digest_text));
  }

 private:
  std::shared_ptr<const LayoutFiles> files_;
};

// Manifests and configs out of the files of a layout, for ManifestReader. In one thread.

// A blob that is a plain file of another size or digest than its descriptor's is an error; layers
// that are not there are counted in missing_layer_blobs, each once.
class LayoutManifests : public ManifestBlobs {
 public:
  // `options.on_progress` must outlive this.
  LayoutManifests(std::shared_ptr<const LayoutFiles> files, const ReadOptions& options)
      : blobs_(std::move(files)), on_progress_(options.on_progress) {}

  std::string PathOf(BlobRole, const Descriptor& descriptor) const override {
    return blobs_.PathOf(descriptor);
  }
  std::optional<std::string> Read(BlobRole role, const Descriptor& descriptor,
                                  ReadReport& report) override;
  void LookForLayer(const Descriptor& layer, ReadReport& report) override;

  const LayoutBlobs& blobs() const { return blobs_; }

 private:
  LayoutBlobs blobs_;
  const std::function<void(std::int64_t, std::int64_t)>& on_progress_;
  std::int64_t bytes_read_ = 0;
  SeededSet<std::string> looked_for_;  // digests of layers
};

}  // namespace gneiss
