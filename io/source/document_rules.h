// The rules of the OCI image spec 1.1 for its documents, as far as one document alone can break
// them: members that it requires, their types, and the grammars of what they hold. The readers of
// manifest.h take what runtimes take, which is more; only a strict reading holds these rules, too.
//
// A document is checked as it is written and as runtimes read it (go_json.h): a member under a
// spelling that the spec does not know must be right as well. A null counts as absent, since docker
// writes it for "none". Members that the spec does not know may be anything, as it says.
#pragma once

#include <string_view>

namespace gneiss {

// Each throws InputError without source at the first rule that is broken: "layers[2].mediaType:
// expected ..., found ...".
void CheckManifestRules(std::string_view text);  // or an index; docker's as well, but schema 1
void CheckConfigRules(std::string_view text);
void CheckLayoutFileRules(std::string_view text);  // oci-layout

}  // namespace gneiss
