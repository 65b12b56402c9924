#include "io/store/inventory_columns.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/store/inventory_file.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

// Columns that hold at least a byte for every entry, so that a number of entries cannot be claimed
// without bytes behind it.
constexpr std::size_t kFullColumns = 18;
constexpr std::uint64_t kMaxText = kMaxInventoryTextBytes;
constexpr std::uint64_t kMaxIndex = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kMaxSize = std::numeric_limits<Bytes>::max();
constexpr std::array kRecompressionParts = {&Recompression::stored, &Recompression::gzip,
                                            &Recompression::zstd};

// Differences may leave int64 where a file is hostile or a clock absurd; modulo 2^64 they come
// back.
std::int64_t Minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t Plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

std::size_t SharedPrefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

// Entries in the tar's order. REQUIRES: positions are a permutation.
std::vector<std::uint32_t> TarOrder(std::span<const Entry> entries) {
  std::vector<std::uint32_t> order(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    order[entries[i].position] = static_cast<std::uint32_t>(i);
  }
  return order;
}

// Texts in an order in which each shares much with the one before it that is not empty.
template <typename TextAt>
void WriteFrontCoded(std::size_t count, const TextAt& text_at, PackedWriter& out) {
  std::string_view before;
  std::uint64_t total = 0;
  PackedWriter lengths;
  PackedWriter rest;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view text = text_at(i);
    const std::size_t shared = SharedPrefix(before, text);
    out.Number(shared);
    lengths.Number(text.size() - shared);
    rest.Raw(text.substr(shared));
    if (!text.empty()) before = text;
    total += text.size();
  }
  if (total > kMaxText) {
    throw InputError(
        fmt::format("expected paths of at most {} bytes in all, found {}", kMaxText, total));
  }
  out.Raw(lengths.bytes());
  out.Raw(rest.bytes());
}

// Calls `take` with every text; the view is valid until it returns.
template <typename Take>
void ReadFrontCoded(std::size_t count, PackedReader& in, const Take& take) {
  std::vector<std::uint64_t> shared(count);
  std::vector<std::uint64_t> rest(count);
  for (std::uint64_t& length : shared) length = in.Number(kMaxText, "a shared length");
  for (std::uint64_t& length : rest) length = in.Number(kMaxText, "a length");
  std::string text;  // the last one that is not empty
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (shared[i] == 0 && rest[i] == 0) {
      take(i, std::string_view());
      continue;
    }
    if (shared[i] > text.size()) {
      in.Fail(fmt::format("expected at most {} bytes shared with the text before, found {}",
                          text.size(), shared[i]));
    }
    const std::string_view tail = in.Raw(static_cast<std::size_t>(rest[i]), "a text");
    text.resize(static_cast<std::size_t>(shared[i]));
    text += tail;
    total += text.size();
    if (total > kMaxText) {
      in.Fail(fmt::format("expected texts of at most {} bytes in all, found more", kMaxText));
    }
    take(i, std::string_view(text));
  }
}

// The distinct attributes, sorted, and for each entry one more than its place among them.
void WriteXattrs(const Inventory& inventory, PackedWriter& out) {
  std::map<std::string_view, std::size_t> places;
  for (const Entry& entry : inventory.entries) {
    if (entry.xattrs != 0) places.emplace(inventory.texts[entry.xattrs], 0);
  }
  std::size_t next = 0;
  out.Number(places.size());
  for (auto& [text, place] : places) {
    out.Text(text);
    place = ++next;
  }
  for (const Entry& entry : inventory.entries) {
    out.Number(entry.xattrs == 0 ? 0 : places.at(inventory.texts[entry.xattrs]));
  }
}

void ReadXattrs(PackedReader& in, Inventory& inventory) {
  std::vector<std::uint32_t> texts = {0};
  for (std::uint64_t left = in.Number(in.remaining(), "a number of attributes"); left > 0; --left) {
    texts.push_back(inventory.texts.Add(in.Text(in.remaining(), "attributes")));
  }
  for (Entry& entry : inventory.entries) {
    entry.xattrs = texts[in.Number(texts.size() - 1, "attributes")];
  }
}

// In the tar's order each file usually has the content after that of the file before it.
void WriteContents(const Inventory& inventory, PackedWriter& out) {
  std::int64_t next = 0;
  for (const std::uint32_t i : TarOrder(inventory.entries)) {
    const Entry& entry = inventory.entries[i];
    if (entry.content == kNone) continue;
    out.Signed(std::int64_t{entry.content} - next);
    next = std::int64_t{entry.content} + 1;
  }
  out.Number(inventory.contents.size());
  for (const Digest& digest : inventory.contents) {
    out.Raw({reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()});
  }
}

// REQUIRES: types and positions are read.
void ReadContents(PackedReader& in, Inventory& inventory) {
  std::int64_t next = 0;
  for (const std::uint32_t i : TarOrder(inventory.entries)) {
    Entry& entry = inventory.entries[i];
    if (entry.type != EntryType::kRegular) continue;
    const std::int64_t content = Plus(next, in.Signed());
    if (content < 0 || content >= std::int64_t{kNone}) {
      in.Fail(fmt::format("expected the place of a content, found {}", content));
    }
    entry.content = static_cast<std::uint32_t>(content);
    next = content + 1;
  }
  const std::uint64_t count = in.Number(in.remaining() / Digest::kBytes, "a number of contents");
  inventory.contents.resize(static_cast<std::size_t>(count));
  for (Digest& digest : inventory.contents) {
    const std::string_view bytes = in.Raw(Digest::kBytes, "a content's digest");
    std::memcpy(digest.bytes.data(), bytes.data(), Digest::kBytes);
  }
}

// Their numbers in files, which stay as they were given.
constexpr std::array<PackageSystem, kNumPackageSystems> kSystemsInFiles = {
    PackageSystem::kDpkg, PackageSystem::kApk, PackageSystem::kPacman, PackageSystem::kWheel,
    PackageSystem::kRpm};

// The packages, then for each entry that may have one: 0 for none, else one more than the
// difference to the last one given, as a number without sign. In the order of paths neighbours are
// of one package, or of packages that follow each other, as in usr/share/doc.
void WritePackageColumn(const Inventory& inventory, PackedWriter& out) {
  out.Number(inventory.packages.size());
  for (const Package& package : inventory.packages) {
    const auto* const system = std::ranges::find(kSystemsInFiles, package.system);
    out.Byte(static_cast<std::uint8_t>(system - kSystemsInFiles.begin()));
    out.Text(package.name);
    out.Text(package.version);
  }
  if (inventory.packages.empty()) return;
  std::int64_t last = 0;
  for (const Entry& entry : inventory.entries) {
    if (!MayBelongToPackage(entry.type)) continue;
    if (entry.package == kNone) {
      out.Number(0);
      continue;
    }
    const std::int64_t step = std::int64_t{entry.package} - last;
    out.Number(1 + static_cast<std::uint64_t>(step < 0 ? -2 * step - 1 : 2 * step));
    last = entry.package;
  }
}

// REQUIRES: types are read.
void ReadPackageColumn(PackedReader& in, Inventory& inventory) {
  const auto count = static_cast<std::size_t>(in.Number(kMaxPackages, "a number of packages"));
  for (std::size_t i = 0; i < count; ++i) {
    Package package;
    const std::uint64_t system = in.Number(kNumPackageSystems - 1, "a package system");
    package.system = kSystemsInFiles[system];
    package.name = in.Text(kMaxPackageTextBytes, "a package's name");
    package.version = in.Text(kMaxPackageTextBytes, "a package's version");
    inventory.packages.push_back(std::move(package));
  }
  if (count == 0) return;
  std::int64_t last = 0;
  for (Entry& entry : inventory.entries) {
    if (!MayBelongToPackage(entry.type)) continue;
    const std::uint64_t code = in.Number(2 * kMaxPackages, "a package's place");
    if (code == 0) continue;
    const auto step = static_cast<std::int64_t>(code - 1);
    last += step % 2 == 0 ? step / 2 : -(step / 2 + 1);
    if (last < 0 || last >= static_cast<std::int64_t>(count)) {
      in.Fail(fmt::format("expected a place among {} packages, found {}", count, last));
    }
    entry.package = static_cast<std::uint32_t>(last);
  }
}

void ReadPositions(PackedReader& in, Inventory& inventory) {
  const std::size_t count = inventory.entries.size();
  std::vector<bool> seen(count, false);
  std::int64_t next = 0;
  for (Entry& entry : inventory.entries) {
    const std::int64_t position = Plus(next, in.Signed());
    if (position < 0 || static_cast<std::uint64_t>(position) >= count ||
        seen[static_cast<std::size_t>(position)]) {
      in.Fail(fmt::format("expected each position below {} once, found {}", count, position));
    }
    seen[static_cast<std::size_t>(position)] = true;
    entry.position = static_cast<std::uint32_t>(position);
    next = position + 1;
  }
}

void ReadNumbers(PackedReader& in, Inventory& inventory) {
  const std::span<Entry> entries = inventory.entries;
  const auto read = [&](auto Entry::*field, std::uint64_t limit, std::string_view what) {
    for (Entry& entry : entries) {
      using Field = std::remove_reference_t<decltype(entry.*field)>;
      entry.*field = static_cast<Field>(in.Number(limit, what));
    }
  };
  for (Entry& entry : entries) {
    const std::uint64_t type = in.Number(kNumEntryTypes - 1, "a type");
    entry.type = static_cast<EntryType>(type);
  }
  for (Entry& entry : entries) {
    entry.head = static_cast<ContentHead>(in.Number(kNumContentHeads - 1, "a kind of file"));
  }
  read(&Entry::mode, std::numeric_limits<std::uint16_t>::max(), "a mode");
  read(&Entry::uid, kMaxIndex, "a user id");
  read(&Entry::gid, kMaxIndex, "a group id");
  std::int64_t mtime = 0;
  for (Entry& entry : entries) entry.mtime = mtime = Plus(mtime, in.Signed());
  read(&Entry::mtime_nsec, 999'999'999, "nanoseconds");
  read(&Entry::size, kMaxSize, "a size");
  for (Entry& entry : entries) entry.stored_size = Minus(entry.size, in.Signed());
  read(&Entry::blob_bytes, kMaxSize, "a size in the blob");
  read(&Entry::device_major, kMaxIndex, "a device number");
  read(&Entry::device_minor, kMaxIndex, "a device number");
}

void WriteNumbers(const Inventory& inventory, PackedWriter& out) {
  const auto write = [&](auto Entry::*field) {
    for (const Entry& entry : inventory.entries) {
      out.Number(static_cast<std::uint64_t>(entry.*field));
    }
  };
  write(&Entry::type);
  write(&Entry::head);
  write(&Entry::mode);
  write(&Entry::uid);
  write(&Entry::gid);
  std::int64_t mtime = 0;
  for (const Entry& entry : inventory.entries) {
    out.Signed(Minus(entry.mtime, mtime));
    mtime = entry.mtime;
  }
  write(&Entry::mtime_nsec);
  write(&Entry::size);
  for (const Entry& entry : inventory.entries) out.Signed(Minus(entry.size, entry.stored_size));
  write(&Entry::blob_bytes);
  write(&Entry::device_major);
  write(&Entry::device_minor);
}

}  // namespace

std::string EncodeColumns(const Inventory& inventory) {
  const std::span<const Entry> entries = inventory.entries;
  PackedWriter out;
  out.Byte(static_cast<std::uint8_t>(inventory.codec));
  out.Number(static_cast<std::uint64_t>(inventory.overhead_bytes));
  for (const auto part : kRecompressionParts) {
    out.Number(static_cast<std::uint64_t>(inventory.sampled.*part));
  }
  WriteFrontCoded(
      entries.size(), [&](std::size_t i) { return inventory.path(entries[i]); }, out);
  WriteFrontCoded(
      entries.size(), [&](std::size_t i) { return inventory.link(entries[i]); }, out);
  WriteXattrs(inventory, out);
  WriteNumbers(inventory, out);
  std::int64_t next = 0;
  for (const Entry& entry : entries) {
    out.Signed(std::int64_t{entry.position} - next);
    next = std::int64_t{entry.position} + 1;
  }
  WriteContents(inventory, out);
  WritePackageColumn(inventory, out);
  if (out.bytes().size() > kMaxInventoryPayloadBytes) {
    throw InputError(fmt::format("expected entries of at most {} bytes in columns, found {}",
                                 kMaxInventoryPayloadBytes, out.bytes().size()));
  }
  return out.bytes();
}

void DecodeColumns(std::string_view columns, std::size_t num_entries, Inventory& inventory) {
  PackedReader in(columns);
  const std::uint8_t codec = in.Byte();
  if (codec > static_cast<std::uint8_t>(LayerCodec::kZstd)) {
    in.Fail(fmt::format("expected a codec of 0 to 2, found {}", codec));
  }
  inventory.codec = static_cast<LayerCodec>(codec);
  inventory.overhead_bytes = static_cast<Bytes>(in.Number(kMaxSize, "overhead"));
  for (const auto part : kRecompressionParts) {
    inventory.sampled.*part = static_cast<Bytes>(in.Number(kMaxSize, "a sample"));
  }
  if (num_entries > in.remaining() / kFullColumns) {
    in.Fail(fmt::format("expected {} entries, found {} bytes", num_entries, in.remaining()));
  }
  inventory.entries.assign(num_entries, Entry{});
  std::span<Entry> entries = inventory.entries;
  ReadFrontCoded(num_entries, in, [&](std::size_t i, std::string_view path) {
    const bool repeated = i > 0 && inventory.path(entries[i - 1]) == path;
    entries[i].path = repeated ? entries[i - 1].path : inventory.texts.Add(path);
  });
  ReadFrontCoded(num_entries, in, [&](std::size_t i, std::string_view link) {
    entries[i].link = inventory.texts.Add(link);
  });
  ReadXattrs(in, inventory);
  ReadNumbers(in, inventory);
  ReadPositions(in, inventory);
  ReadContents(in, inventory);
  ReadPackageColumn(in, inventory);
  if (in.remaining() > 0) {
    in.Fail(fmt::format("expected the end, found {} more bytes", in.remaining()));
  }
}

}  // namespace gneiss
