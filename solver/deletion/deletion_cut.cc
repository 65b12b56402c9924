#include "solver/deletion/deletion_cut.h"

#include <cstddef>
#include <numeric>
#include <utility>

#include <boost/graph/boykov_kolmogorov_max_flow.hpp>
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/multiprecision/cpp_int.hpp>
#include <boost/property_map/property_map.hpp>
#include <boost/range/iterator_range.hpp>

namespace gneiss {
namespace {

// Source - what items free at once, and blobs - items - sink. An arc from a blob to a holder that
// carries all the blob is worth needs no more, and is never cut.
template <typename Capacity>
class ClosureNetwork {
 public:
  ClosureNetwork(const DeletionProblem& problem, Capacity freed_scale, Capacity loss_scale)
      : num_items_(problem.num_items()), num_vertices_(2 + num_items_ + problem.num_blobs()) {
    for (std::uint32_t i = 0; i < num_items_; ++i) {
      const Capacity worth = loss_scale * Capacity(problem.alone[i]);
      const Capacity price = freed_scale * Capacity(problem.loss[i]);
      if (worth > price) AddArc(kSource, kFirstItem + i, worth - price);
      if (price > worth) AddArc(kFirstItem + i, kSink, price - worth);
    }
    for (std::uint32_t b = 0; b < problem.num_blobs(); ++b) {
      const Capacity worth = loss_scale * Capacity(problem.weight[b]);
      const std::uint32_t vertex = kFirstItem + num_items_ + b;
      AddArc(kSource, vertex, worth);
      for (const std::uint32_t i : problem.holders_of(b)) AddArc(vertex, kFirstItem + i, worth);
    }
  }

  // Items on the source's side of the smallest minimum cut.
  std::vector<std::uint8_t> Cut() {
    Build();
    const auto edge_index = boost::get(boost::edge_index, graph_);
    const auto vertex_index = boost::get(boost::vertex_index, graph_);
    std::vector<Capacity> residual(capacity_.size());
    std::vector<Edge> predecessor(num_vertices_);
    std::vector<boost::default_color_type> colour(num_vertices_);
    std::vector<std::int64_t> distance(num_vertices_);
    boost::boykov_kolmogorov_max_flow(
        graph_, boost::make_iterator_property_map(capacity_.begin(), edge_index),
        boost::make_iterator_property_map(residual.begin(), edge_index),
        boost::make_iterator_property_map(reverse_.begin(), edge_index),
        boost::make_iterator_property_map(predecessor.begin(), vertex_index),
        boost::make_iterator_property_map(colour.begin(), vertex_index),
        boost::make_iterator_property_map(distance.begin(), vertex_index), vertex_index, kSource,
        kSink);
    std::vector<std::uint8_t> reached(num_vertices_, 0);
    std::vector<std::uint32_t> open = {kSource};
    reached[kSource] = 1;
    while (!open.empty()) {
      const std::uint32_t from = open.back();
      open.pop_back();
      for (const Edge edge : boost::make_iterator_range(boost::out_edges(from, graph_))) {
        const std::uint32_t to = boost::target(edge, graph_);
        if (reached[to] != 0 || residual[boost::get(boost::edge_index, graph_, edge)] == 0)
          continue;
        reached[to] = 1;
        open.push_back(to);
      }
    }
    return {reached.begin() + kFirstItem, reached.begin() + kFirstItem + num_items_};
  }

 private:
  static constexpr std::uint32_t kSource = 0;
  static constexpr std::uint32_t kSink = 1;
  static constexpr std::uint32_t kFirstItem = 2;

  using Graph =
      boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, boost::no_property,
                                         boost::no_property, std::uint32_t, std::uint32_t>;
  using Edge = boost::graph_traits<Graph>::edge_descriptor;
  struct Arc {
    std::uint32_t from;
    std::uint32_t to;
    Capacity capacity;
  };

  // With its way back, which carries nothing yet.
  void AddArc(std::uint32_t from, std::uint32_t to, const Capacity& capacity) {
    arcs_.push_back({from, to, capacity});
    arcs_.push_back({to, from, 0});
  }

  // Boost keeps edges by their source, in the order given.
  void Build() {
    std::vector<std::uint32_t> next(num_vertices_ + 1, 0);
    for (const Arc& arc : arcs_) ++next[arc.from + 1];
    std::partial_sum(next.begin(), next.end(), next.begin());
    std::vector<std::uint32_t> place(arcs_.size());
    std::vector<std::pair<std::uint32_t, std::uint32_t>> ends(arcs_.size());
    capacity_.resize(arcs_.size());
    for (std::size_t a = 0; a < arcs_.size(); ++a) {
      place[a] = next[arcs_[a].from]++;
      ends[place[a]] = {arcs_[a].from, arcs_[a].to};
      capacity_[place[a]] = arcs_[a].capacity;
    }
    graph_ = Graph(boost::edges_are_sorted, ends.begin(), ends.end(), num_vertices_);
    std::vector<Edge> edges(arcs_.size());
    for (const Edge edge : boost::make_iterator_range(boost::edges(graph_))) {
      edges[boost::get(boost::edge_index, graph_, edge)] = edge;
    }
    reverse_.resize(arcs_.size());
    for (std::size_t a = 0; a < arcs_.size(); ++a) reverse_[place[a]] = edges[place[a ^ 1U]];
  }

  std::uint32_t num_items_;
  std::uint32_t num_vertices_;
  std::vector<Arc> arcs_;
  Graph graph_;
  std::vector<Capacity> capacity_;  // per edge of the graph
  std::vector<Edge> reverse_;
};

}  // namespace

std::vector<std::uint8_t> MostWorthAt(const DeletionProblem& problem, std::int64_t freed_scale,
                                      std::int64_t loss_scale) {
  const std::int64_t common = std::gcd(freed_scale, loss_scale);
  if (common > 1) {
    freed_scale /= common;
    loss_scale /= common;
  }
  // Flows are sums of capacities, so their sums must fit too.
  constexpr std::int64_t kRoom = std::int64_t{1} << 62;
  std::int64_t worth = 0;
  std::int64_t price = 0;
  const bool is_small =
      !__builtin_mul_overflow(loss_scale, problem.total_freed(), &worth) && worth < kRoom &&
      !__builtin_mul_overflow(freed_scale, problem.total_loss(), &price) && price < kRoom;
  if (is_small) return ClosureNetwork<std::int64_t>(problem, freed_scale, loss_scale).Cut();
  using Wide = boost::multiprecision::int128_t;
  return ClosureNetwork<Wide>(problem, Wide(freed_scale), Wide(loss_scale)).Cut();
}

}  // namespace gneiss
