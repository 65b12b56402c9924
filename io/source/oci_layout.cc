#include "io/source/oci_layout.h"

#include <cstddef>
#include <optional>
#include <string>

#include "io/json/json_value.h"
#include "io/source/document_rules.h"
#include "io/source/layout.h"
#include "io/source/manifest.h"
#include "io/source/manifest_reader.h"
#include "io/source/names.h"

namespace gneiss {
namespace {

// index.json is no registry manifest: a layout of many thousand tags passes 4 MiB.
constexpr std::size_t kMaxIndexFileBytes = std::size_t{256} << 20;
constexpr std::string_view kIndexName = "index.json";
constexpr std::string_view kVersionName = "oci-layout";

constexpr ManifestPlace kLayoutPlace = {.name = "the layout", .root = kIndexName};

class LayoutReader {
 public:
  LayoutReader(const std::shared_ptr<const LayoutFiles>& layout, std::string_view ref,
               const ReadOptions& options, FleetBuilder& builder, ReadReport& report)
      : layout_(layout),
        repository_(layout->repository()),
        wanted_(ref.starts_with('@') ? ref.substr(1) : ref),
        wanted_is_digest_(wanted_.starts_with("sha") && ParseDigest(wanted_).has_value()),
        blobs_(layout, options),
        manifests_(blobs_, kLayoutPlace, options, repository_),
        options_(options),
        builder_(builder),
        report_(report) {}

  void Read();

 private:
  void CheckVersion();
  void ReadIndex(const Manifest& index, const std::string& path);
  void ReadEntry(const Descriptor& descriptor);
  bool IsWanted(const Descriptor& descriptor, const std::string& ref) const;

  const std::shared_ptr<const LayoutFiles>& layout_;
  std::string repository_;
  std::string_view wanted_;
  bool wanted_is_digest_;  // of a known algorithm; "app:1" has the grammar of a digest too
  LayoutManifests blobs_;
  ManifestReader manifests_;
  const ReadOptions& options_;
  FleetBuilder& builder_;
  ReadReport& report_;
  bool anything_selected_ = false;
  KnownRefs refs_;
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
    if (options_.strict) CheckManifestRules(*text);
    ReadIndex(index, index_path);
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
    if (options_.strict) {
      throw InputError(path, "", "expected the version of the layout, found no such file");
    }
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
    if (options_.strict) CheckLayoutFileRules(*text);
  } catch (const InputError& error) {
    throw error.WithSource(path, error.place());
  }
}

void LayoutReader::ReadIndex(const Manifest& index, const std::string& path) {
  CountDuplicateKeys(index.num_duplicate_keys, path, report_);
  for (const InputError& error : index.bad_entries) {
    report_.Guard(path, options_.strict, [&] { throw error; });
  }
  for (const Descriptor& descriptor : index.manifests) ReadEntry(descriptor);
}

void LayoutReader::ReadEntry(const Descriptor& descriptor) {
  const std::string ref = RefOf(descriptor, repository_);
  refs_.Add(ref);
  const bool selected = wanted_.empty() || IsWanted(descriptor, ref);
  // A digest may be that of a manifest further down; a name cannot.
  if (!selected && !wanted_is_digest_) return;
  const ManifestsRead read =
      manifests_.Read(descriptor, ref, selected ? std::string_view() : wanted_);
  if (read.anything_selected) anything_selected_ = true;
  AddImages(read, {}, options_.strict, builder_, report_);
}

bool LayoutReader::IsWanted(const Descriptor& descriptor, const std::string& ref) const {
  if (descriptor.digest_text == wanted_) return true;
  if (ref.empty()) return false;
  return ref == wanted_ || SplitRef(ref).tag == wanted_ ||
         FindAnnotation(descriptor.annotations, "org.opencontainers.image.ref.name") == wanted_;
}

}  // namespace

void ReadOciLayout(const std::shared_ptr<const LayoutFiles>& layout, std::string_view ref,
                   const ReadOptions& options, FleetBuilder& builder, ReadReport& report) {
  LayoutReader(layout, ref, options, builder, report).Read();
}

}  // namespace gneiss
