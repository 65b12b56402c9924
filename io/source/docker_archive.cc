#include "io/source/docker_archive.h"

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "io/json/go_json.h"
#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "io/source/document_rules.h"
#include "io/source/layout.h"
#include "io/source/manifest.h"
#include "io/source/names.h"
#include "planner/fleet/bytes.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

// One entry of manifest.json.
struct SavedImage {
  std::string config;
  std::vector<std::string> refs;
  std::vector<std::string> layers;
};

struct LayerIdentity {
  std::string digest_text;
  ParsedDigest digest;
  Bytes size = 0;
  bool is_hashed = false;  // the digest is that of its bytes, not of its name
  bool is_tar = false;     // of a hashed one
};

std::vector<std::string> ReadTexts(const JsonValue& object, std::string_view key,
                                   const JsonPath& path, std::string_view expected) {
  std::vector<std::string> texts;
  const JsonValue* const value = object.Find(key);
  if (value == nullptr || value->kind() == JsonKind::kNull) return texts;
  const JsonPath list_path = path.member(key);
  ExpectKind(TreeJson(*value), JsonKind::kArray, list_path, expected);
  std::int64_t index = 0;
  for (const JsonValue& element : value->elements()) {
    texts.emplace_back(ReadText(TreeJson(element), list_path.element(index++)));
  }
  return texts;
}

SavedImage ParseSavedImage(const JsonValue& value, const JsonPath& path) {
  ExpectKind(TreeJson(value), JsonKind::kObject, path, "an image, an object");
  SavedImage image;
  const JsonValue* const config = value.Find("Config");
  if (config == nullptr || config->kind() == JsonKind::kNull) {
    ThrowMissing(path.member("Config"), "the name of the image's config");
  }
  image.config = ReadText(TreeJson(*config), path.member("Config"));
  image.refs = ReadTexts(value, "RepoTags", path, "an array of refs");
  image.layers = ReadTexts(value, "Layers", path, "an array of names of layers");
  return image;
}

// N of "@N".
std::optional<std::size_t> IndexIn(std::string_view ref) {
  if (!ref.starts_with('@')) return std::nullopt;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(ref.data() + 1, ref.data() + ref.size(), index);
  if (error != std::errc() || end != ref.data() + ref.size()) return std::nullopt;
  return index;
}

class ArchiveReader {
 public:
  ArchiveReader(const std::shared_ptr<TarArchive>& archive, std::string_view ref,
                const ReadOptions& options, FleetBuilder& builder, ReadReport& report)
      : archive_(archive), wanted_(ref), options_(options), builder_(builder), report_(report) {}

  void Read() {
    const JsonDocument document = ReadManifest();
    const JsonValue::Array& images = document.root.elements();
    report_.layouts.push_back(archive_);
    CountDuplicateKeys(document.num_duplicate_keys, manifest_path_, report_);
    const std::optional<std::size_t> index = IndexIn(wanted_);
    if (index && *index >= images.size()) {
      throw InputError(archive_->path(), "",
                       "expected an image " + std::string(wanted_) + ", found " +
                           std::to_string(images.size()) + ", counted from @0");
    }
    for (std::size_t i = 0; i < images.size(); ++i) {
      if (index && i != *index) continue;
      report_.Guard(manifest_path_, options_.strict, [&] {
        const JsonPath root;
        ReadImage(ParseSavedImage(images[i], root.element(static_cast<std::int64_t>(i))),
                  wanted_.empty() || index.has_value());
      });
    }
    if (!wanted_.empty() && !index && !anything_selected_) {
      refs_.ThrowMissing(archive_->path(), wanted_);
    }
  }

 private:
  JsonDocument ReadManifest() const {
    const std::optional<std::string> text =
        ReadFile(*archive_, kDockerManifestName, kUnknownSize, kMaxManifestBytes);
    if (!text) {
      throw InputError(archive_->path(), "",
                       "expected an archive of `docker save`, found no manifest.json in it");
    }
    try {
      JsonDocument document = SavedImagesAsGoReads(ParseJson(*text));
      ExpectKind(TreeJson(document.root), JsonKind::kArray, {}, "an array of images");
      if (document.root.elements().empty()) {
        throw InputError("expected an array of images, found an empty one");
      }
      return document;
    } catch (const InputError& error) {
      throw error.WithSource(manifest_path_, error.place());
    }
  }

  void ReadImage(const SavedImage& image, bool is_selected) {
    std::vector<std::string_view> refs;
    for (const std::string& ref : image.refs) {
      refs_.Add(ref);
      if (is_selected || NamesRef(wanted_, ref) || SplitRef(ref).tag == wanted_) {
        refs.push_back(ref);
      }
    }
    if (refs.empty() && !is_selected) return;
    anything_selected_ = true;
    ++report_.num_lines;

    const std::string config_path = archive_->PathOf(image.config);
    const std::optional<std::string> text =
        ReadFile(*archive_, image.config, kUnknownSize, kMaxManifestBytes);
    if (!text) throw InputError(config_path, "", "expected the config of an image, found nothing");
    const ImageConfig config = ParseConfig(*text, config_path);
    ImageRecord record;
    record.config_digest = Sha256(*text);
    archive_->AddName(LayoutBlobs::NameOf(FormatDigest(*record.config_digest)), image.config);
    record.config_size = std::ssize(*text);
    record.platform = config.platform;
    // Before layers are read for their digests.
    if (!options_.platform.Matches(record.platform)) {
      ++report_.filtered_out;
      return;
    }
    for (const std::string& name : image.layers) record.layers.push_back(RecordOf(Identify(name)));
    ApplyConfig(config, config_path, record, report_);
    CheckDiffIds(image, record);
    if (refs.empty()) refs.emplace_back();
    for (const std::string_view ref : refs) {
      record.ref = ref;
      builder_.Add(record);
    }
  }

  ImageConfig ParseConfig(std::string_view text, const std::string& path) const {
    try {
      ImageConfig config = ParseImageConfig(text);
      if (options_.strict) CheckConfigRules(text);
      return config;
    } catch (const InputError& error) {
      throw error.WithSource(path, error.place());
    }
  }

  static LayerRecord RecordOf(const LayerIdentity& layer) {
    return {.digest = layer.digest.digest,
            .verifiable = layer.digest.verifiable,
            .size = layer.size,
            .diff_id = std::nullopt,
            .created_by = {},
            .media_type = {},
            .digest_text = layer.digest_text};
  }

  // Makes the layer a blob of the archive under its digest.
  const LayerIdentity& Identify(const std::string& name) {
    const std::string path = archive_->PathOf(name);
    if (archive_->Open(name) == nullptr) {
      throw InputError(path, "", "expected a layer, found nothing");
    }
    const std::string member = *archive_->Target(name);
    const auto known = layers_.find(member);
    if (known != layers_.end()) return known->second;
    LayerIdentity layer;
    layer.size = *archive_->SizeOf(name);
    if (const std::optional<std::string> named = LayoutBlobs::DigestIn(member)) {
      layer.digest_text = *named;
      layer.digest = *ParseDigest(*named);
    } else {
      const TarArchive::Content content =
          archive_->Identify(name, [&](Bytes bytes) { ShowProgress(bytes); });
      layer.digest = {.digest = content.digest, .verifiable = true};
      layer.digest_text = FormatDigest(content.digest);
      layer.is_hashed = true;
      layer.is_tar = content.is_tar;
      archive_->AddName(LayoutBlobs::NameOf(layer.digest_text), name);
    }
    return layers_.emplace(member, std::move(layer)).first->second;
  }

  void CheckDiffIds(const SavedImage& image, const ImageRecord& record) {
    for (std::size_t i = 0; i < record.layers.size(); ++i) {
      const LayerIdentity& layer = layers_.at(*archive_->Target(image.layers[i]));
      const LayerRecord& recorded = record.layers[i];
      if (layer.is_hashed && layer.is_tar && recorded.diff_id &&
          *recorded.diff_id != layer.digest.digest) {
        report_.AddWarning("layer with another diff_id than its image's config says",
                           archive_->PathOf(image.layers[i]));
      }
    }
  }

  void ShowProgress(Bytes bytes) {
    bytes_hashed_ += bytes;
    if (options_.on_progress) options_.on_progress(bytes_hashed_, 0);
  }

  const std::shared_ptr<TarArchive>& archive_;
  std::string_view wanted_;
  const ReadOptions& options_;
  FleetBuilder& builder_;
  ReadReport& report_;
  std::string manifest_path_ = archive_->PathOf(kDockerManifestName);
  bool anything_selected_ = false;
  KnownRefs refs_;
  SeededMap<std::string, LayerIdentity> layers_;  // by the member's name
  Bytes bytes_hashed_ = 0;
};

}  // namespace

void ReadDockerArchive(const std::shared_ptr<TarArchive>& archive, std::string_view ref,
                       const ReadOptions& options, FleetBuilder& builder, ReadReport& report) {
  ArchiveReader(archive, ref, options, builder, report).Read();
}

}  // namespace gneiss
