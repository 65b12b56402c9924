#include "io/report/plan_screen.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/report/format.h"
#include "io/report/instruction.h"
#include "io/report/recommendation_text.h"
#include "io/report/screen_text.h"

namespace gneiss {
namespace {

constexpr std::size_t kMaxLayersShown = 8;  // of one joined run

class PlanPrinter {
 public:
  PlanPrinter(const Fleet& fleet, const FleetTotals& totals, const Plan& plan,
              const PlanScreen& screen, std::ostream& out)
      : fleet_(fleet), totals_(totals), plan_(plan), screen_(screen), out_(out) {}

  void Print() {
    PrintHeadline();
    PrintWaterfall();
    PrintMoves();
    PrintJoins();
    PrintBases();
  }

 private:
  std::string Size(Bytes size) const { return FormatBytes(size, screen_.style.units); }

  std::string Money(Bytes cost) const {
    const double money = plan_.model.MoneyOf(cost);
    return money >= 1 ? FormatNumber(money) : fmt::format("{:.3g}", money);
  }

  // What a recommendation changes: "-105 MB" saved, "+455 kB" spent, "0" neither.
  std::string Change(Bytes saved) const {
    if (saved == 0) return "0";
    return (saved > 0 ? "-" : "+") + Size(saved > 0 ? saved : -saved);
  }

  static std::string Fewer(std::int64_t layers) {
    if (layers == 0) return "0";
    return (layers > 0 ? "-" : "+") + FormatCount(layers > 0 ? layers : -layers);
  }

  std::size_t NumShown(std::size_t size) const {
    return screen_.top == 0 ? size : std::min(size, screen_.top);
  }

  void PrintWrapped(const std::string& first, const std::string& text) {
    out_ << WrapText(first, text, screen_.style.width);
  }

  void PrintHeadline() {
    out_ << Bold(fmt::format("{}, {}: {} logical, {} stored, {} shared",
                             FormatCounted(totals_.images, "image"),
                             FormatCounted(totals_.layers, "layer"), Size(totals_.logical_bytes),
                             Size(totals_.physical_bytes),
                             FormatRatio(totals_.logical_bytes, totals_.physical_bytes)),
                 screen_.style)
         << '\n';
    PrintWrapped("model: ", plan_.model.Describe());
    const SquashPlan& squash = plan_.squash;
    if (squash.num_known_layers > 0) {
      std::string line =
          fmt::format("contents known of {} of {}", FormatCount(squash.num_known_layers),
                      FormatCounted(std::ssize(fleet_.layers), "layer"));
      if (squash.num_images_from_manifests > 0) {
        line += fmt::format("; {} with others planned from manifests there",
                            FormatCounted(squash.num_images_from_manifests, "image"));
      }
      PrintWrapped("", line);
    }
    if (squash.num_pinned > 0) {
      std::string line =
          fmt::format("pinned: {} never rewritten", FormatCounted(squash.num_pinned, "image"));
      if (squash.num_over_limit > 0) {
        line += fmt::format(", {} of them with more than the {} layers of --max-layers",
                            FormatCount(squash.num_over_limit), squash.options.max_layers);
      }
      out_ << line << '\n';
    }
    if (squash.num_standalone_layers > 0) {
      out_ << fmt::format("kept apart: {} that cannot be joined (foreign, encrypted or no tar)\n",
                          FormatCounted(squash.num_standalone_layers, "layer"));
    }
    out_ << '\n';
  }

  void PrintWaterfall() {
    const SquashPlan& squash = plan_.squash;
    Table table({{"layers only", Align::kLeft},
                 {"stored", Align::kRight},
                 {"", Align::kRight},
                 {"moved", Align::kRight},
                 {"", Align::kRight},
                 {"layers/image", Align::kRight},
                 {plan_.model.has_prices() ? "price" : "cost", Align::kRight},
                 {"proof", Align::kLeft}});
    const auto row = [&](const char* name, const LayoutCost& cost, const std::string& proof) {
      const LayoutCost& today = squash.current;
      const bool is_today = &cost == &today;
      return std::vector<std::string>{
          name,
          Size(cost.storage_bytes),
          is_today ? "" : Relative(cost.storage_bytes, today.storage_bytes),
          Size(cost.transfer_bytes),
          is_today ? "" : Relative(cost.transfer_bytes, today.transfer_bytes),
          FormatNumber(cost.layers_per_image),
          plan_.model.has_prices() ? Money(cost.cost) : Size(cost.cost),
          proof};
    };
    table.AddRow(row("today", squash.current, ""));
    table.AddRow(row("squash", squash.planned, Proof()));
    table.AddNote(row("flatten everything", plan_.flattened, "for comparison"));
    table.AddNote(row("keep base, squash rest", plan_.kept_base, "for comparison"));
    table.Print(screen_.style, out_);
    out_ << '\n';
  }

  static std::string Relative(Bytes planned, Bytes today) {
    if (planned == today) return "=";
    if (today == 0) return "";
    const double ratio = static_cast<double>(planned) / static_cast<double>(today);
    if (ratio >= 10) return FormatNumber(ratio) + "x";
    const double change = 100.0 * (ratio - 1);
    if (change > -0.05 && change < 0.05) return change > 0 ? "+<0.1 %" : "-<0.1 %";
    return fmt::format("{:+.1f} %", change);
  }

  std::string Proof() const {
    const SquashPlan& squash = plan_.squash;
    if (squash.status == PlanStatus::kOptimal) {
      return squash.planned.cost == squash.lower_bound
                 ? "optimal, gap 0"
                 : fmt::format("optimal, gap {:.0e}", squash.gap());
    }
    return fmt::format("{}, gap {:.2g} %", PlanStatusName(squash.status), 100 * squash.gap());
  }

  void PrintRecommendations(const std::vector<Recommendation>& recommendations) {
    Table table({{"", Align::kLeft},
                 {"stored", Align::kRight},
                 {"moved", Align::kRight},
                 {"layers", Align::kRight},
                 {"effort", Align::kLeft},
                 {"", Align::kLeft}});
    const std::size_t num_shown = NumShown(recommendations.size());
    for (const Recommendation& r : std::span(recommendations).first(num_shown)) {
      table.AddRow({r.id, Change(r.saves_storage_bytes), Change(r.saves_transfer_bytes),
                    Fewer(r.saves_layers), std::string(EffortName(r.effort)),
                    DescribeRecommendation(fleet_, plan_, r, screen_.style.units).title});
    }
    if (num_shown < recommendations.size()) {
      Bytes storage = 0;
      Bytes transfer = 0;
      std::int64_t layers = 0;
      for (const Recommendation& r : std::span(recommendations).subspan(num_shown)) {
        storage += r.saves_storage_bytes;
        transfer += r.saves_transfer_bytes;
        layers += r.saves_layers;
      }
      table.AddNote({"", Change(storage), Change(transfer), Fewer(layers), "",
                     fmt::format("[{}]", FormatCounted(static_cast<std::int64_t>(
                                                           recommendations.size() - num_shown),
                                                       "other"))});
    }
    table.Print(screen_.style, out_);
    out_ << '\n';
  }

  void PrintMoves() {
    if (plan_.moves.empty()) return;
    const BasesReport& bases = plan_.bases;
    out_ << Bold(fmt::format(
                     "drift: images on an older or recompressed base; all clear moves together "
                     "{} stored, {} moved",
                     Change(bases.current.storage_bytes - bases.moved.storage_bytes),
                     Change(bases.current.transfer_bytes - bases.moved.transfer_bytes)),
                 screen_.style)
         << '\n';
    PrintRecommendations(plan_.moves);
    for (const Recommendation& r : std::span(plan_.moves).first(NumShown(plan_.moves.size()))) {
      PrintWords(r);
    }
    out_ << '\n';
  }

  void PrintWords(const Recommendation& r) {
    const RecommendationText text = DescribeRecommendation(fleet_, plan_, r, screen_.style.units);
    PrintWrapped(fmt::format("{:<4} ", r.id), text.title);
    PrintWrapped("     why:  ", text.why);
    PrintWrapped("     how:  ", text.how);
    PrintWrapped("     risk: ", text.risk);
  }

  void PrintJoins() {
    if (plan_.joins.empty()) {
      out_ << "squash: no two layers are worth joining: today's boundaries are the best ones\n\n";
      return;
    }
    const SquashPlan& squash = plan_.squash;
    out_ << Bold(fmt::format(
                     "squash: join layers that are always used together; {} instead of {} layers "
                     "in all manifests",
                     FormatCount(squash.planned.layer_references),
                     FormatCount(squash.current.layer_references)),
                 screen_.style)
         << '\n';
    PrintRecommendations(plan_.joins);
    for (const Recommendation& r : std::span(plan_.joins).first(NumShown(plan_.joins.size()))) {
      PrintWords(r);
      PrintRun(r.runs.front());
    }
    out_ << '\n';
  }

  void PrintRun(const JoinedRun& run) {
    const Image& image = fleet_.images[run.image];
    const auto layers = fleet_.chain(image).subspan(run.offset, run.length);
    const std::size_t num_shown =
        layers.size() > kMaxLayersShown ? kMaxLayersShown - 1 : layers.size();
    const std::size_t width =
        screen_.style.width == 0 ? 100 : std::max<std::size_t>(60, screen_.style.width);
    for (std::size_t i = 0; i < num_shown; ++i) {
      const Layer& layer = fleet_.layers[layers[i]];
      std::string what = PrettyInstruction(fleet_.text(layer.created_by), width - 28);
      if (what.empty()) what = CutMiddle(fleet_.digest_text(layer), width - 28);
      const std::string label = fmt::format("layer {}", run.offset + i + 1);
      out_ << Dim(fmt::format("     {:<9} {:>10}  {}", label, Size(layer.size), what),
                  screen_.style)
           << '\n';
    }
    if (num_shown < layers.size()) {
      out_ << Dim(fmt::format("     [{}]", FormatCounted(std::ssize(layers) -
                                                             static_cast<std::int64_t>(num_shown),
                                                         "other")),
                  screen_.style)
           << '\n';
    }
  }

  void PrintBases() {
    const std::vector<CommonBase>& bases = plan_.bases.bases;
    if (bases.empty()) {
      out_ << "bases: no two images have a layer in common at the start of their chains\n";
      return;
    }
    out_ << Bold("bases that images have in common today", screen_.style) << '\n';
    Table table({{"sharing saves", Align::kRight},
                 {"size", Align::kRight},
                 {"layers", Align::kRight},
                 {"images", Align::kRight},
                 {"repositories", Align::kRight},
                 {"base", Align::kLeft}});
    const std::size_t num_shown = NumShown(bases.size());
    for (const CommonBase& base : std::span(bases).first(num_shown)) {
      table.AddRow({Size(base.saves_storage_bytes), Size(base.size), FormatCount(base.num_layers),
                    FormatCount(base.num_images), FormatCount(base.num_repositories),
                    base.versions.empty()
                        ? fmt::format("chains part above {}", ShortDigest(base.name))
                        : base.name});
    }
    if (num_shown < bases.size()) {
      Bytes saved = 0;
      for (const CommonBase& base : std::span(bases).subspan(num_shown)) {
        saved += base.saves_storage_bytes;
      }
      table.AddNote(
          {Size(saved), "", "", "", "",
           fmt::format("[{}]", FormatCounted(static_cast<std::int64_t>(bases.size() - num_shown),
                                             "other"))});
    }
    table.Print(screen_.style, out_);
  }

  const Fleet& fleet_;
  const FleetTotals& totals_;
  const Plan& plan_;
  const PlanScreen& screen_;
  std::ostream& out_;
};

}  // namespace

void PrintPlan(const Fleet& fleet, const FleetTotals& totals, const Plan& plan,
               const PlanScreen& screen, std::ostream& out) {
  PlanPrinter(fleet, totals, plan, screen, out).Print();
}

}  // namespace gneiss
