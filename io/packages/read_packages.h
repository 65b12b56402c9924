// Packages and operating system of an inventory, from the files that were kept of its layer.
#pragma once

#include <string_view>

#include "io/packages/package_files.h"
#include "planner/contents/inventory.h"

namespace gneiss {

// os-release(5): which operating system a root file system is.

// Lines are assignments as a shell has them: NAME=value, the value bare, in single or in double
// quotes, where a backslash takes what '$', '"', '\', '`' mean to a shell; '#' starts a comment
// line; the last assignment counts. Values are passed over that are not of letters, digits and
// "._-", and "+~" that some have.
[[nodiscard]] OsRelease ParseOsRelease(std::string_view text);

// /etc/os-release where it is a file, else the one of /usr/lib.
[[nodiscard]] OsRelease FindOsRelease(const PackageFiles& files);

// Fills packages, Entry::package and os_release. An entry belongs to the package that lists its
// path; of several to the first in the order of Package. Where a listed path is not there, but with
// "usr/" before it, that one is meant: distributions that merged /usr did not change all lists. A
// package of which the layer has no entry is left out: databases that are one file list all that
// was installed so far, in lower layers too.
//
// REQUIRES: entries are sorted; not called before. Listings beyond kMaxPackages are passed over.
// Time O(paths listed * log entries); memory O(packages) beside the inventory.
void ReadPackages(const PackageFiles& files, Inventory& inventory);

}  // namespace gneiss
