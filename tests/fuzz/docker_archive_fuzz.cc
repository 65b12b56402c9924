// Archives of images: both of the walks through a tar that ReadSource knows.
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <system_error>

#include "io/source/source.h"
#include "planner/fleet/fleet_builder.h"
#include "tests/fuzz/fuzz_reader.h"
#include "tests/fuzz/tar_checksums.h"

namespace gneiss {
namespace {

// A file in memory, with a path.
class FuzzedFile {
 public:
  explicit FuzzedFile(std::string_view bytes) : descriptor_(memfd_create("fuzzed", MFD_CLOEXEC)) {
    if (descriptor_ < 0 ||
        write(descriptor_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      throw std::system_error(errno, std::generic_category(), "memfd_create");
    }
  }
  FuzzedFile(const FuzzedFile&) = delete;
  FuzzedFile& operator=(const FuzzedFile&) = delete;
  ~FuzzedFile() { close(descriptor_); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

void ReadFuzzedArchive(std::string_view bytes) {
  const FuzzedFile file(bytes);
  for (const std::string transport : {"docker-archive:", "oci-archive:"}) {
    FleetBuilder builder;
    ReadReport report;
    (void)RefusalFrom([&] {
      ReadSource(transport + file.path(), ReadOptions{}, builder, report);
      (void)builder.Build();
    });
    for (const InputError& problem : report.problems) ExpectMessage(problem.what());
  }
}

const FuzzReader kArchiveReader("docker_archive", ReadFuzzedArchive, MendTarChecksums);

}  // namespace
}  // namespace gneiss
