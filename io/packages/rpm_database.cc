#include "io/packages/rpm_database.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/packages/rpm_backends.h"
#include "io/packages/text_databases.h"

namespace gneiss {
namespace {

constexpr std::uint32_t kTagName = 1000;
constexpr std::uint32_t kTagVersion = 1001;
constexpr std::uint32_t kTagRelease = 1002;
constexpr std::uint32_t kTagEpoch = 1003;
constexpr std::uint32_t kTagDirIndexes = 1116;
constexpr std::uint32_t kTagBaseNames = 1117;
constexpr std::uint32_t kTagDirNames = 1118;

constexpr std::uint32_t kTypeInt32 = 4;
constexpr std::uint32_t kTypeString = 6;
constexpr std::uint32_t kTypeStringArray = 8;

// The string from `offset` up to its zero byte; nullopt without one.
std::optional<std::string_view> TextAt(const BinaryBytes& data, std::uint64_t offset) {
  if (offset >= data.size()) return std::nullopt;
  const std::string_view rest = data.Slice(offset, data.size() - offset);
  const std::size_t end = rest.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  return rest.substr(0, end);
}

}  // namespace

std::optional<RpmHeader> ParseRpmHeader(std::string_view blob) {
  constexpr std::uint64_t kIntroBytes = 8;
  constexpr std::uint64_t kIndexBytes = 16;
  const BinaryBytes index(blob, std::endian::big);
  const std::uint64_t num_tags = index.U32(0);
  const std::uint64_t data_bytes = index.U32(4);
  const std::uint64_t data_offset = kIntroBytes + kIndexBytes * num_tags;
  if (data_offset > blob.size() || data_bytes > blob.size() - data_offset) return std::nullopt;

  RpmHeader header{.data = BinaryBytes(index.Slice(data_offset, data_bytes), std::endian::big)};
  // Where the last of each is; found when all tags are known, since any number of them may be
  // there.
  std::optional<std::uint64_t> name_at, version_at, release_at;
  std::optional<std::uint32_t> epoch;
  std::uint32_t num_dir_indexes = 0;
  for (std::uint64_t i = 0; i < num_tags; ++i) {
    const std::uint64_t at = kIntroBytes + kIndexBytes * i;
    const std::uint32_t tag = index.U32(at);
    const std::uint32_t type = index.U32(at + 4);
    const std::uint32_t offset = index.U32(at + 8);
    const std::uint32_t count = index.U32(at + 12);
    const auto text_at = type == kTypeString ? std::optional<std::uint64_t>(offset) : std::nullopt;
    if (tag == kTagName) name_at = text_at;
    if (tag == kTagVersion) version_at = text_at;
    if (tag == kTagRelease) release_at = text_at;
    if (tag == kTagEpoch && type == kTypeInt32 && count == 1) epoch = header.data.U32(offset);
    if (tag == kTagBaseNames && type == kTypeStringArray) {
      header.base_names = offset;
      header.num_files = count;
    }
    if (tag == kTagDirNames && type == kTypeStringArray) {
      header.dir_names = offset;
      header.num_dirs = count;
    }
    if (tag == kTagDirIndexes && type == kTypeInt32) {
      header.dir_indexes = offset;
      num_dir_indexes = count;
    }
  }
  const auto text = [&](const std::optional<std::uint64_t>& at) {
    return at ? TextAt(header.data, *at).value_or("") : std::string_view();
  };
  header.name = text(name_at);
  const std::string_view version = text(version_at);
  const std::string_view release = text(release_at);
  if (header.name.empty() || version.empty() || release.empty()) return std::nullopt;
  if (epoch) header.version = std::to_string(*epoch) + ':';
  header.version.append(version).append("-").append(release);
  // Each directory has a file, each file a number of four bytes.
  if (num_dir_indexes != header.num_files || header.num_files > header.data.size() / 4 ||
      header.num_dirs > header.num_files) {
    header.num_files = header.num_dirs = 0;
  }
  return header;
}

void ForEachRpmPath(const RpmHeader& header,
                    const std::function<bool(std::string_view path)>& take) {
  std::vector<std::string_view> dirs;
  dirs.reserve(header.num_dirs);
  for (std::uint64_t at = header.dir_names; dirs.size() < header.num_dirs;) {
    const auto dir = TextAt(header.data, at);
    if (!dir) return;
    dirs.push_back(*dir);
    at += dir->size() + 1;
  }
  std::string path;
  std::uint64_t at = header.base_names;
  for (std::uint32_t i = 0; i < header.num_files; ++i) {
    const auto base = TextAt(header.data, at);
    if (!base) return;
    at += base->size() + 1;
    const std::uint32_t dir = header.data.U32(header.dir_indexes + std::uint64_t{4} * i);
    if (dir >= dirs.size() || dirs[dir].size() + base->size() > kMaxRpmPathBytes) continue;
    path.assign(dirs[dir]).append(*base);
    if (!take(path)) return;
  }
}

void ForEachRpmHeader(std::string_view database, const TakeRpmHeader& take) {
  // Damage can make headers share bytes.
  std::size_t bytes_left = database.size();
  std::size_t headers_left = kMaxPackages;
  const TakeRpmHeader take_bounded = [&](std::string_view header) {
    if (header.size() > bytes_left || headers_left == 0) return false;
    bytes_left -= header.size();
    --headers_left;
    return header.size() > kMaxRpmHeaderBytes || take(header);
  };
  if (IsSqlite(database)) return ForEachSqliteHeader(database, take_bounded);
  if (IsNdb(database)) return ForEachNdbHeader(database, take_bounded);
  if (IsBerkeleyHash(database)) return ForEachBerkeleyHeader(database, take_bounded);
}

void AddRpmListings(const PackageFiles& files, PackageListings& listings) {
  for (const auto& file : files.bodies()) {
    const std::string_view place = file.first;
    const std::string_view database = file.second;
    if (!IsRpmDatabase(place)) continue;
    // A header has 100 bytes for each file beside its name, so that paths take less than they do;
    // damage can repeat a directory's name without end.
    std::size_t bytes_left = database.size();
    ForEachRpmHeader(database, [&](std::string_view blob) {
      const std::optional<RpmHeader> header = ParseRpmHeader(blob);
      if (!header || !IsNameFor(PackageSystem::kRpm, header->name) ||
          !IsVersionFor(PackageSystem::kRpm, header->version)) {
        return true;
      }
      std::string paths;
      ForEachRpmPath(*header, [&](std::string_view path) {
        bytes_left -= std::min(bytes_left, path.size() + 1);
        if (bytes_left == 0) return false;
        // A line each.
        if (path.find('\n') == std::string_view::npos) paths.append(path).append("\n");
        return true;
      });
      listings.Add({.system = PackageSystem::kRpm,
                    .form = ListingForm::kPathLines,
                    .name = listings.Keep(std::string(header->name)),
                    .version = listings.Keep(header->version),
                    .place = place,
                    .text = listings.Keep(std::move(paths))});
      return true;
    });
  }
}

}  // namespace gneiss
