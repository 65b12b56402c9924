// From a planned layer to its blob: a pax tar by libarchive, through the compressor and both hashes
// into a file, in one pass and bounded memory.
//
// The bytes are a function of the layer, the contents and the options alone, given the versions of
// libarchive, zlib and zstd: no times but those of the entries, no process, user or host, one
// thread. Names and link targets are written byte for byte, owners as numbers, times to the
// nanosecond, extended attributes as SCHILY.xattr, as runtimes read them. A file with holes is
// written sparse, blocks of 4096 zeros being its holes, unless its name has more than 99 bytes and
// is not ASCII: libarchive cannot. Markers are empty files without a time.
#pragma once

#include <string>

#include "io/apply/content_spool.h"
#include "io/bytes/compressor.h"
#include "io/bytes/open_directory.h"
#include "planner/contents/layer_contents.h"
#include "planner/contents/new_layer.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {

struct WrittenLayer {
  Digest digest;   // of the blob
  Digest diff_id;  // of the tar
  Bytes size = 0;  // of the blob
  Bytes tar_size = 0;
};

// Writes the blob to `name` in `directory`, where there must be nothing, and syncs it. Throws
// std::system_error naming its path when that cannot be written, InputError naming the entry when
// no tar can hold it; nothing stays there then. REQUIRES: the spool was filled with the layer's
// contents, the level is one of the codec's. May be called from several threads with one spool.
WrittenLayer WriteLayer(const NewLayer& layer, const LayerContents& contents,
                        const ContentSpool& spool, const CompressionOptions& compression,
                        const OpenDirectory& directory, const std::string& name);

}  // namespace gneiss
