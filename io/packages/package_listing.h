// What a database says of one package: its name, its version and where its files are listed. Texts
// are views into the files kept, so a database of text costs no more than its own bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "planner/contents/inventory.h"

namespace gneiss {

// Lines of a text in memory.

class TextLines {
 public:
  // The caller keeps `text` alive.
  explicit TextLines(std::string_view text) : rest_(text) {}

  // The next line without its end; nullopt after the last.
  std::optional<std::string_view> Next() {
    if (rest_.empty()) return std::nullopt;
    const std::size_t end = rest_.find('\n');
    is_whole_ = end != std::string_view::npos;
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(is_whole_ ? end + 1 : rest_.size());
    return line;
  }
  // Whether the last line that was taken has an end; a text that was cut has a line without.
  bool is_whole() const { return is_whole_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool is_whole_ = true;
};

enum class ListingForm : std::uint8_t {
  kPathLines,   // a path a line, from the root
  kDpkgSums,    // md5sums(1): two columns, the second a path
  kApkStanza,   // "F:" and a directory, followed by "R:" and a file in it, for each
  kPacmanFile,  // a path a line, from "%FILES%" to an empty line
  kRecord,      // CSV, the first column a path from the directory above that of `place`
};

struct PackageListing {
  PackageSystem system = PackageSystem::kDpkg;
  ListingForm form = ListingForm::kPathLines;
  std::string_view name;
  std::string_view version;  // empty: not known
  std::string_view place;    // path of the file that has the list
  std::string_view text;     // the list
};

// At most kMaxPackages of them; those after are passed over.
class PackageListings {
 public:
  void Add(const PackageListing& listing) {
    if (list_.size() < kMaxPackages) list_.push_back(listing);
  }
  // A text for a listing's views, where a database does not have it as it is.
  std::string_view Keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  std::vector<PackageListing>& list() { return list_; }

 private:
  std::vector<PackageListing> list_;
  std::deque<std::string> texts_;
};

// Whether a name or a version is one for its system: of its characters, no longer than
// kMaxPackageTextBytes. Names: dpkg's pkg_name_is_illegal, apk and pacman's package name rules, the
// name of a Python project; not whether the versions are in any order.
[[nodiscard]] bool IsNameFor(PackageSystem system, std::string_view name);
[[nodiscard]] bool IsVersionFor(PackageSystem system, std::string_view version);

// Calls `take` with the key of each path that is listed, in the order of the list; a view is valid
// until `take` returns. Paths above the root are passed over, as is what is no path. With the files
// of the database that are the package's own, where the list does not have them.
void ForEachListedPath(const PackageListing& listing,
                       const std::function<void(std::string_view path)>& take);

// The database's files for this package alone begin so, followed by a suffix without '.' and '/';
// empty where there are none beside those that ForEachListedPath has.
[[nodiscard]] std::string_view OwnFilesPrefix(const PackageListing& listing);

}  // namespace gneiss
