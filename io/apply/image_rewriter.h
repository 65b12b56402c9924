// The config and the manifest of an image that gets other layers, with everything else in them byte
// for byte as it was.
//
// History keeps as many entries that made a layer as there are layers. Entries of layers that are
// joined become one, where the last of them stood; a layer made of contents has an entry of its
// own, before all that made none. Where the history did not fit the layers before, its entries stay
// as ones that made none, before one for each layer. A config without a history gets none.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "planner/contents/inventory.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {

// A layer of the new chain.
struct ChainLayer {
  // The run of the old chain that it stands for; of a kept layer one, of one made of contents none.
  std::uint32_t first = 0;
  std::uint32_t num_layers = 0;
  bool is_new = false;
  Digest digest;                  // of a new one
  std::optional<Digest> diff_id;  // of a kept one as far as it is known
  Bytes size = 0;                 // of a new one
  std::string created_by;         // of one made of contents
  std::string comment;            // of a new one
};

// Throws InputError without source when the text is no config, or tells no diff_id for a kept layer
// of which none is known. REQUIRES: all layers stand for runs that follow each other and cover
// `num_old_layers`, or all are made of contents.
[[nodiscard]] std::string RewriteConfig(std::string_view config, std::span<const ChainLayer> layers,
                                        std::size_t num_old_layers);

// An image that others are built on, by its name and its manifest.
struct BaseReference {
  std::string name;
  std::string digest_text;
};

// A manifest of the same kind, docker's or OCI's, with types of layers that match. `base`: what its
// annotations name as its base, or null. Throws InputError without source when the text is no
// image's manifest, and for layers in zstd when it is docker's, which knows none.
[[nodiscard]] std::string RewriteManifest(std::string_view manifest,
                                          std::span<const ChainLayer> layers, LayerCodec codec,
                                          std::string_view new_config, const BaseReference* base);

// A descriptor's text for other content: its digest and size; `data`, which repeated the old one,
// goes.
[[nodiscard]] std::string RewriteDescriptor(std::string_view descriptor,
                                            std::string_view new_content);

// A config for an image that no build made; `platform` is "os/arch[/variant]" or empty. REQUIRES:
// layers with diff_id and created_by.
[[nodiscard]] std::string MakeConfig(std::string_view platform, std::span<const ChainLayer> layers);
// Its entry in an index, with its name.
[[nodiscard]] std::string MakeDescriptor(std::string_view manifest, std::string_view platform,
                                         std::string_view name);
// Its manifest, of OCI's kind. `base`: as of RewriteManifest.
[[nodiscard]] std::string MakeManifest(std::span<const ChainLayer> layers, LayerCodec codec,
                                       std::string_view config, const BaseReference* base);

}  // namespace gneiss
