// The reports of `gneiss files`: what one image shows path by path, what one of its layers does to
// that, and what of its layers it does not show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/text/table.h"
#include "planner/contents/layer_contents.h"
#include "planner/contents/merged_files.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// The names of each file that has several, sorted, by MergedFile::file.
using FileNames = std::unordered_map<std::uint32_t, std::vector<std::string>>;

struct FilesReport {
  ImageIndex image = 0;
  std::uint32_t layer = 0;  // 1-based; 0: the whole image, whose rows are kAdded
  std::vector<LayerChange> rows;
  FileNames names;                        // of all files of the image, rows or not
  FileNames removed_names;                // of those that rows of kRemoved name
  std::int64_t num_links_to_nothing = 0;  // hard links, in all of the image
};

// REQUIRES of both: the contents of all layers of the image are known; `layer` is 0 or one of them.
[[nodiscard]] FilesReport MakeFilesReport(const Fleet& fleet, const LayerContents& contents,
                                          ImageIndex image, std::uint32_t layer, FileMerger& merger,
                                          PathSelection& paths);

struct HiddenReport {
  ImageIndex image = 0;
  std::uint32_t layer = 0;  // 1-based: what this one hides; 0: what all do
  std::vector<HiddenFile> rows;
};
[[nodiscard]] HiddenReport MakeHiddenReport(const Fleet& fleet, const LayerContents& contents,
                                            ImageIndex image, std::uint32_t layer,
                                            FileMerger& merger, PathSelection& paths);

// "added", "deleted", "attributes changed", ...
[[nodiscard]] std::string_view FileChangeName(FileChange change);
[[nodiscard]] std::string_view HideCauseName(HideCause cause);

// The other names of the row's file. Of a file with more than kMaxNamesEach names the first one
// has all others, and each of these the first one alone, so that what is written stays linear.
inline constexpr std::size_t kMaxNamesEach = 1000;
[[nodiscard]] std::vector<std::string_view> OtherNames(const FilesReport& report,
                                                       const LayerChange& row);

// Of a regular file; a hard link to nothing is an empty one.
[[nodiscard]] std::string Sha256HexOf(const LayerContents& contents, const MergedFile& file);

enum class FilesOrder : std::uint8_t { kPath, kSize };

struct FilesScreen {
  ScreenStyle style;
  FilesOrder order = FilesOrder::kPath;
  std::size_t top = 0;  // rows, 0 for all
};
void PrintFiles(const Fleet& fleet, const LayerContents& contents, const FilesReport& report,
                const FilesScreen& screen, std::ostream& out);
void PrintHidden(const Fleet& fleet, const LayerContents& contents, const HiddenReport& report,
                 const FilesScreen& screen, std::ostream& out);

// "schema": "gneiss.files/1", one document.
enum class JsonForm : std::uint8_t {
  kIndented,  // a row a line
  kOneLine,
};
void WriteFilesJson(const Fleet& fleet, const LayerContents& contents, const FilesReport& report,
                    JsonForm form, std::ostream& out);
void WriteHiddenJson(const Fleet& fleet, const LayerContents& contents, const HiddenReport& report,
                     JsonForm form, std::ostream& out);

// For mtree(8) of NetBSD and bsdtar. Hard links are written as the files that they are; extended
// attributes, which it has no keyword for, are left out. REQUIRES: a report of a whole image.
void WriteFilesMtree(const LayerContents& contents, const FilesReport& report, std::ostream& out);

}  // namespace gneiss
