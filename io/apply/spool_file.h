// A file without a name that contents are appended to, one after the other; what turns out not to
// be wanted is taken back. Gone with its owner, whatever ends the process.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "io/bytes/open_descriptor.h"
#include "io/bytes/open_directory.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

class SpoolFile {
 public:
  // Throws std::system_error naming `directory`; so do the others.
  explicit SpoolFile(const OpenDirectory& directory);

  // Where what comes next begins.
  Bytes end() const { return end_; }
  void Append(std::string_view bytes);
  // Zeros, that take no space where the file system can have it so.
  void AppendHole(Bytes count);
  // Takes back all from `end` on.
  void TruncateTo(Bytes end);
  // Makes what was appended complete: a hole at the end is not there before.
  void Complete();

  // May be called from several threads once all is complete. REQUIRES: it goes that far.
  void Read(Bytes offset, std::span<char> buffer) const;

 private:
  std::string directory_;  // for messages
  OpenDescriptor file_;
  Bytes end_ = 0;
  bool ends_in_hole_ = false;
};

}  // namespace gneiss
