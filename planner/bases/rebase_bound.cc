#include "planner/bases/rebase_bound.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "solver/facilities/facility_location.h"

namespace gneiss {
namespace {

constexpr std::size_t kFirstBreakpoints = 6;
constexpr std::uint64_t kMaxFacilityNodes = 100;  // of one facility location
constexpr double kGapTolerance = 1e-7;            // of one facility location
constexpr double kLeastMove = 1e-3;               // of a price

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
  for (std::uint32_t b = 0; b < blobs.size(); ++b) AddBlob(b, lowers_with[b]);
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

void RebaseBound::AddBlob(std::uint32_t b, std::span<const std::uint32_t> lowers) {
  const RebaseProblem& problem = source_.problem();
  const CostModel& model = source_.model();
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
  FindElements(blob, size, held);

  const auto is_joiner = [&](std::uint32_t g) {
    return std::ranges::binary_search(blob.joiners, g, {}, &Joiner::group);
  };
  for (const std::uint32_t l : lowers) {
    if (!std::ranges::any_of(lowers_[l].groups, is_joiner)) continue;
    blob.lowers.push_back(l);
    lowers_[l].blobs.push_back(b);
  }
  blob.has_chords = blob.lowers.size() == 1 &&
                    std::ranges::all_of(lowers_[blob.lowers.front()].groups, [&](std::uint32_t g) {
                      return is_joiner(g) && source_.is_whole(g, b);
                    });
  MovePrices(blob, choices_, 1);
}

// Cells and pools that joiners touch and present holders do not.
void RebaseBound::FindElements(Blob& blob, Bytes size, const HolderSet& held) const {
  const RateModel& rates = source_.rates();
  if (!rates.has_elements()) return;
  std::map<std::uint32_t, std::vector<std::uint32_t>> touching;
  for (std::uint32_t j = 0; j < blob.joiners.size(); ++j) {
    for (const std::uint32_t e : blob.joiners[j].set->elements) {
      if (!std::ranges::binary_search(held.elements, e)) touching[e].push_back(j);
    }
  }
  const CostOptions& options = source_.model().options();
  for (auto& [e, joiners] : touching) {
    const double cost = static_cast<double>(size) *
                        (options.storage_weight * static_cast<double>(rates.element_cells[e]) +
                         options.transfer_weight * static_cast<double>(rates.element_nodes[e]));
    if (joiners.size() == blob.joiners.size()) {
      blob.constant += cost;
    } else {
      blob.elements.emplace_back(cost, std::move(joiners));
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
    const auto alone = [&](std::int64_t pulls) {
      double cost = 0;
      for (const std::uint32_t b : lower.blobs) {
        if (blobs_[b].has_chords) cost += JoinCost(blobs_[b], pulls);
      }
      return cost;
    };
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
      copies.push_back({.lower = l, .opening = line.intercept});
    }
    for (const std::uint32_t g : lower.groups) {
      auto cost = static_cast<double>(source_.OverheadOf(g, l));
      for (const std::uint32_t b : lower.blobs) {
        const std::vector<Joiner>& joiners = blobs_[b].joiners;
        const auto joiner = std::ranges::lower_bound(joiners, g, {}, &Joiner::group);
        if (joiner != joiners.end() && joiner->group == g) cost += joiner->price;
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
  options.max_nodes = kMaxFacilityNodes;
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
    if (!MovePrices(blob, choices, step)) continue;
    moved = true;
    for (const std::uint32_t l : blob.lowers) components_[lowers_[l].component].is_new = true;
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

// Towards the split in which those who hold the blob at these choices share its cost by pulls, and
// the others what they would add.
bool RebaseBound::MovePrices(Blob& blob, std::span<const std::uint32_t> choices,
                             double step) const {
  const RebaseProblem& problem = source_.problem();
  if (blob.has_chords && blob.elements.empty()) return false;
  std::vector<std::uint8_t> holds(blob.joiners.size());
  std::int64_t inside = 0;
  std::int64_t outside = 0;
  std::size_t num_inside = 0;
  for (std::size_t j = 0; j < holds.size(); ++j) {
    const Joiner& joiner = blob.joiners[j];
    const std::uint32_t l = problem.groups[joiner.group].choices[choices[joiner.group]].lower;
    holds[j] = std::ranges::binary_search(blob.lowers, l) ? 1 : 0;
    num_inside += holds[j];
    (holds[j] != 0 ? inside : outside) += joiner.set->pulls;
  }
  std::vector<double> target(holds.size());
  if (!blob.has_chords) {
    const double first = num_inside == 0 ? 0 : JoinCost(blob, inside);
    const double then = JoinCost(blob, inside + outside) - first;
    for (std::size_t j = 0; j < target.size(); ++j) {
      const bool is_inside = holds[j] != 0;
      const std::int64_t all = is_inside ? inside : outside;
      const std::size_t count = is_inside ? num_inside : holds.size() - num_inside;
      // Without a pull among them, evenly.
      const double part =
          all > 0 ? static_cast<double>(blob.joiners[j].set->pulls) / static_cast<double>(all)
                  : 1.0 / static_cast<double>(count);
      target[j] = (is_inside ? first : std::max(0.0, then)) * part;
    }
  }
  for (const auto& [cost, touching] : blob.elements) {
    const auto count = static_cast<std::size_t>(
        std::ranges::count_if(touching, [&](std::uint32_t j) { return holds[j] != 0; }));
    for (const std::uint32_t j : touching) {
      if (count == 0) {
        target[j] += cost / static_cast<double>(touching.size());
      } else if (holds[j] != 0) {
        target[j] += cost / static_cast<double>(count);
      }
    }
  }
  bool moved = false;
  for (std::size_t j = 0; j < target.size(); ++j) {
    double& price = blob.joiners[j].price;
    const double change = step * (target[j] - price);
    moved = moved || std::abs(change) > kLeastMove;
    price += change;
  }
  return moved;
}

}  // namespace gneiss
