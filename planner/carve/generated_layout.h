// Layers that no build made: each a set of units that its images show (content_atoms.h), in place
// of the layers that they have today. What bases from contents and carving come to.
//
// Every layer lists the directories above what it holds, with attributes that its images agree on
// as far as they do; where a later layer of an image would leave a directory with attributes of
// another image, a layer that only images with the right ones hold lists it again, the image's own
// if there is no other. So a runtime that applies the layers in order ends with the attributes of
// today.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/contents/content_atoms.h"
#include "planner/contents/layer_contents.h"
#include "planner/cost/audit.h"
#include "planner/cost/cost_model.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"
#include "solver/carving/layer_carving.h"

namespace gneiss {

struct GeneratedLayer {
  std::vector<ImageIndex> images;      // sorted, not empty
  std::vector<AtomIndex> atoms;        // of ContentAtoms::files, sorted
  std::vector<UnitIndex> directories;  // of ContentAtoms::directories, sorted
  Bytes file_bytes = 0;                // compressed, of the atoms' units
  Bytes directory_bytes = 0;

  Bytes size() const { return CheckedAdd(file_bytes, directory_bytes); }
};

// Of the images whose contents are known; the others have no layer here.
struct GeneratedLayout {
  // In their order in every image: those of more images first, then what had to be added.
  std::vector<GeneratedLayer> layers;

  // Layers of each image, base first, as indices into `layers`.
  [[nodiscard]] std::vector<std::vector<std::uint32_t>> LayersOfImages(
      std::size_t num_images) const;
};

// Adds directories to layers that were carved from the files' atoms. An image that has `max_layers`
// and whose directories fit in none of them gets one of its layers as its own. REQUIRES: `carved`
// gives every image with known contents its atoms, each once, in at most max_layers layers; one at
// least where it has anything. Time O(layers * paths + directories of all images * log).
[[nodiscard]] GeneratedLayout MakeGeneratedLayout(const ContentAtoms& atoms,
                                                  const LayerContents& contents,
                                                  std::span<const CarvedLayer> carved,
                                                  std::uint32_t max_layers);

// What a fleet costs whose images have these layers instead of their own; images without known
// contents keep what they have, and share none of the new layers. Throws InputError when a sum
// leaves int64.
[[nodiscard]] LayoutCost CostOfGeneratedLayout(const Fleet& fleet, const CostModel& model,
                                               const ImageGroups& cells, const ContentAtoms& atoms,
                                               const GeneratedLayout& layout);

}  // namespace gneiss
