#include "io/report/plan/plan_commands.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "io/report/fleet/instruction.h"
#include "io/report/plan/recommendation_text.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "io/text/shell_quote.h"
#include "planner/carve/layer_description.h"
#include "planner/fleet/image_pairs.h"

namespace gneiss {
namespace {

constexpr std::size_t kStepWidth = 2000;        // of an instruction; the plan has them whole
constexpr std::string_view kNewTag = "gneiss";  // of images that crane makes

// Whether a tool takes it for a ref and nothing else: no option, no digest alone.
bool IsUsableRef(std::string_view ref) {
  constexpr std::string_view kAlphanumeric =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  return !ref.empty() && kAlphanumeric.find(ref.front()) != std::string_view::npos &&
         ref.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "._-/:@") == std::string_view::npos &&
         !ref.starts_with("sha256:");
}

// "host/repository", without tag and digest.
std::string RepositoryWithHost(std::string_view ref) {
  const RefParts parts = SplitRef(ref);
  return parts.host.empty() ? std::string(parts.repository)
                            : fmt::format("{}/{}", parts.host, parts.repository);
}

// A tag beside that of `ref`, which stays what it is.
std::string TagBeside(std::string_view ref, std::string_view platform) {
  const std::string_view tag = SplitRef(ref).tag;
  std::string text = RepositoryWithHost(ref) + ":";
  if (!tag.empty() && tag.find(':') == std::string_view::npos) text += std::string(tag) + "-";
  text += kNewTag;
  for (const char c : platform.empty() ? std::string() : fmt::format("-{}", platform)) {
    text += c == '/' ? '-' : c;
  }
  return text;
}

// What an image is called below $REGISTRY: without host and digest.
std::string NameToPush(std::string_view ref) {
  const RefParts parts = SplitRef(ref);
  const bool has_tag = !parts.tag.empty() && parts.tag.find(':') == std::string_view::npos;
  return fmt::format("{}{}{}", parts.repository, has_tag ? ":" : "", has_tag ? parts.tag : "");
}

class CommandWriter {
 public:
  CommandWriter(const Fleet& fleet, const Plan& plan) : fleet_(fleet), plan_(plan) {
    for (const Image& image : fleet.images) {
      for (const TextIndex ref : fleet.refs_of(image)) ++num_images_[fleet.text(ref)];
    }
  }

  std::vector<ScriptLine> CommandsFor(const Recommendation& r) {
    lines_.clear();
    switch (r.kind) {
      case RecommendationKind::kJoin:
        WriteJoin(r);
        break;
      case RecommendationKind::kRebase:
        WriteMove(plan_.bases.drift[r.drift]);
        break;
      case RecommendationKind::kNewBase:
        WriteNewBase(r);
        break;
      case RecommendationKind::kCarve:
        Say("gneiss apply writes these layers, with --level carve");
        break;
    }
    return std::move(lines_);
  }

 private:
  void Say(std::string_view text) {
    lines_.push_back({.is_comment = true, .text = Printable(text)});
  }
  void Run(std::string text) { lines_.push_back({.is_comment = false, .text = std::move(text)}); }

  // The first ref that tools take; nullopt, said why, when there is none.
  std::optional<std::string_view> RefOf(ImageIndex i) {
    const Image& image = fleet_.images[i];
    for (const TextIndex ref : fleet_.refs_of(image)) {
      if (IsUsableRef(fleet_.text(ref))) return fleet_.text(ref);
    }
    Say(fmt::format("{} has no ref that tools can be given", fleet_.name(image)));
    return std::nullopt;
  }

  // Of refs that name images of several platforms, crane is to take the one.
  std::string PlatformOption(std::string_view ref, ImageIndex i) const {
    const std::string_view platform = fleet_.text(fleet_.images[i].platform);
    if (num_images_.at(ref) < 2 || platform.empty()) return "";
    return " --platform " + ShellQuote(platform);
  }
  std::string NewTag(std::string_view ref, ImageIndex i) const {
    return TagBeside(ref, num_images_.at(ref) < 2 ? "" : fleet_.text(fleet_.images[i].platform));
  }

  void SayBuilds(std::string_view ref, std::string_view docker_options,
                 std::string_view buildah_options) {
    Say(fmt::format("docker build{} --tag {} DIRECTORY", docker_options, ShellQuote(ref)));
    Say(fmt::format("buildah build{} --tag {} DIRECTORY", buildah_options, ShellQuote(ref)));
  }

  void WriteJoin(const Recommendation& r) {
    const JoinedRun& run = r.runs.front();
    const auto chain = fleet_.chain(fleet_.images[run.image]);
    SayJoinedSteps(chain.subspan(run.offset, run.length));
    if (const auto ref = RefOf(run.image)) {
      Say("with the steps joined in its Dockerfile, in DIRECTORY:");
      SayBuilds(*ref, "", " --layers");
      if (run.offset > 0 && run.offset + run.length == chain.size()) {
        Say("or without an edit, all steps above FROM as one layer:");
        Say(fmt::format("buildah build --layers=false --tag {} DIRECTORY", ShellQuote(*ref)));
      }
    }
    for (const JoinedRun& whole : r.runs) {
      if (whole.length != fleet_.images[whole.image].num_layers) continue;
      const auto ref = RefOf(whole.image);
      if (!ref) continue;
      Say("or, as all of its layers become one, without a build:");
      Run(fmt::format("crane flatten{} --tag {} {}", PlatformOption(*ref, whole.image),
                      ShellQuote(NewTag(*ref, whole.image)), ShellQuote(*ref)));
    }
  }

  // As one RUN where all of them are RUN.
  void SayJoinedSteps(std::span<const LayerIndex> layers) {
    constexpr std::string_view kRun = "RUN ";
    std::vector<std::string> steps;
    for (const LayerIndex l : layers) {
      steps.push_back(PrettyInstruction(fleet_.text(fleet_.layers[l].created_by), kStepWidth));
    }
    const bool all_run =
        std::ranges::all_of(steps, [&](const std::string& step) { return step.starts_with(kRun); });
    Say(all_run ? "the steps as one, as the history tells them:" : "steps that become one layer:");
    for (std::size_t s = 0; s < steps.size(); ++s) {
      std::string text = steps[s].empty() ? "(the history does not say)" : steps[s];
      if (all_run) {
        if (s > 0) text.replace(0, kRun.size(), "    ");
        if (s + 1 < steps.size()) text += " && \\";
      }
      Say("  " + text);
    }
  }

  void WriteMove(const Drift& drift) {
    if (drift.weak()) {
      Say("a weak sign: look at the two bases first");
      return;
    }
    const bool are_refs = num_images_.contains(drift.from_name) && IsUsableRef(drift.from_name) &&
                          num_images_.contains(drift.to_name) && IsUsableRef(drift.to_name) &&
                          drift.twin_name.empty();
    if (!are_refs) {
      Say("no image of the fleet is the base by itself, so crane cannot be given it");
    }
    const bool changes_from =
        drift.sign == LineageSign::kMapping || drift.sign == LineageSign::kOsRelease;
    for (const ImageIndex i : drift.images) {
      const auto ref = RefOf(i);
      if (!ref) continue;
      if (drift.sign != LineageSign::kTwin) {
        Say(fmt::format(
            "from its Dockerfile, in DIRECTORY{}:",
            changes_from ? fmt::format(", with FROM {}", drift.to_name) : std::string()));
        SayBuilds(*ref, " --pull", " --layers --pull=always");
      }
      if (!are_refs) continue;
      Say("or its upper layers as they are on the other base:");
      Run(fmt::format("crane rebase{} --old_base {} --new_base {} --tag {} {}",
                      PlatformOption(*ref, i), ShellQuote(drift.from_name),
                      ShellQuote(drift.to_name), ShellQuote(NewTag(*ref, i)), ShellQuote(*ref)));
    }
  }

  void WriteNewBase(const Recommendation& r) {
    const ContentPlan& contents = *plan_.from_contents;
    const NewBases& bases = *contents.bases;
    const NewBase& base = bases.bases[r.base];
    std::string on = "scratch";
    for (const Recommendation& other : plan_.new_bases) {
      if (base.parent != kNone && other.base == base.parent) on = "base-" + other.id;
    }
    const LayerDescription what =
        DescribeLayer(contents.atoms, *plan_.contents, bases.plan.layout.layers[base.layer], 0);
    Say("gneiss apply writes this base, with --level bases; by hand, a Dockerfile in DIRECTORY:");
    Say("  FROM " + on);
    const std::string install = InstallCommand(what.groups);
    if (!install.empty()) Say("  RUN " + install);
    SayBuilds("base-" + r.id, "", " --layers");
    Say(fmt::format("and FROM base-{} in the Dockerfiles of its images", r.id));
  }

  const Fleet& fleet_;
  const Plan& plan_;
  std::map<std::string_view, std::int64_t> num_images_;  // by ref
  std::vector<ScriptLine> lines_;
};

// A level that `gneiss apply` can write.
struct AppliedLevel {
  std::string_view name;
  Bytes cost = 0;
};

std::vector<AppliedLevel> LevelsOf(const Plan& plan) {
  std::vector<AppliedLevel> levels = {{"squash", plan.squash.planned.cost}};
  if (plan.from_contents) {
    const ContentPlan& contents = *plan.from_contents;
    if (contents.bases) levels.push_back({"bases", contents.bases->plan.planned.cost});
    if (contents.carve) levels.push_back({"carve", contents.carve->planned.cost});
  }
  std::ranges::stable_sort(levels, {}, &AppliedLevel::cost);
  return levels;
}

class ScriptPrinter {
 public:
  ScriptPrinter(const Fleet& fleet, const Plan& plan, const PlanScript& script, std::ostream& out)
      : fleet_(fleet), plan_(plan), script_(script), out_(out) {}

  void Print() {
    out_
        << "#!/bin/sh\n"
           "# Commands for a plan of gneiss. Levels are alternatives: choose, and delete the rest\n"
           "# before you run this. It replaces no image: what crane makes is tagged "
           "\"...-gneiss\"\n"
           "# and what gneiss makes is pushed to $REGISTRY. A ref without a host is one of\n"
           "# docker.io to all of these tools.\n"
           "#\n"
           "#   REGISTRY=registry.example.com/staged sh SCRIPT PLAN\n"
           "#\n"
           "# PLAN is what `gneiss plan -o PLAN` wrote with the same sources and options.\n"
           "set -eu\n"
           "plan=${1:?usage: sh SCRIPT PLAN}\n";
    CommandWriter writer(fleet_, plan_);
    for (const Recommendation* const r : plan_.Ranked()) {
      const RecommendationText text = DescribeRecommendation(fleet_, plan_, *r, ByteUnits::kSi);
      out_ << '\n';
      Say(fmt::format("{}: {}", r->id, text.title));
      Say(fmt::format("stored {}, moved {}, {} in all manifests; {}",
                      SignedSaving(r->saves_storage_bytes), SignedSaving(r->saves_transfer_bytes),
                      SignedLayers(r->saves_layers), EffortName(r->effort)));
      Say("risk: " + text.risk);
      for (const ScriptLine& line : writer.CommandsFor(*r)) {
        if (line.is_comment) {
          Say(line.text);
        } else {
          out_ << line.text << '\n';
        }
      }
    }
    PrintLevels();
  }

 private:
  void Say(std::string_view text) { out_ << "# " << Printable(text) << '\n'; }

  // What is saved becomes less.
  static std::string Signed(std::int64_t saved, const std::string& amount) {
    return fmt::format("{}{}", saved > 0 ? "-" : saved < 0 ? "+" : "", amount);
  }
  static std::string SignedSaving(Bytes saved) {
    return Signed(saved, FormatBytes(saved < 0 ? -saved : saved, ByteUnits::kSi));
  }
  static std::string SignedLayers(std::int64_t saved) {
    return Signed(saved, FormatCounted(saved < 0 ? -saved : saved, "layer"));
  }

  void PrintLevels() {
    const std::vector<AppliedLevel> levels = LevelsOf(plan_);
    out_ << '\n';
    Say("The whole plan without Dockerfiles: gneiss writes the layers, proves that no image lost");
    Say("or gained a file, and skopeo pushes the images.");
    for (std::size_t l = 0; l < levels.size(); ++l) {
      if (l == 1) Say("or:");
      const std::string target = fmt::format("oci:gneiss-{}", levels[l].name);
      const char* const mark = l == 0 ? "" : "# ";
      std::string apply = fmt::format("gneiss apply \"$plan\" --level {}", levels[l].name);
      for (const std::string& source : script_.sources) apply += " --from " + ShellQuote(source);
      out_ << mark << OneCommentLine(l, apply + " --to " + target + Store()) << '\n';
      if (script_.sources.size() == 1) {
        out_ << mark
             << OneCommentLine(l, fmt::format("gneiss verify {} {}{}",
                                              ShellQuote(script_.sources.front()), target, Store()))
             << '\n';
      }
      if (l == 0) PrintPushes(target);
    }
    if (script_.sources.size() > 1) {
      Say("gneiss verify compares one source with one: copy the sources into one layout for it");
    }
  }

  // In a comment, a line break within quotes would end it.
  static std::string OneCommentLine(std::size_t level, const std::string& command) {
    return level == 0 ? command : Printable(command);
  }
  const std::string& Store() const { return script_.store_options; }

  void PrintPushes(const std::string& target) {
    out_
        << ": \"${REGISTRY:?expected where to push the images, as registry.example.com/staged}\"\n";
    std::set<std::string_view> refs;
    for (const TextIndex ref : fleet_.refs) refs.insert(fleet_.text(ref));
    std::map<std::string, std::string_view> pushed;  // the ref of each name
    for (const std::string_view ref : refs) {
      if (!IsUsableRef(ref)) {
        Say(fmt::format("{} is no ref that skopeo takes", ref));
        continue;
      }
      const auto [other, is_first] = pushed.emplace(NameToPush(ref), ref);
      if (!is_first) {
        Say(fmt::format("{} would take the place of {}: push it to another repository", ref,
                        other->second));
        continue;
      }
      const std::string_view name = WithoutRepository(ref, script_.repositories);
      out_ << "skopeo copy --all " << ShellQuote(fmt::format("{}:{}", target, name))
           << " docker://\"$REGISTRY\"/" << ShellQuote(other->first) << '\n';
    }
  }

  const Fleet& fleet_;
  const Plan& plan_;
  const PlanScript& script_;
  std::ostream& out_;
};

}  // namespace

std::vector<ScriptLine> CommandsOf(const Fleet& fleet, const Plan& plan, const Recommendation& r) {
  return CommandWriter(fleet, plan).CommandsFor(r);
}

void PrintPlanCommands(const Fleet& fleet, const Plan& plan, const PlanScript& script,
                       std::ostream& out) {
  ScriptPrinter(fleet, plan, script, out).Print();
}

}  // namespace gneiss
