// Packages and operating system of an inventory, from the files that were kept of its layer.
#pragma once

#include "io/packages/package_files.h"
#include "planner/contents/inventory.h"

namespace gneiss {

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
