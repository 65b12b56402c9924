#include "io/source/source.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <utility>

#include "io/source/fleet_file.h"
#include "io/source/json_value.h"
#include "io/source/oci_layout.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kReadable = "this version reads fleet:FILE and oci:DIR[:REF]";

// Transports of design.md 6 that have no reader yet.
constexpr std::array<std::string_view, 6> kPlanned = {
    "docker-archive", "oci-archive", "dir", "docker", "registry", "registry-fs"};

bool IsLayout(const fs::path& directory) {
  return fs::exists(directory / "oci-layout") || fs::exists(directory / "index.json");
}

// "DIR" or "DIR:REF". A directory's name may hold ':', a ref may too: the longest name without a
// ref comes first, then the shortest that is a directory.
std::pair<std::string, std::string_view> SplitLayout(std::string_view text) {
  if (!fs::is_directory(text)) {
    for (std::size_t colon = text.find(':'); colon != std::string_view::npos;
         colon = text.find(':', colon + 1)) {
      if (fs::is_directory(text.substr(0, colon))) {
        return {std::string(text.substr(0, colon)), text.substr(colon + 1)};
      }
    }
  }
  return {std::string(text), {}};
}

// What a directory that is no layout looks like.
std::string NameOfDirectory(const fs::path& directory) {
  if (fs::exists(directory / "version") && fs::exists(directory / "manifest.json")) {
    return "skopeo's directory form (dir:), which this version does not read";
  }
  if (fs::exists(directory / "docker" / "registry" / "v2")) {
    return "the storage of a registry (registry-fs:), which this version does not read";
  }
  return "neither an oci-layout file nor an index.json in it";
}

void ReadBarePath(std::string_view source, const ReadOptions& options, FleetBuilder& builder,
                  ReadReport& report) {
  const std::string path(source);
  if (fs::is_directory(path)) {
    if (!IsLayout(path)) {
      throw InputError(path, "",
                       "expected an OCI layout or a fleet file, found " + NameOfDirectory(path));
    }
    ReadOciLayout(OpenLayoutDirectory(path), {}, options, builder, report);
  } else if (fs::exists(path)) {
    ReadFleetFile(path, options, builder, report);
  } else {
    throw InputError(
        path, "",
        "expected a fleet file, an OCI layout or TRANSPORT:NAME, found nothing there; " +
            std::string(kReadable));
  }
}

}  // namespace

void ReadReport::AddWarning(std::string_view kind, std::string_view place, std::int64_t count) {
  ReadWarning& warning = warnings[std::string(kind)];
  if (warning.count == 0) warning.first = place;
  warning.count += count;
}

void ReadReport::AddProblem(InputError error, bool strict) {
  if (strict) throw error;
  ++num_problems;
  if (problems.size() < kMaxKept) problems.push_back(std::move(error));
}

void ReadSource(std::string_view source, const ReadOptions& options, FleetBuilder& builder,
                ReadReport& report) {
  if (source.empty()) {
    throw InputError("source: expected TRANSPORT:NAME or a path, found an empty name; " +
                     std::string(kReadable));
  }
  const std::size_t colon = source.find(':');
  const std::string_view transport =
      colon == std::string_view::npos ? std::string_view() : source.substr(0, colon);
  const std::string_view name = source.substr(colon + 1);
  if ((transport == "fleet" || transport == "oci") && name.empty()) {
    throw InputError("source: expected a path after " + Quote(source) + ", found nothing; " +
                     std::string(kReadable));
  }
  if (transport == "fleet") {
    ReadFleetFile(std::string(name), options, builder, report);
  } else if (transport == "oci") {
    const auto [directory, ref] = SplitLayout(name);
    ReadOciLayout(OpenLayoutDirectory(directory), ref, options, builder, report);
  } else if (std::ranges::find(kPlanned, transport) != kPlanned.end()) {
    throw InputError(std::string(source), "",
                     "sources of transport " + Quote(transport) + " are not read yet; " +
                         std::string(kReadable));
  } else {
    ReadBarePath(source, options, builder, report);
  }
}

}  // namespace gneiss
