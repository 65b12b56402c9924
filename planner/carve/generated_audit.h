// Recounts generated layers from the entries of today's layers alone (design.md 5.4): that every
// image shows the same files as today, entry by entry, and what the layers weigh. Merges each image
// anew, by the plain rules, and shares nothing with the overlay, the atoms' search or the solvers.
#pragma once

#include <cstdint>

#include "planner/carve/generated_layout.h"

namespace gneiss {

// Throws AuditError that names the image and the path when an image would show something else, gets
// a path twice, or has more than `max_layers`; and when a layer weighs other than it says.
// `ignore_mtime`: times need not be equal. Time O(entries of all images, and the
// paths' log of all layers).
void AuditGeneratedLayout(const Fleet& fleet, const LayerContents& contents,
                          const ContentAtoms& atoms, const GeneratedLayout& layout,
                          std::uint32_t max_layers, bool ignore_mtime);

}  // namespace gneiss
