// The rules of the OCI image spec 1.1 for its documents, as far as one document alone can break
// them: members that it requires, their types, and the grammars of what they hold. The readers of
// manifest.h take what runtimes take, which is more; only a strict reading holds these rules, too.
//
// A document is checked as it is written and as runtimes read it (go_json.h): a member under a
// spelling that the spec does not know must be right as well. A null counts as absent, since docker
// writes it for "none". Members that the spec does not know may be anything, as it says.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gneiss {

// Which of gneiss's own JSON documents a file is: what its member "schema" says, by content.

// "gneiss.plan/1"; empty for anything that is no JSON document with a schema, such as a fleet file,
// a layout or nothing at all: whoever reads those has better words for what is wrong. The file may
// be compressed. Reads its first 64 KiB, and all of it only where it is JSON in several lines whose
// start does not tell. Throws std::system_error when it cannot be read.
[[nodiscard]] std::string SchemaOfFile(const std::string& path);

// The value of a first member "schema" of the object that a text begins with, however it goes on;
// empty where it has none.
[[nodiscard]] std::string LeadingSchema(std::string_view text);

// All of a file, decompressed. Throws InputError "PATH: expected EXPECTED of at most N bytes ..."
// and what ByteSource throws.
[[nodiscard]] std::string ReadDocument(const std::string& path, std::string_view expected,
                                       std::size_t max_bytes);

// Each throws InputError without source at the first rule that is broken: "layers[2].mediaType:
// expected ..., found ...".
void CheckManifestRules(std::string_view text);  // or an index; docker's as well, but schema 1
void CheckConfigRules(std::string_view text);
void CheckLayoutFileRules(std::string_view text);  // oci-layout

}  // namespace gneiss
