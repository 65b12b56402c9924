// A directory that is held open. What is done in it by name stays in it, whatever becomes of its
// own name meanwhile, and no symbolic link that somebody put there is followed.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/bytes/atomic_file.h"
#include "io/bytes/byte_source.h"

namespace gneiss {

// Throws std::system_error that names the path.
[[noreturn]] void FailAt(int error, const std::string& path);

// Names are of one component. Unless it says otherwise a function throws std::system_error that
// names the path.
class OpenDirectory {
 public:
  // As the user wrote it: links on the way to it are followed.
  explicit OpenDirectory(const std::string& path);

  int descriptor() const { return descriptor_.get(); }
  const std::string& path() const { return path_; }
  std::string PathOf(std::string_view name) const;
  // Of the directory itself, and of a name in it as it stands, nullopt when nothing is there.
  struct stat Status() const;
  std::optional<struct stat> StatusOf(const std::string& name) const;
  // All names in it, sorted.
  std::vector<std::string> Names() const;

  // A directory in it, nullopt when nothing is there. Throws InputError when it is something else.
  std::optional<OpenDirectory> Open(const std::string& name) const;
  // Makes it where nothing is there. Throws as Open does.
  OpenDirectory Make(const std::string& name, mode_t mode) const;
  // As OpenPlainFile does.
  std::unique_ptr<ByteSource> OpenFile(const std::string& name) const;

  // Makes a file with this text, that is on the disk when this returns; with nothing left behind
  // when it throws, and when an interrupt comes meanwhile. REQUIRES: nothing is there.
  void WriteFile(const std::string& name, std::string_view text) const;
  // Replaces what is at `to_name`.
  void Move(const std::string& name, const OpenDirectory& to, const std::string& to_name) const;
  // A file or a link; nothing may be there.
  void Remove(const std::string& name) const;
  // REQUIRES: it is empty. Nothing may be there.
  void RemoveDirectory(const std::string& name) const;
  // What was made, moved or removed in it is on the disk when this returns.
  void Sync() const;

 private:
  OpenDirectory(OpenDescriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  OpenDescriptor descriptor_;
  std::string path_;  // for messages
};

}  // namespace gneiss
