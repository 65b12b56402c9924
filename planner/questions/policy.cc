#include "planner/questions/policy.h"

#include <fnmatch.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "planner/fleet/accounting.h"
#include "planner/fleet/sharing_graph.h"
#include "planner/waste/waste_rules.h"

namespace gneiss {
namespace {

constexpr std::string_view kSaidBaseName = "org.opencontainers.image.base.name";
constexpr std::string_view kSaidBaseDigest = "org.opencontainers.image.base.digest";
constexpr std::int64_t kMillion = 1'000'000;

// Products of bytes leave int64.
__extension__ using WideProduct = __int128;

bool MatchesAny(const std::vector<std::string>& patterns, std::string_view text) {
  const std::string whole(text);
  const std::string shortened(ShortRef(text));
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), whole.c_str(), 0) == 0 ||
           fnmatch(pattern.c_str(), shortened.c_str(), 0) == 0;
  });
}

// part / whole in millionths, rounded up where `up`, so that a limit is never met by rounding.
std::int64_t Millionths(Bytes part, Bytes whole, bool up) {
  if (whole == 0) return 0;
  const WideProduct scaled = static_cast<WideProduct>(part) * kMillion;
  const WideProduct quotient = scaled / whole;
  const bool is_more = up && scaled % whole != 0 && scaled > 0;
  return static_cast<std::int64_t>(quotient + (is_more ? 1 : 0));
}

// A fleet's accounts, for the whole and by repository.
struct FleetAccounts {
  Accounting accounting;
  ImageGroups repositories;
  std::map<std::string, GroupAccount, std::less<>> by_repository;

  FleetAccounts(const Fleet& fleet, Scope scope, bool layers_only)
      : repositories(GroupImages(fleet, GroupBy::kRepository)) {
    const ImageGroups cells = ScopeCells(fleet, scope);
    const SharingGraph sharing = BuildSharingGraph(fleet, cells, layers_only);
    accounting = AccountFor(fleet, sharing);
    for (GroupAccount& account : AccountForGroups(sharing, accounting, repositories,
                                                  PlaceImages(fleet, cells, repositories))) {
      const std::string name = account.name;
      by_repository.emplace(name, std::move(account));
    }
  }
};

// What one rule is judged of as one: the fleet, or a repository.
struct JudgedPart {
  std::string name;  // empty: the fleet
  std::vector<ImageIndex> images;
  Bytes logical = 0;
  Bytes physical = 0;
  Bytes physical_before = 0;
};

class PolicyJudge {
 public:
  PolicyJudge(const Fleet& fleet, const Policy& policy, const PolicyEvidence& evidence)
      : fleet_(fleet),
        policy_(policy),
        evidence_(evidence),
        now_(fleet, policy.scope, policy.layers_only) {
    if (evidence.baseline != nullptr) {
      before_.emplace(*evidence.baseline, policy.scope, policy.layers_only);
    }
  }

  PolicyReport Run() {
    PolicyReport report;
    report.unjudged_passes = policy_.unjudged_passes;
    for (const PolicySection& section : policy_.sections) {
      const std::vector<JudgedPart> parts = PartsOf(section);
      for (const PolicyLimit& limit : section.limits) {
        report.results.push_back(Judge(section, limit, parts));
      }
    }
    return report;
  }

 private:
  std::vector<JudgedPart> PartsOf(const PolicySection& section) const {
    std::vector<JudgedPart> parts;
    if (section.repositories.empty()) {
      const FleetTotals& totals = now_.accounting.totals;
      JudgedPart part{.logical = totals.logical_bytes, .physical = totals.physical_bytes};
      for (ImageIndex i = 0; i < fleet_.images.size(); ++i) part.images.push_back(i);
      if (before_) part.physical_before = before_->accounting.totals.physical_bytes;
      parts.push_back(std::move(part));
      return parts;
    }
    for (const auto& [name, account] : now_.by_repository) {
      if (fnmatch(section.repositories.c_str(), name.c_str(), 0) != 0) continue;
      JudgedPart part{.name = name, .logical = account.logical, .physical = account.account.size};
      if (before_) {
        const auto found = before_->by_repository.find(name);
        if (found != before_->by_repository.end()) {
          part.physical_before = found->second.account.size;
        }
      }
      parts.push_back(std::move(part));
    }
    FillImages(parts);
    return parts;
  }

  // REQUIRES: parts are sorted by name.
  void FillImages(std::vector<JudgedPart>& parts) const {
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      for (const GroupIndex g : now_.repositories.of(i)) {
        const std::string& name = now_.repositories.names[g];
        const auto part = std::ranges::lower_bound(parts, name, {}, &JudgedPart::name);
        if (part != parts.end() && part->name == name) part->images.push_back(i);
      }
    }
  }

  PolicyResult Judge(const PolicySection& section, const PolicyLimit& limit,
                     const std::vector<JudgedPart>& parts) {
    PolicyResult result{.repositories = section.repositories, .limit = limit};
    if (parts.empty()) {
      result.verdict = PolicyVerdict::kNotJudged;
      result.not_judged = "no repository of the fleet matches; mend the pattern or leave it out";
      return result;
    }
    switch (limit.rule) {
      case PolicyRule::kMaxPhysical:
        JudgeParts(parts, result, [](const JudgedPart& part) { return part.physical; });
        break;
      case PolicyRule::kMaxLogical:
        JudgeParts(parts, result, [](const JudgedPart& part) { return part.logical; });
        break;
      case PolicyRule::kMinSharedRatio:
        JudgeParts(parts, result, [](const JudgedPart& part) {
          return Millionths(part.logical, part.physical, /*up=*/false);
        });
        break;
      case PolicyRule::kMaxGrowth:
        JudgeGrowth(parts, result);
        break;
      case PolicyRule::kMaxImageSize:
        JudgeImages(parts, result, [&](ImageIndex i) { return now_.accounting.logical[i]; });
        break;
      case PolicyRule::kMaxLayers:
        JudgeImages(parts, result,
                    [&](ImageIndex i) { return std::int64_t{fleet_.images[i].num_layers}; });
        break;
      case PolicyRule::kMaxWastedBytes:
      case PolicyRule::kMaxWastedShare:
        JudgeWaste(parts, result);
        break;
      case PolicyRule::kAllowedBases:
        JudgeBases(parts, result);
        break;
      case PolicyRule::kNoSecrets:
        JudgeSecrets(parts, result);
        break;
    }
    if (result.num_checked == 0 && result.not_judged.empty()) {
      result.not_judged = "no image is judged: all of them are exempt";
    }
    Conclude(result);
    return result;
  }

  // Sorts the offences; with any, the rule is broken, whatever else is not known.
  static void Conclude(PolicyResult& result) {
    const bool least_is_worst = result.limit.rule == PolicyRule::kMinSharedRatio;
    std::ranges::sort(result.offences, [&](const PolicyOffence& a, const PolicyOffence& b) {
      const std::int64_t x = least_is_worst ? a.figure : -a.figure;
      const std::int64_t y = least_is_worst ? b.figure : -b.figure;
      return std::tie(x, a.name, a.detail) < std::tie(y, b.name, b.detail);
    });
    if (!result.offences.empty()) {
      result.verdict = PolicyVerdict::kFail;
      result.not_judged.clear();
    } else if (!result.not_judged.empty()) {
      result.verdict = PolicyVerdict::kNotJudged;
    }
  }

  static bool Breaks(const PolicyLimit& limit, std::int64_t figure) {
    return limit.rule == PolicyRule::kMinSharedRatio ? figure < limit.value : figure > limit.value;
  }

  // Takes a figure in: keeps the worst, and an offence where it breaks the limit.
  static void TakeFigure(PolicyResult& result, std::int64_t figure, const std::string& name,
                         std::string detail = {}) {
    const bool least_is_worst = result.limit.rule == PolicyRule::kMinSharedRatio;
    const bool is_worst = result.num_checked == 0 ||
                          (least_is_worst ? figure < result.figure : figure > result.figure);
    if (is_worst) result.figure = figure;
    ++result.num_checked;
    if (!Breaks(result.limit, figure)) return;
    result.offences.push_back(
        {.name = name.empty() ? "the fleet" : name, .figure = figure, .detail = std::move(detail)});
  }

  template <typename FigureOf>
  static void JudgeParts(const std::vector<JudgedPart>& parts, PolicyResult& result,
                         const FigureOf& figure_of) {
    for (const JudgedPart& part : parts) TakeFigure(result, figure_of(part), part.name);
  }

  void JudgeGrowth(const std::vector<JudgedPart>& parts, PolicyResult& result) const {
    if (!before_) {
      result.not_judged = "no fleet to compare with; give --baseline SOURCE";
      return;
    }
    for (const JudgedPart& part : parts) {
      const Bytes growth = part.physical - part.physical_before;
      if (result.limit.unit == PolicyUnit::kBytes) {
        TakeFigure(result, growth, part.name);
      } else if (part.physical_before > 0) {
        TakeFigure(result, Millionths(growth, part.physical_before, /*up=*/true), part.name);
      } else if (growth > 0) {
        // More than any share of nothing, which a new repository must be.
        ++result.num_checked;
        result.not_judged = fmt::format(
            "{} held nothing in the baseline, so its growth is no share of that; give the limit as "
            "a size",
            part.name.empty() ? "the fleet" : part.name);
      } else {
        TakeFigure(result, 0, part.name);
      }
    }
  }

  bool IsExempt(ImageIndex i) const {
    const Image& image = fleet_.images[i];
    return std::ranges::any_of(fleet_.refs_of(image), [&](TextIndex ref) {
      return MatchesAny(policy_.exempt, fleet_.text(ref));
    });
  }

  // Calls f for every image of the parts that is not exempt, each once.
  template <typename F>
  void ForEachImage(const std::vector<JudgedPart>& parts, const F& f) const {
    std::set<ImageIndex> images;
    for (const JudgedPart& part : parts) images.insert(part.images.begin(), part.images.end());
    for (const ImageIndex i : images) {
      if (!IsExempt(i)) f(i);
    }
  }

  std::string NameOf(ImageIndex i) const {
    const Image& image = fleet_.images[i];
    std::string name = fleet_.name(image);
    if (image.platform != 0) name.append(" ").append(fleet_.text(image.platform));
    return name;
  }

  template <typename FigureOf>
  void JudgeImages(const std::vector<JudgedPart>& parts, PolicyResult& result,
                   const FigureOf& figure_of) const {
    ForEachImage(parts, [&](ImageIndex i) { TakeFigure(result, figure_of(i), NameOf(i)); });
  }

  // The distinct layers of images, and how many of them have known contents.
  struct LayerSet {
    std::set<LayerIndex> layers;
    std::int64_t num_known = 0;
  };
  LayerSet LayersOf(const std::vector<ImageIndex>& images) const {
    LayerSet set;
    for (const ImageIndex i : images) {
      for (const LayerIndex l : fleet_.chain(fleet_.images[i])) set.layers.insert(l);
    }
    for (const LayerIndex l : set.layers) set.num_known += IsKnown(l) ? 1 : 0;
    return set;
  }

  bool IsKnown(LayerIndex l) const {
    return evidence_.contents != nullptr && evidence_.contents->inventories[l].has_value();
  }

  static std::string WhyNoContents(std::int64_t num_known, std::size_t num_layers) {
    return fmt::format("contents known of {} of {} layers; run `gneiss scan` on the same sources",
                       num_known, num_layers);
  }

  void JudgeWaste(const std::vector<JudgedPart>& parts, PolicyResult& result) const {
    for (const JudgedPart& part : parts) {
      const LayerSet set = LayersOf(part.images);
      Bytes stored = 0;
      Bytes needless = 0;
      for (const LayerIndex l : set.layers) {
        if (fleet_.layers[l].foreign) continue;
        stored = CheckedAdd(stored, fleet_.layers[l].size);
        if (evidence_.waste != nullptr) needless += evidence_.waste->layer_needless[l];
      }
      const bool is_whole = std::cmp_equal(set.num_known, set.layers.size());
      // What is not known can only add to the waste.
      if (!is_whole) result.not_judged = WhyNoContents(set.num_known, set.layers.size());
      TakeFigure(result,
                 result.limit.rule == PolicyRule::kMaxWastedBytes
                     ? needless
                     : Millionths(needless, stored, /*up=*/true),
                 part.name);
    }
  }

  void JudgeBases(const std::vector<JudgedPart>& parts, PolicyResult& result) const {
    const std::vector<std::string>& patterns = result.limit.patterns;
    std::set<std::vector<LayerIndex>> bases;
    for (const Image& image : fleet_.images) {
      const auto chain = fleet_.chain(image);
      const bool is_named = std::ranges::any_of(fleet_.refs_of(image),
                                                [&](TextIndex ref) {
                                                  return MatchesAny(patterns, fleet_.text(ref));
                                                }) ||
                            (image.has_manifest_digest &&
                             MatchesAny(patterns, fleet_.digest_text(image.identity, false)));
      // Every chain begins with no layers.
      if (is_named && !chain.empty()) bases.emplace(chain.begin(), chain.end());
    }
    ForEachImage(parts, [&](ImageIndex i) {
      ++result.num_checked;
      if (StandsOn(bases, i) || SaysItStandsOn(patterns, i)) return;
      const std::string_view base = fleet_.label(fleet_.images[i], kSaidBaseName);
      result.offences.push_back(
          {.name = NameOf(i),
           .detail = base.empty() ? "" : fmt::format("says that its base is {}", base)});
    });
    result.figure = std::ssize(result.offences);
  }

  bool StandsOn(const std::set<std::vector<LayerIndex>>& bases, ImageIndex i) const {
    const auto chain = fleet_.chain(fleet_.images[i]);
    std::vector<LayerIndex> prefix;
    for (const LayerIndex l : chain) {
      prefix.push_back(l);
      if (bases.contains(prefix)) return true;
    }
    return false;
  }

  bool SaysItStandsOn(const std::vector<std::string>& patterns, ImageIndex i) const {
    for (const std::string_view key : {kSaidBaseName, kSaidBaseDigest}) {
      const std::string_view value = fleet_.label(fleet_.images[i], key);
      if (!value.empty() && MatchesAny(patterns, value)) return true;
    }
    return false;
  }

  void JudgeSecrets(const std::vector<JudgedPart>& parts, PolicyResult& result) {
    std::map<LayerIndex, ImageIndex> holders;  // the first image that is not exempt
    std::vector<ImageIndex> images;
    ForEachImage(parts, [&](ImageIndex i) {
      images.push_back(i);
      for (const LayerIndex l : fleet_.chain(fleet_.images[i])) holders.emplace(l, i);
    });
    const LayerSet set = LayersOf(images);
    result.num_checked = std::ssize(images);
    if (!std::cmp_equal(set.num_known, set.layers.size())) {
      result.not_judged = WhyNoContents(set.num_known, set.layers.size());
    }
    if (evidence_.contents == nullptr) return;
    if (!secrets_) secrets_ = FindSecrets(fleet_, *evidence_.contents);
    for (const FoundSecret& secret : *secrets_) {
      const LayerIndex l = secret.entry.layer;
      const auto holder = holders.find(l);
      if (holder == holders.end()) continue;
      const Inventory& inventory = *evidence_.contents->inventories[l];
      const std::string path(inventory.path(inventory.entries[secret.entry.entry]));
      const bool is_allowed =
          std::ranges::any_of(policy_.allowed_secrets, [&](const std::string& pattern) {
            return fnmatch(pattern.c_str(), path.c_str(), 0) == 0;
          });
      if (is_allowed) continue;
      result.offences.push_back(
          {.name = path,
           .detail = fmt::format("{} in {} of {}", WasteRules()[secret.rule].name,
                                 fleet_.digest_text(fleet_.layers[l]).substr(0, 19),
                                 NameOf(holder->second))});
    }
    result.figure = std::ssize(result.offences);
  }

  const Fleet& fleet_;
  const Policy& policy_;
  const PolicyEvidence& evidence_;
  FleetAccounts now_;
  std::optional<FleetAccounts> before_;
  std::optional<std::vector<FoundSecret>> secrets_;
};

}  // namespace

std::string_view PolicyRuleName(PolicyRule rule) {
  static constexpr std::array<std::string_view, kNumPolicyRules> kNames = {
      "max_physical",     "max_logical",      "max_growth",       "max_image_size", "max_layers",
      "max_wasted_bytes", "max_wasted_share", "min_shared_ratio", "allowed_bases",  "no_secrets"};
  return kNames[static_cast<std::size_t>(rule)];
}

std::int64_t PolicyReport::count(PolicyVerdict verdict) const {
  return std::ranges::count(results, verdict, &PolicyResult::verdict);
}

bool PolicyReport::is_met() const {
  return count(PolicyVerdict::kFail) == 0 &&
         (unjudged_passes || count(PolicyVerdict::kNotJudged) == 0);
}

bool NeedsContents(const Policy& policy) {
  return std::ranges::any_of(policy.sections, [](const PolicySection& section) {
    return std::ranges::any_of(section.limits, [](const PolicyLimit& limit) {
      return limit.rule == PolicyRule::kMaxWastedBytes ||
             limit.rule == PolicyRule::kMaxWastedShare || limit.rule == PolicyRule::kNoSecrets;
    });
  });
}

PolicyReport JudgePolicy(const Fleet& fleet, const Policy& policy, const PolicyEvidence& evidence) {
  return PolicyJudge(fleet, policy, evidence).Run();
}

}  // namespace gneiss
