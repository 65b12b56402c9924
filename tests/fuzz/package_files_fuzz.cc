// Databases of the other package managers, and os-release. The input is files with a NUL between
// them, each its path, a newline and its contents; the layer has all that are listed of "etc/x".
#include <cstddef>
#include <string>
#include <string_view>

#include "io/packages/package_files.h"
#include "io/packages/read_packages.h"
#include "planner/contents/inventory.h"
#include "tests/fuzz/fuzz_reader.h"

namespace gneiss {
namespace {

void ReadFuzzedPackages(std::string_view bytes) {
  PackageFiles files;
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = bytes.find('\0');
    const std::string_view file = bytes.substr(0, end);
    if (end != std::string_view::npos) bytes.remove_prefix(end + 1);
    const std::size_t line = file.find('\n');
    if (line == std::string_view::npos || !IsPackageFile(file.substr(0, line))) continue;
    const std::string_view contents = file.substr(line + 1);
    std::string* const kept =
        files.Take(file.substr(0, line), EntryType::kRegular, static_cast<Bytes>(contents.size()));
    if (kept != nullptr) kept->append(contents);
  }

  Inventory inventory;
  std::uint32_t position = 0;
  for (const std::string_view path : {"etc/x", "usr/bin/y", "usr/lib/z/a.py"}) {
    Entry entry;
    entry.path = inventory.texts.Add(path);
    entry.content = 0;
    entry.position = position++;
    inventory.entries.push_back(entry);
  }
  inventory.contents.resize(1);
  SortEntries(inventory);
  ReadPackages(files, inventory);
  const std::string fault = FindInventoryFault(inventory);
  Expect(fault.empty(), "fault: " + fault);
}

const FuzzReader kPackagesReader("package_files", ReadFuzzedPackages);

}  // namespace
}  // namespace gneiss
