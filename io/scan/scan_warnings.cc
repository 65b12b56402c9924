#include "io/scan/scan_warnings.h"

#include <algorithm>
#include <array>

#include "io/json/json_value.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

struct WarningRule {
  std::string_view kind;
  std::string_view article;
  std::string_view expected;
};

// What each kind breaks. Sorted by kind.
constexpr auto kWarningRules = std::to_array<WarningRule>({
    {"GNU header with a prefix", "a ", "a GNU header without a prefix"},
    {"aufs metadata", "", "a layer without files of aufs"},
    {"bytes after the compressed data", "", "the blob to end with its compressed data"},
    {"bytes after the end of the tar", "", "nothing but zeros after the end of the tar"},
    {"codec other than the media type says", "a ", "the codec that the media type says"},
    {"contiguous file", "a ", "a file of an ordinary type"},
    {"digest that cannot be verified", "a ", "a digest by sha256"},
    {"entry below a file of its layer", "an ", "a directory above each entry"},
    {"entry below a symlink of its layer", "an ", "paths that lead through no symlink"},
    {"estargz index that disagrees with the tar", "an ", "the index to list what the tar holds"},
    {"extended header before a global one", "an ", "an entry after its extended header"},
    {"file named as a directory", "a ", "a file's name to end without a slash"},
    {"global PAX header", "a ", "a layer without global headers"},
    {"hard link through a symlink of its layer", "a ",
     "a hard link's target to lead through no symlink"},
    {"hard link to a lower layer", "a ", "a hard link to an earlier entry of its layer"},
    {"hard link to a whiteout", "a ", "a hard link to a file"},
    {"hard link with a size", "a ", "a hard link without contents"},
    {"hard link with other attributes than its file", "a ",
     "a hard link to have the attributes of its file"},
    {"header that libarchive warns of", "a ", "a header that every reader takes alike"},
    {"layer of zero bytes", "a ", "a tar, if only its end"},
    {"lone block of zeros", "a ", "two blocks of zeros at the end of the tar, none before"},
    {"name by PAX and by GNU tar", "a ", "an entry named by one extended header"},
    {"odd number in a header", "an ", "numbers as digits in octal, in their range"},
    {"opaque marker undone by a directory of its layer", "an ",
     "a directory once where it is opaque"},
    {"owner out of range", "an ", "an owner from 0 to 4294967294"},
    {"package database past a limit", "a ", "package databases within the limits"},
    {"path above the root", "a ", "paths below the root"},
    {"path given twice", "a ", "each path once in a layer"},
    {"size of an entry without a body", "a ", "an entry without contents to have the size 0"},
    {kReadAsUpperWarning, "a ", "no marker for what its own layer has written"},
    {kReadAsLowestWarning, "a ", "no marker for what its own layer has written"},
    {"symlink without a target", "a ", "a symlink to have a target"},
    {kUnlistedTimeWarning, "a ", "a directory that stays one"},
    {"time of a directory that its layer replaces", "a ", "a directory that stays one"},
    {"whiteout as a character device", "a ", "a whiteout as an empty file"},
    {"whiteout behind its own path", "a ", "a whiteout before what its layer puts in its place"},
    {"whiteout that is no file", "a ", "a whiteout as an empty file"},
    {"whiteout undone by a directory of its layer", "a ",
     "a whiteout of what its layer leaves out"},
    {"whiteout with a body", "a ", "a whiteout as an empty file"},
});
static_assert(std::ranges::is_sorted(kWarningRules, {}, &WarningRule::kind));

// Of a kind that this version does not know, from a store: the kind alone.
WarningRule RuleOf(std::string_view kind) {
  const auto found = std::ranges::lower_bound(kWarningRules, kind, {}, &WarningRule::kind);
  if (found != kWarningRules.end() && found->kind == kind) return *found;
  return {.kind = kind, .article = "", .expected = "nothing that a scan warns of"};
}

std::string DescribeRefusal(std::string_view kind) {
  const WarningRule rule = RuleOf(kind);
  return "expected " + std::string(rule.expected) + ", found " + std::string(rule.article) +
         std::string(kind);
}

}  // namespace

void ScanWarnings::Add(std::string_view kind, std::string_view path, Bytes tar_byte,
                       std::int64_t count) {
  if (is_strict_) {
    throw InputError("", "tar byte " + std::to_string(tar_byte),
                     DescribeRefusal(kind) + " (entry " + Quote(path) + ")");
  }
  Count(kind, path, count);
}

void ScanWarnings::AddAtTarByte(std::string_view kind, Bytes tar_byte) {
  const std::string place = "tar byte " + std::to_string(tar_byte);
  if (is_strict_) throw InputError("", place, DescribeRefusal(kind));
  Count(kind, place, 1);
}

void ScanWarnings::AddAtByte(std::string_view kind, Bytes byte) {
  const std::string place = "byte " + std::to_string(byte);
  if (is_strict_) throw InputError("", place, DescribeRefusal(kind));
  Count(kind, place, 1);
}

std::vector<InventoryWarning> ScanWarnings::List() const {
  std::vector<InventoryWarning> list;
  for (const auto& [kind, warning] : warnings_) list.push_back(warning);
  return list;
}

void ScanWarnings::Count(std::string_view kind, std::string_view first, std::int64_t count) {
  auto found = warnings_.find(kind);
  if (found == warnings_.end()) {
    const InventoryWarning warning{.kind = std::string(kind), .first = std::string(first)};
    found = warnings_.emplace(kind, warning).first;
  }
  found->second.count += count;
}

std::string RefusalOf(const InventoryWarning& warning) {
  return DescribeRefusal(warning.kind) + ", " + std::to_string(warning.count) +
         (warning.count == 1 ? " time, at " : " times, first at ") + Quote(warning.first);
}

}  // namespace gneiss
