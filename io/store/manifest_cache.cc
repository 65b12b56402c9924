#include "io/store/manifest_cache.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <system_error>

#include "io/bytes/atomic_file.h"
#include "io/bytes/byte_source.h"
#include "io/source/manifest.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {
namespace {

constexpr std::string_view kSha256Prefix = "sha256:";

bool IsCached(std::string_view digest_text) {
  const std::optional<ParsedDigest> digest = ParseDigest(digest_text);
  return digest && digest->verifiable;
}

}  // namespace

std::string ManifestCache::PathOf(std::string_view hex) const {
  return directory_ + "/manifests/v1/" + std::string(hex.substr(0, 2)) + "/" + std::string(hex) +
         ".json";
}

std::optional<std::string> ManifestCache::Read(std::string_view digest_text) const {
  if (directory_.empty() || !IsCached(digest_text)) return std::nullopt;
  const std::string path = PathOf(digest_text.substr(kSha256Prefix.size()));
  try {
    const std::unique_ptr<ByteSource> file = OpenPlainFile(path);
    if (file == nullptr) return std::nullopt;
    std::string text = ReadWhole(*file, path, kUnknownSize, kMaxManifestBytes);
    if (FormatDigest(Sha256(text)) != digest_text) return std::nullopt;
    return text;
  } catch (const InputError&) {
  } catch (const std::system_error&) {
  }
  return std::nullopt;
}

void ManifestCache::Write(std::string_view digest_text, std::string_view text) const {
  if (directory_.empty() || !IsCached(digest_text) || FormatDigest(Sha256(text)) != digest_text) {
    return;
  }
  const std::string path = PathOf(digest_text.substr(kSha256Prefix.size()));
  try {
    // The store that may lie beside it is to stay its owner's alone.
    MakeDirectories(std::filesystem::path(path).parent_path().string(), 0755);
    WriteAtomically(path, text, Sync::kNo);
  } catch (const std::system_error&) {
  }
}

}  // namespace gneiss
