// Files of records that people, logs and exports write: a line each, CSV or a JSON object, plain or
// compressed. A first line of CSV that names the columns may put them in another order. Blank
// lines, and those that begin with '#', are passed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/bytes/byte_source.h"
#include "io/bytes/line_reader.h"
#include "io/json/json_value.h"

namespace gneiss {

// A line of CSV (RFC 4180) as its fields.

// Fields between commas, without blanks around them; in double quotes as they are, a quote in them
// doubled. Throws InputError without source when a quote is not closed, as it would be by a field
// that goes on in the next line, or something follows it.
[[nodiscard]] std::vector<std::string> SplitCsvLine(std::string_view line);

class RecordLines {
 public:
  static constexpr std::size_t kMaxLineBytes = std::size_t{16} << 20;

  // `columns` of CSV in their usual order, the first `num_needed` of them needed. They and `path`
  // must outlive the reader. Decompresses what is compressed.
  RecordLines(std::unique_ptr<ByteSource> stored, const std::string& path,
              std::span<const std::string_view> columns, std::size_t num_needed);

  LineReader& lines() { return lines_; }

  // Calls one of the two for each record, with its line's number: its fields in the order of the
  // columns, those that are not there empty, or its object. Throws InputError with path and line
  // for a line that is neither, and in place of what they throw without a source; with path when
  // there is no record.
  void ForEach(
      const std::function<void(std::int64_t line, const std::vector<std::string>&)>& take_fields,
      const std::function<void(std::int64_t line, const JsonValue&)>& take_object);

 private:
  // Whether they are names of columns; keeps where each stands.
  bool ReadHeader(const std::vector<std::string>& fields);
  std::vector<std::string> InOrder(const std::vector<std::string>& fields) const;

  std::unique_ptr<ByteSource> bytes_;
  LineReader lines_;
  const std::string& path_;
  std::span<const std::string_view> columns_;
  std::size_t num_needed_;
  std::vector<std::size_t> place_;  // of each column in a line
};

// A whole number of `what` in a field of CSV, from 0 to 2^53. Throws InputError without a source.
[[nodiscard]] std::int64_t ParseCount(std::string_view text, std::string_view what);

// Member `key`, nullptr when it is absent or null.
[[nodiscard]] const JsonValue* FindMember(const JsonValue& object, std::string_view key);

// The text of member `key`. Throws InputError without a source, naming what is `expected`.
[[nodiscard]] std::string ExpectText(const JsonValue& object, std::string_view key,
                                     std::string_view expected);

// Throws InputError without a source when a name is empty; `what` it is, as "an image's name".
void ExpectName(std::string_view name, std::string_view what);

// Calls `read`; gives `path` to an InputError that knows no source, as of damaged compressed bytes.
void WithPath(const std::string& path, const std::function<void()>& read);

}  // namespace gneiss
