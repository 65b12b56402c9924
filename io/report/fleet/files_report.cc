#include "io/report/fleet/files_report.h"

#include <algorithm>
#include <array>
#include <utility>

namespace gneiss {
namespace {

FileNames NamesOf(const std::vector<MergedFile>& files) {
  FileNames names;
  for (const MergedFile& file : files) {
    if (file.num_names > 1) names[file.file].push_back(file.path);
  }
  return names;
}

}  // namespace

FilesReport MakeFilesReport(const Fleet& fleet, const LayerContents& contents, ImageIndex image,
                            std::uint32_t layer, FileMerger& merger, PathSelection& paths) {
  const auto chain = fleet.chain(fleet.images[image]);
  FilesReport report{.image = image, .layer = layer};
  std::vector<MergedFile> before;
  if (layer > 0) {
    before = merger.Merge(chain.first(layer - 1));
    report.removed_names = NamesOf(before);
  }
  std::vector<MergedFile> files = merger.Merge(layer > 0 ? chain.first(layer) : chain);
  report.names = NamesOf(files);
  for (const MergedFile& file : files) {
    const bool is_broken = contents.EntryOf(file.entry).type == EntryType::kHardLink;
    report.num_links_to_nothing += is_broken ? 1 : 0;
  }
  if (layer > 0) {
    report.rows = FindLayerChanges(contents, before, files);
    std::erase_if(report.rows,
                  [&](const LayerChange& row) { return !paths.Selects(row.file.path); });
    return report;
  }
  for (MergedFile& file : files) {
    if (paths.Selects(file.path)) report.rows.push_back({FileChange::kAdded, std::move(file)});
  }
  return report;
}

HiddenReport MakeHiddenReport(const Fleet& fleet, const LayerContents& contents, ImageIndex image,
                              std::uint32_t layer, FileMerger& merger, PathSelection& paths) {
  const auto chain = fleet.chain(fleet.images[image]);
  (void)merger.Merge(layer > 0 ? chain.first(layer) : chain);
  HiddenReport report{.image = image, .layer = layer, .rows = merger.FindHidden()};
  std::erase_if(report.rows, [&](const HiddenFile& row) {
    if (layer > 0 && row.by_position + 1 != layer) return true;
    const Inventory& inventory = contents.InventoryOf(row.hidden);
    return !paths.Selects(std::string(inventory.path(contents.EntryOf(row.hidden))));
  });
  return report;
}

std::string_view FileChangeName(FileChange change) {
  static constexpr std::array<std::string_view, 3> kNames = {"added", "changed", "removed"};
  return kNames[static_cast<std::size_t>(change)];
}

std::string_view HideCauseName(HideCause cause) {
  static constexpr std::array<std::string_view, kNumHideCauses> kNames = {
      "deleted",      "replaced",       "attributes changed", "written again",
      "listed again", "twice in layer", "nothing deleted"};
  return kNames[static_cast<std::size_t>(cause)];
}

std::vector<std::string_view> OtherNames(const FilesReport& report, const LayerChange& row) {
  std::vector<std::string_view> others;
  if (row.file.num_names < 2) return others;
  const FileNames& all = row.change == FileChange::kRemoved ? report.removed_names : report.names;
  const std::vector<std::string>& names = all.at(row.file.file);
  if (names.size() > kMaxNamesEach && row.file.path != names.front()) return {names.front()};
  for (const std::string& name : names) {
    if (name != row.file.path) others.push_back(name);
  }
  return others;
}

std::string Sha256HexOf(const LayerContents& contents, const MergedFile& file) {
  constexpr std::string_view kSha256 = "sha256:";
  const bool has_contents = contents.EntryOf(file.entry).type == EntryType::kRegular;
  return FormatDigest(has_contents ? contents.ContentOf(file.entry) : Sha256(""))
      .substr(kSha256.size());
}

}  // namespace gneiss
