#include "io/report/plan/plan_diff.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "io/json/json_writer.h"
#include "io/report/fleet/fleet_diff.h"
#include "io/text/format.h"
#include "io/text/table.h"

namespace gneiss {
namespace {

using RecommendationKey = std::vector<std::string>;

// Takes from both lists what finds its like by `key_of`; the first of equals finds the first.
template <typename KeyOf>
void PairRecommendations(std::vector<RecommendationSummary>& before,
                         std::vector<RecommendationSummary>& after, const KeyOf& key_of,
                         PlanDiff& diff) {
  std::multimap<RecommendationKey, std::size_t> waiting;
  for (std::size_t i = 0; i < after.size(); ++i) waiting.emplace(key_of(after[i]), i);
  std::vector<std::uint8_t> is_paired(after.size(), 0);
  std::erase_if(before, [&](RecommendationSummary& old_one) {
    const auto found = waiting.find(key_of(old_one));
    if (found == waiting.end()) return false;
    RecommendationSummary& new_one = after[found->second];
    is_paired[found->second] = 1;
    waiting.erase(found);
    if (old_one.saves_storage_bytes == new_one.saves_storage_bytes &&
        old_one.saves_transfer_bytes == new_one.saves_transfer_bytes &&
        old_one.saves_cost == new_one.saves_cost && old_one.images == new_one.images) {
      ++diff.num_unchanged;
    } else {
      diff.recommendations.push_back({.before = std::move(old_one), .after = std::move(new_one)});
    }
    return true;
  });
  std::vector<RecommendationSummary> rest;
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (is_paired[i] == 0) rest.push_back(std::move(after[i]));
  }
  after = std::move(rest);
}

RecommendationKey KeyOfImages(const RecommendationSummary& r) {
  RecommendationKey key = r.images;
  key.push_back(r.kind);
  return key;
}

RecommendationKey KeyOfImagesAndTitle(const RecommendationSummary& r) {
  RecommendationKey key = KeyOfImages(r);
  key.push_back(r.title);
  return key;
}

RecommendationKey KeyOfTitle(const RecommendationSummary& r) { return {r.kind, r.title}; }

const PlanLevelSummary* FindLevel(const PlanSummary& plan, std::string_view name) {
  const auto found = std::ranges::find(plan.levels, name, &PlanLevelSummary::name);
  return found == plan.levels.end() ? nullptr : &*found;
}

std::vector<PlanLevelDiff> DiffLevels(const PlanSummary& before, const PlanSummary& after) {
  std::vector<PlanLevelDiff> levels;
  for (const std::string_view name : {"squash", "rebase", "bases", "carve"}) {
    const PlanLevelSummary* const b = FindLevel(before, name);
    const PlanLevelSummary* const a = FindLevel(after, name);
    if (b == nullptr && a == nullptr) continue;
    PlanLevelDiff level{.name = std::string(name), .before = {}, .after = {}};
    if (b != nullptr) level.before = *b;
    if (a != nullptr) level.after = *a;
    levels.push_back(std::move(level));
  }
  return levels;
}

std::string_view WhatBecameOf(const RecommendationDiff& r) {
  return !r.before ? "came" : !r.after ? "went" : "changed";
}

class PlanDiffPrinter {
 public:
  PlanDiffPrinter(const PlanDiff& diff, const DiffScreen& screen, std::ostream& out)
      : diff_(diff), screen_(screen), out_(out) {}

  void Print() {
    PrintHead();
    PrintLevels();
    PrintRecommendations();
  }

 private:
  std::string Size(Bytes size) const { return FormatBytes(size, screen_.style.units); }
  std::string Change(Bytes change) const { return FormatChange(change, screen_.style.units); }

  void PrintLine(const std::string& line, bool is_main) {
    if (screen_.markdown) {
      out_ << (is_main ? "**" : "") << MarkdownCell(line) << (is_main ? "**" : "") << "\n\n";
    } else {
      out_ << (is_main ? Bold(line, screen_.style) : line) << '\n';
    }
  }

  void PrintTable(const Table& table) {
    if (!screen_.markdown) out_ << '\n';
    if (screen_.markdown) {
      table.PrintMarkdown(out_);
      out_ << '\n';
    } else {
      table.Print(screen_.style, out_);
    }
  }

  void PrintHead() {
    const auto fleet = [&](const PlanSummary& plan) {
      return fmt::format("{}, {} logical, {} stored", FormatCounted(plan.images, "image"),
                         Size(plan.logical_bytes), Size(plan.physical_bytes));
    };
    std::int64_t came = 0;
    std::int64_t went = 0;
    for (const RecommendationDiff& r : diff_.recommendations) {
      came += r.before ? 0 : 1;
      went += r.after ? 0 : 1;
    }
    PrintLine(fmt::format("recommendations: {} came, {} went, {} changed, {} unchanged",
                          FormatCount(came), FormatCount(went),
                          FormatCount(std::ssize(diff_.recommendations) - came - went),
                          FormatCount(diff_.num_unchanged)),
              true);
    PrintLine("before: " + fleet(diff_.before), false);
    PrintLine("after:  " + fleet(diff_.after), false);
    if (diff_.before.model != diff_.after.model) {
      PrintLine("warning: the plans were made with different models, so costs do not compare",
                false);
      PrintLine("before: " + diff_.before.model, false);
      PrintLine("after:  " + diff_.after.model, false);
    }
    if (!screen_.markdown) out_ << Dim(UnitsNote(screen_.style.units), screen_.style) << '\n';
  }

  // Three rows a level that is in both.
  void PrintLevels() {
    Table table({{"level", Align::kLeft},
                 {"", Align::kLeft},
                 {"stored"},
                 {"moved"},
                 {"cost"},
                 {"layers"},
                 {"gap", Align::kLeft}});
    const auto row = [&](const std::string& name, const std::string& when,
                         const PlanFigures& figures, std::string gap) {
      table.AddRow({name, when, Size(figures.storage_bytes), Size(figures.transfer_bytes),
                    Size(figures.cost), FormatCount(figures.layer_references), std::move(gap)});
    };
    const auto level = [&](const std::string& name, const PlanFigures* before,
                           const PlanFigures* after, const std::string& gap_before,
                           const std::string& gap_after) {
      if (before != nullptr) row(name, "before", *before, gap_before);
      if (after != nullptr) row(before == nullptr ? name : "", "after", *after, gap_after);
      if (before == nullptr || after == nullptr) return;
      const std::int64_t layers = after->layer_references - before->layer_references;
      table.AddNote({"", "change", Change(after->storage_bytes - before->storage_bytes),
                     Change(after->transfer_bytes - before->transfer_bytes),
                     Change(after->cost - before->cost),
                     (layers > 0 ? "+" : "") + FormatCount(layers), ""});
    };
    level("today", &diff_.before.current, &diff_.after.current, "", "");
    for (const PlanLevelDiff& l : diff_.levels) {
      level(l.name, l.before ? &l.before->planned : nullptr, l.after ? &l.after->planned : nullptr,
            l.before ? Gap(*l.before) : "", l.after ? Gap(*l.after) : "");
    }
    PrintTable(table);
  }

  static std::string Gap(const PlanLevelSummary& level) {
    return fmt::format("{:.2g} %, {}", 100 * level.gap, level.status);
  }

  void PrintRecommendations() {
    if (diff_.recommendations.empty()) return;
    Table table({{"", Align::kLeft},
                 {"saved before"},
                 {"saves now"},
                 {"change"},
                 {"recommendation", Align::kLeft}});
    const std::size_t shown = screen_.top == 0
                                  ? diff_.recommendations.size()
                                  : std::min(screen_.top, diff_.recommendations.size());
    for (std::size_t i = 0; i < shown; ++i) {
      const RecommendationDiff& r = diff_.recommendations[i];
      const std::string title = r.after ? fmt::format("{}: {}", r.after->id, r.after->title)
                                        : fmt::format("was {}: {}", r.before->id, r.before->title);
      table.AddRow(
          {std::string(WhatBecameOf(r)), r.before ? Size(r.before->saves_storage_bytes) : "",
           r.after ? Size(r.after->saves_storage_bytes) : "", Change(r.saves_storage()), title});
    }
    if (const std::size_t rest = diff_.recommendations.size() - shown; rest > 0) {
      table.AddNote({"", "", "", "",
                     fmt::format("[{}]", FormatCounted(static_cast<std::int64_t>(rest), "other"))});
    }
    PrintTable(table);
    PrintLine(
        "what recommendations save is of the bytes stored; levels are alternatives, so their "
        "savings do not add up",
        false);
  }

  const PlanDiff& diff_;
  const DiffScreen& screen_;
  std::ostream& out_;
};

Json PlanFiguresJson(const PlanFigures& figures) {
  return {{"cost", figures.cost},
          {"storage_bytes", figures.storage_bytes},
          {"transfer_bytes", figures.transfer_bytes},
          {"layer_references", figures.layer_references}};
}

Json PlanSideJson(const PlanSummary& plan) {
  return {{"images", plan.images},
          {"logical_bytes", plan.logical_bytes},
          {"physical_bytes", plan.physical_bytes},
          {"model", plan.model},
          {"current", PlanFiguresJson(plan.current)}};
}

Json PlanLevelJson(const PlanLevelSummary& level) {
  Json json = PlanFiguresJson(level.planned);
  json["gap"] = level.gap;
  json["status"] = level.status;
  return json;
}

Json SavingJson(const RecommendationSummary& r) {
  return {{"id", r.id},
          {"title", r.title},
          {"saves_cost", r.saves_cost},
          {"saves_storage_bytes", r.saves_storage_bytes},
          {"saves_transfer_bytes", r.saves_transfer_bytes},
          {"images", r.images}};
}

}  // namespace

PlanDiff DiffPlans(PlanSummary before, PlanSummary after) {
  PlanDiff diff;
  diff.levels = DiffLevels(before, after);
  std::vector<RecommendationSummary> went = std::move(before.recommendations);
  std::vector<RecommendationSummary> came = std::move(after.recommendations);
  diff.before = std::move(before);
  diff.after = std::move(after);
  diff.before.recommendations.clear();
  diff.after.recommendations.clear();
  PairRecommendations(went, came, KeyOfImagesAndTitle, diff);
  PairRecommendations(went, came, KeyOfImages, diff);
  PairRecommendations(went, came, KeyOfTitle, diff);
  for (RecommendationSummary& r : came) diff.recommendations.push_back({{}, std::move(r)});
  for (RecommendationSummary& r : went) diff.recommendations.push_back({std::move(r), {}});
  std::ranges::stable_sort(diff.recommendations, {}, [](const RecommendationDiff& r) {
    return -std::abs(r.saves_storage());
  });
  return diff;
}

void PrintPlanDiff(const PlanDiff& diff, const DiffScreen& screen, std::ostream& out) {
  PlanDiffPrinter(diff, screen, out).Print();
}

void WritePlanDiffJson(const PlanDiff& diff, std::ostream& out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema", "gneiss.diff/1");
  json.Field("kind", "plans");
  json.Field("before", PlanSideJson(diff.before));
  json.Field("after", PlanSideJson(diff.after));
  json.Key("levels");
  json.BeginArray();
  for (const PlanLevelDiff& level : diff.levels) {
    Json row = {{"level", level.name}};
    if (level.before) row["before"] = PlanLevelJson(*level.before);
    if (level.after) row["after"] = PlanLevelJson(*level.after);
    json.Value(row);
  }
  json.EndArray();
  json.Key("recommendations");
  json.BeginArray();
  for (const RecommendationDiff& r : diff.recommendations) {
    Json row = {{"change", WhatBecameOf(r)}, {"kind", (r.after ? *r.after : *r.before).kind}};
    if (r.before) row["before"] = SavingJson(*r.before);
    if (r.after) row["after"] = SavingJson(*r.after);
    json.Value(row);
  }
  json.EndArray();
  json.Field("unchanged_recommendations", diff.num_unchanged);
  json.EndObject();
  json.Finish();
}

}  // namespace gneiss
