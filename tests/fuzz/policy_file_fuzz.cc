// ParsePolicy: a policy with a rule, or a refusal that names the file.
#include <string_view>

#include "io/tables/policy_file.h"
#include "planner/questions/policy.h"
#include "tests/fuzz/fuzz_reader.h"

namespace gneiss {
namespace {

void ReadFuzzedPolicy(std::string_view text) {
  const Policy policy = ParsePolicy("p", text);
  std::size_t num_limits = 0;
  for (const PolicySection& section : policy.sections) num_limits += section.limits.size();
  Expect(num_limits > 0, "a policy without a rule");
}

const FuzzReader kPolicyReader("policy_file", ReadFuzzedPolicy);

}  // namespace
}  // namespace gneiss
