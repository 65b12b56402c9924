// A rate model with the arrays that it has views of.
#pragma once

#include <cstdint>
#include <vector>

#include "solver/rates/rates.h"

namespace gneiss {

struct RateArrays {
  std::vector<std::int64_t> pulls;
  std::vector<std::uint64_t> first_element;
  std::vector<std::uint32_t> elements;
  std::vector<std::int64_t> element_cells;
  std::vector<std::int64_t> element_nodes;

  // Once they are filled: a RateModel, or what has views of the same names.
  template <typename Model>
  void LinkRates(Model& model) const {
    model.pulls = pulls;
    model.first_element = first_element;
    model.elements = elements;
    model.element_cells = element_cells;
    model.element_nodes = element_nodes;
  }
};

struct OwnedRates : RateArrays {
  RateModel model;

  OwnedRates() = default;
  OwnedRates(const OwnedRates&) = delete;
  OwnedRates& operator=(const OwnedRates&) = delete;

  void Link() { LinkRates(model); }
};

}  // namespace gneiss
