#include "io/cli/options/creation_ranks.h"

#include <algorithm>
#include <optional>

#include "io/text/rfc3339.h"

namespace gneiss {
namespace {

// 1980-01-01T00:00:01Z, the first second that zip files know: what buildpacks and others write.
constexpr UtcTime kNoDate{.seconds = 315'532'801};

}  // namespace

std::vector<std::uint32_t> CreationRanks(const Fleet& fleet) {
  std::vector<std::optional<UtcTime>> times;
  std::vector<UtcTime> known;
  for (const Image& image : fleet.images) {
    times.push_back(ParseRfc3339(fleet.text(image.created)));
    if (times.back() && *times.back() <= kNoDate) times.back().reset();
    if (times.back()) known.push_back(*times.back());
  }
  std::ranges::sort(known);
  std::vector<std::uint32_t> ranks;
  for (const std::optional<UtcTime>& time : times) {
    ranks.push_back(
        time ? static_cast<std::uint32_t>(std::ranges::lower_bound(known, *time) - known.begin())
             : kNone);
  }
  return ranks;
}

}  // namespace gneiss
