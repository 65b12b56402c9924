#include "io/report/plan/recommendation_text.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/report/fleet/instruction.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

constexpr std::size_t kTitleInstructionWidth = 36;

std::string Instruction(const Fleet& fleet, LayerIndex layer, std::size_t width) {
  return PrettyInstruction(fleet.text(fleet.layers[layer].created_by), width);
}

std::string RepositoryOf(const Fleet& fleet, ImageIndex i) {
  const Image& image = fleet.images[i];
  if (image.num_refs == 0) return fleet.name(image);
  const RefParts parts = SplitRef(fleet.text(fleet.refs_of(image).front()));
  return parts.host.empty() ? std::string(parts.repository)
                            : fmt::format("{}/{}", parts.host, parts.repository);
}

std::string JoinNames(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

// What the layers of a run hide of each other, by how; else what their joining makes lighter. Empty
// where that is no reason to join them.
std::string WhyLighter(const JoinedRun& run, ByteUnits units) {
  const Bytes apart = run.size + run.hidden_bytes;
  const auto is_reason = [&](Bytes bytes) { return bytes > 0 && bytes >= apart / 100; };
  std::vector<std::string> parts;
  const auto add = [&](Bytes bytes, std::string_view what) {
    if (bytes == 0) return;
    parts.push_back(fmt::format("{} {}{}", FormatBytes(bytes, units),
                                parts.empty() ? "are files that a layer above " : "that one ",
                                what));
  };
  add(run.deleted_bytes, "deletes");
  add(run.replaced_bytes, "replaces");
  add(run.repeated_bytes, "writes again");
  if (is_reason(run.deleted_bytes + run.replaced_bytes + run.repeated_bytes)) {
    return fmt::format("of its {}, {}: joined, they are never stored; ", FormatBytes(apart, units),
                       JoinNames(parts));
  }
  if (!is_reason(run.hidden_bytes)) return "";
  return fmt::format("as one archive its {} weigh {} less{}; ", FormatBytes(apart, units),
                     FormatBytes(run.hidden_bytes, units),
                     parts.empty() ? ", though no file is hidden" : "");
}

// What joining frees, where the run begins and ends, and why no other place is better.
std::string WhyJoin(const Fleet& fleet, const JoinedRun& run, ByteUnits units) {
  const auto images = [](std::int64_t n) { return FormatCounted(n, "image"); };
  std::string why = WhyLighter(run, units);
  if (run.offset == 0) {
    why += "starts at the first layer";
  } else if (run.users_below > run.num_images) {
    why += fmt::format("starts above the layers that {} share", images(run.users_below));
  } else {
    why += "starts above a layer that pays to stay by itself";
  }
  if (run.offset + run.length == fleet.images[run.image].num_layers) {
    why += "; ends with the image";
    if (run.users_of_last > run.num_images) {
      why += fmt::format(", while {} {} on from its last layer",
                         images(run.users_of_last - run.num_images),
                         run.users_of_last - run.num_images == 1 ? "goes" : "go");
    }
  } else if (run.users_above < run.num_images) {
    why += fmt::format("; ends where the ways of its {} part", images(run.num_images));
  } else {
    why += "; ends below a layer that pays to stay by itself";
  }
  if (run.users_of_first > run.num_images) {
    why +=
        fmt::format("; {} {} its first layer apart: storing those bytes twice costs less than {}",
                    images(run.users_of_first - run.num_images),
                    run.users_of_first - run.num_images == 1 ? "keeps" : "keep",
                    run.hidden_bytes > 0 ? "what joining frees" : "a request in every pull");
  } else {
    why += "; its layers are always used together, so joining them loses no sharing";
  }
  return why;
}

RecommendationText DescribeJoin(const Fleet& fleet, const Recommendation& recommendation,
                                ByteUnits units) {
  const JoinedRun& run = recommendation.runs.front();
  const auto chain = fleet.chain(fleet.images[run.image]);
  const std::string shown = Printable(fleet.name(fleet.images[run.image]));
  const std::string first = Instruction(fleet, chain[run.offset], kTitleInstructionWidth);
  const std::string last =
      Instruction(fleet, chain[run.offset + run.length - 1], kTitleInstructionWidth);
  RecommendationText text;
  text.title = fmt::format("join {} layers of {}", run.length,
                           NameImages(fleet, run.image, recommendation.images));
  if (!first.empty() && !last.empty()) text.title += fmt::format(": `{}` to `{}`", first, last);
  text.why = WhyJoin(fleet, run, units);
  if (recommendation.runs.size() > 1) {
    text.why += fmt::format(
        "; {} like it in other images of the repository",
        FormatCounted(static_cast<std::int64_t>(recommendation.runs.size()) - 1, "more run"));
    if (recommendation.saves_storage_bytes < 0) text.why += ", some with a layer that others keep";
  }
  text.how = fmt::format(
      "in the Dockerfile of {}, write the steps of layers {} to {} as one RUN or COPY, or have the "
      "build squash them",
      shown, run.offset + 1, run.offset + run.length);
  text.risk = "low: the same files; a change to one of the joined steps rebuilds them all";
  return text;
}

RecommendationText DescribeMove(const Fleet& fleet, const Drift& drift) {
  const std::string who = NameImages(fleet, drift.images.front(), drift.images);
  const std::string to = Printable(ShortDigest(drift.to_name));
  const std::string lineage = Printable(drift.lineage);
  RecommendationText text;
  switch (drift.sign) {
    case LineageSign::kTwin:
      text.title = fmt::format("store {} once: same files as {}, compressed again", who, to);
      text.how = fmt::format("push {} again with the layers of {}", who, to);
      text.risk = "none: the diff_ids are equal, so the filesystems are";
      break;
    case LineageSign::kBaseName:
      text.title = fmt::format("rebuild {} on today's {}", who, lineage);
      text.how = fmt::format("build {} again with --pull; FROM stays {}", who, lineage);
      text.risk = "the base's files change: run the images' tests";
      break;
    case LineageSign::kTagHistory:
      text.title = fmt::format("rebuild {} on today's {}", who, lineage);
      text.how = fmt::format("build {} again with --pull", who);
      text.risk = "the base's files change: run the images' tests";
      break;
    case LineageSign::kMapping:
      text.title = fmt::format("build {} on {}: both are {} to you", who, to, lineage);
      text.how = fmt::format("set FROM to {} and build {} again", to, who);
      text.risk = "the base's files change as much as your lineages allow: run the images' tests";
      break;
    case LineageSign::kOsRelease:
      text.title = fmt::format("build {} on {}: both are {}", who, to, lineage);
      text.how = fmt::format("set FROM to {} and build {} again", to, who);
      text.risk = "real: one release, but another base image with other packages; compare the two";
      break;
    case LineageSign::kFirstInstruction:
      text.title = fmt::format("see whether {} can move to the base of {}", who, to);
      text.how = fmt::format("compare the two bases; if they are versions of one, build {} on {}",
                             who, to);
      text.risk = "weak sign: only the first instruction is equal and the sizes are close";
      break;
  }
  if (!drift.twin_name.empty()) {
    text.how += fmt::format("; its layers are then those of {}, stored once",
                            Printable(ShortDigest(drift.twin_name)));
  }
  // `from` and `to` are the bases' layers only where no twin's come with them.
  const auto layers = [&](std::size_t n) {
    return drift.twin_name.empty()
               ? fmt::format(" ({})", FormatCounted(static_cast<std::int64_t>(n), "layer"))
               : std::string();
  };
  text.why = fmt::format("{}: they stand on {}{}, the lineage is at {}{}",
                         LineageSignName(drift.sign), Printable(ShortDigest(drift.from_name)),
                         layers(drift.from.size()), to, layers(drift.to.size()));
  return text;
}

RecommendationText DescribeNewBase(const Fleet& fleet, const Plan& plan,
                                   const Recommendation& recommendation, ByteUnits units) {
  constexpr std::size_t kMaxGroups = 3;
  const ContentPlan& contents = *plan.from_contents;
  const NewBases& bases = *contents.bases;
  const NewBase& base = bases.bases[recommendation.base];
  const GeneratedLayer& layer = bases.plan.layout.layers[base.layer];
  const LayerDescription what = DescribeLayer(contents.atoms, *plan.contents, layer, 0);
  const std::string who = NameImages(fleet, layer.images.front(), layer.images);
  std::vector<std::string> groups;
  for (const ContentGroup& group : what.groups) {
    if (groups.size() == kMaxGroups) break;
    groups.push_back(fmt::format("{} {}", Printable(group.name), FormatBytes(group.bytes, units)));
  }
  std::string on;
  for (const Recommendation& other : plan.new_bases) {
    if (base.parent != kNone && other.base == base.parent) on = other.id;
  }
  RecommendationText text;
  text.title = fmt::format("a common base of {} for {}", FormatBytes(layer.size(), units), who);
  text.why = fmt::format(
      "all of them have these {} files, today in {}; without the base each layer above it would "
      "hold them; largest parts: {}",
      FormatCount(what.num_files), FormatCounted(std::ssize(what.layers), "layer"),
      JoinNames(groups));
  const std::int64_t num_packages = std::ranges::count_if(
      what.groups, [](const ContentGroup& group) { return group.package.has_value(); });
  text.how = fmt::format(
      "build an image of its {}{} (gneiss explain {} lists them), push it, and start the "
      "Dockerfiles from it: FROM base-{}",
      num_packages > 0 ? FormatCounted(num_packages, "package") : "files",
      on.empty() ? "" : fmt::format(" on base-{}", on), recommendation.id, recommendation.id);
  text.risk =
      "the files must stay the same ones: install the same versions, and run the images' tests";
  return text;
}

// How much of what several images have lies in one layer.
std::string WhatIsShared(const ContentAtoms& atoms, const GeneratedPlan& carve, ByteUnits units) {
  const AtomTable& files = atoms.files.atoms;
  std::vector<std::uint32_t> num_layers(files.size(), 0);
  for (const GeneratedLayer& layer : carve.layout.layers) {
    for (const AtomIndex a : layer.atoms) ++num_layers[a];
  }
  Bytes shared = 0;
  Bytes once = 0;
  for (AtomIndex a = 0; a < files.size(); ++a) {
    if (files.signature(a).size() < 2) continue;
    shared += files.bytes[a];
    if (num_layers[a] == 1) once += files.bytes[a];
  }
  if (shared == 0) return "no two images have a file in common";
  if (once == shared) return "every file that images share lies in a layer that just they share";
  return fmt::format("of {} that images share, {} lie in a layer that just they share",
                     FormatBytes(shared, units), FormatBytes(once, units));
}

RecommendationText DescribeCarving(const Plan& plan, const Recommendation& recommendation,
                                   ByteUnits units) {
  const GeneratedPlan& carve = *plan.from_contents->carve;
  RecommendationText text;
  text.title = fmt::format("adopt generated layers for {}: {} layers of {}, at most {} an image",
                           FormatCounted(std::ssize(recommendation.images), "image"),
                           FormatCount(std::ssize(carve.layout.layers)),
                           FormatBytes(carve.planned.storage_bytes, units),
                           FormatCount(carve.planned.max_layers));
  text.why = fmt::format(
      "{}; {} above every file stored once", WhatIsShared(plan.from_contents->atoms, carve, units),
      FormatBytes(carve.planned.storage_bytes - plan.from_contents->floor.storage_bytes, units));
  text.how =
      "keep the plan (gneiss plan -o FILE), write the layers (gneiss apply FILE --from SOURCE "
      "--to oci:DIR --level carve), and prove the images (gneiss verify SOURCE oci:DIR) before "
      "they are published";
  text.risk =
      "no source changes and no image loses or gains a file; builds that go on from these "
      "images share layers only with images of the same plan";
  return text;
}

}  // namespace

std::string_view EffortName(Effort effort) {
  constexpr std::array<std::string_view, 5> kNames = {
      "push again", "rebuild", "change FROM", "change Dockerfile", "adopt generated layers"};
  return kNames[static_cast<std::size_t>(effort)];
}

std::string_view LineageSignName(LineageSign sign) {
  constexpr std::array<std::string_view, 6> kNames = {
      "twin", "mapping", "base name", "tag history", "os-release", "first instruction"};
  return kNames[static_cast<std::size_t>(sign)];
}

std::string InstallCommand(const std::vector<ContentGroup>& groups) {
  struct Manager {
    PackageSystem system;
    const char* command;
    const char* separator;  // between name and version
    const char* after;
  };
  constexpr std::array<Manager, 5> kManagers = {
      Manager{PackageSystem::kDpkg, "apt-get update && apt-get install -y --no-install-recommends",
              "=", " && rm -rf /var/lib/apt/lists/*"},
      Manager{PackageSystem::kApk, "apk add --no-cache", "=", ""},
      Manager{PackageSystem::kPacman, "pacman -Sy --noconfirm", "=", ""},
      Manager{PackageSystem::kRpm, "dnf install -y", "-", " && dnf clean all"},
      Manager{PackageSystem::kWheel, "pip install --no-cache-dir", "==", ""}};
  std::string text;
  for (const Manager& manager : kManagers) {
    std::vector<std::string> names;
    for (const ContentGroup& group : groups) {
      if (!group.package || group.package->system != manager.system) continue;
      if (group.package->version.empty()) continue;
      names.push_back(group.package->name + manager.separator + group.package->version);
    }
    if (names.empty()) continue;
    std::ranges::sort(names);
    if (!text.empty()) text += " && ";
    text += fmt::format("{} {}{}", manager.command, fmt::join(names, " "), manager.after);
  }
  return text;
}

std::string NameImages(const Fleet& fleet, ImageIndex lead, const std::vector<ImageIndex>& images) {
  const std::string first = Printable(fleet.name(fleet.images[lead]));
  if (images.size() == 1) return first;
  std::set<std::string> repositories;
  for (const ImageIndex i : images) repositories.insert(RepositoryOf(fleet, i));
  const std::string count = FormatCounted(static_cast<std::int64_t>(images.size()), "image");
  if (repositories.size() == 1)
    return fmt::format("{} ({})", Printable(*repositories.begin()), count);
  return fmt::format("{} ({} in {} repositories)", first, count, repositories.size());
}

RecommendationText DescribeRecommendation(const Fleet& fleet, const Plan& plan,
                                          const Recommendation& recommendation, ByteUnits units) {
  switch (recommendation.kind) {
    case RecommendationKind::kJoin:
      return DescribeJoin(fleet, recommendation, units);
    case RecommendationKind::kNewBase:
      return DescribeNewBase(fleet, plan, recommendation, units);
    case RecommendationKind::kCarve:
      return DescribeCarving(plan, recommendation, units);
    default:
      return DescribeMove(fleet, plan.bases.drift[recommendation.drift]);
  }
}

std::vector<std::string> DescribeKept(const SquashPlan& squash) {
  const auto images = [](std::int64_t count) { return FormatCounted(count, "image"); };
  std::vector<std::string> lines;
  if (squash.num_pinned > 0) {
    lines.push_back(fmt::format("pinned: {} never rewritten", images(squash.num_pinned)));
    if (squash.num_over_limit > 0) {
      lines.back() += fmt::format(", {} of them with more than the {} layers of --max-layers",
                                  FormatCount(squash.num_over_limit), squash.options.max_layers);
    }
  }
  if (squash.num_windows > 0) {
    lines.push_back(fmt::format(
        "windows: {} of Windows {} layers: registry hives are deltas that the runtime merges",
        images(squash.num_windows), squash.num_windows == 1 ? "keeps its" : "keep their"));
  }
  if (squash.num_unwritable > 0) {
    lines.push_back(fmt::format(
        "kept: {} {} layers: runtimes make something of these that no new layer can say (a "
        "directory that no layer lists with the group of the one above it, and the like)",
        images(squash.num_unwritable), squash.num_unwritable == 1 ? "keeps its" : "keep their"));
  }
  if (squash.num_too_many_layers > 0) {
    lines.push_back(fmt::format(
        "over the limit: {} {} more than the {} layers of --max-layers, as too many of them cannot "
        "be joined; raise the limit",
        images(squash.num_too_many_layers), squash.num_too_many_layers == 1 ? "keeps" : "keep",
        squash.options.max_layers));
  }
  if (squash.num_standalone_layers > 0) {
    lines.push_back(
        fmt::format("kept apart: {} that cannot be joined (foreign, encrypted or no tar)",
                    FormatCounted(squash.num_standalone_layers, "layer")));
  }
  return lines;
}

}  // namespace gneiss
