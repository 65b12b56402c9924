// Files that are complete or not there, on the disk before anybody sees them, whatever kills the
// writer and however many write at once.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace gneiss {

// A file descriptor that is closed with its owner.

class OpenDescriptor {
 public:
  // Negative: none.
  explicit OpenDescriptor(int descriptor = -1) : descriptor_(descriptor) {}
  OpenDescriptor(OpenDescriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}
  OpenDescriptor& operator=(OpenDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~OpenDescriptor() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// Whether a file is on the disk when it is written. One that is not may be lost or empty after a
// power failure: for what its readers hold against a digest and can have again.
enum class Sync : std::uint8_t { kYes, kNo };

// Writes `path` under a temporary name in the same directory, syncs it, renames it and syncs the
// directory; replaces what is there. The temporary file is locked while its writer lives. Throws
// std::system_error naming `path`, with nothing left behind.
void WriteAtomically(const std::string& path, std::string_view bytes, Sync sync = Sync::kYes);

// The same in a directory that is open, whatever has become of its path; `path` names the file in
// it, for messages too. The file has `mode`, less what the umask takes.
void WriteAtomicallyAt(int directory, const std::string& path, std::string_view bytes, mode_t mode);

// Removes the temporary files in `directory` whose writers are gone, and where the file system
// knows no locks those that are older than a day. Never one that is being written. What cannot be
// looked at stays.
void RemoveLeftovers(const std::string& directory);

// Makes a directory and those above it with `mode`, less what the umask takes, and syncs what it
// made. Throws std::system_error naming the one that cannot be made.
void MakeDirectories(const std::string& directory, mode_t mode = 0777);

// What was made, renamed or removed in a directory is on the disk when this returns. Throws
// std::system_error naming it.
void SyncDirectory(const std::string& directory);

// Throws std::system_error when no file can be made in `directory`.
void ExpectWritableDirectory(const std::string& directory);

}  // namespace gneiss
