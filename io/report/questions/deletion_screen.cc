#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/report/questions/deletion.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "planner/cost/audit.h"

namespace gneiss {
namespace {

constexpr std::size_t kNamesOfStep = 3;

class DeletionPrinter {
 public:
  DeletionPrinter(const WhatifQuestion& question, const Deletion& deletion,
                  const WhatifScreen& screen, std::ostream& out)
      : fleet_(*question.fleet),
        question_(question),
        deletion_(deletion),
        screen_(screen),
        out_(out) {}

  void PrintHeadline(const std::string& what) {
    out_ << Bold(what, screen_.style) << '\n'
         << fmt::format(
                "frees {} of {} stored ({}): {} one by one, {} more because they go together\n",
                SizeInWords(deletion_.freed(), screen_.style),
                SizeInWords(deletion_.stored, screen_.style),
                FormatPercent(deletion_.freed(), deletion_.stored),
                SizeInWords(deletion_.exclusive, screen_.style),
                SizeInWords(deletion_.joint, screen_.style));
  }

  // "12 refs: 8 images go, 3 stay under other refs".
  std::string CountGoing() const {
    std::string text =
        fmt::format("{}: {}", FormatCounted(deletion_.num_refs, "ref"),
                    FormatCounted(deletion_.num_leaving_fleet, "image goes", "images go"));
    const auto stay = std::ranges::count_if(
        deletion_.images, [](const LeavingImage& image) { return !image.leaves_fleet; });
    if (stay > 0) {
      text += fmt::format(", {} leave{} some {} and stay{} in others", FormatCount(stay),
                          stay == 1 ? "s" : "",
                          question_.scope == Scope::kNamespace ? "namespaces" : "repositories",
                          stay == 1 ? "s" : "");
    }
    if (!deletion_.partly.empty()) {
      text += fmt::format(", {} under other refs", FormatCounted(std::ssize(deletion_.partly),
                                                                 "image stays", "images stay"));
    }
    return text;
  }

  void PrintImages(bool with_pulls) {
    if (deletion_.images.empty()) return;
    std::vector<LeavingImage> rows = deletion_.images;
    std::ranges::stable_sort(rows, std::greater{}, &LeavingImage::freed_share);
    std::vector<Column> columns = {{"size"},  {"exclusive"}, {"joint share"},
                                   {"frees"}, {"stays"},     {"image", Align::kLeft}};
    if (with_pulls) columns.insert(columns.begin(), Column{"pulls"});
    Table table(std::move(columns));
    const std::size_t shown = screen_.top == 0 ? rows.size() : std::min(screen_.top, rows.size());
    ImageSums total;
    ImageSums others;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      ImageSums row;
      row.Add(rows[r], fleet_.images[rows[r].image].pulls);
      total.Add(rows[r], row.pulls);
      if (r >= shown) others.Add(rows[r], row.pulls);
      if (r < shown) {
        table.AddRow(Cells(row, with_pulls, true,
                           NameWithPlatform(fleet_, rows[r].image) +
                               (rows[r].leaves_fleet ? "" : " (stays elsewhere)")));
      }
    }
    if (shown < rows.size()) {
      table.AddNote(Cells(
          others, with_pulls, false,
          fmt::format("[{}]", FormatCounted(std::ssize(rows) - static_cast<std::int64_t>(shown),
                                            "other"))));
    }
    table.AddTotal(Cells(total, with_pulls, false, "TOTAL"));
    out_ << '\n';
    table.Print(screen_.style, out_);
  }

  void PrintPartly() {
    if (deletion_.partly.empty()) return;
    out_ << "\nstay, because other refs name them\n";
    Table table({{"refs deleted"}, {"refs left"}, {"image", Align::kLeft}});
    const std::size_t shown =
        screen_.top == 0 ? deletion_.partly.size() : std::min(screen_.top, deletion_.partly.size());
    for (std::size_t r = 0; r < shown; ++r) {
      const PartlyDeletedImage& image = deletion_.partly[r];
      table.AddRow({FormatCount(image.num_refs_deleted), FormatCount(image.num_refs_left),
                    NameWithPlatform(fleet_, image.image)});
    }
    if (shown < deletion_.partly.size()) {
      table.AddNote({"", "",
                     fmt::format("[{}]", FormatCounted(std::ssize(deletion_.partly) -
                                                           static_cast<std::int64_t>(shown),
                                                       "other"))});
    }
    table.Print(screen_.style, out_);
  }

  void PrintHow() {
    if (deletion_.num_refs == 0 && deletion_.images.empty()) return;
    std::string how =
        "--list prints what to delete, one a line, for a registry's client; storage is freed once "
        "the registry has collected garbage";
    if (!deletion_.partly.empty()) {
      how +=
          "; delete tags, not manifests (`skopeo delete` takes a manifest with all of its tags): "
          "images stay under other refs";
    }
    out_ << '\n' << WrapText("carry out: ", how, screen_.style.width);
  }

 private:
  struct ImageSums {
    std::int64_t pulls = 0;
    Bytes size = 0;
    Bytes exclusive = 0;
    Bytes joint = 0;
    Bytes staying = 0;

    void Add(const LeavingImage& image, std::int64_t image_pulls) {
      pulls = CheckedAdd(pulls, image_pulls);
      size = CheckedAdd(size, image.size);
      exclusive = CheckedAdd(exclusive, image.exclusive);
      joint = CheckedAdd(joint, image.joint_share);
      staying = CheckedAdd(staying, image.staying);
    }
  };

  // What several images keep has no sum: each of them counts it in full.
  std::vector<std::string> Cells(const ImageSums& sums, bool with_pulls, bool with_staying,
                                 std::string name) const {
    const auto size = [&](Bytes bytes) { return FormatBytes(bytes, screen_.style.units); };
    std::vector<std::string> cells = {size(sums.size),
                                      size(sums.exclusive),
                                      size(sums.joint),
                                      size(CheckedAdd(sums.exclusive, sums.joint)),
                                      with_staying ? size(sums.staying) : "",
                                      std::move(name)};
    if (with_pulls) cells.insert(cells.begin(), FormatCount(sums.pulls));
    return cells;
  }

  const Fleet& fleet_;
  const WhatifQuestion& question_;
  const Deletion& deletion_;
  const WhatifScreen& screen_;
  std::ostream& out_;
};

std::string LossInWords(const FreeSpace& plan, std::int64_t loss) {
  return plan.request.loss == DeletionLoss::kImages
             ? FormatCounted(loss, "image")
             : fmt::format("images with {}", FormatCounted(loss, "pull"));
}

// What is known of choices with less loss.
std::string ProofOf(const FreeSpace& plan) {
  const DeletionChoice& choice = *plan.choice;
  if (choice.status == DeletionStatus::kOptimal) {
    return fmt::format("optimal: no {} as much", plan.request.loss == DeletionLoss::kImages
                                                     ? "fewer images free"
                                                     : "images with fewer pulls free");
  }
  return fmt::format(
      "gap {:.2g} %: at least {} are needed; the search ended at its {}",
      100 * RelativeGap(choice.loss, choice.lower_bound), LossInWords(plan, choice.lower_bound),
      choice.status == DeletionStatus::kStopped ? "time limit (--time-limit)" : "limit of nodes");
}

std::string NameStep(const Fleet& fleet, const DeletionStep& step) {
  std::string names;
  for (std::size_t k = 0; k < std::min(kNamesOfStep, step.ids.size()); ++k) {
    if (k > 0) names += "; ";
    names += NameWithPlatform(fleet, step.ids[k]);
  }
  if (step.ids.size() > kNamesOfStep) {
    names += fmt::format(" and {} more", FormatCount(std::ssize(step.ids) -
                                                     static_cast<std::int64_t>(kNamesOfStep)));
  }
  return names;
}

// The points of a frontier, or so many of them at even distances, the last one among them.
void PrintFrontier(const WhatifQuestion& question, const FreeSpace& plan,
                   const WhatifScreen& screen, std::ostream& out) {
  const std::size_t n = plan.frontier.size();
  const std::size_t shown = screen.top == 0 ? n : std::min(screen.top, n);
  const bool by_pulls = plan.request.loss == DeletionLoss::kPulls;
  out << fmt::format("\nfrontier: {}, each the most that so many {} free{}\n",
                     FormatCounted(static_cast<std::int64_t>(n), "point"),
                     by_pulls ? "pulls" : "images",
                     shown < n ? fmt::format("; {} shown, --top 0 shows all", shown) : "");
  std::vector<Column> columns = {{"images"}, {"frees"}, {"of stored"}, {"adds", Align::kLeft}};
  if (by_pulls) columns.insert(columns.begin(), Column{"pulls"});
  Table table(std::move(columns));
  std::int64_t images = 0;
  std::int64_t loss = 0;
  Bytes freed = 0;
  std::size_t row = 0;
  for (std::size_t k = 0; k < n; ++k) {
    images += std::ssize(plan.frontier[k].ids);
    loss += plan.frontier[k].loss;
    freed += plan.frontier[k].freed;
    if ((k + 1) * shown < (row + 1) * n) continue;
    ++row;
    std::vector<std::string> cells = {FormatCount(images), FormatBytes(freed, screen.style.units),
                                      FormatPercent(freed, plan.deletion.stored),
                                      NameStep(*question.fleet, plan.frontier[k])};
    if (by_pulls) cells.insert(cells.begin(), FormatCount(loss));
    table.AddRow(std::move(cells));
  }
  table.Print(screen.style, out);
}

void PrintChoice(const WhatifQuestion& question, const FreeSpace& plan, const WhatifScreen& screen,
                 std::ostream& out) {
  const std::string wanted = SizeInWords(*plan.request.wanted, screen.style);
  if (plan.choice->status == DeletionStatus::kInfeasible) {
    out << Bold(fmt::format(
                    "{} cannot be freed: deleting all {} that need not stay frees {}", wanted,
                    FormatCounted(std::ssize(question.fleet->images) - plan.num_kept, "image"),
                    SizeInWords(plan.most_freed, screen.style)),
                screen.style)
        << '\n';
    return;
  }
  DeletionPrinter printer(question, plan.deletion, screen, out);
  printer.PrintHeadline(fmt::format("to free {}, delete {} of {}", wanted,
                                    FormatCounted(std::ssize(plan.choice->ids), "image"),
                                    FormatCount(std::ssize(question.fleet->images))));
  const bool by_pulls = plan.request.loss == DeletionLoss::kPulls;
  if (by_pulls) {
    out << fmt::format("loss: {} of {}\n", FormatCounted(plan.choice->loss, "pull"),
                       FormatCount(plan.most_loss));
  }
  out << fmt::format("proof: {} ({})\n", ProofOf(plan),
                     FormatCounted(plan.choice->num_nodes, "node"));
}

}  // namespace

void PrintDeletion(const WhatifQuestion& question, const Deletion& deletion,
                   const WhatifScreen& screen, std::ostream& out) {
  DeletionPrinter printer(question, deletion, screen, out);
  printer.PrintHeadline("deleting " + printer.CountGoing());
  PrintWhatifNotes(question, screen.style, out);
  printer.PrintImages(false);
  printer.PrintPartly();
  printer.PrintHow();
}

void PrintRetention(const WhatifQuestion& question, std::int64_t newest, const Retention& retention,
                    const Deletion& deletion, const WhatifScreen& screen, std::ostream& out) {
  DeletionPrinter printer(question, deletion, screen, out);
  printer.PrintHeadline(
      fmt::format("keeping the newest {} of each repository and platform deletes {}",
                  FormatCount(newest), printer.CountGoing()));
  const auto note = [&](std::int64_t count, std::string_view why) {
    if (count == 0) return;
    out << fmt::format("{} {}\n", FormatCounted(count, "older image stays", "older images stay"),
                       why);
  };
  if (retention.num_undated > 0) {
    out << fmt::format("{}: no date of creation is known\n",
                       FormatCounted(retention.num_undated, "image stays undated in its repository",
                                     "images stay undated in their repositories"));
  }
  if (retention.num_tied > 0) {
    out << fmt::format("{}: as old as the last one that stays\n",
                       FormatCounted(retention.num_tied, "tied image stays", "tied images stay"));
  }
  note(retention.num_protected, "because --keep protects them");
  note(retention.num_kept_by_tag,
       "because their tags also name an image of another platform that stays");
  if (retention.num_without_refs > 0) {
    out << fmt::format("{}: in no repository\n",
                       FormatCounted(retention.num_without_refs, "image without refs stays",
                                     "images without refs stay"));
  }
  PrintWhatifNotes(question, screen.style, out);
  printer.PrintImages(false);
  printer.PrintPartly();
  printer.PrintHow();
}

void PrintFreeSpace(const WhatifQuestion& question, const FreeSpace& plan, bool frontier,
                    const WhatifScreen& screen, std::ostream& out) {
  if (plan.choice) {
    PrintChoice(question, plan, screen, out);
  } else {
    out << Bold(fmt::format(
                    "deleting all {} that need not stay frees {} of {} stored ({})",
                    FormatCounted(std::ssize(question.fleet->images) - plan.num_kept, "image"),
                    SizeInWords(plan.most_freed, screen.style),
                    SizeInWords(plan.deletion.stored, screen.style),
                    FormatPercent(plan.most_freed, plan.deletion.stored)),
                screen.style)
        << '\n';
  }
  if (plan.num_kept > 0) {
    out << fmt::format("--keep: {}\n", FormatCounted(plan.num_kept, "image stays", "images stay"));
  }
  PrintWhatifNotes(question, screen.style, out);
  if (frontier) PrintFrontier(question, plan, screen, out);
  DeletionPrinter printer(question, plan.deletion, screen, out);
  printer.PrintImages(plan.request.loss == DeletionLoss::kPulls);
  printer.PrintHow();
}

}  // namespace gneiss
