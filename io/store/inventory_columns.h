// The entries of an inventory as columns of a byte string, made to compress well.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "planner/contents/inventory.h"

namespace gneiss {

// Everything of the inventory that its file does not have in its summary. REQUIRES: sound
// (FindInventoryFault). Throws InputError past the limits of inventory_file.h.
[[nodiscard]] std::string EncodeColumns(const Inventory& inventory);

// Fills what EncodeColumns took. Throws InputError, place "byte N" of `columns`, when they are not
// the columns of `num_entries` entries; does not say whether the inventory is sound. Memory is
// bounded by a multiple of `columns` and by kMaxInventoryTextBytes.
void DecodeColumns(std::string_view columns, std::size_t num_entries, Inventory& inventory);

}  // namespace gneiss
