#include "io/report/plan/explain_screen.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/json/json_writer.h"
#include "io/report/fleet/instruction.h"
#include "io/report/plan/plan_commands.h"
#include "io/report/plan/recommendation_text.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "planner/carve/layer_description.h"

namespace gneiss {
namespace {

constexpr std::size_t kNoPathLimit = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kInstructionWidth = 400;  // the table cuts it to the screen

// What a recommendation is about, whatever its kind.
struct Explanation {
  std::vector<ContentGroup> groups;
  std::vector<LayerPart> layers;
  std::vector<PathPart> paths;
  const char* groups_title = "";
  const char* layers_title = "";
  const char* paths_title = "";
};

Explanation ExplainBase(const Plan& plan, const Recommendation& r) {
  const ContentPlan& contents = *plan.from_contents;
  const NewBases& bases = *contents.bases;
  LayerDescription what =
      DescribeLayer(contents.atoms, *plan.contents,
                    bases.plan.layout.layers[bases.bases[r.base].layer], kNoPathLimit);
  return {.groups = std::move(what.groups),
          .layers = std::move(what.layers),
          .paths = std::move(what.paths),
          .groups_title = "what it holds",
          .layers_title = "layers of today that hold these files",
          .paths_title = "largest files"};
}

Explanation ExplainJoin(const Fleet& fleet, const Plan& plan, const Recommendation& r) {
  Explanation explanation{.layers_title = "layers that become one",
                          .paths_title = "files that no image sees once they are joined"};
  for (const JoinedRun& run : r.runs) {
    const auto segment = fleet.chain(fleet.images[run.image]).subspan(run.offset, run.length);
    for (const LayerIndex l : segment) explanation.layers.push_back({l, fleet.layers[l].size});
    if (plan.contents == nullptr) continue;
    std::vector<PathPart> paths = HiddenPaths(*plan.contents, segment, kNoPathLimit);
    explanation.paths.insert(explanation.paths.end(), std::make_move_iterator(paths.begin()),
                             std::make_move_iterator(paths.end()));
  }
  std::ranges::stable_sort(explanation.paths, std::ranges::greater{}, &PathPart::bytes);
  return explanation;
}

Explanation ExplainMove(const Fleet& fleet, const Plan& plan, const Recommendation& r) {
  Explanation explanation{.layers_title = "layers that these images would leave"};
  const Drift& drift = plan.bases.drift[r.drift];
  for (const LayerIndex l : drift.from) {
    if (std::ranges::find(drift.to, l) != drift.to.end()) continue;
    explanation.layers.push_back({l, fleet.layers[l].size});
  }
  return explanation;
}

Explanation ExplainCarving(const Plan& plan) {
  Explanation explanation{.groups_title = "largest new layers"};
  const GeneratedLayout& layout = plan.from_contents->carve->layout;
  for (std::uint32_t j = 0; j < layout.layers.size(); ++j) {
    const GeneratedLayer& layer = layout.layers[j];
    LayerDescription what = DescribeLayer(plan.from_contents->atoms, *plan.contents, layer, 1);
    std::string name =
        fmt::format("{} for {}", NewLayerId(j), FormatCounted(std::ssize(layer.images), "image"));
    if (!what.groups.empty()) {
      const ContentGroup& largest = what.groups.front();
      const bool is_most = largest.bytes > layer.size() / 2;
      name += fmt::format(", {} {}", is_most ? "most of it" : "largest part", largest.name);
    }
    explanation.groups.push_back(
        {.name = std::move(name), .bytes = layer.size(), .num_files = what.num_files});
  }
  std::ranges::stable_sort(explanation.groups, std::ranges::greater{}, &ContentGroup::bytes);
  return explanation;
}

Explanation Explain(const Fleet& fleet, const Plan& plan, const Recommendation& r) {
  switch (r.kind) {
    case RecommendationKind::kNewBase:
      return ExplainBase(plan, r);
    case RecommendationKind::kJoin:
      return ExplainJoin(fleet, plan, r);
    case RecommendationKind::kRebase:
      return ExplainMove(fleet, plan, r);
    case RecommendationKind::kCarve:
      return ExplainCarving(plan);
  }
  return {};
}

class ExplanationPrinter {
 public:
  ExplanationPrinter(const Fleet& fleet, const Plan& plan, const Recommendation& r,
                     const ScreenStyle& style, std::size_t top, std::ostream& out)
      : fleet_(fleet), plan_(plan), r_(r), style_(style), top_(top), out_(out) {}

  void Print() {
    const RecommendationText text = DescribeRecommendation(fleet_, plan_, r_, style_.units);
    out_ << Bold(fmt::format("{}  {}", r_.id, text.title), style_) << '\n';
    Wrap("why:    ", text.why);
    Wrap("how:    ", text.how);
    Wrap("risk:   ", text.risk);
    Wrap("effort: ", std::string(EffortName(r_.effort)));
    Wrap("model:  ", plan_.DescribeModel());
    for (const std::string& line : DescribeKept(plan_.squash)) Wrap("note:   ", line);
    out_ << '\n';
    PrintArithmetic();
    const Explanation explanation = Explain(fleet_, plan_, r_);
    PrintGroups(explanation);
    PrintLayers(explanation);
    PrintPaths(explanation);
    PrintImages();
    if (r_.kind == RecommendationKind::kNewBase) PrintDockerfile(explanation.groups);
    PrintCommands();
  }

 private:
  std::string Size(Bytes size) const { return FormatBytes(size, style_.units); }
  void Wrap(std::string_view first, const std::string& text) {
    out_ << WrapText(first, text, style_.width);
  }
  std::size_t NumShown(std::size_t size) const { return top_ == 0 ? size : std::min(top_, size); }
  void PrintTitle(const char* title, std::size_t size) {
    out_ << '\n'
         << Bold(NumShown(size) < size ? fmt::format("{} ({} of {})", title,
                                                     FormatCount(static_cast<std::int64_t>(top_)),
                                                     FormatCount(static_cast<std::int64_t>(size)))
                                       : std::string(title),
                 style_)
         << '\n';
  }

  // What is saved, term by term: stored + moved + layers pulled = cost.
  void PrintArithmetic() {
    const CostOptions& model = plan_.model.options();
    Table table({{"", Align::kLeft}, {"saves", Align::kRight}, {"weight", Align::kRight}});
    table.AddRow(
        {"stored", Size(r_.saves_storage_bytes), fmt::format("{:g}", model.storage_weight)});
    table.AddRow(
        {"moved", Size(r_.saves_transfer_bytes), fmt::format("{:g}", model.transfer_weight)});
    table.AddRow({"layers in all manifests", FormatCount(r_.saves_layers),
                  fmt::format("{} a pull", Size(model.layer_cost))});
    table.AddTotal({"cost", Size(r_.saves_cost), ""});
    table.Print(style_, out_);
    if (r_.kind == RecommendationKind::kNewBase) {
      Wrap("", "counted against this plan without the base: each layer above would have its files");
    }
  }

  void PrintGroups(const Explanation& explanation) {
    if (explanation.groups.empty()) return;
    PrintTitle(explanation.groups_title, explanation.groups.size());
    Table table({{"size"}, {"files"}, {"", Align::kLeft}});
    for (std::size_t g = 0; g < NumShown(explanation.groups.size()); ++g) {
      const ContentGroup& group = explanation.groups[g];
      table.AddRow({Size(group.bytes), FormatCount(group.num_files), group.name});
    }
    table.Print(style_, out_);
  }

  void PrintLayers(const Explanation& explanation) {
    if (explanation.layers.empty()) return;
    PrintTitle(explanation.layers_title, explanation.layers.size());
    Table table({{"size"}, {"digest", Align::kLeft}, {"instruction", Align::kLeft}});
    for (std::size_t l = 0; l < NumShown(explanation.layers.size()); ++l) {
      const Layer& layer = fleet_.layers[explanation.layers[l].layer];
      table.AddRow({Size(explanation.layers[l].bytes),
                    std::string(ShortDigest(fleet_.digest_text(layer))),
                    PrettyInstruction(fleet_.text(layer.created_by), kInstructionWidth)});
    }
    table.Print(style_, out_);
  }

  void PrintPaths(const Explanation& explanation) {
    if (explanation.paths.empty()) return;
    PrintTitle(explanation.paths_title, explanation.paths.size());
    Table table({{"size"}, {"path", Align::kLeft}});
    for (std::size_t p = 0; p < NumShown(explanation.paths.size()); ++p) {
      table.AddRow({Size(explanation.paths[p].bytes), explanation.paths[p].path});
    }
    table.Print(style_, out_);
  }

  void PrintImages() {
    PrintTitle("images", r_.images.size());
    for (std::size_t i = 0; i < NumShown(r_.images.size()); ++i) {
      out_ << "  " << Printable(fleet_.name(fleet_.images[r_.images[i]])) << '\n';
    }
  }

  // Lines to build the base with, and to stand on it. What no package database lists is not in
  // them.
  void PrintDockerfile(const std::vector<ContentGroup>& groups) {
    const NewBases& bases = plan_.from_contents->bases.value();
    std::string on = "scratch";
    for (const Recommendation& other : plan_.new_bases) {
      if (other.base == bases.bases[r_.base].parent) on = "base-" + other.id;
    }
    const std::string install = InstallCommand(groups);
    out_ << '\n' << Bold("Dockerfile of the base", style_) << '\n';
    out_ << "  FROM " << on << '\n';
    if (!install.empty()) Wrap("  RUN ", Printable(install));
    Bytes others = 0;
    for (const ContentGroup& group : groups) {
      if (!group.package) others += group.bytes;
    }
    if (others > 0) {
      Wrap("  ", fmt::format("# and {} of files that no package database lists", Size(others)));
    }
    out_ << Bold("Dockerfiles of the images", style_) << "\n  FROM base-" << r_.id << '\n';
  }

  // As `gneiss plan --commands` has them.
  void PrintCommands() {
    const std::vector<ScriptLine> lines = CommandsOf(fleet_, plan_, r_);
    PrintTitle("commands", lines.size());
    for (std::size_t l = 0; l < NumShown(lines.size()); ++l) {
      out_ << "  " << (lines[l].is_comment ? "# " : "") << lines[l].text << '\n';
    }
  }

  const Fleet& fleet_;
  const Plan& plan_;
  const Recommendation& r_;
  const ScreenStyle& style_;
  std::size_t top_;
  std::ostream& out_;
};

}  // namespace

void PrintExplanation(const Fleet& fleet, const Plan& plan, const Recommendation& r,
                      const ScreenStyle& style, std::size_t top, std::ostream& out) {
  ExplanationPrinter(fleet, plan, r, style, top, out).Print();
}

void WriteExplanationJson(const Fleet& fleet, const Plan& plan, const Recommendation& r,
                          std::ostream& out) {
  const Explanation explanation = Explain(fleet, plan, r);
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema", "gneiss.explain/1");
  json.Field("recommendation", RecommendationJson(fleet, plan, r));
  json.Key("groups");
  json.BeginArray();
  for (const ContentGroup& group : explanation.groups) {
    json.Value({{"name", group.name}, {"size", group.bytes}, {"files", group.num_files}});
  }
  json.EndArray();
  json.Key("layers");
  json.BeginArray();
  for (const LayerPart& part : explanation.layers) {
    json.Value({{"digest", fleet.digest_text(fleet.layers[part.layer])}, {"size", part.bytes}});
  }
  json.EndArray();
  json.Key("paths");
  json.BeginArray();
  for (const PathPart& part : explanation.paths) {
    json.Value({{"path", part.path}, {"size", part.bytes}});
  }
  json.EndArray();
  json.EndObject();
  json.Finish();
}

}  // namespace gneiss
