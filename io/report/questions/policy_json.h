// A PolicyReport as JSON, schema "gneiss.check/1": raw integers, every offence.
#pragma once

#include <cstdint>
#include <ostream>

#include "planner/questions/policy.h"

namespace gneiss {

// `bad_images` are those that reading left out.
void WritePolicyJson(const PolicyReport& report, std::int64_t bad_images, std::ostream& out);

}  // namespace gneiss
