#include "io/source/source.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

#include "io/bytes/byte_source.h"
#include "io/bytes/file_head.h"
#include "io/json/json_value.h"
#include "io/source/docker_archive.h"
#include "io/source/fleet_file.h"
#include "io/source/image_directory.h"
#include "io/source/layout.h"
#include "io/source/oci_layout.h"
#include "io/source/registry_storage.h"
#include "io/source/tar_archive.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kReadable =
    "this version reads fleet:FILE, oci:DIR[:REF], oci-archive:FILE[:REF], "
    "docker-archive:FILE[:REF], dir:DIR, registry-fs:DIR[:REF], docker://HOST/REPO[:TAG|@DIGEST] "
    "and "
    "registry://HOST[/PREFIX]";

constexpr std::array<std::string_view, 6> kTransports = {"fleet",          "oci", "oci-archive",
                                                         "docker-archive", "dir", "registry-fs"};

// Live registries, which registry_source.h reads.
constexpr std::array<std::string_view, 2> kRegistryTransports = {"docker", "registry"};

bool IsLayout(const fs::path& directory) {
  return fs::exists(directory / "oci-layout") || fs::exists(directory / "index.json");
}

bool IsDirectory(std::string_view path) { return fs::is_directory(path); }
bool IsFile(std::string_view path) { return fs::exists(path) && !fs::is_directory(path); }

// "PATH" or "PATH:REF". A path may hold ':', a ref may too: the longest path without a ref comes
// first, then the shortest that `is_path`.
std::pair<std::string, std::string_view> SplitPath(std::string_view text,
                                                   bool (*is_path)(std::string_view)) {
  if (!is_path(text)) {
    for (std::size_t colon = text.find(':'); colon != std::string_view::npos;
         colon = text.find(':', colon + 1)) {
      if (is_path(text.substr(0, colon))) {
        return {std::string(text.substr(0, colon)), text.substr(colon + 1)};
      }
    }
  }
  return {std::string(text), {}};
}

// Whether a file begins as a tar, compressed or not. What is no plain file is left alone: a pipe
// can be read once.
bool IsTar(const std::string& path) {
  if (!fs::is_regular_file(path)) return false;
  try {
    const std::unique_ptr<ByteSource> bytes = Decompress(OpenFile(path, "a file"));
    std::array<char, kFileHeadBytes> head;
    std::size_t size = 0;
    while (size < head.size()) {
      const std::size_t count = bytes->Read(std::span(head).subspan(size));
      if (count == 0) break;
      size += count;
    }
    return IsTarHeader({head.data(), size});
  } catch (const InputError&) {
    return false;  // whoever reads it says what is wrong
  }
}

// An archive with a manifest.json is one of `docker save`, also where it is a layout as well: then
// manifest.json lists what `docker load` would load.
void ReadAnyArchive(const std::string& path, const ReadOptions& options, FleetBuilder& builder,
                    ReadReport& report) {
  const auto archive = std::make_shared<TarArchive>(path, options.on_progress);
  if (archive->Has(kDockerManifestName)) {
    ReadDockerArchive(archive, {}, options, builder, report);
  } else if (archive->Has("index.json") || archive->Has("oci-layout")) {
    ReadOciLayout(archive, {}, options, builder, report);
  } else {
    throw InputError(path, "",
                     "expected an archive of images, found a tar with neither manifest.json nor "
                     "index.json in it; write one with `docker save` or `skopeo copy`");
  }
}

void ReadAnyDirectory(const std::string& path, const ReadOptions& options, FleetBuilder& builder,
                      ReadReport& report) {
  if (IsLayout(path)) {
    ReadOciLayout(OpenLayoutDirectory(path), {}, options, builder, report);
  } else if (IsImageDirectory(path)) {
    ReadImageDirectory(path, options, builder, report);
  } else if (IsRegistryStorage(path)) {
    ReadRegistryStorage(path, {}, options, builder, report);
  } else {
    throw InputError(
        path, "",
        "expected an OCI layout, an image directory, the storage of a registry or a "
        "fleet file, found " +
            std::string(fs::is_empty(path) ? "an empty directory"
                                           : "a directory without index.json, manifest.json with "
                                             "version, or docker/registry/v2 in it"));
  }
}

// "user:password@host/..." or the like under no transport that we know, rather than a path.
bool MayHoldPassword(std::string_view path) {
  const std::size_t at = path.rfind('@');
  return at != std::string_view::npos && path.substr(0, at).find(':') != std::string_view::npos;
}

void ReadBarePath(std::string_view source, const ReadOptions& options, FleetBuilder& builder,
                  ReadReport& report) {
  const std::string path(source);
  if (fs::is_directory(path)) {
    ReadAnyDirectory(path, options, builder, report);
  } else if (IsTar(path)) {
    ReadAnyArchive(path, options, builder, report);
  } else if (fs::exists(path)) {
    ReadFleetFile(path, options, builder, report);
  } else {
    throw InputError(MayHoldPassword(path) ? ShownSource(path) : path, "",
                     "expected a fleet file, an OCI layout, an archive of images or "
                     "TRANSPORT:NAME, found nothing there; " +
                         std::string(kReadable));
  }
}

}  // namespace

std::string ShownSource(std::string_view source) {
  std::size_t at = source.rfind('@');
  if (at == std::string_view::npos) return std::string(source);
  // A digest is no host.
  const std::string_view after = source.substr(at + 1);
  const bool is_digest = after.starts_with("sha256:") || after.starts_with("sha512:");
  if (is_digest && after.find('/') == std::string_view::npos) {
    at = at == 0 ? std::string_view::npos : source.rfind('@', at - 1);
    if (at == std::string_view::npos) return std::string(source);
  }
  const std::size_t scheme = source.find("://");
  const std::size_t begin = scheme < at ? scheme + 3 : 0;
  return std::string(source.substr(0, begin)) + "***" + std::string(source.substr(at));
}

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

void ReadReport::Merge(const ReadReport& part, bool strict) {
  for (const InputError& problem : part.problems) AddProblem(problem, strict);
  num_problems += part.num_problems - std::ssize(part.problems);
  for (const auto& [kind, count] : part.skipped) skipped[kind] += count;
  for (const auto& [kind, warning] : part.warnings) AddWarning(kind, warning.first, warning.count);
  num_lines += part.num_lines;
  filtered_out += part.filtered_out;
  missing_layer_blobs += part.missing_layer_blobs;
}

void ReadReport::Guard(const std::string& source, bool strict, const std::function<void()>& read) {
  try {
    read();
  } catch (const InputError& error) {
    AddProblem(error.source().empty() ? error.WithSource(source, error.place()) : error, strict);
  } catch (const std::system_error& error) {
    AddProblem(InputError(error.what()), strict);  // names the file already
  }
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
  const bool is_transport = std::ranges::find(kTransports, transport) != kTransports.end();
  if (is_transport && name.empty()) {
    throw InputError("source: expected a path after " + Quote(source) + ", found nothing; " +
                     std::string(kReadable));
  }
  if (transport == "fleet") {
    ReadFleetFile(std::string(name), options, builder, report);
  } else if (transport == "dir") {
    ReadImageDirectory(std::string(name), options, builder, report);
  } else if (transport == "oci" || transport == "registry-fs") {
    const auto [directory, ref] = SplitPath(name, IsDirectory);
    if (transport == "oci") {
      if (!ref.empty()) ++report.num_selections;
      ReadOciLayout(OpenLayoutDirectory(directory), ref, options, builder, report);
    } else {
      ReadRegistryStorage(directory, ref, options, builder, report);
    }
  } else if (is_transport) {
    const auto [file, ref] = SplitPath(name, IsFile);
    if (!ref.empty()) ++report.num_selections;
    const auto archive = std::make_shared<TarArchive>(file, options.on_progress);
    if (transport == "oci-archive") {
      ReadOciLayout(archive, ref, options, builder, report);
    } else {
      ReadDockerArchive(archive, ref, options, builder, report);
    }
  } else if (std::ranges::find(kRegistryTransports, transport) != kRegistryTransports.end()) {
    throw InputError(ShownSource(source), "",
                     "expected a host after \"" + std::string(transport) + "://\", found " +
                         Quote(ShownSource(name)) + " after \"" + std::string(transport) + ":\"");
  } else {
    ReadBarePath(source, options, builder, report);
  }
}

}  // namespace gneiss
