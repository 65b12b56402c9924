#include "planner/questions/retention.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>

namespace gneiss {
namespace {

// An image in one repository.
struct Version {
  ImageIndex image = 0;
  bool stays = false;
  bool is_protected = false;
};

using VersionsOfRepository = std::map<std::pair<GroupIndex, TextIndex>, std::vector<Version>>;

VersionsOfRepository ListVersions(const Fleet& fleet, const ImageGroups& repositories,
                                  const RefSelection& keep) {
  VersionsOfRepository versions;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    const auto refs = fleet.refs_of(image);
    if (refs.empty()) continue;
    for (const GroupIndex g : repositories.of(i)) {
      Version version{.image = i};
      for (std::uint32_t r = 0; r < refs.size(); ++r) {
        version.is_protected |=
            keep.has(fleet, i, r) && GroupOfRef(repositories, fleet.text(refs[r])) == g;
      }
      versions[{g, image.platform}].push_back(version);
    }
  }
  return versions;
}

// Says which of the versions of one repository and platform stay.
void KeepNewest(std::span<const std::uint32_t> age_rank, std::int64_t newest,
                std::vector<Version>& versions, Retention& retention) {
  std::vector<std::uint32_t> ranks;
  for (const Version& version : versions) {
    if (age_rank[version.image] != kNone) ranks.push_back(age_rank[version.image]);
  }
  std::ranges::sort(ranks, std::greater{});
  const auto limit = std::min(static_cast<std::size_t>(newest), ranks.size());
  const std::uint32_t oldest = limit == 0 ? 0 : ranks[limit - 1];
  for (Version& version : versions) {
    const std::uint32_t rank = age_rank[version.image];
    version.stays = version.is_protected || rank == kNone || rank >= oldest;
    if (rank == kNone) {
      ++retention.num_undated;
    } else if (rank < oldest && version.is_protected) {
      ++retention.num_protected;
    }
  }
  retention.num_tied +=
      std::ranges::count_if(ranks, [&](std::uint32_t rank) { return rank >= oldest; }) -
      static_cast<std::int64_t>(limit);
}

}  // namespace

Retention PlanRetention(const Fleet& fleet, const ImageGroups& repositories,
                        std::span<const std::uint32_t> age_rank, std::int64_t newest,
                        const RefSelection& keep) {
  Retention retention{.goes = RefSelection(fleet)};
  VersionsOfRepository versions = ListVersions(fleet, repositories, keep);
  std::set<std::pair<ImageIndex, GroupIndex>> staying;
  std::unordered_set<TextIndex> staying_refs;
  for (auto& [key, list] : versions) {
    KeepNewest(age_rank, newest, list, retention);
    for (const Version& version : list) {
      if (!version.stays) continue;
      staying.emplace(version.image, key.first);
      for (const TextIndex ref : fleet.refs_of(fleet.images[version.image])) {
        if (GroupOfRef(repositories, fleet.text(ref)) == key.first) staying_refs.insert(ref);
      }
    }
  }
  std::set<GroupIndex> touched;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    const auto refs = fleet.refs_of(image);
    if (refs.empty()) ++retention.num_without_refs;
    std::set<GroupIndex> kept_by_tag;
    for (std::uint32_t r = 0; r < refs.size(); ++r) {
      const GroupIndex repository = GroupOfRef(repositories, fleet.text(refs[r]));
      if (!staying_refs.contains(refs[r])) {
        retention.goes.refs[image.first_ref + r] = 1;
        touched.insert(repository);
      } else if (!staying.contains({i, repository})) {
        kept_by_tag.insert(repository);
      }
    }
    retention.num_kept_by_tag += static_cast<std::int64_t>(kept_by_tag.size());
  }
  retention.num_repositories = static_cast<std::int64_t>(touched.size());
  return retention;
}

}  // namespace gneiss
