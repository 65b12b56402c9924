// Databases of rpm in their three forms: no more bytes of headers than the database has, and paths
// of a bounded length.
#include <cstddef>
#include <string_view>

#include "io/packages/rpm_backends.h"
#include "io/packages/rpm_database.h"
#include "planner/contents/inventory.h"
#include "tests/fuzz/fuzz_reader.h"

namespace gneiss {
namespace {

void ReadFuzzedHeader(std::string_view blob) {
  const std::optional<RpmHeader> header = ParseRpmHeader(blob);
  if (!header) return;
  Expect(!header->name.empty() && !header->version.empty(), "a package without a name");
  std::size_t num_paths = 0;
  ForEachRpmPath(*header, [&](std::string_view path) {
    Expect(path.size() <= kMaxRpmPathBytes, "a path of another length");
    return ++num_paths <= header->num_files;
  });
  Expect(num_paths <= header->num_files, "more paths than files");
}

void ReadFuzzedRpm(std::string_view database) {
  ReadFuzzedHeader(database);
  std::size_t num_bytes = 0;
  std::size_t num_headers = 0;
  ForEachRpmHeader(database, [&](std::string_view header) {
    num_bytes += header.size();
    Expect(num_bytes <= database.size(), "more bytes of headers than a database has");
    Expect(++num_headers <= kMaxPackages, "too many headers");
    ReadFuzzedHeader(header);
    return true;
  });
}

const FuzzReader kRpmReader("rpm_database", ReadFuzzedRpm);

}  // namespace
}  // namespace gneiss
