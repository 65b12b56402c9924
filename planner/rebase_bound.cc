#include "planner/rebase_bound.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "solver/facility_location.h"

namespace gneiss {
namespace {

constexpr std::size_t kFirstBreakpoints = 6;
constexpr std::uint64_t kMaxBranches = 100;  // of one facility location
constexpr double kGapTolerance = 1e-7;       // of one facility location
constexpr double kLeastMove = 1e-9;          // of a weight

// Estimates are kept this much below themselves, and blobs that somebody holds anyway below the
// exact cost by kCostSlack of what they could at most cost: more than doubles can lose.
constexpr double kEstimateSafety = 1.0 - 1.0 / (std::int64_t{1} << 42);
constexpr double kCostSlack = 1.0 / (std::int64_t{1} << 44);

// Facility location takes whole numbers with a product below 2^60; this is their sum's share.
constexpr double kLargestProduct = 288230376151711744.0;  // 2^58
constexpr int kMostFractionBits = 8;

struct CostLine {
  double intercept = 0;
  double slope = 0;
};

struct Copy {
  std::uint32_t lower = 0;
  double opening = 0;
};

struct Link {
  std::uint32_t copy = 0;
  double cost = 0;
};

int FractionBits(std::size_t num_customers, double largest_cost) {
  const double product = static_cast<double>(num_customers + 2) * (largest_cost + 2);
  const int bits = static_cast<int>(std::floor(std::log2(kLargestProduct / product)));
  return std::min(bits, kMostFractionBits);
}

std::int64_t FixedPoint(double cost, int bits) {
  return static_cast<std::int64_t>(std::floor(std::ldexp(cost * kEstimateSafety, bits)));
}

// A bound as whole units and a fraction.
std::pair<Bytes, double> FromFixedPoint(std::int64_t cost, int bits) {
  if (bits <= 0) return {cost * (std::int64_t{1} << -bits), 0};
  const Bytes whole = cost >> bits;
  return {whole, std::ldexp(static_cast<double>(cost - (whole << bits)), -bits)};
}

}  // namespace

RebaseBound::RebaseBound(const RebaseBlobs& blobs)
    : source_(blobs), lowers_(blobs.problem().lowers.size()) {
  const RebaseProblem& problem = blobs.problem();
  for (std::uint32_t g = 0; g < problem.groups.size(); ++g) {
    for (const RebaseChoice& choice : problem.groups[g].choices) {
      std::vector<std::uint32_t>& groups = lowers_[choice.lower].groups;
      if (groups.empty() || groups.back() != g) groups.push_back(g);
    }
  }
  choices_.assign(problem.groups.size(), 0);
  std::vector<std::vector<std::uint32_t>> lowers_with(blobs.size());
  for (std::uint32_t l = 0; l < lowers_.size(); ++l) {
    for (const std::uint32_t b : blobs.of_lower(l)) lowers_with[b].push_back(l);
  }
  for (std::uint32_t b = 0; b < blobs.size(); ++b) AddBlob(b, lowers_with);
  for (Lower& lower : lowers_) SetBreakpoints(lower);
  FindComponents();
}

// What pulls that join the blob's holders cost, the elements apart that only some touch. REQUIRES:
// somebody joins.
double RebaseBound::JoinCost(const Blob& blob, std::int64_t pulls) const {
  const CostModel& model = source_.model();
  return blob.constant +
         blob.bytes * (model.Fetches(blob.pulls + pulls, 0) - model.Fetches(blob.pulls, 0));
}

void RebaseBound::AddBlob(std::uint32_t b, std::span<const std::vector<std::uint32_t>> places_of) {
  const RebaseProblem& problem = source_.problem();
  const CostModel& model = source_.model();
  const std::vector<std::uint32_t>& lowers = places_of[b];
  std::map<std::uint32_t, std::size_t> num_with;  // per group, of its distinct lower parts
  for (const std::uint32_t l : lowers) {
    for (const std::uint32_t g : lowers_[l].groups) ++num_with[g];
  }
  Blob& blob = blobs_.emplace_back();
  HolderSet held = source_.fixed(b);
  for (const auto& [g, count] : num_with) {
    const HolderSet& set = source_.added_by(g, b);
    if (set.num_images == 0) continue;
    std::vector<std::uint32_t> distinct;
    for (const RebaseChoice& choice : problem.groups[g].choices) distinct.push_back(choice.lower);
    std::ranges::sort(distinct);
    distinct.erase(std::ranges::unique(distinct).begin(), distinct.end());
    if (count < distinct.size()) {
      blob.joiners.push_back({.group = g, .set = &set});
      continue;
    }
    held.num_images += set.num_images;
    held.pulls += set.pulls;
    held.elements.insert(held.elements.end(), set.elements.begin(), set.elements.end());
  }
  std::ranges::sort(held.elements);
  held.elements.erase(std::ranges::unique(held.elements).begin(), held.elements.end());

  const Bytes size = source_.size_bytes(b);
  const auto bytes = static_cast<double>(size);
  const RateModel& rates = source_.rates();
  if (held.num_images > 0) {
    std::int64_t cells = rates.scoped ? 0 : 1;
    std::int64_t nodes = 0;
    for (const std::uint32_t e : held.elements) {
      cells += rates.element_cells[e];
      nodes += rates.element_nodes[e];
    }
    const double fetches = model.Fetches(held.pulls, nodes);
    if (blob.joiners.empty()) {
      constant_ = CheckedAdd(constant_, model.BlobCost(size, cells, fetches));
      return;
    }
    // Rounded up only with what joins.
    std::int64_t all_pulls = held.pulls;
    for (const Joiner& joiner : blob.joiners) all_pulls += joiner.set->pulls;
    const CostOptions& options = model.options();
    const double stored = options.storage_weight * static_cast<double>(cells);
    const double cost = bytes * (stored + options.transfer_weight * fetches);
    const double most =
        bytes * (stored + options.transfer_weight * model.Fetches(all_pulls, nodes));
    const double safe = std::max(0.0, cost - (cost + most) * kCostSlack);
    const double whole = std::floor(safe);
    constant_ = CheckedAdd(constant_, static_cast<Bytes>(whole));
    constant_fraction_ += std::floor(std::ldexp(safe - whole, kMostFractionBits)) /
                          std::ldexp(1.0, kMostFractionBits);
  }
  if (blob.joiners.empty()) return;

  blob.pulls = held.pulls;
  blob.bytes = bytes * model.options().transfer_weight;
  if (model.has_pools()) blob.bytes = 0;
  if (!rates.scoped && held.num_images == 0) {
    blob.constant = bytes * model.options().storage_weight;
  }
  ShareElements(blob, size, held);

  std::int64_t fewest = std::numeric_limits<std::int64_t>::max();
  std::int64_t most = 0;
  for (const Joiner& joiner : blob.joiners) {
    fewest = std::min(fewest, joiner.set->pulls);
    most += joiner.set->pulls;
  }
  if (most > fewest) {
    blob.slope =
        (JoinCost(blob, most) - JoinCost(blob, fewest)) / static_cast<double>(most - fewest);
  }
  blob.intercept = std::max(0.0, JoinCost(blob, fewest) - blob.slope * static_cast<double>(fewest));

  const auto is_joiner = [&](std::uint32_t g) {
    return std::ranges::binary_search(blob.joiners, g, {}, &Joiner::group);
  };
  for (const std::uint32_t l : lowers) {
    const std::vector<std::uint32_t>& groups = lowers_[l].groups;
    if (!std::ranges::any_of(groups, is_joiner)) continue;
    Place place{.lower = l};
    place.clean = std::ranges::all_of(groups, is_joiner);
    place.plain = place.clean && std::ranges::all_of(groups, [&](std::uint32_t g) {
                    return source_.is_whole(g, b);
                  });
    lowers_[l].places.emplace_back(b, static_cast<std::uint32_t>(blob.places.size()));
    blob.places.push_back(place);
  }
  if (blob.places.size() == 1 && blob.places.front().plain) {
    blob.common = 0;
    blob.places.front().alone = 1;
    return;
  }
  const auto num_clean = std::ranges::count(blob.places, true, &Place::clean);
  for (Place& place : blob.places) {
    if (place.clean) place.split = 1.0 / static_cast<double>(num_clean);
  }
}

// Cells and pools that joiners touch and present holders do not.
void RebaseBound::ShareElements(Blob& blob, Bytes size, const HolderSet& held) {
  const RateModel& rates = source_.rates();
  if (!rates.has_elements()) return;
  std::map<std::uint32_t, std::size_t> num_touching;
  for (const Joiner& joiner : blob.joiners) {
    for (const std::uint32_t e : joiner.set->elements) {
      if (!std::ranges::binary_search(held.elements, e)) ++num_touching[e];
    }
  }
  const auto cost_of = [&](std::uint32_t e) {
    const CostOptions& options = source_.model().options();
    return static_cast<double>(size) *
           (options.storage_weight * static_cast<double>(rates.element_cells[e]) +
            options.transfer_weight * static_cast<double>(rates.element_nodes[e]));
  };
  for (const auto& [e, count] : num_touching) {
    if (count == blob.joiners.size()) blob.constant += cost_of(e);
  }
  for (Joiner& joiner : blob.joiners) {
    for (const std::uint32_t e : joiner.set->elements) {
      const auto found = num_touching.find(e);
      if (found == num_touching.end() || found->second == blob.joiners.size()) continue;
      joiner.element_share += cost_of(e) / static_cast<double>(found->second);
    }
  }
}

// Between the fewest and the most pulls that can stand there, in equal ratios.
void RebaseBound::SetBreakpoints(Lower& lower) {
  if (lower.groups.empty()) return;
  std::int64_t fewest = std::numeric_limits<std::int64_t>::max();
  std::int64_t most = 0;
  for (const std::uint32_t g : lower.groups) {
    fewest = std::min(fewest, source_.all_of(g).pulls);
    most += source_.all_of(g).pulls;
  }
  lower.breakpoints = {fewest};
  const bool is_linear = source_.model().has_pools() || source_.model().cold();
  if (!is_linear) {
    const double ratio =
        static_cast<double>(most) / static_cast<double>(std::max<std::int64_t>(1, fewest));
    for (std::size_t k = 1; k + 1 < kFirstBreakpoints; ++k) {
      const double at = static_cast<double>(std::max<std::int64_t>(1, fewest)) *
                        std::pow(ratio, static_cast<double>(k) / (kFirstBreakpoints - 1));
      lower.breakpoints.push_back(std::clamp(std::llround(at), 0LL + fewest, 0LL + most));
    }
  }
  lower.breakpoints.push_back(most);
  std::ranges::sort(lower.breakpoints);
  lower.breakpoints.erase(std::ranges::unique(lower.breakpoints).begin(), lower.breakpoints.end());
}

// Groups and lower parts that choices connect.
void RebaseBound::FindComponents() {
  std::vector<std::uint32_t> root(choices_.size());
  std::iota(root.begin(), root.end(), 0U);
  const auto find = [&](std::uint32_t g) {
    while (root[g] != g) g = root[g] = root[root[g]];
    return g;
  };
  for (const Lower& lower : lowers_) {
    for (const std::uint32_t g : lower.groups) {
      const std::uint32_t a = find(g);
      const std::uint32_t b = find(lower.groups.front());
      root[std::max(a, b)] = std::min(a, b);
    }
  }
  std::vector<std::uint32_t> component_of(choices_.size(), kNone);
  for (std::uint32_t g = 0; g < choices_.size(); ++g) {
    std::uint32_t& component = component_of[find(g)];
    if (component == kNone) {
      component = static_cast<std::uint32_t>(components_.size());
      components_.emplace_back();
    }
    components_[component].groups.push_back(g);
  }
  for (std::uint32_t l = 0; l < lowers_.size(); ++l) {
    lowers_[l].component = component_of[find(lowers_[l].groups.front())];
    components_[lowers_[l].component].lowers.push_back(l);
  }
}

void RebaseBound::SolveComponent(Component& component, const std::function<bool()>& should_stop) {
  const RebaseProblem& problem = source_.problem();
  std::vector<Copy> copies;
  std::map<std::uint32_t, std::vector<Link>> links;  // by group
  for (const std::uint32_t l : component.lowers) {
    const Lower& lower = lowers_[l];
    double opening = 0;
    const auto alone = [&](std::int64_t pulls) {
      double cost = 0;
      for (const auto& [b, p] : lower.places) {
        const double weight = blobs_[b].places[p].alone;
        if (weight > 0) cost += weight * JoinCost(blobs_[b], pulls);
      }
      return cost;
    };
    for (const auto& [b, p] : lower.places)
      opening += blobs_[b].places[p].split * blobs_[b].intercept;
    std::vector<CostLine> lines;
    double before = alone(lower.breakpoints.front());
    if (lower.breakpoints.size() == 1) lines.push_back({.intercept = before});
    for (std::size_t k = 1; k < lower.breakpoints.size(); ++k) {
      const double at = alone(lower.breakpoints[k]);
      const auto step = static_cast<double>(lower.breakpoints[k] - lower.breakpoints[k - 1]);
      const double slope = std::max(0.0, (at - before) / step);
      const double intercept = before - slope * static_cast<double>(lower.breakpoints[k - 1]);
      before = at;
      const CostLine line{.intercept = std::max(0.0, intercept), .slope = slope};
      // Chords of a straight piece are one.
      if (!lines.empty() && lines.back().slope == line.slope) continue;
      lines.push_back(line);
    }
    for (const CostLine& line : lines) {
      copies.push_back({.lower = l, .opening = opening + line.intercept});
    }
    for (const std::uint32_t g : lower.groups) {
      auto cost = static_cast<double>(source_.OverheadOf(g, l));
      for (const auto& [b, p] : lower.places) {
        const Blob& blob = blobs_[b];
        const auto joiner = std::ranges::lower_bound(blob.joiners, g, {}, &Joiner::group);
        if (joiner == blob.joiners.end() || joiner->group != g) continue;
        cost += joiner->element_share +
                blob.common * blob.slope * static_cast<double>(joiner->set->pulls);
      }
      for (std::size_t k = 0; k < lines.size(); ++k) {
        const double pulls = static_cast<double>(source_.all_of(g).pulls);
        links[g].push_back({.copy = static_cast<std::uint32_t>(copies.size() - lines.size() + k),
                            .cost = cost + lines[k].slope * pulls});
      }
    }
  }

  double openings = 0;
  double largest = 0;
  for (const Copy& copy : copies) openings += copy.opening;
  for (const auto& [g, of_group] : links) {
    for (const Link& link : of_group) largest = std::max(largest, link.cost);
  }
  const int bits = FractionBits(links.size(), openings + largest);
  std::vector<std::int64_t> opening_cost;
  for (const Copy& copy : copies) opening_cost.push_back(FixedPoint(copy.opening, bits));
  std::vector<std::uint64_t> first_link = {0};
  std::vector<FacilityLink> facility_links;
  for (const auto& [g, of_group] : links) {
    for (const Link& link : of_group) {
      facility_links.push_back({.facility = link.copy, .cost = FixedPoint(link.cost, bits)});
    }
    std::ranges::sort(facility_links.begin() + static_cast<std::ptrdiff_t>(first_link.back()),
                      facility_links.end(), {},
                      [](const FacilityLink& link) { return std::pair(link.cost, link.facility); });
    first_link.push_back(facility_links.size());
  }
  FacilityOptions options;
  options.gap_tolerance = kGapTolerance;
  options.max_nodes = kMaxBranches;
  options.should_stop = should_stop;
  const FacilityPlan plan = SolveFacilityLocation(
      {.opening_cost = opening_cost, .first_link = first_link, .links = facility_links}, options);
  std::tie(component.lower_bound, component.fraction) = FromFixedPoint(plan.lower_bound, bits);
  std::size_t customer = 0;
  for (const auto& [g, of_group] : links) {
    const std::uint32_t lower = copies[plan.assignment[customer++]].lower;
    const std::vector<RebaseChoice>& choices = problem.groups[g].choices;
    choices_[g] = static_cast<std::uint32_t>(
        std::ranges::find(choices, lower, &RebaseChoice::lower) - choices.begin());
  }
}

RebaseBound::Round RebaseBound::Solve(const std::function<bool()>& should_stop) {
  Round round{.lower_bound = constant_};
  double fraction = constant_fraction_;
  for (Component& component : components_) {
    if (std::exchange(component.is_new, false)) SolveComponent(component, should_stop);
    round.lower_bound = CheckedAdd(round.lower_bound, component.lower_bound);
    fraction += component.fraction;
  }
  // Costs are whole.
  round.lower_bound = CheckedAdd(round.lower_bound, static_cast<Bytes>(std::ceil(fraction)));
  round.choices = choices_;
  return round;
}

bool RebaseBound::Refine(std::span<const std::uint32_t> choices, double step) {
  bool moved = MoveBreakpoints(choices);
  for (Blob& blob : blobs_) {
    if (blob.places.size() < 2 || !MoveWeights(blob, choices, step)) continue;
    moved = true;
    for (const Place& place : blob.places)
      components_[lowers_[place.lower].component].is_new = true;
  }
  return moved;
}

bool RebaseBound::MoveBreakpoints(std::span<const std::uint32_t> choices) {
  if (source_.model().has_pools() || source_.model().cold()) return false;
  const RebaseProblem& problem = source_.problem();
  std::vector<std::int64_t> pulls(lowers_.size(), -1);
  for (std::uint32_t g = 0; g < choices.size(); ++g) {
    std::int64_t& load = pulls[problem.groups[g].choices[choices[g]].lower];
    load = std::max<std::int64_t>(0, load) + source_.all_of(g).pulls;
  }
  bool moved = false;
  for (std::size_t l = 0; l < lowers_.size(); ++l) {
    if (pulls[l] < 0) continue;
    std::vector<std::int64_t>& at = lowers_[l].breakpoints;
    const auto found = std::ranges::lower_bound(at, pulls[l]);
    if (found != at.end() && *found == pulls[l]) continue;
    at.insert(found, pulls[l]);
    components_[lowers_[l].component].is_new = true;
    moved = true;
  }
  return moved;
}

// Towards the estimate that is highest at these choices: a subgradient of the bound, where they are
// its solution.
bool RebaseBound::MoveWeights(Blob& blob, std::span<const std::uint32_t> choices, double step) {
  const RebaseProblem& problem = source_.problem();
  std::map<std::uint32_t, std::int64_t> pulls_at;  // lower parts with the blob that somebody chose
  std::int64_t pulls = 0;
  for (const Joiner& joiner : blob.joiners) {
    const std::uint32_t l = problem.groups[joiner.group].choices[choices[joiner.group]].lower;
    if (!std::ranges::binary_search(blob.places, l, {}, &Place::lower)) continue;
    pulls_at[l] += joiner.set->pulls;
    pulls += joiner.set->pulls;
  }
  if (pulls_at.empty()) return false;
  std::size_t num_clean = 0;
  double best_alone = -1;
  const Place* best = nullptr;
  for (const Place& place : blob.places) {
    const auto found = pulls_at.find(place.lower);
    if (found == pulls_at.end()) continue;
    if (place.clean) ++num_clean;
    if (!place.plain) continue;
    const double alone = JoinCost(blob, found->second);
    if (alone <= best_alone) continue;
    best_alone = alone;
    best = &place;
  }
  const double together =
      (num_clean > 0 ? blob.intercept : 0) + blob.slope * static_cast<double>(pulls);
  const bool use_alone = best != nullptr && best_alone > together;
  bool moved = false;
  const auto move = [&](double& weight, double target) {
    const double change = step * (target - weight);
    moved = moved || std::abs(change) > kLeastMove;
    weight += change;
  };
  // Nobody pays the intercept where nobody can: then its split is as good as any.
  const bool split_too = use_alone || num_clean > 0;
  for (Place& place : blob.places) {
    move(place.alone, use_alone && &place == best ? 1 : 0);
    const bool pays = !use_alone && place.clean && pulls_at.contains(place.lower);
    if (split_too) move(place.split, pays ? 1.0 / static_cast<double>(num_clean) : 0);
  }
  move(blob.common, use_alone ? 0 : 1);
  return moved;
}

}  // namespace gneiss
