#include "io/source/apply_config.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gneiss {

void CountDuplicateKeys(std::int64_t count, const std::string& path, ReadReport& report) {
  if (count > 0) report.AddWarning("duplicate JSON key", path, count);
}

void ApplyConfig(const ImageConfig& config, const std::string& path, ImageRecord& record,
                 ReadReport& report) {
  CountDuplicateKeys(config.num_duplicate_keys, path, report);
  if (record.platform.empty()) record.platform = config.platform;
  record.is_windows |= config.is_windows;
  record.created = config.created;
  record.entry_point = config.entry_point;
  record.search_path = config.search_path;
  // The annotations come sorted; both lists may be long in a hostile image.
  const std::size_t num_annotations = record.labels.size();
  for (const auto& [key, value] : config.labels) {
    const auto annotations = std::span(record.labels).first(num_annotations);
    if (!std::ranges::binary_search(annotations, key, {}, &LabelRecord::key)) {
      record.labels.push_back({key, value});
    }
  }
  if (config.diff_ids.size() == record.layers.size()) {
    for (std::size_t i = 0; i < record.layers.size(); ++i) {
      record.layers[i].diff_id = config.diff_ids[i].digest;
    }
  } else if (!config.diff_ids.empty()) {
    report.AddWarning("diff_ids do not match layers", path);
  }
  for (const HistoryEntry& entry : config.history) {
    record.steps.push_back({.created_by = entry.created_by,
                            .created = entry.created,
                            .makes_layer = !entry.empty_layer});
  }
  const auto num_instructions =
      std::ranges::count(config.history, false, &HistoryEntry::empty_layer);
  if (num_instructions == std::ssize(record.layers)) {
    auto layer = record.layers.begin();
    for (const HistoryEntry& entry : config.history) {
      if (!entry.empty_layer) (layer++)->created_by = entry.created_by;
    }
  } else if (!config.history.empty()) {
    report.AddWarning("history does not match layers", path);
  }
}

}  // namespace gneiss
