// os-release(5): which operating system a root file system is.
#pragma once

#include <string_view>

#include "io/packages/package_files.h"
#include "planner/contents/inventory.h"

namespace gneiss {

// Lines are assignments as a shell has them: NAME=value, the value bare, in single or in double
// quotes, where a backslash takes what '$', '"', '\', '`' mean to a shell; '#' starts a comment
// line; the last assignment counts. Values are passed over that are not of letters, digits and
// "._-", and "+~" that some have.
[[nodiscard]] OsRelease ParseOsRelease(std::string_view text);

// /etc/os-release where it is a file, else the one of /usr/lib.
[[nodiscard]] OsRelease FindOsRelease(const PackageFiles& files);

}  // namespace gneiss
