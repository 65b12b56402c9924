// A file that is written through a compressor (compressor.h), with the digest of what comes to lie
// in it.
#pragma once

#include <string>
#include <string_view>

#include "io/bytes/compressor.h"
#include "io/bytes/interrupt.h"
#include "io/bytes/open_descriptor.h"
#include "io/bytes/open_directory.h"
#include "io/bytes/sha256_stream.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {

class CompressedFile {
 public:
  // Makes the file `name` in a directory that outlives this. Throws std::system_error naming its
  // path, also when something is there. REQUIRES: the level is one of the codec's.
  CompressedFile(const OpenDirectory& directory, std::string name,
                 const CompressionOptions& options);
  CompressedFile(const CompressedFile&) = delete;
  CompressedFile& operator=(const CompressedFile&) = delete;
  // Removes the file unless it is finished; so does an interrupt.
  ~CompressedFile();

  // Throws std::system_error naming the file.
  void Write(std::string_view bytes);
  // After the last byte: ends the compressed data and syncs the file. Throws as Write does.
  void Finish();

  // Of the finished file.
  const Digest& digest() const { return digest_; }
  Bytes size() const { return size_; }

 private:
  void WriteStored(std::string_view bytes);
  [[noreturn]] void Fail() const;

  const OpenDirectory& directory_;
  std::string name_;
  Compressor compressor_;
  RemovedOnInterrupt on_interrupt_;  // from before the file is there
  OpenDescriptor file_;
  Sha256Stream hash_;
  Digest digest_;
  Bytes size_ = 0;
  bool is_finished_ = false;
};

}  // namespace gneiss
