#include <string_view>

#include "io/packages/package_databases.h"
#include "io/packages/text_lines.h"

namespace gneiss {
namespace {

void AddInstalled(std::string_view place, std::string_view text, PackageListings& listings) {
  TextLines lines(text);
  std::string_view stanza = text;
  PackageListing listing{
      .system = PackageSystem::kApk, .form = ListingForm::kApkStanza, .place = place};
  const auto finish = [&] {
    if (IsNameFor(PackageSystem::kApk, listing.name) &&
        IsVersionFor(PackageSystem::kApk, listing.version)) {
      listing.text = stanza.substr(0, stanza.size() - lines.rest().size());
      listings.Add(listing);
    }
    listing.name = listing.version = {};
    stanza = lines.rest();
  };
  while (const auto line = lines.Next()) {
    if (line->empty()) {
      finish();
    } else if (line->starts_with("P:") && lines.is_whole()) {
      listing.name = line->substr(2);
    } else if (line->starts_with("V:") && lines.is_whole()) {
      listing.version = line->substr(2);
    }
  }
  finish();
}

}  // namespace

void AddApkListings(const PackageFiles& files, PackageListings& listings) {
  for (const std::string_view place : {kApkInstalled, kApkInstalledMerged}) {
    if (const std::string* const text = files.Find(place)) AddInstalled(place, *text, listings);
  }
}

}  // namespace gneiss
