#include "io/scan/pax_records.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "planner/contents/inventory.h"
#include "planner/fleet/bytes.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

std::optional<std::int64_t> ParseBase256(std::string_view field) {
  const bool is_negative = (static_cast<unsigned char>(field.front()) & 0x40U) != 0;
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < field.size(); ++i) {
    unsigned byte = static_cast<unsigned char>(field[i]);
    if (is_negative) byte ^= 0xffU;
    if (i == 0) byte &= 0x7fU;
    if (number >> 55U != 0) return std::nullopt;
    number = number << 8U | byte;
  }
  const auto magnitude = static_cast<std::int64_t>(number);
  return is_negative ? ~magnitude : magnitude;
}

}  // namespace

std::optional<std::int64_t> ParseTarNumber(std::string_view field) {
  if (!field.empty() && (static_cast<unsigned char>(field.front()) & 0x80U) != 0) {
    return ParseBase256(field);
  }
  // What pads a field may stand on both sides, and a zero byte ends the digits.
  const auto is_padding = [](char c) { return c == ' ' || c == '\0'; };
  while (!field.empty() && is_padding(field.front())) field.remove_prefix(1);
  while (!field.empty() && is_padding(field.back())) field.remove_suffix(1);
  std::int64_t number = 0;
  for (const char c : field) {
    if (c == '\0') break;
    if (c < '0' || c > '7' || number >> 60 != 0) return std::nullopt;
    number = number << 3 | (c - '0');
  }
  return number;
}

std::optional<std::int64_t> ParseSigned(std::string_view text) {
  std::int64_t number = 0;
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> ParseDecimal(std::string_view text) {
  const std::optional<std::int64_t> number = ParseSigned(text);
  return number && *number < 0 ? std::nullopt : number;
}

std::string SparseMap::Add(Bytes offset, Bytes length) {
  if (offset < 0 || length < 0) return "a part with a negative place or length";
  if (offset < end_) return "parts that overlap or go backwards";
  Bytes end;
  if (__builtin_add_overflow(offset, length, &end)) return "a part that ends past 2^63";
  end_ = end;
  stored_ += length;  // <= end
  return "";
}

std::string SparseMap::Check(Bytes stored_size, Bytes real_size) const {
  if (stored_ != stored_size) {
    return "parts of " + std::to_string(stored_) + " bytes where " + std::to_string(stored_size) +
           " are stored";
  }
  if (end_ > real_size) return "parts past the end of the file";
  return "";
}

std::string SparseMapText::Add(char byte, SparseMap& map) {
  if (byte >= '0' && byte <= '9') {
    const Bytes before = number_.value_or(0);
    if (before > (Bytes{1} << 59)) return "a number above 2^62";
    number_ = before * 10 + (byte - '0');
    return "";
  }
  if (byte != '\n' || !number_) return "a line that is no number";
  const Bytes number = *number_;
  number_.reset();
  if (num_left_ < 0) {
    num_left_ = number;
  } else if (!offset_) {
    offset_ = number;
  } else {
    --num_left_;
    const Bytes offset = *offset_;
    offset_.reset();
    return map.Add(offset, number);
  }
  return "";
}

namespace {

constexpr std::string_view kSparsePrefix = "GNU.sparse.";

constexpr std::string_view kXattrPrefix = "SCHILY.xattr.";

bool IsForLibarchive(std::string_view key) {
  return key == "size" || (key.starts_with(kSparsePrefix) && key != "GNU.sparse.name");
}

// "[-]SECONDS[.FRACTION]", the fraction cut after nine digits; nullopt when it is none.
std::optional<TarTime> ParseTime(std::string_view text) {
  const std::size_t dot = std::min(text.find('.'), text.size());
  std::string fraction(text.substr(std::min(dot + 1, text.size())));
  if (fraction.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  fraction.resize(9, '0');
  const std::optional<std::int64_t> seconds = ParseSigned(text.substr(0, dot));
  if (!seconds) return std::nullopt;
  TarTime time{.seconds = *seconds,
               .nanoseconds = static_cast<std::uint32_t>(ParseDecimal(fraction).value())};
  // Both parts are of one sign.
  if (text.starts_with('-') && time.nanoseconds > 0) {
    if (time.seconds == std::numeric_limits<std::int64_t>::min()) return std::nullopt;
    --time.seconds;
    time.nanoseconds = 1'000'000'000 - time.nanoseconds;
  }
  return time;
}

Bytes SizeOf(const PaxRecord& record) {
  const std::optional<Bytes> size = ParseDecimal(record.value);
  if (!size) {
    throw InputError("PAX " + std::string(record.key) + ": expected a size below 2^63, found \"" +
                     std::string(record.value.substr(0, 40)) + "\"");
  }
  return *size;
}

void CheckMap(const std::string& fault) {
  if (!fault.empty()) throw InputError("expected a map of a sparse file, found " + fault);
}

// "offset,length,offset,length,...". Returns how many parts it has.
Bytes ReadMap(std::string_view text, SparseMap& map) {
  bool is_last = false;
  const auto take = [&] {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::optional<Bytes> number = ParseDecimal(text.substr(0, comma));
    if (!number) CheckMap("a part that is no number");
    is_last = comma == text.size();
    text.remove_prefix(std::min(comma + 1, text.size()));
    return *number;
  };
  Bytes num_parts = 0;
  while (!is_last) {
    const Bytes offset = take();
    if (is_last) CheckMap("a part without a length");
    CheckMap(map.Add(offset, take()));
    ++num_parts;
  }
  return num_parts;
}

// Facts of the GNU.sparse records until all are known.
struct SparseRecords {
  std::string_view major;
  std::string_view minor;
  std::string_view map;
  std::string_view name;
  PaxRecord size;
  PaxRecord real_size;  // the same, where there is no size
  PaxRecord num_parts;
  std::optional<Bytes> offset;  // of a part whose length comes next
  Bytes num_read = 0;
};

void ReadSparseRecord(const PaxRecord& record, SparseRecords& sparse, PaxLayout& layout) {
  const std::string_view key = record.key.substr(kSparsePrefix.size());
  if (key == "major") {
    sparse.major = record.value;
  } else if (key == "minor") {
    sparse.minor = record.value;
  } else if (key == "map") {
    sparse.map = record.value;
  } else if (key == "size") {
    sparse.size = record;
  } else if (key == "realsize") {
    sparse.real_size = record;
  } else if (key == "numblocks") {
    sparse.num_parts = record;
  } else if (key == "offset") {
    if (sparse.offset) CheckMap("a part without a length");
    sparse.offset = SizeOf(record);
  } else if (key == "numbytes") {
    if (!sparse.offset) CheckMap("a part without a place");
    CheckMap(layout.map.Add(*sparse.offset, SizeOf(record)));
    sparse.offset.reset();
    ++sparse.num_read;
  } else if (key == "name") {
    sparse.name = record.value;
  }
}

// By Go's rules: a map without a version is of 0.x, and with any other version the file is none.
bool IsSparse(const SparseRecords& sparse) {
  if (sparse.major.empty() && sparse.minor.empty()) {
    return !sparse.map.empty() || sparse.num_read > 0 || sparse.offset;
  }
  return (sparse.major == "0" && (sparse.minor == "0" || sparse.minor == "1")) ||
         (sparse.major == "1" && sparse.minor == "0");
}

void FinishSparse(const SparseRecords& sparse, PaxLayout& layout) {
  if (!IsSparse(sparse)) {
    layout.map = {};
    return;
  }
  layout.is_sparse = true;
  layout.map_in_body = sparse.major == "1";
  if (sparse.offset) CheckMap("a part without a length");
  Bytes num_read = sparse.num_read;
  if (!sparse.map.empty()) {
    if (layout.map_in_body || sparse.num_read > 0) CheckMap("two maps");
    num_read = ReadMap(sparse.map, layout.map);
  }
  if (!sparse.num_parts.value.empty() && !layout.map_in_body) {
    const Bytes num_parts = SizeOf(sparse.num_parts);
    if (num_parts != num_read) {
      CheckMap(std::to_string(num_read) + " parts where it says " + std::to_string(num_parts));
    }
  }
  const PaxRecord& size = sparse.size.value.empty() ? sparse.real_size : sparse.size;
  if (!size.value.empty()) layout.real_size = SizeOf(size);
  layout.sparse_name = sparse.name;
}

// Of each name the last.
void KeepLast(std::vector<Xattr>& xattrs) {
  std::ranges::reverse(xattrs);
  std::ranges::stable_sort(xattrs, {}, &Xattr::name);
  const auto rest = std::ranges::unique(xattrs, {}, &Xattr::name);
  xattrs.erase(rest.begin(), rest.end());
}

}  // namespace

PaxRecord TakePaxRecord(std::string_view& records) {
  const std::size_t space = records.substr(0, 21).find(' ');
  const std::optional<Bytes> length =
      space == std::string_view::npos ? std::nullopt : ParseDecimal(records.substr(0, space));
  if (!length || *length > std::ssize(records) || *length < static_cast<Bytes>(space) + 4) {
    throw InputError("expected a PAX record \"LENGTH KEY=VALUE\", found a wrong length");
  }
  PaxRecord record{.line = records.substr(0, static_cast<std::size_t>(*length))};
  if (record.line.back() != '\n') {
    throw InputError("expected a PAX record \"LENGTH KEY=VALUE\", found no newline at its end");
  }
  const std::string_view pair = record.line.substr(space + 1, record.line.size() - space - 2);
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw InputError("expected a PAX record \"LENGTH KEY=VALUE\", found none with a key");
  }
  record.key = pair.substr(0, equals);
  record.value = pair.substr(equals + 1);
  const bool is_text = record.key == "path" || record.key == "linkpath" || record.key == "uname" ||
                       record.key == "gname" || record.key == "GNU.sparse.name";
  if (record.key.find('\0') != std::string_view::npos ||
      (is_text && record.value.find('\0') != std::string_view::npos)) {
    throw InputError("expected a PAX record \"LENGTH KEY=VALUE\", found a zero byte in it");
  }
  records.remove_prefix(record.line.size());
  return record;
}

PaxLayout ReadPaxLayout(std::string_view records) {
  PaxLayout layout;
  PaxAttributes& attributes = layout.attributes;
  SparseRecords sparse;
  bool is_sparse = false;
  std::vector<Xattr> xattrs;
  // An empty value leaves what the header itself says.
  const auto read = [&](const PaxRecord& record, auto& number, auto parse) {
    number.reset();
    if (record.value.empty()) return;
    number = parse(record.value);
    if (!number) layout.has_odd_number = true;
  };
  while (!records.empty()) {
    const PaxRecord record = TakePaxRecord(records);
    if (record.key == "size") {
      layout.size = record.value.empty() ? std::nullopt : std::optional(SizeOf(record));
    } else if (record.key == "path") {
      layout.path = record.value;
    } else if (record.key == "linkpath") {
      layout.link = record.value;
    } else if (record.key == "uid") {
      read(record, attributes.uid, ParseSigned);
    } else if (record.key == "gid") {
      read(record, attributes.gid, ParseSigned);
    } else if (record.key == "mtime") {
      read(record, attributes.mtime, ParseTime);
    } else if (record.key.starts_with(kXattrPrefix)) {
      xattrs.push_back({.name = std::string(record.key.substr(kXattrPrefix.size())),
                        .value = std::string(record.value)});
    } else if (record.key.starts_with(kSparsePrefix)) {
      is_sparse = true;
      ReadSparseRecord(record, sparse, layout);
    }
  }
  if (is_sparse) FinishSparse(sparse, layout);
  KeepLast(xattrs);
  attributes.xattrs = FormatXattrs(std::move(xattrs));
  return layout;
}

std::string FilterPaxRecords(std::string_view records, bool drop_size, bool drop_sparse) {
  SeededMap<std::string_view, PaxRecord> last;  // by key
  std::vector<PaxRecord> kept;
  while (!records.empty()) {
    const PaxRecord record = TakePaxRecord(records);
    if (!IsForLibarchive(record.key) || (drop_size && record.key == "size")) continue;
    if (drop_sparse && record.key.starts_with(kSparsePrefix)) continue;
    last[record.key] = record;
    kept.push_back(record);
  }
  const auto size = last.find("GNU.sparse.size");
  const bool has_size = size != last.end() && !size->second.value.empty();
  std::string passed;
  for (const PaxRecord& record : kept) {
    if (record.value.empty() || (has_size && record.key == "GNU.sparse.realsize")) continue;
    // Those of a sparse map come again and again.
    const bool is_part = record.key == "GNU.sparse.offset" || record.key == "GNU.sparse.numbytes";
    if (!is_part && last[record.key].line.data() != record.line.data()) continue;
    passed += record.line;
    // Go takes numbers with a plus, libarchive does not.
    std::replace(passed.end() - static_cast<std::ptrdiff_t>(record.value.size()) - 1, passed.end(),
                 '+', '0');
  }
  return passed;
}

}  // namespace gneiss
