// A layer that a plan makes, entry by entry in the order of its tar, made of entries of today's
// layers: what a run of layers comes to as one, or what is taken of several (generated_layout.h).
// Which entries, their types and links; the bytes of the tar are made in io/apply.
//
// Order: by path (ComparePaths), so parents come before children, and of one path the directory
// before its opaque marker. Only hard links to files of layers below stand before all others: what
// they name may be replaced by what follows.
//
// Files with several names are one file and links to it. The file is the first of the names that
// are seen, whichever had the contents; attributes are those of the entry that holds the contents.
//
// Every directory above an entry is listed, also where today's layers leave that to runtimes, which
// do not agree about attributes then: with those that containerd gives it in the images that get
// the layer. Only where those images have different ones below it is left out again, and so is as
// today.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/contents/layer_contents.h"
#include "planner/contents/overlay.h"
#include "planner/contents/paths.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

struct NewEntry {
  PathIndex path = kRootPath;            // in LayerContents::paths; of a marker: what it deletes
  EntryType type = EntryType::kRegular;  // of what is written; kWhiteout, kOpaque: markers
  EntryRef source;  // whose attributes and link target it has, maybe at another path; EntryRef{} of
                    // a marker
  EntryRef contents;  // kRegular with size > 0: the entry that holds its contents, else EntryRef{}
  // kHardLink: index in NewLayer::entries of the file it names; kNone: it names `target`, a file of
  // a layer below.
  std::uint32_t link = kNone;
  PathIndex target = kNone;
};

struct NewLayer {
  std::vector<NewEntry> entries;
};

// What a run of layers comes to as one: put in their place it shows the same over whatever lies
// below, by the rules of overlay.h. `is_first`: nothing can lie below, so no marker is needed;
// else the markers are those that hide from below what some layer of the run did. `below`: the
// chains that lie below it in the images that get it, each once; those of layers whose contents are
// not known may be left out. merged_size.h says what the result weighs.
//
// Throws InputError that names the path and the layers that cannot be joined where a hard link
// that stays names a file below that the run itself deletes, or names nothing. REQUIRES: the
// contents of the layers are known. Time O(entries * (depth + log entries) + paths).
[[nodiscard]] NewLayer MergeLayers(const LayerContents& contents,
                                   std::span<const LayerIndex> segment, bool is_first,
                                   std::span<const std::vector<LayerIndex>> below = {});

// The entries that a plan lists for a new layer, which may be of layers of many images. `chain`:
// the layers of an image that is to have the new layer. Directories are as the listed entry has
// them; a file is as the image shows it at the path of the listed entry, with its names there.
//
// Throws InputError that names the path where the image shows no file at a listed one, or the list
// has not all names of a file. REQUIRES: the contents of all layers are known. Time O(entries of
// the chain + entries listed * log).
[[nodiscard]] NewLayer TakeEntries(const LayerContents& contents, std::span<const LayerIndex> chain,
                                   std::span<const EntryRef> entries);

// Appends the entries that hold contents which the layer needs; some may come again.
void AppendContents(const NewLayer& layer, std::vector<EntryRef>& wanted);

}  // namespace gneiss
