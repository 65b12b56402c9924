// ReadPulls and ReadPools, each of the same bytes: every use is of a pool that is there.
#include <string_view>

#include "io/bytes/byte_source.h"
#include "io/tables/demand_file.h"
#include "tests/fuzz/fuzz_reader.h"

namespace gneiss {
namespace {

void ReadFuzzedDemand(std::string_view bytes) {
  (void)RefusalFrom([&] {
    Demand demand;
    ReadPulls(ReadMemory(bytes, 100), "d", demand);
    Expect(!demand.pulls.empty(), "no pull");
    for (const PullCount& pull : demand.pulls) {
      Expect(!pull.name.empty() && pull.pulls >= 0, "a pull of nothing");
    }
  });
  Demand demand;
  ReadPools(ReadMemory(bytes, 100), "d", demand);
  Expect(!demand.pools.empty(), "no pool");
  for (const auto& [name, nodes] : demand.pools) Expect(nodes >= 0, "nodes below zero");
  for (const PoolUse& use : demand.pool_uses) {
    Expect(!use.name.empty() && demand.pools.contains(use.pool), "a use of no pool");
  }
}

const FuzzReader kDemandReader("demand_file", ReadFuzzedDemand);

}  // namespace
}  // namespace gneiss
