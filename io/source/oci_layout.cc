#include "io/source/oci_layout.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <vector>

#include "io/source/apply_config.h"
#include "io/source/json_value.h"
#include "io/source/known_refs.h"
#include "io/source/layout_blobs.h"
#include "io/source/manifest.h"

namespace gneiss {
namespace {

// index.json is no registry manifest: a layout of many thousand tags passes 4 MiB.
constexpr std::size_t kMaxIndexFileBytes = std::size_t{256} << 20;
constexpr std::string_view kIndexName = "index.json";
constexpr std::string_view kVersionName = "oci-layout";
constexpr std::int64_t kLayoutProgressBytes = std::int64_t{1} << 20;

// What an index hands down to its entries.
struct Inherited {
  std::string ref;
  bool selected = false;
};

class LayoutReader {
 public:
  LayoutReader(const std::shared_ptr<const LayoutFiles>& layout, std::string_view ref,
               const ReadOptions& options, FleetBuilder& builder, ReadReport& report)
      : layout_(layout),
        blobs_(layout),
        repository_(layout->repository()),
        wanted_(ref.starts_with('@') ? ref.substr(1) : ref),
        wanted_is_digest_(wanted_.starts_with("sha") && ParseDigest(wanted_).has_value()),
        options_(options),
        builder_(builder),
        report_(report) {}

  void Read();

 private:
  void CheckVersion();
  void ReadIndex(const Manifest& index, const std::string& path, const Inherited& inherited);
  void ReadEntry(const Descriptor& descriptor, const Inherited& inherited);
  void ReadNestedIndex(const Descriptor& descriptor, const Manifest& index,
                       const Inherited& inherited);
  void ReadImage(const Descriptor& descriptor, const Manifest& manifest, const std::string& ref);
  std::optional<ImageConfig> ReadConfig(const Descriptor& descriptor);
  void LookForLayer(const Descriptor& layer);

  std::string RefOf(const Descriptor& descriptor) const;
  bool IsWanted(const Descriptor& descriptor, const std::string& ref) const;
  // Content of a blob, verified; nullopt when it is not there.
  std::optional<std::string> ReadBlob(const Descriptor& descriptor);
  void Guard(const std::string& source, const std::function<void()>& read) {
    report_.Guard(source, options_.strict, read);
  }

  const std::shared_ptr<const LayoutFiles>& layout_;
  LayoutBlobs blobs_;
  std::string repository_;
  std::string_view wanted_;
  bool wanted_is_digest_;  // of a known algorithm; "app:1" has the grammar of a digest too
  const ReadOptions& options_;
  FleetBuilder& builder_;
  ReadReport& report_;
  bool anything_selected_ = false;
  std::int64_t bytes_read_ = 0;
  KnownRefs refs_;                         // of index.json
  std::vector<std::string> open_indexes_;  // digests from index.json down to here
  std::set<std::tuple<std::string, std::string, bool>> visited_;  // entries: digest, ref, selected
  std::unordered_set<std::string> looked_for_;                    // digests of layers
};

void LayoutReader::Read() {
  const std::string index_path = layout_->PathOf(kIndexName);
  const std::optional<std::string> text =
      ReadFile(*layout_, kIndexName, kUnknownSize, kMaxIndexFileBytes);
  if (!text) {
    throw InputError(layout_->path(), "", "expected an OCI layout, found no index.json in it");
  }
  report_.layouts.push_back(layout_);
  CheckVersion();
  try {
    const Manifest index = ParseManifest(*text, kMaxIndexFileBytes);
    if (index.kind != ManifestKind::kIndex && index.manifests.empty()) {
      throw InputError("expected an index with manifests, found one manifest");
    }
    ReadIndex(index, index_path, {.ref = {}, .selected = wanted_.empty()});
  } catch (const InputError& error) {
    if (!error.source().empty()) throw;
    throw error.WithSource(index_path, error.place());
  }
  if (anything_selected_ || wanted_.empty()) return;
  refs_.ThrowMissing(layout_->path(), wanted_);
}

void LayoutReader::CheckVersion() {
  const std::string path = layout_->PathOf(kVersionName);
  const std::optional<std::string> text =
      ReadFile(*layout_, kVersionName, kUnknownSize, kMaxManifestBytes);
  if (!text) {
    report_.AddWarning("layout without an oci-layout file", layout_->path());
    return;
  }
  try {
    const JsonDocument document = ParseJson(*text);
    const JsonValue* const version = document.root.Find("imageLayoutVersion");
    if (version == nullptr || version->kind() != JsonKind::kText ||
        !version->text().starts_with("1.")) {
      throw InputError("expected imageLayoutVersion 1.0.0, found " +
                       (version == nullptr || version->kind() != JsonKind::kText
                            ? std::string("none")
                            : Quote(version->text())));
    }
  } catch (const InputError& error) {
    throw error.WithSource(path, error.place());
  }
}

void LayoutReader::ReadIndex(const Manifest& index, const std::string& path,
                             const Inherited& inherited) {
  CountDuplicateKeys(index.num_duplicate_keys, path, report_);
  for (const InputError& error : index.bad_entries) Guard(path, [&] { throw error; });
  for (const Descriptor& descriptor : index.manifests) {
    Guard(blobs_.PathOf(descriptor), [&] { ReadEntry(descriptor, inherited); });
  }
}

void LayoutReader::ReadEntry(const Descriptor& descriptor, const Inherited& inherited) {
  // Only refs of index.json are names by the spec; inner ones serve where it gives none.
  const std::string ref = inherited.ref.empty() ? RefOf(descriptor) : inherited.ref;
  if (open_indexes_.empty()) refs_.Add(ref);
  const bool selected = inherited.selected || IsWanted(descriptor, ref);
  const ManifestKind claimed = KindOf(descriptor);
  // A digest may be that of a manifest further down; a name cannot.
  if (!selected && !(wanted_is_digest_ && claimed == ManifestKind::kIndex)) return;
  if (std::ranges::find(open_indexes_, descriptor.digest_text) != open_indexes_.end()) {
    throw InputError("index contains itself: " + descriptor.digest_text + " is listed again " +
                     std::to_string(open_indexes_.size()) +
                     " levels below index.json; it is not followed again");
  }
  if (!visited_.emplace(descriptor.digest_text, ref, selected).second) return;
  if (selected) anything_selected_ = true;
  if (claimed != ManifestKind::kImage && claimed != ManifestKind::kIndex) {
    ++report_.skipped[std::string(NameOf(claimed))];
    return;
  }
  const bool claims_image = claimed == ManifestKind::kImage;
  if (claims_image) ++report_.num_lines;
  // Before the blob is asked for: a layout may hold the blobs of one platform only.
  if (claims_image && !descriptor.platform.empty() &&
      !options_.platform.Matches(descriptor.platform)) {
    ++report_.filtered_out;
    return;
  }
  const std::optional<std::string> text = ReadBlob(descriptor);
  if (!text && !selected) return;
  if (!text) {
    throw InputError("expected " + std::string(claims_image ? "a manifest" : "an index") +
                     ", found no such blob in the layout");
  }
  const Manifest manifest = ParseManifest(*text);
  if (claims_image && manifest.kind != ManifestKind::kImage) --report_.num_lines;
  if (!claims_image && manifest.kind == ManifestKind::kImage) ++report_.num_lines;
  if (manifest.kind == ManifestKind::kIndex) {
    ReadNestedIndex(descriptor, manifest, {.ref = ref, .selected = selected});
  } else if (manifest.kind == ManifestKind::kImage) {
    CountDuplicateKeys(manifest.num_duplicate_keys, blobs_.PathOf(descriptor), report_);
    ReadImage(descriptor, manifest, ref);
  } else {
    ++report_.skipped[std::string(NameOf(manifest.kind))];
  }
}

void LayoutReader::ReadNestedIndex(const Descriptor& descriptor, const Manifest& index,
                                   const Inherited& inherited) {
  if (open_indexes_.size() >= kMaxIndexDepth) {
    throw InputError("expected indexes nested at most " + std::to_string(kMaxIndexDepth) +
                     " deep, found a deeper one");
  }
  open_indexes_.push_back(descriptor.digest_text);
  ReadIndex(index, blobs_.PathOf(descriptor), inherited);
  open_indexes_.pop_back();
}

void LayoutReader::ReadImage(const Descriptor& descriptor, const Manifest& manifest,
                             const std::string& ref) {
  ImageRecord record;
  record.ref = ref;
  record.platform = descriptor.platform;
  record.manifest_digest = descriptor.digest.digest;
  record.manifest_verifiable = descriptor.digest.verifiable;
  record.manifest_digest_text = descriptor.digest_text;
  record.manifest_size = descriptor.size;
  record.config_digest = manifest.config->digest.digest;
  record.config_size = manifest.config->size;
  for (const Descriptor& layer : manifest.layers) {
    record.layers.push_back({.digest = layer.digest.digest,
                             .verifiable = layer.digest.verifiable,
                             .foreign = layer.foreign,
                             .size = layer.size,
                             .diff_id = std::nullopt,
                             .created_by = {},
                             .media_type = layer.media_type,
                             .digest_text = layer.digest_text});
  }
  for (const auto& [key, value] : manifest.annotations) record.labels.push_back({key, value});
  const std::optional<ImageConfig> config = ReadConfig(*manifest.config);
  if (config) ApplyConfig(*config, blobs_.PathOf(*manifest.config), record, report_);
  if (!options_.platform.Matches(record.platform)) {
    ++report_.filtered_out;
    return;
  }
  builder_.Add(record);
  for (const Descriptor& layer : manifest.layers) LookForLayer(layer);
}

std::optional<ImageConfig> LayoutReader::ReadConfig(const Descriptor& descriptor) {
  const std::string path = blobs_.PathOf(descriptor);
  try {
    const std::optional<std::string> text = ReadBlob(descriptor);
    if (!text) {
      report_.AddWarning("image without its config blob", path);
      return std::nullopt;
    }
    return ParseImageConfig(*text);
  } catch (const InputError& error) {
    if (!error.source().empty()) throw;
    throw error.WithSource(path, error.place());
  }
}

// Counts layers that the layout lacks, and those of another size than their descriptor.
void LayoutReader::LookForLayer(const Descriptor& layer) {
  if (!looked_for_.insert(layer.digest_text).second) return;
  const std::optional<Bytes> size = blobs_.SizeOf(layer);
  if (!size) {
    if (!layer.foreign) ++report_.missing_layer_blobs;
  } else if (*size != layer.size) {
    report_.AddWarning("layer blob of another size than its descriptor says", blobs_.PathOf(layer));
  }
}

std::string LayoutReader::RefOf(const Descriptor& descriptor) const {
  const std::string_view full = FindAnnotation(descriptor.annotations, "io.containerd.image.name");
  if (!full.empty()) return std::string(full);
  const std::string_view name =
      FindAnnotation(descriptor.annotations, "org.opencontainers.image.ref.name");
  if (name.empty() || repository_.empty() || name.find_first_of("/:") != std::string_view::npos) {
    return std::string(name);
  }
  return repository_ + ":" + std::string(name);
}

bool LayoutReader::IsWanted(const Descriptor& descriptor, const std::string& ref) const {
  if (descriptor.digest_text == wanted_) return true;
  if (wanted_.empty() || ref.empty()) return false;
  return ref == wanted_ || SplitRef(ref).tag == wanted_ ||
         FindAnnotation(descriptor.annotations, "org.opencontainers.image.ref.name") == wanted_;
}

std::optional<std::string> LayoutReader::ReadBlob(const Descriptor& descriptor) {
  std::optional<BlobContent> blob = blobs_.Read(descriptor, kMaxManifestBytes);
  if (!blob) return std::nullopt;
  if (!blob->verified) {
    report_.AddWarning("digest of an unknown algorithm, content not verified",
                       blobs_.PathOf(descriptor));
  }
  const std::int64_t before = bytes_read_;
  bytes_read_ += std::ssize(blob->content);
  if (options_.on_progress && before / kLayoutProgressBytes != bytes_read_ / kLayoutProgressBytes) {
    options_.on_progress(bytes_read_, 0);
  }
  return std::move(blob->content);
}

}  // namespace

void ReadOciLayout(const std::shared_ptr<const LayoutFiles>& layout, std::string_view ref,
                   const ReadOptions& options, FleetBuilder& builder, ReadReport& report) {
  LayoutReader(layout, ref, options, builder, report).Read();
}

}  // namespace gneiss
