// Fleet files: one image a line, as JSON (design.md 7), plain or compressed.
#pragma once

#include <memory>
#include <string>

#include "io/bytes/byte_source.h"
#include "io/source/source.h"

namespace gneiss {

// Adds the images of the file at `path` to `builder`. A bad line goes to `report` with source
// `path` and the line's number as place, and the next line is read; with options.strict it is
// thrown. Blank lines, CRLF and a byte order mark are accepted. Memory does not grow with the text.
// Throws InputError when the file is missing, a directory, empty, not text, or damaged as a
// compressed stream (images before the damage are in `builder` then), std::system_error when
// reading fails.
void ReadFleetFile(const std::string& path, const ReadOptions& options, FleetBuilder& builder,
                   ReadReport& report);

// The same from bytes as they are stored; `name` stands for the path.
void ReadFleetBytes(std::unique_ptr<ByteSource> stored, const std::string& name,
                    const ReadOptions& options, FleetBuilder& builder, ReadReport& report);

}  // namespace gneiss
