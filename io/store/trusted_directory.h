// Who could have written what lies in a directory. A file is only as much this user's own as every
// folder above it: whoever may write in one of them may put another file in its place.
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>

#include "io/bytes/atomic_file.h"

namespace gneiss {

// Why somebody but this user and root could have written what has this status, as the end of a
// sentence about it ("can be written by others"); empty when nobody else could. A directory that
// everybody may write to is no reason when only owners may remove from it, as in /tmp: then what
// lies in it is judged by its own owner. An access control list shows in the bits of the group, to
// which no group is an exception.
[[nodiscard]] std::string FindOtherWriter(const struct stat& status);

struct TrustedDirectory {
  OpenDescriptor descriptor;  // to look up names only (O_PATH); none when it is not there
  // "FOLDER can be written by others", of the first folder from the root down of which
  // FindOtherWriter says so, or symlink that others own; empty when there is none.
  std::string doubt;
};

// Opens a directory component by component from the root, and judges each of them: those that
// `path` names and those that symlinks lead through. A directory that is not there is judged by
// what of its path is. Throws std::system_error naming the component that cannot be looked at.
[[nodiscard]] TrustedDirectory OpenTrustedDirectory(std::string_view path);

}  // namespace gneiss
