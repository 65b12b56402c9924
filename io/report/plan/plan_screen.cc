#include "io/report/plan/plan_screen.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/report/fleet/instruction.h"
#include "io/report/fleet/merge_warnings.h"
#include "io/report/plan/recommendation_text.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

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
    PrintRecommendations();
    PrintBases();
    PrintFrontiers();
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
    PrintWrapped("model: ", plan_.DescribeModel());
    const SquashPlan& squash = plan_.squash;
    if (plan_.contents != nullptr && squash.num_known_layers == 0) {
      PrintWrapped("",
                   "contents of no layer known: bases and carved layers take them, and squash "
                   "finds more with them; gneiss scan reads the layers");
    }
    if (const auto& contents = plan_.from_contents;
        contents && contents->num_images < std::ssize(fleet_.images)) {
      PrintWrapped("", fmt::format("bases and carve are of {} of {}; the others keep their layers",
                                   FormatCount(contents->num_images),
                                   FormatCounted(std::ssize(fleet_.images), "image")));
    }
    if (const auto& contents = plan_.from_contents;
        contents && contents->num_images > kMaxMergeTreeImages) {
      PrintWrapped("", fmt::format("no new bases: they are for at most {} of known contents",
                                   FormatCounted(kMaxMergeTreeImages, "image")));
    }
    if (squash.num_known_layers > 0) {
      std::string line =
          fmt::format("contents known of {} of {}", FormatCount(squash.num_known_layers),
                      FormatCounted(std::ssize(fleet_.layers), "layer"));
      line += OnWhoseWord(plan_.contents->belief);
      if (squash.num_images_from_manifests > 0) {
        line += fmt::format("; {} with others planned from manifests there",
                            FormatCounted(squash.num_images_from_manifests, "image"));
      }
      PrintWrapped("", line);
    }
    for (const std::string& line : DescribeKept(squash)) PrintWrapped("", line);
    if (plan_.contents != nullptr) {
      for (const std::string& text :
           MergeWarningTexts(fleet_, *plan_.contents, squash.merge_warnings)) {
        PrintWrapped("risk: ", text);
      }
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
    table.AddRow(row("squash", squash.planned, Proof(squash.status, squash.gap())));
    if (const BasesReport& bases = plan_.bases; bases.num_moved_images > 0) {
      table.AddRow(row("rebase", bases.moved, Proof(bases.status, bases.gap()) + "; files change"));
    }
    if (const auto& contents = plan_.from_contents) {
      const auto level = [&](const char* name, const GeneratedPlan& plan) {
        table.AddRow(row(name, plan.planned, Proof(plan.status, plan.gap())));
      };
      if (contents->bases) level("bases", contents->bases->plan);
      if (contents->carve) level("carve", *contents->carve);
      table.AddRow(row("floor", contents->floor, "every file stored once"));
    }
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

  static std::string Proof(PlanStatus status, double gap) {
    if (status == PlanStatus::kOptimal) {
      return gap == 0 ? "optimal, gap 0" : fmt::format("optimal, gap {:.0e}", gap);
    }
    return fmt::format("{}gap {:.2g} %",
                       status == PlanStatus::kIterationLimit
                           ? std::string()
                           : fmt::format("{}, ", PlanStatusName(status)),
                       100 * gap);
  }

  // What to do, whatever level it is of, by saving and effort.
  void PrintRecommendations() {
    const std::vector<const Recommendation*> ranked = plan_.Ranked();
    if (ranked.empty()) {
      out_ << "nothing to do: today's layers are the best ones\n\n";
      return;
    }
    Table table({{"do first", Align::kLeft},
                 {"stored", Align::kRight},
                 {"moved", Align::kRight},
                 {"layers", Align::kRight},
                 {"effort", Align::kLeft},
                 {"", Align::kLeft}});
    const std::size_t num_shown = NumShown(ranked.size());
    for (const Recommendation* const r : std::span(ranked).first(num_shown)) {
      table.AddRow({r->id, Change(r->saves_storage_bytes), Change(r->saves_transfer_bytes),
                    Fewer(r->saves_layers), std::string(EffortName(r->effort)),
                    DescribeRecommendation(fleet_, plan_, *r, screen_.style.units).title});
    }
    table.Print(screen_.style, out_);
    if (num_shown < ranked.size()) {
      PrintWrapped(
          "", fmt::format(
                  "[{}; --top 0 shows all, gneiss explain ID one in full]",
                  FormatCounted(static_cast<std::int64_t>(ranked.size() - num_shown), "other")));
    }
    out_ << '\n';
    for (const Recommendation* const r : std::span(ranked).first(num_shown)) {
      PrintWords(*r);
      if (r->kind == RecommendationKind::kJoin) PrintRun(r->runs.front());
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

  // What fewer bases, fewer layers, and other weights come to.
  void PrintFrontiers() {
    if (!plan_.from_contents) return;
    const ContentPlan& contents = *plan_.from_contents;
    const auto print = [&](const char* title, const char* name, std::size_t size, auto label,
                           auto cost_of) {
      if (size == 0) return;
      out_ << '\n' << Bold(title, screen_.style) << '\n';
      Table table({{name}, {"stored"}, {"moved"}, {"layers/image"}, {"cost"}});
      for (std::size_t p = 0; p < size; ++p) {
        const LayoutCost& cost = cost_of(p);
        table.AddRow({label(p), Size(cost.storage_bytes), Size(cost.transfer_bytes),
                      FormatNumber(cost.layers_per_image), Size(cost.cost)});
      }
      table.Print(screen_.style, out_);
    };
    if (contents.bases) {
      const std::vector<BasesPoint>& points = contents.bases->frontier;
      print(
          "new common bases, the fewer the less to keep", "bases", points.size(),
          [&](std::size_t p) { return FormatCount(points[p].num_bases); },
          [&](std::size_t p) -> const LayoutCost& { return points[p].cost; });
    }
    print(
        "carved, by the most layers an image may have", "at most", contents.by_layers.size(),
        [&](std::size_t p) { return FormatCount(contents.by_layers[p].max_layers); },
        [&](std::size_t p) -> const LayoutCost& { return contents.by_layers[p].cost; });
    print(
        "carved, by what a stored byte weighs against a moved one", "weights",
        contents.by_weights.size(),
        [&](std::size_t p) {
          const CarvePoint& point = contents.by_weights[p];
          return fmt::format("{:g} : {:g}", point.storage_weight, point.transfer_weight);
        },
        [&](std::size_t p) -> const LayoutCost& { return contents.by_weights[p].cost; });
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
