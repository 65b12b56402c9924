#include "io/scan/tar_headers.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <limits>
#include <utility>

#include "io/json/json_value.h"
#include "io/scan/pax_records.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::size_t kBlock = 512;

// libarchive passes over records of more than 1,000,000 bytes without an error.
constexpr std::size_t kMaxPassedPax = 1'000'000;

// Fields of the header, "ustar" and its forebears and heirs.
struct Field {
  std::size_t begin;
  std::size_t size;
  std::string_view Of(std::string_view header) const { return header.substr(begin, size); }
};
constexpr Field kName{0, 100};
constexpr Field kMode{100, 8};
constexpr Field kUid{108, 8};
constexpr Field kGid{116, 8};
constexpr Field kSize{124, 12};
constexpr Field kMtime{136, 12};
constexpr Field kChecksum{148, 8};
constexpr std::size_t kType = 156;
constexpr Field kLink{157, 100};
constexpr Field kDeviceMajor{329, 8};
constexpr Field kDeviceMinor{337, 8};
constexpr Field kMagic{257, 5};
constexpr Field kMagicAndVersion{257, 8};
constexpr Field kPrefix{345, 155};
constexpr Field kStarPrefix{345, 131};
constexpr Field kStarTrailer{508, 4};
constexpr Field kGnuAccessTime{345, 12};
constexpr Field kGnuChangeTime{357, 12};
// Of GNU tar's own form of sparse files, in the header and in the blocks that follow it.
constexpr Field kSparseParts{386, 4 * 24};
constexpr std::size_t kSparseGoesOn = 482;
constexpr Field kRealSize{483, 12};
constexpr Field kMoreParts{0, 21 * 24};
constexpr std::size_t kMoreGoesOn = 504;

bool IsZero(std::string_view bytes) {
  return bytes.front() == '\0' &&
         std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

// Sums of the header's bytes with its checksum taken as spaces: as the standard has it, and over
// signed bytes as some old programs did.
struct Checksums {
  std::int64_t of_unsigned = 0;
  std::int64_t of_signed = 0;
};
Checksums SumHeader(std::string_view header) {
  std::uint32_t sum = 0;
  std::uint32_t num_high = 0;
  for (const char c : header) {
    const auto byte = static_cast<unsigned char>(c);
    sum += byte;
    num_high += byte >> 7U;
  }
  Checksums sums{.of_unsigned = sum, .of_signed = std::int64_t{sum} - std::int64_t{num_high} * 256};
  for (const char c : kChecksum.Of(header)) {
    sums.of_unsigned += ' ' - static_cast<unsigned char>(c);
    sums.of_signed += ' ' - static_cast<signed char>(c);
  }
  return sums;
}

// nullopt: none. Whatever follows its digits is left alone, as all readers do.
std::optional<std::int64_t> ReadChecksum(std::string_view header) {
  std::string_view field = kChecksum.Of(header);
  field.remove_prefix(std::min(field.find_first_not_of(" \0"sv), field.size()));
  field = field.substr(0, field.find_first_of(" \0"sv));
  return field.empty() ? std::nullopt : ParseTarNumber(field);
}

bool HasValidChecksum(std::string_view header) {
  const std::optional<std::int64_t> found = ReadChecksum(header);
  if (!found) return false;
  const Checksums sums = SumHeader(header);
  return *found == sums.of_unsigned || *found == sums.of_signed;
}

void WriteOctal(std::span<char> digits, std::int64_t number) {
  for (std::size_t i = digits.size(); i-- > 0; number >>= 3) {
    digits[i] = static_cast<char>('0' + (number & 7));
  }
}

// REQUIRES: size < 2^33.
void WriteSize(std::span<char> header, Bytes size) {
  WriteOctal(header.subspan(kSize.begin, 11), size);
  header[kSize.begin + 11] = '\0';
}

void WriteChecksum(std::span<char> header) {
  const auto sum = SumHeader({header.data(), header.size()}).of_unsigned;
  WriteOctal(header.subspan(kChecksum.begin, 6), sum);
  header[kChecksum.begin + 6] = '\0';
  header[kChecksum.begin + 7] = ' ';
}

std::string_view UpToZero(std::string_view field) { return field.substr(0, field.find('\0')); }

// GNU's headers have times where others have a prefix.
bool IsGnuHeader(std::string_view header) { return kMagicAndVersion.Of(header) == "ustar  \0"sv; }

// The magic alone counts, not the version.
bool HasPrefix(std::string_view header) { return header.substr(kMagic.begin, 6) == "ustar\0"sv; }

// Whether Go takes the times of a GNU header for a prefix, as it wrote one before Go 1.8.
bool HasGnuPrefix(std::string_view header) {
  if (!IsGnuHeader(header) || header[kType] == 'S') return false;
  return std::ranges::any_of(std::array{kGnuAccessTime, kGnuChangeTime}, [&](const Field& time) {
    return header[time.begin] != '\0' && !ParseTarNumber(time.Of(header));
  });
}

// Digits behind a zero byte are none to libarchive, and the end of digits is no place for anything.
void MendNumber(std::span<char> header, const Field& field) {
  const std::string_view text = field.Of({header.data(), header.size()});
  if ((text.front() & 0x80) != 0) return;
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return;
  const std::size_t zero = text.find('\0');
  const bool has_more = zero != std::string_view::npos &&
                        text.find_first_not_of(" \0"sv, zero) != std::string_view::npos;
  if (text[begin] != '\0' && !has_more) return;
  const std::optional<std::int64_t> number = ParseTarNumber(text);
  if (!number || (*number == 0 && !has_more)) return;
  WriteOctal(header.subspan(field.begin, field.size - 1), *number);
  header[field.begin + field.size - 1] = '\0';
}

// A plain name in place of those of the header.
void HideNames(std::span<char> header, char type) {
  const auto write = [&](const Field& field, std::string_view text) {
    std::ranges::fill(header.subspan(field.begin, field.size), '\0');
    std::ranges::copy(text, header.begin() + static_cast<std::ptrdiff_t>(field.begin));
  };
  const std::string_view text(header.data(), header.size());
  if (HasPrefix(text) || HasGnuPrefix(text)) write(kPrefix, "");
  write(kName, "name");
  write(kLink, type == '1' || type == '2' ? "link" : "");
}

constexpr Bytes kMaxPadded = std::numeric_limits<Bytes>::max() - static_cast<Bytes>(kBlock);
// REQUIRES: size <= kMaxPadded.
Bytes Padded(Bytes size) { return (size + 511) / 512 * 512; }

// Such entries have no body, whatever size they give.
bool IsHeaderOnly(char type) { return type >= '1' && type <= '6'; }

std::string Show(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte > ' ' && byte < 0x7f) return std::string("'") + c + "'";
  return "byte " + std::to_string(byte);
}

}  // namespace

bool LooksLikeTar(std::string_view head) {
  if (head.size() < kBlock) return head.size() > kMagic.begin + 5 && kMagic.Of(head) == "ustar";
  head = head.substr(0, kBlock);
  return IsZero(head) || HasValidChecksum(head) || kMagic.Of(head) == "ustar";
}

void TarHeaders::Walk(std::span<char> block, Bytes begin) {
  StartParts({block.data(), block.size()});
  std::size_t at = 0;
  while (at < block.size() && !ended_) {
    at_ = begin + static_cast<Bytes>(at);
    const std::size_t left = block.size() - at;
    const auto count =
        static_cast<std::size_t>(std::min<Bytes>(remaining_, static_cast<Bytes>(left)));
    switch (state_) {
      case State::kHeader:
        if (left < kBlock) {
          header_at_ = at_;
          // A last block cut short holds nothing.
          if (!IsZero(block_.substr(at))) {
            Fail("expected a header of 512 bytes, found " + std::to_string(left) +
                 "; the tar is truncated");
          }
          at = block.size();
          break;
        }
        header_at_ = at_;
        ReadHeader(block.subspan(at, kBlock));
        // Only a body behind a hard link is not consumed as a header.
        if (state_ != State::kHidden) at += kBlock;
        break;
      case State::kExtension: {
        const auto have = static_cast<Bytes>(reading_.body.size());
        const auto wanted = std::min<Bytes>(extension_size_ - have, static_cast<Bytes>(count));
        reading_.body.append(block_.substr(at, static_cast<std::size_t>(wanted)));
        at += count;
        remaining_ -= static_cast<Bytes>(count);
        if (remaining_ == 0) FinishExtension();
        break;
      }
      case State::kSparseHeader:
        if (left < kBlock) Fail("expected more of a map of a sparse file; the tar is truncated");
        ReadSparseHeader(block_.substr(at, kBlock));
        Pass(at, kBlock);
        at += kBlock;
        break;
      case State::kMap: {
        const std::size_t read = ReadMap(block_.substr(at, count));
        Pass(at, read);
        at += read;
        break;
      }
      case State::kBody:
      case State::kHidden:
        if (state_ == State::kBody) Pass(at, count);
        at += count;
        remaining_ -= static_cast<Bytes>(count);
        if (remaining_ == 0) state_ = State::kHeader;
        break;
    }
  }
  rest_ = at;
}

void TarHeaders::StartParts(std::string_view block) {
  block_ = block;
  made_.clear();
  parts_.clear();
  next_part_ = 0;
}

void TarHeaders::Finish(Bytes tar_size) {
  if (ended_) return;
  if (state_ == State::kBody && remaining_ <= padding_) {
    StartParts({});
    PassMade(std::string(static_cast<std::size_t>(std::exchange(remaining_, 0)), '\0'));
    state_ = State::kHeader;
  }
  if (state_ == State::kExtension) {
    Fail("expected " + std::to_string(extension_size_) +
         " bytes of an extended header; the tar is truncated at byte " + std::to_string(tar_size));
  }
  if (state_ == State::kSparseHeader || state_ == State::kMap) {
    Fail("expected a map of a sparse file; the tar is truncated at byte " +
         std::to_string(tar_size));
  }
  if (state_ != State::kHeader) {
    Fail("expected " + std::to_string(remaining_) +
         " more bytes of this entry; the tar is truncated at byte " + std::to_string(tar_size));
  }
  if (has_extension()) Fail("expected an entry behind its extended header, found the end");
  ended_ = true;
  shares_.Cut(after_zero_block_ ? end_ : tar_size);
}

std::string_view TarHeaders::TakePart() {
  if (next_part_ == parts_.size()) return {};
  const Part& part = parts_[next_part_++];
  return (part.is_made ? std::string_view(made_) : block_).substr(part.begin, part.size);
}

void TarHeaders::ReadHeader(std::span<char> span) {
  const std::string_view header(span.data(), span.size());
  const bool is_zero = IsZero(header);
  const bool is_header = !is_zero && HasValidChecksum(header);
  if (const Bytes hidden = std::exchange(link_size_, 0); hidden > 0 && !is_zero && !is_header) {
    remaining_ = hidden;
    state_ = State::kHidden;
    return;
  }
  if (is_zero) {
    ReadZeroBlock();
    return;
  }
  if (!is_header) {
    const std::optional<std::int64_t> found = ReadChecksum(header);
    Fail("expected a tar header with checksum " + std::to_string(SumHeader(header).of_unsigned) +
         ", found " + (found ? std::to_string(*found) : "none"));
  }
  if (std::exchange(after_zero_block_, false)) {
    warnings_.AddAtTarByte("lone block of zeros", end_);
  }
  if (member_begin_ < 0) {
    member_begin_ = header_at_;
    shares_.Cut(header_at_);
  }
  const char type = header[kType];
  if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
    StartExtension(header, type);
  } else {
    StartMember(span, type);
  }
}

void TarHeaders::ReadZeroBlock() {
  if (has_extension()) Fail("expected an entry behind its extended header, found zeros");
  if (after_zero_block_) {
    ended_ = true;
    shares_.Cut(end_);
    return;
  }
  after_zero_block_ = true;
  end_ = header_at_;
}

void TarHeaders::StartExtension(std::string_view header, char type) {
  const std::optional<std::int64_t> size = ParseTarNumber(kSize.Of(header));
  if (!size || *size < 0) Fail("expected the size of an extended header, found no number");
  if (*size > std::min(limits_.max_header_bytes, kMaxPadded)) {
    Fail("expected an extended header of at most " + std::to_string(limits_.max_header_bytes) +
         " bytes (--max-header-bytes), found " + std::to_string(*size));
  }
  max_header_bytes_ = std::max(max_header_bytes_, *size);
  extension_type_ = type;
  extension_size_ = *size;
  remaining_ = Padded(*size);
  reading_.header = header;
  reading_.body.clear();
  state_ = State::kExtension;
  if (remaining_ == 0) FinishExtension();
}

void TarHeaders::FinishExtension() {
  state_ = State::kHeader;
  if (extension_type_ == 'g') {
    // Go's reader takes it for an entry, and drops what stands before it.
    if (has_extension()) {
      warnings_.AddAtTarByte("extended header before a global one", header_at_);
      DropExtensions();
    }
    // Runtimes do not apply it to entries, nor does libarchive, which is not shown it.
    ReadGlobal();
    warnings_.AddAtTarByte("global PAX header", header_at_);
    return;
  }
  // Of several of a kind the last counts.
  (extension_type_ == 'x'   ? pax_
   : extension_type_ == 'L' ? long_name_
                            : long_link_) = std::exchange(reading_, {});
}

// containerd makes way for what it takes for an entry: makes its directories, deletes what has its
// name and, if that is a marker's, what the marker hides. umoci refuses all global headers.
void TarHeaders::ReadGlobal() const {
  std::string name = ReadPrefix(reading_.header);
  if (!name.empty()) name += '/';
  name += UpToZero(kName.Of(reading_.header));
  bool has_path = false;
  std::string_view records = reading_.body;
  try {
    while (!records.empty()) {
      const PaxRecord record = TakePaxRecord(records);
      if (record.key != "path" || record.value.empty()) continue;
      has_path = true;
      name = record.value;
    }
  } catch (const InputError& error) {
    Fail(error.problem());
  }
  const std::string path =
      std::filesystem::path("/" + name).lexically_normal().relative_path().string();
  if (has_path || path.find('/') != std::string::npos || path.starts_with(".wh.")) {
    Fail("expected a global PAX header that names no path, found " + Quote(name.substr(0, 200)) +
         ", where runtimes make or delete something");
  }
}

void TarHeaders::DropExtensions() {
  long_name_.reset();
  long_link_.reset();
  pax_.reset();
}

void TarHeaders::StartMember(std::span<char> span, char type) {
  const std::string_view header(span.data(), span.size());
  if (++num_members_ > limits_.max_entries) {
    Fail("expected at most " + std::to_string(limits_.max_entries) +
         " entries (--max-entries), found more");
  }
  TarMember member{.begin = member_begin_, .feed_begin = num_passed_};
  member.gzip_member = shares_.MemberAt(member_begin_);
  for (const Field& field : {kMode, kUid, kGid, kMtime}) {
    const std::optional<std::int64_t> number = ParseTarNumber(field.Of(header));
    if (!number || *number < 0) {
      warnings_.AddAtTarByte("odd number in a header", header_at_);
    }
  }
  const bool is_old_sparse = type == 'S';
  const bool is_old_file = type == '\0';
  if (type == '7' || is_old_file || is_old_sparse) {
    if (type == '7') warnings_.AddAtTarByte("contiguous file", header_at_);
    type = '0';
  }
  if (type < '0' || type > '6') {
    Fail("expected an entry that a layer may hold, found type flag " + Show(header[kType]));
  }
  const PaxLayout layout = ReadPaxLayoutOf();
  ReadNames(header, layout, member);
  // Tars from before "ustar" have no other directories.
  if (is_old_file && member.name.ends_with('/')) span[kType] = type = '5';
  member.type = type;
  member.attributes = layout.attributes;
  std::optional<std::int64_t> size = ParseTarNumber(kSize.Of(header));
  if (!size || (*size < 0 && !IsHeaderOnly(type))) {
    Fail("expected the size of an entry, found no number from 0 to 2^63 - 1");
  }
  if (IsHeaderOnly(type)) {
    DropBody(span, type, *size, layout, member);
    size = 0;
  } else if (layout.size) {
    size = layout.size;
  }
  if (*size > std::min(limits_.max_tar_bytes, kMaxPadded)) {
    Fail("expected a tar of at most " + std::to_string(limits_.max_tar_bytes) +
         " bytes (--max-tar-bytes), found an entry of " + std::to_string(*size));
  }
  member.size = member.stored_size = *size;
  const std::size_t offset = static_cast<std::size_t>(span.data() - block_.data());

  for (const Field& field : {kMode, kUid, kGid, kSize, kMtime, kDeviceMajor, kDeviceMinor}) {
    MendNumber(span, field);
  }
  HideNames(span, type);
  WriteChecksum(span);

  if (pax_) {
    PassExtension(*pax_, FilterPaxRecords(pax_->body, IsHeaderOnly(type), !layout.is_sparse));
  }
  Pass(offset, kBlock);
  DropExtensions();
  member_begin_ = -1;

  remaining_ = Padded(*size);
  padding_ = remaining_ - *size;
  map_ = layout.map;
  map_size_ = 0;
  if (is_old_sparse) {
    if (layout.is_sparse) Fail("expected one map of a sparse file, found two");
    ReadOldSparse(header, member);
  } else if (layout.is_sparse) {
    member.is_sparse = true;
    member.size = layout.real_size.value_or(member.stored_size);
    if (!layout.map_in_body) CheckMap(map_.Check(member.stored_size, member.size));
  }
  members_.push_back(member);
  if (layout.map_in_body) {
    map_text_ = {};
    state_ = State::kMap;
    if (remaining_ == 0) CheckMap("nothing");
  } else if (is_old_sparse && header[kSparseGoesOn] != 0) {
    state_ = State::kSparseHeader;
  } else {
    if (is_old_sparse) CheckMap(map_.Check(member.stored_size, member.size));
    StartBody();
  }
}

PaxLayout TarHeaders::ReadPaxLayoutOf() {
  if (!pax_) return {};
  PaxLayout layout;
  try {
    layout = ReadPaxLayout(pax_->body);
  } catch (const InputError& error) {
    Fail(error.problem());
  }
  const bool has_path = !layout.path.empty() || !layout.sparse_name.empty();
  if ((long_name_ && has_path) || (long_link_ && !layout.link.empty())) {
    warnings_.AddAtTarByte("name by PAX and by GNU tar", header_at_);
  }
  if (layout.has_odd_number) warnings_.AddAtTarByte("odd number in a header", header_at_);
  return layout;
}

// Of an entry that has none, whatever its headers say: some readers expect one behind a size, so
// libarchive is shown none.
void TarHeaders::DropBody(std::span<char> header, char type, std::int64_t header_size,
                          const PaxLayout& layout, TarMember& member) {
  if (layout.is_sparse) Fail("expected a sparse file, found an entry without a body");
  if (header_size != 0) WriteSize(header, 0);
  const Bytes size = layout.size.value_or(header_size);
  if (size == 0) return;
  if (type != '1') {
    warnings_.AddAtTarByte("size of an entry without a body", header_at_);
    return;
  }
  member.is_odd_link = true;
  link_size_ = size < 0 ? 0 : Padded(std::min({size, limits_.max_tar_bytes, kMaxPadded}));
}

void TarHeaders::ReadNames(std::string_view header, const PaxLayout& layout,
                           TarMember& member) const {
  const auto in = [](const std::optional<Extension>& extension) {
    return extension ? UpToZero(extension->body) : std::string_view();
  };
  // What is empty does not count.
  const std::string_view long_link = in(long_link_);
  member.link = !long_link.empty()     ? long_link
                : !layout.link.empty() ? std::string_view(layout.link)
                                       : UpToZero(kLink.Of(header));
  if (!layout.sparse_name.empty()) {
    member.name = layout.sparse_name;
    return;
  }
  const std::string_view long_name = in(long_name_);
  if (!long_name.empty() || !layout.path.empty()) {
    member.name = !long_name.empty() ? long_name : std::string_view(layout.path);
    return;
  }
  member.name = ReadPrefix(header);
  if (!member.name.empty()) member.name += '/';
  member.name += UpToZero(kName.Of(header));
}

std::string TarHeaders::ReadPrefix(std::string_view header) const {
  if (HasPrefix(header)) {
    const bool is_star = kStarTrailer.Of(header) == "tar\0"sv;
    return std::string(UpToZero((is_star ? kStarPrefix : kPrefix).Of(header)));
  }
  if (!HasGnuPrefix(header)) return "";
  const std::string_view prefix = UpToZero(kPrefix.Of(header));
  warnings_.AddAtTarByte("GNU header with a prefix", header_at_);
  const bool is_ascii = std::ranges::all_of(prefix, [](char c) { return (c & 0x80) == 0; });
  return is_ascii ? std::string(prefix) : "";
}

void TarHeaders::ReadOldSparse(std::string_view header, TarMember& member) {
  const std::optional<std::int64_t> real_size = ParseTarNumber(kRealSize.Of(header));
  if (!IsGnuHeader(header) || !real_size || *real_size < 0) {
    Fail("expected the size of a sparse file in GNU tar's form, found none");
  }
  member.is_sparse = true;
  member.size = *real_size;
  if (header[kSparseGoesOn] != 0 && header[kSparseParts.begin] == '\0') CheckMap("a gap");
  AddOldSparseParts(kSparseParts.Of(header));
}

void TarHeaders::AddOldSparseParts(std::string_view parts) {
  for (; !parts.empty(); parts.remove_prefix(24)) {
    if (parts.front() == '\0') return;  // the map has ended
    const std::optional<std::int64_t> offset = ParseTarNumber(parts.substr(0, 12));
    const std::optional<std::int64_t> length = ParseTarNumber(parts.substr(12, 12));
    if (!offset || !length) CheckMap("a part that is no number");
    CheckMap(map_.Add(*offset, *length));
  }
}

void TarHeaders::ReadSparseHeader(std::string_view block) {
  CountMapBytes(kBlock);
  AddOldSparseParts(kMoreParts.Of(block));
  if (block[kMoreGoesOn] != 0) return;
  const TarMember& member = Last();
  CheckMap(map_.Check(member.stored_size, member.size));
  StartBody();
}

// Returns how much of `text` it took: up to the end of the block in which the map ends.
std::size_t TarHeaders::ReadMap(std::string_view text) {
  std::size_t read = 0;
  for (; read < text.size() && !map_text_.is_complete(); ++read) {
    CountMapBytes(1);
    CheckMap(map_text_.Add(text[read], map_));
  }
  if (!map_text_.is_complete()) {
    remaining_ -= static_cast<Bytes>(read);
    if (remaining_ == 0) CheckMap("an end before that of its parts");
    return read;
  }
  TarMember& member = Last();
  // The parts start at the next block of 512 bytes; blocks of the stream are multiples of that.
  const auto padding = static_cast<std::size_t>(Padded(map_size_) - map_size_);
  read += std::min(padding, text.size() - read);
  const Bytes body = remaining_ - static_cast<Bytes>(read);
  if (Padded(map_size_) > member.stored_size) CheckMap("one that is longer than its entry");
  member.stored_size -= Padded(map_size_);
  CheckMap(map_.Check(member.stored_size, member.size));
  remaining_ = body;
  StartBody();
  return read;
}

void TarHeaders::CountMapBytes(Bytes count) {
  map_size_ += count;
  max_header_bytes_ = std::max(max_header_bytes_, map_size_);
  if (map_size_ <= limits_.max_header_bytes) return;
  Fail("expected a map of a sparse file of at most " + std::to_string(limits_.max_header_bytes) +
       " bytes (--max-header-bytes), found more");
}

// Maps are read before libarchive can have finished with the header.
TarMember& TarHeaders::Last() {
  if (members_.empty())
    Fail("expected a map of a sparse file, found one that libarchive passes over");
  return members_.back();
}

void TarHeaders::CheckMap(const std::string& fault) const {
  if (!fault.empty()) Fail("expected a map of a sparse file, found " + fault);
}

void TarHeaders::StartBody() { state_ = remaining_ > 0 ? State::kBody : State::kHeader; }

void TarHeaders::PassExtension(const Extension& extension, std::string_view body) {
  if (body.empty()) return;
  if (body.size() > kMaxPassedPax) {
    Fail("expected a map of a sparse file of at most " + std::to_string(kMaxPassedPax) +
         " bytes in a PAX header, found " + std::to_string(body.size()));
  }
  std::string header = extension.header;
  WriteSize(header, static_cast<Bytes>(body.size()));
  WriteChecksum(header);
  PassMade(header);
  PassMade(body);
  const auto size = static_cast<Bytes>(body.size());
  PassMade(std::string(static_cast<std::size_t>(Padded(size) - size), '\0'));
}

void TarHeaders::Pass(std::size_t begin, std::size_t size) {
  num_passed_ += static_cast<Bytes>(size);
  if (!parts_.empty() && !parts_.back().is_made &&
      parts_.back().begin + parts_.back().size == begin) {
    parts_.back().size += size;
  } else if (size > 0) {
    parts_.push_back({.is_made = false, .begin = begin, .size = size});
  }
}

void TarHeaders::PassMade(std::string_view bytes) {
  num_passed_ += static_cast<Bytes>(bytes.size());
  if (parts_.empty() || !parts_.back().is_made) {
    parts_.push_back({.is_made = true, .begin = made_.size(), .size = 0});
  }
  parts_.back().size += bytes.size();
  made_ += bytes;
}

void TarHeaders::Fail(const std::string& problem) const {
  throw InputError("", "tar byte " + std::to_string(header_at_), problem);
}

}  // namespace gneiss
