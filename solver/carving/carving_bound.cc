#include "solver/carving/carving_bound.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace gneiss {
namespace {

// Steps of the weights' logarithms, first and last, at the steepest image.
constexpr double kFirstStep = 0.3;
constexpr double kLastStep = 0.01;

constexpr double kNever = std::numeric_limits<double>::infinity();

class WeightedBound {
 public:
  explicit WeightedBound(const CarvingModel& model)
      : model_(model),
        rate_model_(model.rate_model()),
        is_scoped_(model.rate_model().scoped && model.rate_model().has_elements()),
        log_weights_(model.num_images, 0) {
    for (const IndexSet& signature : model.signatures) {
      first_place_.push_back(images_.size());
      signature.ForEach([&](std::uint32_t i) { images_.push_back(i); });
    }
    first_place_.push_back(images_.size());
    place_of_.resize(model.num_images);
    for (AtomIndex a = 0; a < model.num_atoms(); ++a) {
      for (std::size_t p = first_place_[a]; p < first_place_[a + 1]; ++p) {
        place_of_[images_[p]].push_back({a, p});
      }
    }
    shares_.resize(images_.size());
    charged_.resize(images_.size());
  }

  double Evaluate() {
    ShareOut();
    std::ranges::fill(charged_, 0);
    double bound = 0;
    for (std::uint32_t i = 0; i < model_.num_images; ++i) bound += SortIntoGroups(i);
    return bound;
  }

  // Moves the weights along the gradient at the last evaluation.
  void Step(double length) {
    std::vector<double> gradient(model_.num_images, 0);
    for (AtomIndex a = 0; a < model_.num_atoms(); ++a) {
      double charged = 0;
      double shares = 0;
      for (std::size_t p = first_place_[a]; p < first_place_[a + 1]; ++p) {
        charged += charged_[p] * shares_[p];
        shares += shares_[p];
      }
      if (charged == 0) continue;
      for (std::size_t p = first_place_[a]; p < first_place_[a + 1]; ++p) {
        gradient[images_[p]] += shares_[p] * (charged_[p] - charged / shares);
      }
    }
    double steepest = 0;
    for (const double g : gradient) steepest = std::max(steepest, std::abs(g));
    if (steepest == 0) return;
    for (std::uint32_t i = 0; i < model_.num_images; ++i) {
      log_weights_[i] += length * gradient[i] / steepest;
    }
  }

 private:
  struct Place {
    AtomIndex atom;
    std::size_t place;  // of the image in the atom's signature
  };
  void ShareOut() {
    std::vector<double> weights(model_.num_images);
    for (std::uint32_t i = 0; i < model_.num_images; ++i) weights[i] = std::exp(log_weights_[i]);
    std::vector<double> element_weight(rate_model_.element_cells.size(), 0);
    for (AtomIndex a = 0; a < model_.num_atoms(); ++a) {
      const std::span<const std::uint32_t> images(images_.data() + first_place_[a],
                                                  first_place_[a + 1] - first_place_[a]);
      double all = 0;
      double pulls = 0;
      for (const std::uint32_t i : images) {
        all += weights[i];
        pulls += static_cast<double>(rate_model_.pulls[i]);
        ForEachElement(i, [&](std::uint32_t e) { element_weight[e] += weights[i]; });
      }
      const double fetches = rate_model_.fetch_weight * Fetches(pulls);
      for (std::size_t k = 0; k < images.size(); ++k) {
        const std::uint32_t i = images[k];
        double share = pulls > 0 ? fetches * static_cast<double>(rate_model_.pulls[i]) / pulls : 0;
        if (!is_scoped_) share += rate_model_.storage_weight * weights[i] / all;
        ForEachElement(i, [&](std::uint32_t e) {
          const double price =
              (is_scoped_
                   ? rate_model_.storage_weight * static_cast<double>(rate_model_.element_cells[e])
                   : 0) +
              rate_model_.fetch_weight * static_cast<double>(rate_model_.element_nodes[e]);
          share += price * weights[i] / element_weight[e];
        });
        shares_[first_place_[a] + k] = share;
      }
      for (const std::uint32_t i : images) {
        ForEachElement(i, [&](std::uint32_t e) { element_weight[e] = 0; });
      }
    }
  }

  template <typename Visit>
  void ForEachElement(std::uint32_t i, const Visit& visit) const {
    if (!rate_model_.has_elements()) return;
    for (auto e = rate_model_.first_element[i]; e < rate_model_.first_element[i + 1]; ++e) {
      visit(rate_model_.elements[e]);
    }
  }

  double Fetches(double pulls) const {
    if (rate_model_.fetch_cold) return pulls;
    return rate_model_.fetch_nodes * -std::expm1(-rate_model_.fetch_intensity * pulls);
  }

  // What image i pays at least; charges its groups to their atoms of the largest share.
  double SortIntoGroups(std::uint32_t i) {
    std::vector<Place>& places = place_of_[i];
    if (places.empty()) return 0;
    std::ranges::sort(places, [&](const Place& a, const Place& b) {
      return shares_[a.place] != shares_[b.place] ? shares_[a.place] > shares_[b.place]
                                                  : a.place < b.place;
    });
    share_.clear();
    above_.assign(1, 0);
    for (const Place& place : places) {
      const double share = shares_[place.place];
      if (share_.empty() || share != share_.back()) {
        share_.push_back(share);
        above_.push_back(above_.back());
      }
      above_.back() += static_cast<double>(model_.bytes[place.atom]);
    }
    const double overhead =
        static_cast<double>(rate_model_.layer_overhead) * static_cast<double>(rate_model_.pulls[i]);
    const std::size_t room = std::min<std::size_t>(model_.room[i], share_.size());
    from_.assign(room * above_.size(), 0);
    best_.assign(above_.size(), kNever);
    best_[0] = 0;
    double least = kNever;
    std::size_t least_groups = 0;
    for (std::size_t g = 0; g < room; ++g) {
      AddGroup(overhead, std::span(from_).subspan(g * above_.size(), above_.size()));
      if (best_.back() < least) {
        least = best_.back();
        least_groups = g + 1;
      }
    }
    Charge(places, least_groups);
    return least;
  }

  // best_[j]: of the j largest shares in some number of groups; makes it one more. from[j]: where
  // the last group starts. Group (s, j] costs share_[s] * (above_[j] - above_[s]): lines in
  // above_[j] whose slopes fall with s, so their lower envelope serves queries that rise.
  void AddGroup(double overhead, std::span<std::size_t> from) {
    const auto intercept = [&](std::size_t s) { return best_[s] - share_[s] * above_[s]; };
    const auto value = [&](std::size_t s, double x) {
      return best_[s] + share_[s] * (x - above_[s]);
    };
    next_.assign(above_.size(), kNever);
    hull_.clear();
    std::size_t head = 0;
    for (std::size_t j = 1; j < above_.size(); ++j) {
      const std::size_t s = j - 1;
      if (best_[s] < kNever) {
        while (hull_.size() >= head + 2) {
          const std::size_t b = hull_.back();
          const std::size_t a = hull_[hull_.size() - 2];
          const bool is_needed = (intercept(s) - intercept(a)) * (share_[a] - share_[b]) >
                                 (intercept(b) - intercept(a)) * (share_[a] - share_[s]);
          if (is_needed) break;
          hull_.pop_back();
        }
        hull_.push_back(s);
      }
      if (hull_.size() <= head) continue;
      while (head + 1 < hull_.size() &&
             value(hull_[head + 1], above_[j]) <= value(hull_[head], above_[j])) {
        ++head;
      }
      next_[j] = value(hull_[head], above_[j]) + overhead;
      from[j] = hull_[head];
    }
    best_.swap(next_);
  }

  // The bytes of a group hang on the atoms with its first share.
  void Charge(const std::vector<Place>& places, std::size_t num_groups) {
    group_bytes_.assign(share_.size(), 0);
    std::size_t j = share_.size();
    for (std::size_t g = num_groups; g-- > 0;) {
      const std::size_t s = from_[g * above_.size() + j];
      group_bytes_[s] = above_[j] - above_[s];
      j = s;
    }
    std::size_t s = 0;
    for (const Place& place : places) {
      while (share_[s] != shares_[place.place]) ++s;
      if (group_bytes_[s] == 0) continue;
      const double part =
          static_cast<double>(model_.bytes[place.atom]) / (above_[s + 1] - above_[s]);
      charged_[place.place] = group_bytes_[s] * part;
    }
  }

  const CarvingModel& model_;
  const RateModel& rate_model_;
  const bool is_scoped_;  // as SetRates has it: without elements nothing is
  std::vector<double> log_weights_;
  std::vector<std::uint32_t> images_;  // signatures end to end: places
  std::vector<std::size_t> first_place_;
  std::vector<std::vector<Place>> place_of_;  // per image
  std::vector<double> shares_;                // per place: of a byte's rate
  std::vector<double> charged_;               // per place: bytes whose share it sets
  // Of the image at hand: distinct shares, falling, and bytes up to each.
  std::vector<double> share_;
  std::vector<double> above_;
  std::vector<std::size_t> from_;
  std::vector<std::size_t> hull_;
  std::vector<double> best_;
  std::vector<double> next_;
  std::vector<double> group_bytes_;
};

}  // namespace

std::int64_t BoundCarving(const CarvingModel& model, const CarvingBoundOptions& options) {
  WeightedBound weighted(model);
  double best = weighted.Evaluate();
  for (std::uint32_t step = 0; step < options.num_steps; ++step) {
    if (options.should_stop && options.should_stop()) break;
    const double progress = static_cast<double>(step) / options.num_steps;
    weighted.Step(kFirstStep * std::pow(kLastStep / kFirstStep, progress));
    best = std::max(best, weighted.Evaluate());
  }
  return static_cast<std::int64_t>(std::ceil(best * (1 - kCarvingBoundTolerance) - 1e-6));
}

}  // namespace gneiss
