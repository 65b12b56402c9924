#include <string>
#include <string_view>

#include "io/packages/package_databases.h"
#include "io/packages/text_lines.h"
#include "planner/contents/paths.h"

namespace gneiss {
namespace {

// The line after "%FIELD%"; empty where there is none.
std::string_view DescField(std::string_view text, std::string_view field) {
  TextLines lines(text);
  while (const auto line = lines.Next()) {
    if (*line != field) continue;
    const auto value = lines.Next();
    return value && lines.is_whole() ? *value : std::string_view();
  }
  return {};
}

}  // namespace

void AddPacmanListings(const PackageFiles& files, PackageListings& listings) {
  const PackageFiles::Bodies& bodies = files.bodies();
  for (auto list = bodies.lower_bound(kPacmanLocal);
       list != bodies.end() && list->first.starts_with(kPacmanLocal); ++list) {
    if (BaseName(list->first) != "files") continue;
    const std::string_view directory = ParentPath(list->first);
    const std::string* const desc = files.Find(std::string(directory) + "/desc");
    if (desc == nullptr) continue;
    const std::string_view name = DescField(*desc, "%NAME%");
    const std::string_view version = DescField(*desc, "%VERSION%");
    if (!IsNameFor(PackageSystem::kPacman, name) ||
        !IsVersionFor(PackageSystem::kPacman, version) ||
        directory.substr(kPacmanLocal.size()) != std::string(name) + '-' + std::string(version)) {
      continue;
    }
    listings.Add({.system = PackageSystem::kPacman,
                  .form = ListingForm::kPacmanFile,
                  .name = name,
                  .version = version,
                  .place = list->first,
                  .text = list->second});
  }
}

}  // namespace gneiss
