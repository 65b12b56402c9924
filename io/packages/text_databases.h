// The packages of a layer's databases, one reader for each system. What is not valid for its system
// is passed over: the bytes come from strangers. All append listings in a stated order, with views
// into `files`, which the caller keeps alive and as it is, or into what `listings` keeps.
#pragma once

#include "io/packages/package_files.h"
#include "io/packages/package_listing.h"

namespace gneiss {

// By path: each info/NAME[:ARCHITECTURE].list. Versions are those of the status file of the same
// layer, which lists all packages so far, so that a package it has in another state than
// "installed" (deb-control(5), dpkg(1)) is passed over; one it does not have is of no known
// version. Then each status.d/NAME with status.d/NAME.md5sums.
void AddDpkgListings(const PackageFiles& files, PackageListings& listings);

// Each stanza of the installed database (apk-tools: "P:", "V:", "F:" and "R:" lines).
void AddApkListings(const PackageFiles& files, PackageListings& listings);

// By path: each local/NAME-VERSION/files whose desc has this name and version.
void AddPacmanListings(const PackageFiles& files, PackageListings& listings);

// By path of the database: each header with a name and a version, in its order (rpm_databases.h).
void AddRpmListings(const PackageFiles& files, PackageListings& listings);

// By path: each NAME-VERSION.dist-info/RECORD (PyPA, "Recording installed projects").
void AddWheelListings(const PackageFiles& files, PackageListings& listings);

}  // namespace gneiss
