#include "io/source/manifest_reader.h"

#include <algorithm>
#include <utility>

#include "io/source/document_rules.h"
#include "io/source/manifest.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

ImageRecord RecordOf(const ImageRead& image, ReadReport& report) {
  const Manifest& manifest = image.manifest;
  ImageRecord record;
  record.ref = image.ref;
  record.platform = image.descriptor.platform;
  record.manifest_digest = image.descriptor.digest.digest;
  record.manifest_verifiable = image.descriptor.digest.verifiable;
  record.manifest_digest_text = image.descriptor.digest_text;
  record.manifest_size = image.descriptor.size;
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
  CountDuplicateKeys(manifest.num_duplicate_keys, image.path, report);
  if (image.config) ApplyConfig(*image.config, image.config_path, record, report);
  return record;
}

}  // namespace

// What an index hands down to its entries.
struct ManifestReader::Inherited {
  std::string ref;
  bool selected = false;
};

ManifestsRead ManifestReader::Read(const Descriptor& descriptor, const std::string& ref,
                                   std::string_view only) {
  result_ = {};
  only_ = only;
  ReadGuarded(descriptor, {.ref = ref, .selected = only.empty()});
  return std::move(result_);
}

// One bad entry never hides the others of its index.
void ManifestReader::ReadGuarded(const Descriptor& descriptor, const Inherited& inherited) {
  result_.report.Guard(blobs_.PathOf(BlobRole::kManifest, descriptor), false,
                       [&] { ReadEntry(descriptor, inherited); });
}

void ManifestReader::ReadEntry(const Descriptor& descriptor, const Inherited& inherited) {
  // Only refs of the root are names by the spec; inner ones serve where it gives none.
  const std::string ref = inherited.ref.empty() ? RefOf(descriptor, repository_) : inherited.ref;
  const bool selected = inherited.selected || descriptor.digest_text == only_;
  const ManifestKind claimed = KindOf(descriptor);
  if (!selected && claimed != ManifestKind::kIndex) return;
  if (std::ranges::find(open_indexes_, descriptor.digest_text) != open_indexes_.end()) {
    throw InputError("index contains itself: " + descriptor.digest_text + " is listed again " +
                     std::to_string(open_indexes_.size()) + " levels below " +
                     std::string(place_.root) + "; it is not followed again");
  }
  result_.reached.push_back(descriptor.digest_text);
  if (!visited_.insert({descriptor.digest_text, ref, selected}).second) return;
  ReadReport& report = result_.report;
  if (selected) result_.anything_selected = true;
  if (claimed != ManifestKind::kImage && claimed != ManifestKind::kIndex) {
    ++report.skipped[std::string(NameOf(claimed))];
    return;
  }
  const bool claims_image = claimed == ManifestKind::kImage;
  if (claims_image) ++report.num_lines;
  // Before the blob is asked for: a place may hold the blobs of one platform only.
  if (claims_image && !descriptor.platform.empty() &&
      !options_.platform.Matches(descriptor.platform)) {
    ++report.filtered_out;
    return;
  }
  const std::optional<std::string> text = blobs_.Read(BlobRole::kManifest, descriptor, report);
  if (!text && !selected) return;
  if (!text) {
    InputError error("expected " + std::string(claims_image ? "a manifest" : "an index") +
                     ", found no such blob in " + std::string(place_.name));
    if (open_indexes_.empty()) throw error;
    if (claims_image) --report.num_lines;
    absent_.emplace_back(descriptor.platform.empty() ? descriptor.digest_text : descriptor.platform,
                         error.WithSource(blobs_.PathOf(BlobRole::kManifest, descriptor), ""));
    return;
  }
  ++num_there_;
  Manifest manifest = ParseManifest(*text);
  // Also what is passed over: a media type that is none makes an artifact of an image.
  if (options_.strict && manifest.kind != ManifestKind::kSchema1) CheckManifestRules(*text);
  if (claims_image && manifest.kind != ManifestKind::kImage) --report.num_lines;
  if (!claims_image && manifest.kind == ManifestKind::kImage) ++report.num_lines;
  if (manifest.kind == ManifestKind::kIndex) {
    ReadIndex(descriptor, manifest, {.ref = ref, .selected = selected});
  } else if (manifest.kind == ManifestKind::kImage) {
    Descriptor measured = descriptor;
    measured.size = std::ssize(*text);
    ReadImage(measured, std::move(manifest), ref);
  } else {
    ++report.skipped[std::string(NameOf(manifest.kind))];
  }
}

void ManifestReader::ReadIndex(const Descriptor& descriptor, const Manifest& index,
                               const Inherited& inherited) {
  if (open_indexes_.size() >= kMaxIndexDepth) {
    throw InputError("expected indexes nested at most " + std::to_string(kMaxIndexDepth) +
                     " deep, found a deeper one");
  }
  const std::string path = blobs_.PathOf(BlobRole::kManifest, descriptor);
  CountDuplicateKeys(index.num_duplicate_keys, path, result_.report);
  for (const InputError& error : index.bad_entries) {
    result_.report.Guard(path, false, [&] { throw error; });
  }
  open_indexes_.push_back(descriptor.digest_text);
  const std::int64_t there_outside = std::exchange(num_there_, 0);
  std::vector<std::pair<std::string, InputError>> absent_outside = std::exchange(absent_, {});
  for (const Descriptor& entry : index.manifests) ReadGuarded(entry, inherited);
  TellAbsent(path);
  num_there_ = there_outside;
  absent_ = std::move(absent_outside);
  open_indexes_.pop_back();
}

// Says in one line which entries of an index are not there.
void ManifestReader::TellAbsent(const std::string& index_path) {
  if (absent_.empty()) return;
  ReadReport& report = result_.report;
  if (num_there_ == 0 && absent_.size() == 1) {
    report.Guard(index_path, false, [&] { throw absent_.front().second; });
    return;
  }
  constexpr std::size_t kMostNamed = 8;
  std::string names;
  for (std::size_t i = 0; i < std::min(absent_.size(), kMostNamed); ++i) {
    names += (i > 0 ? ", " : "") + absent_[i].first;
  }
  if (absent_.size() > kMostNamed) {
    names += " and " + std::to_string(absent_.size() - kMostNamed) + " more";
  }
  if (num_there_ == 0) {
    report.Guard(index_path, false, [&] {
      throw InputError("expected a manifest of this index in " + std::string(place_.name) +
                       ", found none of " + names);
    });
    return;
  }
  report.AddWarning("manifest of an index that is not there, as of platforms left out",
                    index_path + " (" + names + ")", std::ssize(absent_));
}

void ManifestReader::ReadImage(const Descriptor& descriptor, Manifest manifest,
                               const std::string& ref) {
  ImageRead image{.ref = ref,
                  .path = blobs_.PathOf(BlobRole::kManifest, descriptor),
                  .descriptor = descriptor,
                  .manifest = std::move(manifest),
                  .config = {},
                  .config_path = {}};
  const Descriptor& config = *image.manifest.config;
  image.config_path = blobs_.PathOf(BlobRole::kConfig, config);
  image.config = ReadConfig(config);
  const std::string& platform =
      descriptor.platform.empty() && image.config ? image.config->platform : descriptor.platform;
  if (!options_.platform.Matches(platform)) {
    ++result_.report.filtered_out;
    return;
  }
  for (const Descriptor& layer : image.manifest.layers) blobs_.LookForLayer(layer, result_.report);
  result_.images.push_back(std::move(image));
}

std::optional<ImageConfig> ManifestReader::ReadConfig(const Descriptor& descriptor) {
  const std::string path = blobs_.PathOf(BlobRole::kConfig, descriptor);
  try {
    const std::optional<std::string> text =
        blobs_.Read(BlobRole::kConfig, descriptor, result_.report);
    if (!text) {
      result_.report.AddWarning("image without its config blob", path);
      return std::nullopt;
    }
    ImageConfig config = ParseImageConfig(*text);
    if (options_.strict) CheckConfigRules(*text);
    return config;
  } catch (const InputError& error) {
    if (!error.source().empty()) throw;
    throw error.WithSource(path, error.place());
  }
}

void AddImages(const ManifestsRead& read, std::span<const std::string> refs, bool strict,
               FleetBuilder& builder, ReadReport& report) {
  report.Merge(read.report, strict);
  for (const ImageRead& image : read.images) {
    report.Guard(image.path, strict, [&] {
      ImageRecord record = RecordOf(image, report);
      if (refs.empty()) builder.Add(record);
      for (const std::string& ref : refs) {
        record.ref = ref;
        builder.Add(record);
      }
    });
  }
}

std::string RefOf(const Descriptor& descriptor, std::string_view repository) {
  const std::string_view full = FindAnnotation(descriptor.annotations, "io.containerd.image.name");
  if (!full.empty()) return std::string(full);
  const std::string_view name =
      FindAnnotation(descriptor.annotations, "org.opencontainers.image.ref.name");
  if (name.empty() || repository.empty() || name.find_first_of("/:") != std::string_view::npos) {
    return std::string(name);
  }
  return std::string(repository) + ":" + std::string(name);
}

}  // namespace gneiss
