#include "io/scan/stargz_index.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "io/scan/marker_name.h"
#include "planner/contents/paths.h"

namespace gneiss {
namespace {

constexpr std::string_view kLandmarkContent = "\xf";

bool IsLandmarkName(std::string_view key) {
  return key == ".prefetch.landmark" || key == ".no.prefetch.landmark";
}

// An entry of the index, as far as it is compared.
struct IndexEntry {
  std::string name;
  std::string type;
  std::string link;
  std::string digest;
  std::int64_t size = 0;
};

std::optional<EntryType> TypeNamed(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, EntryType>, 7> kTypes = {{
      {"dir", EntryType::kDirectory},
      {"reg", EntryType::kRegular},
      {"symlink", EntryType::kSymlink},
      {"hardlink", EntryType::kHardLink},
      {"char", EntryType::kCharDevice},
      {"block", EntryType::kBlockDevice},
      {"fifo", EntryType::kFifo},
  }};
  for (const auto& [known, type] : kTypes) {
    if (known == name) return type;
  }
  return std::nullopt;
}

class IndexComparison {
 public:
  explicit IndexComparison(const Inventory& inventory) : inventory_(inventory) {
    const std::vector<Entry>& entries = inventory.entries;
    std::array<bool, 3> has_last{};
    for (std::size_t i = entries.size(); i-- > 0;) {
      const bool is_new_path =
          i + 1 == entries.size() || inventory.path(entries[i]) != inventory.path(entries[i + 1]);
      if (is_new_path) has_last = {};
      if (!std::exchange(has_last[GroupOf(entries[i].type)], true)) {
        last_.push_back(static_cast<std::uint32_t>(i));
      }
    }
    std::ranges::reverse(last_);
    seen_.resize(last_.size(), false);
  }

  void Add(const IndexEntry& listed) {
    if (listed.type == "chunk") return;  // more of the file before it
    std::string key = MakePathKey(listed.name).key;
    if (IsLandmarkName(key)) return;
    std::optional<EntryType> type = TypeNamed(listed.type);
    MarkerName marker = ReadMarkerName(key);
    if (marker.kind == MarkerKind::kWhiteout || marker.kind == MarkerKind::kOpaque) {
      type = marker.kind == MarkerKind::kOpaque ? EntryType::kOpaque : EntryType::kWhiteout;
      key = std::move(marker.path);
    }
    const Entry* const entry = Take(key, GroupOf(type.value_or(EntryType::kRegular)));
    if (entry == nullptr || entry->type != type || !Agrees(listed, *entry)) Differ(key);
  }

  StargzDifferences Finish() {
    for (std::size_t i = 0; i < last_.size(); ++i) {
      if (!seen_[i]) Differ(inventory_.path(inventory_.entries[last_[i]]));
    }
    return std::move(differences_);
  }

 private:
  // Entries of one group replace each other at a path.
  static std::size_t GroupOf(EntryType type) {
    return type == EntryType::kWhiteout ? 1 : type == EntryType::kOpaque ? 2 : 0;
  }

  // The entry that counts at a path; nullptr when there is none.
  const Entry* Take(std::string_view path, std::size_t group) {
    const auto entry_at = [&](std::uint32_t i) -> const Entry& { return inventory_.entries[i]; };
    auto at = std::ranges::partition_point(last_, [&](std::uint32_t i) {
      return ComparePaths(inventory_.path(entry_at(i)), path) < 0;
    });
    for (; at != last_.end() && inventory_.path(entry_at(*at)) == path; ++at) {
      if (GroupOf(entry_at(*at).type) != group) continue;
      seen_[static_cast<std::size_t>(at - last_.begin())] = true;
      return &entry_at(*at);
    }
    return nullptr;
  }

  bool Agrees(const IndexEntry& listed, const Entry& entry) const {
    switch (entry.type) {
      case EntryType::kRegular:
        return listed.size == entry.size &&
               (listed.digest.empty() ||
                listed.digest == FormatDigest(inventory_.contents[entry.content]));
      case EntryType::kSymlink:
        return listed.link == inventory_.link(entry);
      case EntryType::kHardLink:
        return MakePathKey(listed.link).key == inventory_.link(entry);
      default:
        return true;
    }
  }

  void Differ(std::string_view key) {
    if (differences_.count++ == 0) differences_.first = key;
  }

  const Inventory& inventory_;
  std::vector<std::uint32_t> last_;  // entries that count, in their order
  std::vector<bool> seen_;           // parallel to last_
  StargzDifferences differences_;
};

// {"version": 1, "entries": [{"name": ..., ...}, ...]}, an entry at a time.
class IndexParser : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit IndexParser(IndexComparison& comparison) : comparison_(comparison) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t number) override { return Number(number); }
  bool number_unsigned(number_unsigned_t number) override {
    return Number(static_cast<std::int64_t>(number));
  }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t& text) override {
    if (depth_ != kInEntry || !in_entries_) return true;
    if (key_ == "name") entry_.name = text;
    if (key_ == "type") entry_.type = text;
    if (key_ == "linkName") entry_.link = text;
    if (key_ == "digest") entry_.digest = text;
    return true;
  }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    if (++depth_ == kInEntry) entry_ = {};
    return true;
  }
  bool end_object() override {
    if (depth_-- == kInEntry && in_entries_) comparison_.Add(entry_);
    return true;
  }
  bool start_array(std::size_t) override {
    if (++depth_ == kInEntries) in_entries_ = key_ == "entries";
    return true;
  }
  bool end_array() override {
    if (depth_-- == kInEntries) in_entries_ = false;
    return true;
  }
  bool key(string_t& name) override {
    key_ = name;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  static constexpr int kInEntries = 2;
  static constexpr int kInEntry = 3;

  bool Number(std::int64_t number) {
    if (depth_ == kInEntry && in_entries_ && key_ == "size") entry_.size = number;
    return true;
  }

  IndexComparison& comparison_;
  int depth_ = 0;
  bool in_entries_ = false;
  std::string key_;
  IndexEntry entry_;
};

}  // namespace

bool IsStargzLandmark(const Inventory& inventory, const Entry& entry) {
  static const Digest content = Sha256(kLandmarkContent);
  return entry.type == EntryType::kRegular && IsLandmarkName(inventory.path(entry)) &&
         inventory.contents[entry.content] == content;
}

StargzDifferences CompareStargzIndex(std::string_view json, const Inventory& inventory) {
  IndexComparison comparison(inventory);
  IndexParser parser(comparison);
  // The parser takes a NUL byte for the end, whatever follows.
  if (json.find('\0') != std::string_view::npos ||
      !nlohmann::json::sax_parse(json.begin(), json.end(), &parser)) {
    return {.count = 1, .first = std::string(kStargzIndexName)};
  }
  return comparison.Finish();
}

}  // namespace gneiss
