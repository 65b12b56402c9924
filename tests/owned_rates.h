// A rate model with the arrays that it has views of.
#pragma once

#include <cstdint>
#include <vector>

#include "solver/set_rates.h"

namespace gneiss {

struct OwnedRates {
  std::vector<std::int64_t> pulls;
  std::vector<std::uint64_t> first_element;
  std::vector<std::uint32_t> elements;
  std::vector<std::int64_t> element_cells;
  std::vector<std::int64_t> element_nodes;
  RateModel model;

  OwnedRates() = default;
  OwnedRates(const OwnedRates&) = delete;
  OwnedRates& operator=(const OwnedRates&) = delete;

  // Once the arrays are filled.
  void Link() {
    model.pulls = pulls;
    model.first_element = first_element;
    model.elements = elements;
    model.element_cells = element_cells;
    model.element_nodes = element_nodes;
  }
};

}  // namespace gneiss
