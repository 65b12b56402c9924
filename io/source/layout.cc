#include "io/source/layout.h"

#include <array>
#include <filesystem>
#include <new>
#include <span>
#include <system_error>
#include <utility>

#include <openssl/evp.h>

#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;

class LayoutDirectory : public LayoutFiles {
 public:
  explicit LayoutDirectory(std::string path) : path_(std::move(path)) {}

  const std::string& path() const override { return path_; }
  std::string repository() const override {
    std::error_code ignored;
    fs::path path = fs::path(path_).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    if (path.filename() == "." || path.filename() == ".." || path.filename().empty()) {
      path = fs::canonical(path_, ignored);
    }
    return path.filename().string();
  }
  std::string directory() const override { return path_; }

  std::string PathOf(std::string_view name) const override {
    return path_ + "/" + std::string(name);
  }
  std::unique_ptr<ByteSource> Open(std::string_view name) const override {
    return OpenPlainFile(PathOf(name));
  }
  std::optional<Bytes> SizeOf(std::string_view name) const override {
    std::error_code failed;
    const std::uintmax_t size = fs::file_size(PathOf(name), failed);
    if (failed) return std::nullopt;
    return static_cast<Bytes>(size);
  }

 private:
  std::string path_;
};

class BlobDirectory : public LayoutFiles {
 public:
  BlobDirectory(const std::string& path, std::function<std::string(std::string_view)> file_of)
      : directory_(path), file_of_(std::move(file_of)) {}

  const std::string& path() const override { return directory_.path(); }
  std::string repository() const override { return {}; }
  std::string directory() const override { return directory_.directory(); }

  std::string PathOf(std::string_view name) const override {
    const std::optional<std::string> digest_text = LayoutBlobs::DigestIn(name);
    return directory_.PathOf(digest_text ? file_of_(*digest_text) : name);
  }
  std::unique_ptr<ByteSource> Open(std::string_view name) const override {
    const std::optional<std::string> digest_text = LayoutBlobs::DigestIn(name);
    return digest_text ? directory_.Open(file_of_(*digest_text)) : nullptr;
  }
  std::optional<Bytes> SizeOf(std::string_view name) const override {
    const std::optional<std::string> digest_text = LayoutBlobs::DigestIn(name);
    return digest_text ? directory_.SizeOf(file_of_(*digest_text)) : std::nullopt;
  }

 private:
  LayoutDirectory directory_;
  std::function<std::string(std::string_view)> file_of_;
};

}  // namespace

void ExpectDirectory(const std::string& directory, std::string_view expected) {
  if (fs::is_directory(directory)) return;
  throw InputError(directory, "",
                   "expected " + std::string(expected) +
                       (fs::exists(directory) ? ", found a file" : ", found nothing there"));
}

std::shared_ptr<const LayoutFiles> OpenLayoutDirectory(const std::string& directory) {
  ExpectDirectory(directory, "the directory of an OCI layout");
  return std::make_shared<LayoutDirectory>(directory);
}

std::shared_ptr<const LayoutFiles> OpenBlobDirectory(
    const std::string& directory, std::function<std::string(std::string_view)> file_of) {
  return std::make_shared<BlobDirectory>(directory, std::move(file_of));
}

std::optional<std::string> ReadFile(const LayoutFiles& files, std::string_view name,
                                    Bytes expected_size, std::size_t max_bytes) {
  const std::unique_ptr<ByteSource> file = files.Open(name);
  if (file == nullptr) return std::nullopt;
  return ReadWhole(*file, files.PathOf(name), expected_size, max_bytes);
}

namespace {

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

}  // namespace

std::string LayoutBlobs::NameOf(std::string_view digest_text) {
  const std::size_t colon = digest_text.find(':');
  std::string name = "blobs/";
  return name.append(digest_text.substr(0, colon))
      .append("/")
      .append(digest_text.substr(colon + 1));
}

std::optional<std::string> LayoutBlobs::DigestIn(std::string_view name) {
  constexpr std::string_view kBlobs = "blobs/";
  if (!name.starts_with(kBlobs)) return std::nullopt;
  std::string text(name.substr(kBlobs.size()));
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  text[slash] = ':';
  if (!ParseDigest(text)) return std::nullopt;
  return text;
}

std::optional<BlobContent> LayoutBlobs::Read(const Descriptor& descriptor,
                                             std::size_t max_bytes) const {
  std::optional<std::string> content =
      ReadFile(*files_, NameOf(descriptor.digest_text), descriptor.size, max_bytes);
  if (!content) return std::nullopt;
  const std::optional<std::string> digest = DigestOf(*content, descriptor);
  if (digest && *digest != descriptor.digest_text) {
    throw InputError(PathOf(descriptor), "",
                     "expected content of digest " + descriptor.digest_text + ", found " + *digest);
  }
  return BlobContent{.content = std::move(*content), .verified = digest.has_value()};
}

namespace {

constexpr std::int64_t kLayoutProgressBytes = std::int64_t{1} << 20;

}  // namespace

std::optional<std::string> LayoutManifests::Read(BlobRole, const Descriptor& descriptor,
                                                 ReadReport& report) {
  std::optional<BlobContent> blob = blobs_.Read(descriptor, kMaxManifestBytes);
  if (!blob) return std::nullopt;
  if (!blob->verified) {
    report.AddWarning("digest of an unknown algorithm, content not verified",
                      blobs_.PathOf(descriptor));
  }
  const std::int64_t before = bytes_read_;
  bytes_read_ += std::ssize(blob->content);
  if (on_progress_ && before / kLayoutProgressBytes != bytes_read_ / kLayoutProgressBytes) {
    on_progress_(bytes_read_, 0);
  }
  return std::move(blob->content);
}

void LayoutManifests::LookForLayer(const Descriptor& layer, ReadReport& report) {
  if (!looked_for_.insert(layer.digest_text).second) return;
  const std::optional<Bytes> size = blobs_.SizeOf(layer);
  if (!size) {
    if (!layer.foreign && !IsNondistributable(layer.media_type)) ++report.missing_layer_blobs;
  } else if (*size != layer.size) {
    report.AddWarning("layer blob of another size than its descriptor says", blobs_.PathOf(layer));
  }
}

}  // namespace gneiss
