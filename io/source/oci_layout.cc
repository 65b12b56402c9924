#include "io/source/oci_layout.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <new>
#include <optional>
#include <set>
#include <span>
#include <system_error>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <vector>

#include "io/source/json_value.h"
#include "io/source/manifest.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

// index.json is no registry manifest: a layout of many thousand tags passes 4 MiB.
constexpr std::size_t kMaxIndexFileBytes = std::size_t{256} << 20;
constexpr std::size_t kMaxRefsNamed = 5;
constexpr std::int64_t kProgressBytes = std::int64_t{1} << 20;

// A file descriptor that closes itself.
class OpenedFile {
 public:
  explicit OpenedFile(int descriptor) : descriptor_(descriptor) {}
  OpenedFile(const OpenedFile&) = delete;
  OpenedFile& operator=(const OpenedFile&) = delete;
  ~OpenedFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

[[noreturn]] void ThrowSystemError(const std::string& path) {
  throw std::system_error(errno, std::generic_category(), path);
}

// Content of a plain file, nullopt when there is none. Symbolic links are not followed: a blob is
// what the layout holds. Throws InputError when the size is not `expected_size` (unless that is not
// known) or above `max_bytes`, before reading anything.
std::optional<std::string> ReadPlainFile(const std::string& path, Bytes expected_size,
                                         std::size_t max_bytes) {
  // O_NONBLOCK: opening a pipe must not wait for a writer.
  const OpenedFile file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG) return std::nullopt;
    if (errno == ELOOP) throw InputError(path, "", "expected a plain file, found a symbolic link");
    ThrowSystemError(path);
  }
  struct stat status {};
  if (fstat(file.get(), &status) != 0) ThrowSystemError(path);
  if (!S_ISREG(status.st_mode)) {
    throw InputError(path, "",
                     std::string("expected a plain file, found ") +
                         (S_ISDIR(status.st_mode) ? "a directory" : "something else"));
  }
  if (expected_size != kUnknownSize && status.st_size != expected_size) {
    throw InputError(path, "",
                     "expected " + std::to_string(expected_size) +
                         " bytes, as its descriptor says, found " + std::to_string(status.st_size));
  }
  if (static_cast<std::size_t>(status.st_size) > max_bytes) {
    throw InputError(path, "",
                     "expected at most " + std::to_string(max_bytes) + " bytes of JSON, found " +
                         std::to_string(status.st_size));
  }
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < content.size()) {
    const ssize_t count = read(file.get(), content.data() + filled, content.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) ThrowSystemError(path);
    if (count == 0) throw InputError(path, "", "file became shorter while it was read");
    filled += static_cast<std::size_t>(count);
  }
  return content;
}

std::string HexDigest(std::string_view content, const EVP_MD* algorithm) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned int length = 0;
  if (EVP_Digest(content.data(), content.size(), bytes.data(), &length, algorithm, nullptr) != 1) {
    throw std::bad_alloc();
  }
  std::string text;
  for (const unsigned char byte : std::span(bytes).first(length)) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

std::string_view AlgorithmOf(const Descriptor& descriptor) {
  return std::string_view(descriptor.digest_text).substr(0, descriptor.digest_text.find(':'));
}

// The digest that `content` has in the algorithm of `descriptor`; nullopt for an unknown algorithm.
std::optional<std::string> DigestOf(std::string_view content, const Descriptor& descriptor) {
  const std::string algorithm(AlgorithmOf(descriptor));
  if (algorithm == "sha256") return FormatDigest(Sha256(content));
  if (algorithm == "sha384") return "sha384:" + HexDigest(content, EVP_sha384());
  if (algorithm == "sha512") return "sha512:" + HexDigest(content, EVP_sha512());
  return std::nullopt;
}

// Last component of the directory's name, for tags without a repository.
std::string RepositoryOf(const std::string& directory) {
  std::error_code ignored;
  fs::path path = fs::path(directory).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  if (path.filename() == "." || path.filename() == ".." || path.filename().empty()) {
    path = fs::canonical(directory, ignored);
  }
  return path.filename().string();
}

// What an index hands down to its entries.
struct Inherited {
  std::string ref;
  bool selected = false;
};

class LayoutReader {
 public:
  LayoutReader(const std::string& directory, std::string_view ref, const ReadOptions& options,
               FleetBuilder& builder, ReadReport& report)
      : directory_(directory),
        repository_(RepositoryOf(directory)),
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
  void ApplyConfig(const ImageConfig& config, ImageRecord& record);
  void LookForLayer(const Descriptor& layer);

  std::string RefOf(const Descriptor& descriptor) const;
  bool IsWanted(const Descriptor& descriptor, const std::string& ref) const;
  std::string BlobPath(const Descriptor& descriptor) const;
  // Content of a blob, verified; nullopt when it is not there.
  std::optional<std::string> ReadBlob(const Descriptor& descriptor);
  void CountDuplicates(std::int64_t count) {
    if (count > 0) report_.warnings["duplicate JSON key"] += count;
  }
  // Runs `read`, which reads `source`; what is wrong with that blob goes to the report.
  template <typename F>
  void Guard(const std::string& source, const F& read);

  const std::string& directory_;
  std::string repository_;
  std::string_view wanted_;
  bool wanted_is_digest_;  // of a known algorithm; "app:1" has the grammar of a digest too
  const ReadOptions& options_;
  FleetBuilder& builder_;
  ReadReport& report_;
  bool anything_selected_ = false;
  std::int64_t bytes_read_ = 0;
  std::set<std::string> refs_;             // of index.json, for the message on a wrong `ref`
  std::vector<std::string> open_indexes_;  // digests from index.json down to here
  std::set<std::tuple<std::string, std::string, bool>> visited_;  // entries: digest, ref, selected
  std::unordered_set<std::string> looked_for_;                    // digests of layers
};

template <typename F>
void LayoutReader::Guard(const std::string& source, const F& read) {
  try {
    read();
  } catch (const InputError& error) {
    report_.AddProblem(error.source().empty() ? error.WithSource(source, error.place()) : error,
                       options_.strict);
  } catch (const std::system_error& error) {
    // Names the file already. One blob that cannot be read costs one image.
    report_.AddProblem(InputError(error.what()), options_.strict);
  }
}

void LayoutReader::Read() {
  if (!fs::is_directory(directory_)) {
    throw InputError(directory_, "",
                     fs::exists(directory_)
                         ? "expected the directory of an OCI layout, found a file"
                         : "expected the directory of an OCI layout, found nothing there");
  }
  const std::string index_path = directory_ + "/index.json";
  const std::optional<std::string> text =
      ReadPlainFile(index_path, kUnknownSize, kMaxIndexFileBytes);
  if (!text) {
    throw InputError(directory_, "", "expected an OCI layout, found no index.json in it");
  }
  CheckVersion();
  try {
    const Manifest index = ParseManifest(*text, kMaxIndexFileBytes);
    if (index.kind == ManifestKind::kImage || index.kind == ManifestKind::kSchema1) {
      throw InputError("expected an index with manifests, found one manifest");
    }
    ReadIndex(index, index_path, {.ref = {}, .selected = wanted_.empty()});
  } catch (const InputError& error) {
    if (!error.source().empty()) throw;
    throw error.WithSource(index_path, error.place());
  }
  if (anything_selected_ || wanted_.empty()) return;
  std::string known;
  for (const std::string& ref : refs_) known += (known.empty() ? "" : ", ") + Quote(ref);
  throw InputError(directory_, "",
                   "expected an image " + Quote(wanted_) + ", found " +
                       (known.empty() ? "no refs" : "refs " + known) +
                       (refs_.size() == kMaxRefsNamed ? " and perhaps more" : ""));
}

void LayoutReader::CheckVersion() {
  const std::string path = directory_ + "/oci-layout";
  const std::optional<std::string> text = ReadPlainFile(path, kUnknownSize, kMaxManifestBytes);
  if (!text) {
    ++report_.warnings["layout without an oci-layout file"];
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
  CountDuplicates(index.num_duplicate_keys);
  for (const InputError& error : index.bad_entries) Guard(path, [&] { throw error; });
  for (const Descriptor& descriptor : index.manifests) {
    Guard(BlobPath(descriptor), [&] { ReadEntry(descriptor, inherited); });
  }
}

void LayoutReader::ReadEntry(const Descriptor& descriptor, const Inherited& inherited) {
  // Only refs of index.json are names by the spec; inner ones serve where it gives none.
  const std::string ref = inherited.ref.empty() ? RefOf(descriptor) : inherited.ref;
  if (open_indexes_.empty() && !ref.empty() && refs_.size() < kMaxRefsNamed) refs_.insert(ref);
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
    CountDuplicates(manifest.num_duplicate_keys);
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
  ReadIndex(index, BlobPath(descriptor), inherited);
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
  if (config) ApplyConfig(*config, record);
  if (!options_.platform.Matches(record.platform)) {
    ++report_.filtered_out;
    return;
  }
  builder_.Add(record);
  for (const Descriptor& layer : manifest.layers) LookForLayer(layer);
}

std::optional<ImageConfig> LayoutReader::ReadConfig(const Descriptor& descriptor) {
  const std::string path = BlobPath(descriptor);
  try {
    const std::optional<std::string> text = ReadBlob(descriptor);
    if (!text) {
      ++report_.warnings["image without its config blob"];
      return std::nullopt;
    }
    return ParseImageConfig(*text);
  } catch (const InputError& error) {
    if (!error.source().empty()) throw;
    throw error.WithSource(path, error.place());
  }
}

// Adds what the config says where the manifest has not said it.
void LayoutReader::ApplyConfig(const ImageConfig& config, ImageRecord& record) {
  CountDuplicates(config.num_duplicate_keys);
  if (record.platform.empty()) record.platform = config.platform;
  record.created = config.created;
  const std::size_t num_annotations = record.labels.size();
  for (const auto& [key, value] : config.labels) {
    const auto annotations = std::span(record.labels).first(num_annotations);
    if (std::ranges::find(annotations, key, &LabelRecord::key) == annotations.end()) {
      record.labels.push_back({key, value});
    }
  }
  if (config.diff_ids.size() == record.layers.size()) {
    for (std::size_t i = 0; i < record.layers.size(); ++i) {
      record.layers[i].diff_id = config.diff_ids[i].digest;
    }
  } else if (!config.diff_ids.empty()) {
    ++report_.warnings["diff_ids do not match layers"];
  }
  const auto num_instructions =
      std::ranges::count(config.history, false, &HistoryEntry::empty_layer);
  if (num_instructions == std::ssize(record.layers)) {
    auto layer = record.layers.begin();
    for (const HistoryEntry& entry : config.history) {
      if (!entry.empty_layer) (layer++)->created_by = entry.created_by;
    }
  } else if (!config.history.empty()) {
    ++report_.warnings["history does not match layers"];
  }
}

// Counts layers that the layout lacks, and those of another size than their descriptor.
void LayoutReader::LookForLayer(const Descriptor& layer) {
  if (!looked_for_.insert(layer.digest_text).second) return;
  std::error_code ignored;
  const std::uintmax_t size = fs::file_size(BlobPath(layer), ignored);
  if (ignored) {
    if (!layer.foreign) ++report_.missing_layer_blobs;
  } else if (size != static_cast<std::uintmax_t>(layer.size)) {
    ++report_.warnings["layer blob of another size than its descriptor says"];
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

std::string LayoutReader::BlobPath(const Descriptor& descriptor) const {
  // The grammar of digests has no '/' and no "..", so this stays inside the directory.
  std::string path = directory_ + "/blobs/" + descriptor.digest_text;
  path[path.size() - descriptor.digest_text.size() + AlgorithmOf(descriptor).size()] = '/';
  return path;
}

std::optional<std::string> LayoutReader::ReadBlob(const Descriptor& descriptor) {
  const std::string path = BlobPath(descriptor);
  std::optional<std::string> content = ReadPlainFile(path, descriptor.size, kMaxManifestBytes);
  if (!content) return content;
  if (bytes_read_ / kProgressBytes != (bytes_read_ + std::ssize(*content)) / kProgressBytes &&
      options_.on_progress) {
    options_.on_progress(bytes_read_ + std::ssize(*content), 0);
  }
  bytes_read_ += std::ssize(*content);
  const std::optional<std::string> digest = DigestOf(*content, descriptor);
  if (!digest) {
    ++report_.warnings["digest of an unknown algorithm, content not verified"];
  } else if (*digest != descriptor.digest_text) {
    throw InputError(path, "",
                     "expected content of digest " + descriptor.digest_text + ", found " + *digest);
  }
  return content;
}

}  // namespace

void ReadOciLayout(const std::string& directory, std::string_view ref, const ReadOptions& options,
                   FleetBuilder& builder, ReadReport& report) {
  LayoutReader(directory, ref, options, builder, report).Read();
}

}  // namespace gneiss
