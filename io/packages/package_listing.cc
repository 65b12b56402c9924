#include "io/packages/package_listing.h"

#include <algorithm>
#include <string>

#include "planner/contents/paths.h"

namespace gneiss {
namespace {

using TakePath = std::function<void(std::string_view path)>;

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Letters, digits and `others`, starting with a letter, a digit or one of `first`.
bool IsWord(std::string_view text, std::string_view first, std::string_view others) {
  const auto is_of = [](char c, std::string_view set) {
    return IsAlphanumeric(c) || set.find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= kMaxPackageTextBytes && is_of(text.front(), first) &&
         std::ranges::all_of(text, [&](char c) { return is_of(c, others); });
}

// The key of a path as most systems write it; nullopt when it is no path from the root.
std::optional<std::string_view> PlainKey(std::string_view path) {
  if (path.starts_with("./")) path.remove_prefix(2);
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty() || !IsPathKey(path)) return std::nullopt;
  return path;
}

void TakePlain(std::string_view path, const TakePath& take) {
  if (const auto key = PlainKey(path)) take(*key);
}

void ReadPathLines(std::string_view text, const TakePath& take) {
  TextLines lines(text);
  while (const auto line = lines.Next()) TakePlain(*line, take);
}

void ReadDpkgSums(const PackageListing& listing, const TakePath& take) {
  constexpr std::size_t kSumAndSpace = 33;
  TextLines lines(listing.text);
  while (const auto line = lines.Next()) {
    if (line->size() <= kSumAndSpace || (*line)[kSumAndSpace - 1] != ' ') continue;
    std::string_view path = line->substr(kSumAndSpace);
    // A second space, or '*' for what was read as binary.
    if (path.starts_with(' ') || path.starts_with('*')) path.remove_prefix(1);
    TakePlain(path, take);
  }
  take(listing.place);
  constexpr std::string_view kSuffix = ".md5sums";
  take(listing.place.substr(0, listing.place.size() - kSuffix.size()));
}

void ReadApkStanza(std::string_view text, const TakePath& take) {
  std::string path;
  std::optional<std::size_t> directory_bytes;  // of the path; nullopt below what is no directory
  TextLines lines(text);
  while (const auto line = lines.Next()) {
    if (line->starts_with("F:")) {
      path = line->substr(2);
      if (!path.empty()) path += '/';
      directory_bytes = IsPathKey(line->substr(2)) ? std::optional(path.size()) : std::nullopt;
    } else if (line->starts_with("R:") && directory_bytes) {
      path.resize(*directory_bytes);
      path += line->substr(2);
      TakePlain(path, take);
    }
  }
}

void ReadPacmanFile(std::string_view text, const TakePath& take) {
  TextLines lines(text);
  bool is_in_files = false;
  while (const auto line = lines.Next()) {
    if (line->empty()) {
      is_in_files = false;
    } else if (is_in_files) {
      TakePlain(*line, take);
    } else {
      is_in_files = *line == "%FILES%";
    }
  }
}

// The first field of a line of CSV (RFC 4180). A quoted one does not go on in the next line: no
// file of a wheel has such a name.
std::string FirstField(std::string_view line) {
  if (!line.starts_with('"')) return std::string(line.substr(0, line.find(',')));
  std::string field;
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '"') {
      if (i + 1 == line.size() || line[i + 1] != '"') break;
      ++i;
    }
    field += line[i];
  }
  return field;
}

void ReadRecord(const PackageListing& listing, const TakePath& take) {
  const std::string base(ParentPath(ParentPath(listing.place)));
  TextLines lines(listing.text);
  while (const auto line = lines.Next()) {
    const std::string field = FirstField(*line);
    if (field.empty()) continue;
    const PathKey key = MakePathKey(field.starts_with('/') ? field : base + '/' + field);
    if (!key.above_root && !key.key.empty()) take(key.key);
  }
}

}  // namespace

bool IsNameFor(PackageSystem system, std::string_view name) {
  switch (system) {
    case PackageSystem::kDpkg:
      return IsWord(name, "", "-+._");
    case PackageSystem::kApk:
      // A virtual package may start with '.'.
      return IsWord(name, "._", "-+._");
    case PackageSystem::kPacman:
      return IsWord(name, "@_+", "@._+-");
    case PackageSystem::kRpm:
      return IsWord(name, "_", "-+._");
    case PackageSystem::kWheel:
      return IsWord(name, "", "-._");
  }
  return false;
}

bool IsVersionFor(PackageSystem system, std::string_view version) {
  switch (system) {
    case PackageSystem::kDpkg:
      return IsWord(version, "", "-+.~:");
    case PackageSystem::kApk:
      return IsWord(version, "", "-+._~");
    case PackageSystem::kPacman:
      return IsWord(version, "", "-+._~:");
    case PackageSystem::kRpm:
      return IsWord(version, "", "-+._~^:");
    case PackageSystem::kWheel:
      return IsWord(version, "", "-+._!");
  }
  return false;
}

void ForEachListedPath(const PackageListing& listing, const TakePath& take) {
  switch (listing.form) {
    case ListingForm::kPathLines:
      return ReadPathLines(listing.text, take);
    case ListingForm::kDpkgSums:
      return ReadDpkgSums(listing, take);
    case ListingForm::kApkStanza:
      return ReadApkStanza(listing.text, take);
    case ListingForm::kPacmanFile:
      return ReadPacmanFile(listing.text, take);
    case ListingForm::kRecord:
      return ReadRecord(listing, take);
  }
}

std::string_view OwnFilesPrefix(const PackageListing& listing) {
  const auto up_to = [&](std::string_view suffix) {
    return listing.place.substr(0, listing.place.size() - suffix.size());
  };
  if (listing.system == PackageSystem::kDpkg && listing.form == ListingForm::kPathLines)
    return up_to("list");
  if (listing.form == ListingForm::kPacmanFile) return up_to("files");
  return {};
}

}  // namespace gneiss
