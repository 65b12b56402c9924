// A PolicyReport as GitHub workflow commands: what fails is shown at its line of the policy file.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>

#include "io/text/format.h"
#include "planner/questions/policy.h"

namespace gneiss {

// Text for the message of a workflow command, and for a property of it, which may hold neither ':'
// nor ','.
[[nodiscard]] std::string AnnotationMessage(std::string_view text);
[[nodiscard]] std::string AnnotationProperty(std::string_view text);

// "::error file=...,line=...,title=...::message" for a rule that fails or is not judged,
// "::warning" for one that is not judged where the policy allows that, plain words for the rest.
void WritePolicyAnnotations(const PolicyReport& report, std::string_view policy_path,
                            ByteUnits units, std::size_t top, std::ostream& out);

}  // namespace gneiss
