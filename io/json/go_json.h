// Image documents as the runtimes read them: all of them decode with Go's encoding/json into
// structs.
//
//   - A member's name is found without regard to case, by Unicode's simple folding: "Config",
//     "CONFIG" and "\u212aey" mean a field each. Keys of maps (Labels, annotations, Volumes) are
//     what they are.
//   - A member given again, in any spelling, is decoded over what is there: objects are merged,
//     lists element by element, then cut; of anything else the last one wins. An entry of a map
//     is replaced.
//   - null leaves a field as it is, but empties a list, a map and what is held by a pointer.
//
// Leaves out: what Go refuses. A value of a type that its field does not take stands as it is
// written, so that whoever reads the document finds it wrong.
#pragma once

#include "io/json/json_value.h"

namespace gneiss {

// Whose structs: a member given twice may be one field of a struct here and a pointer there.
enum class GoReader { kContainerd, kDocker };

// In each of these known members have their names as the specifications spell them, each once;
// unknown ones stand after them as they are written. Members that a later spelling replaces are
// added to num_duplicate_keys. Time O(size of the document).
[[nodiscard]] JsonDocument ManifestAsGoReads(JsonDocument document);  // or an index
[[nodiscard]] JsonDocument ConfigAsGoReads(JsonDocument document,
                                           GoReader reader = GoReader::kContainerd);
// The manifest.json of an archive of `docker save`.
[[nodiscard]] JsonDocument SavedImagesAsGoReads(JsonDocument document);

}  // namespace gneiss
