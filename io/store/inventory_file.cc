#include "io/store/inventory_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <zstd.h>

#include "io/store/inventory_columns.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

void PackedReader::Fail(std::string problem) const {
  throw InputError("", fmt::format("byte {}", first_ + position_), std::move(problem));
}

std::uint8_t PackedReader::Byte() {
  if (remaining() == 0) Fail("expected another byte, found the end");
  return static_cast<std::uint8_t>(bytes_[position_++]);
}

std::uint64_t PackedReader::AnyNumber() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = Byte();
    const std::uint64_t bits = byte & 0x7fU;
    // The tenth byte holds one bit; a last byte of zero makes a number longer than it need be.
    if ((shift == 63 && bits > 1) || (shift > 0 && byte == 0)) break;
    value |= bits << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  --position_;
  Fail("expected a number of 64 bits in its shortest form, found another form");
}

std::uint64_t PackedReader::Number(std::uint64_t limit, std::string_view what) {
  const std::size_t start = position_;
  const std::uint64_t value = AnyNumber();
  if (value <= limit) return value;
  position_ = start;
  Fail(fmt::format("expected {} of at most {}, found {}", what, limit, value));
}

std::int64_t PackedReader::Signed() {
  const std::uint64_t value = AnyNumber();
  return static_cast<std::int64_t>((value >> 1) ^ ((value & 1) != 0 ? ~std::uint64_t{0} : 0));
}

std::string_view PackedReader::Raw(std::size_t count, std::string_view what) {
  if (count > remaining()) {
    Fail(fmt::format("expected {} of {} bytes, found {} before the end", what, count, remaining()));
  }
  const std::string_view bytes = bytes_.substr(position_, count);
  position_ += count;
  return bytes;
}

namespace {

// The first byte is no text, so that nobody takes the file for one.
constexpr std::string_view kMagic = "\x8agneinv";
static_assert(kMagic.size() == 7);
constexpr std::size_t kHeaderBytes = kMagic.size() + 1;
// Last, where a file without a seal has the end of a sha256.
constexpr std::string_view kSealMagic = "\x8agnseal1";
static_assert(Digest::kBytes + kSealMagic.size() == kInventorySealBytes);
constexpr std::size_t kMaxFoundBytes = 4096;
// On a real fleet 34.4 bytes an entry; level 3 has 35.2, level 19 has 33.2 in twenty times the
// time.
constexpr int kCompressionLevel = 6;
// A zstd block of four bytes unpacks to 128 KiB at most, so a frame cannot claim more than this.
constexpr std::uint64_t kMaxFrameRatio = std::uint64_t{1} << 15;

enum class ContentKind : std::uint8_t { kTar = 1, kNotATar = 2 };

std::string_view AsBytes(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

Digest TakeDigest(PackedReader& reader, std::string_view what) {
  const std::string_view bytes = reader.Raw(Digest::kBytes, what);
  Digest digest;
  std::memcpy(digest.bytes.data(), bytes.data(), Digest::kBytes);
  return digest;
}

PackedWriter StartFile(const Digest& layer, Bytes blob_size, ContentKind kind) {
  PackedWriter file;
  file.Raw(kMagic);
  file.Byte(kInventoryFileVersion);
  file.Byte(static_cast<std::uint8_t>(kind));
  file.Raw(AsBytes(layer));
  file.Number(static_cast<std::uint64_t>(blob_size));
  return file;
}

std::string FinishFile(PackedWriter& file) {
  if (file.bytes().size() > kMaxInventoryFileBytes - Digest::kBytes) {
    throw InputError(fmt::format("expected an inventory of at most {} bytes, found more",
                                 kMaxInventoryFileBytes));
  }
  file.Raw(AsBytes(Sha256(file.bytes())));
  return file.bytes();
}

std::string Compress(std::string_view payload) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                     &ZSTD_freeCCtx);
  if (context == nullptr) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kCompressionLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string frame(ZSTD_compressBound(payload.size()), '\0');
  const std::size_t size =
      ZSTD_compress2(context.get(), frame.data(), frame.size(), payload.data(), payload.size());
  // The buffer is large enough, so nothing but memory can be short.
  if (ZSTD_isError(size)) throw std::bad_alloc();
  frame.resize(size);
  return frame;
}

std::string Decompress(std::string_view frame) {
  const std::uint64_t claimed = ZSTD_getFrameContentSize(frame.data(), frame.size());
  // Both "unknown" and "no frame" are above every limit.
  const std::uint64_t limit =
      std::min<std::uint64_t>(kMaxInventoryPayloadBytes, kMaxFrameRatio * frame.size());
  if (claimed > limit) {
    throw InputError(
        fmt::format("expected a zstd frame of at most {} bytes of content, found none", limit));
  }
  std::string payload(static_cast<std::size_t>(claimed), '\0');
  const std::size_t size =
      ZSTD_decompress(payload.data(), payload.size(), frame.data(), frame.size());
  if (ZSTD_isError(size) || size != payload.size()) {
    throw InputError(fmt::format("expected a zstd frame, found {}",
                                 ZSTD_isError(size) ? ZSTD_getErrorName(size) : "a shorter one"));
  }
  return payload;
}

// The file between its version and its sha256, once that is verified.
std::string_view VerifiedBody(std::string_view sealed_file) {
  const std::string_view file = TakeSeal(sealed_file).content;
  if (!file.starts_with(kMagic)) {
    throw InputError(
        file.size() < kMagic.size()
            ? fmt::format("expected an inventory, found a file of {} bytes", file.size())
            : "expected an inventory, found another kind of file");
  }
  if (file.size() < kHeaderBytes + Digest::kBytes || file.size() > kMaxInventoryFileBytes) {
    throw InputError(fmt::format("expected an inventory of {} to {} bytes, found {}",
                                 kHeaderBytes + Digest::kBytes, kMaxInventoryFileBytes,
                                 file.size()));
  }
  if (const auto version = static_cast<std::uint8_t>(file[kMagic.size()]);
      version != kInventoryFileVersion) {
    throw InputError(fmt::format("expected an inventory of version {}, found version {}",
                                 kInventoryFileVersion, version));
  }
  const std::string_view signed_part = file.substr(0, file.size() - Digest::kBytes);
  const Digest digest = Sha256(signed_part);
  if (const Digest named = NamedContent(file); named != digest) {
    throw InputError(
        fmt::format("expected content of {}, as the end of the file says, found {}; "
                    "the file is damaged",
                    FormatDigest(named), FormatDigest(digest)));
  }
  return signed_part.substr(kHeaderBytes);
}

// In the order of the file.
constexpr std::array kExtremes = {
    &InventoryExtremes::entries,     &InventoryExtremes::path_depth,
    &InventoryExtremes::path_bytes,  &InventoryExtremes::header_bytes,
    &InventoryExtremes::text_bytes,  &InventoryExtremes::unpacked_bytes,
    &InventoryExtremes::zstd_window,
};

void WriteWarnings(std::span<const InventoryWarning> warnings, PackedWriter& out) {
  out.Number(warnings.size());
  for (const InventoryWarning& warning : warnings) {
    out.Text(warning.kind);
    out.Signed(warning.count);
    out.Text(warning.first);
  }
}

std::vector<InventoryWarning> TakeWarnings(PackedReader& in) {
  // Each takes three bytes at least.
  std::vector<InventoryWarning> warnings(
      static_cast<std::size_t>(in.Number(in.remaining() / 3, "a number of warnings")));
  for (InventoryWarning& warning : warnings) {
    warning.kind = in.Text(in.remaining(), "a warning");
    warning.count = in.Signed();
    warning.first = in.Text(in.remaining(), "the place of a warning");
  }
  return warnings;
}

// In the order of the file.
constexpr std::array kOsFields = {&OsRelease::id, &OsRelease::version_id, &OsRelease::codename};

InventorySummary TakeSummary(PackedReader& body) {
  InventorySummary summary;
  const auto kind = static_cast<ContentKind>(body.Byte());
  if (kind != ContentKind::kTar && kind != ContentKind::kNotATar) {
    body.Fail(
        fmt::format("expected kind 1 or 2 of content, found {}", static_cast<std::uint8_t>(kind)));
  }
  summary.layer = TakeDigest(body, "a layer's digest");
  summary.blob_size = static_cast<Bytes>(body.Number(kMaxBlobSize, "a blob's size"));
  summary.is_tar = kind == ContentKind::kTar;
  if (!summary.is_tar) {
    summary.found = body.Text(kMaxFoundBytes, "a kind of content");
    return summary;
  }
  summary.diff_id = TakeDigest(body, "a diff_id");
  summary.tar_size = static_cast<Bytes>(body.Number(INT64_MAX, "a tar's size"));
  summary.num_entries = static_cast<std::int64_t>(body.Number(kNone - 1, "a number of entries"));
  for (const auto extreme : kExtremes) {
    summary.extremes.*extreme = static_cast<std::int64_t>(body.Number(INT64_MAX, "an extreme"));
  }
  summary.warnings = TakeWarnings(body);
  summary.num_packages =
      static_cast<std::int64_t>(body.Number(kMaxPackages, "a number of packages"));
  for (const auto field : kOsFields) {
    summary.os_release.*field = body.Text(kMaxPackageTextBytes, "a field of os-release");
  }
  return summary;
}

void ExpectEnd(const PackedReader& reader) {
  if (reader.remaining() == 0) return;
  reader.Fail(fmt::format("expected the end, found {} more bytes", reader.remaining()));
}

}  // namespace

std::string EncodeInventory(const Inventory& inventory) {
  PackedWriter file = StartFile(inventory.layer, inventory.blob_size, ContentKind::kTar);
  file.Raw(AsBytes(inventory.diff_id));
  file.Number(static_cast<std::uint64_t>(inventory.tar_size));
  file.Number(inventory.entries.size());
  for (const auto extreme : kExtremes) {
    file.Number(static_cast<std::uint64_t>(inventory.extremes.*extreme));
  }
  WriteWarnings(inventory.warnings, file);
  file.Number(inventory.packages.size());
  for (const auto field : kOsFields) file.Text(inventory.os_release.*field);
  file.Raw(Compress(EncodeColumns(inventory)));
  return FinishFile(file);
}

std::string EncodeNotATar(const Digest& layer, Bytes blob_size, const NotATar& not_a_tar) {
  PackedWriter file = StartFile(layer, blob_size, ContentKind::kNotATar);
  file.Text(std::string_view(not_a_tar.found).substr(0, kMaxFoundBytes));
  return FinishFile(file);
}

SealedInventory TakeSeal(std::string_view file) {
  if (file.size() < kInventorySealBytes || !file.ends_with(kSealMagic)) {
    return {.content = file, .mac = std::nullopt};
  }
  SealedInventory sealed{.content = file.substr(0, file.size() - kInventorySealBytes),
                         .mac = Digest{}};
  std::memcpy(sealed.mac->bytes.data(), file.data() + sealed.content.size(), Digest::kBytes);
  return sealed;
}

std::string PutSeal(std::string content, const Digest& mac) {
  content += AsBytes(mac);
  content += kSealMagic;
  return content;
}

Digest NamedContent(std::string_view content) {
  Digest named;
  std::memcpy(named.bytes.data(), content.data() + content.size() - Digest::kBytes, Digest::kBytes);
  return named;
}

InventorySummary ReadInventorySummary(std::string_view file) {
  PackedReader body(VerifiedBody(file), kHeaderBytes);
  InventorySummary summary = TakeSummary(body);
  if (!summary.is_tar) ExpectEnd(body);
  return summary;
}

ScannedLayer DecodeInventoryFile(std::string_view file) {
  PackedReader body(VerifiedBody(file), kHeaderBytes);
  InventorySummary summary = TakeSummary(body);
  if (!summary.is_tar) {
    ExpectEnd(body);
    return {.inventory = std::nullopt, .not_a_tar = {.found = std::move(summary.found)}};
  }
  Inventory inventory;
  inventory.layer = summary.layer;
  inventory.diff_id = summary.diff_id;
  inventory.blob_size = summary.blob_size;
  inventory.tar_size = summary.tar_size;
  inventory.extremes = summary.extremes;
  inventory.warnings = std::move(summary.warnings);
  inventory.os_release = std::move(summary.os_release);
  const std::string payload = Decompress(body.Raw(body.remaining(), "a zstd frame"));
  try {
    DecodeColumns(payload, static_cast<std::size_t>(summary.num_entries), inventory);
  } catch (const InputError& error) {
    throw error.WithSource("", "unpacked " + error.place());
  }
  if (std::ssize(inventory.packages) != summary.num_packages) {
    throw InputError(fmt::format("expected {} packages, found {}", summary.num_packages,
                                 inventory.packages.size()));
  }
  if (const std::string fault = FindInventoryFault(inventory); !fault.empty()) {
    throw InputError("expected a sound inventory, found " + fault);
  }
  return {.inventory = std::move(inventory), .not_a_tar = {}};
}

}  // namespace gneiss
