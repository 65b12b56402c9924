#include "io/source/fleet_file.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "io/bytes/file_head.h"
#include "io/bytes/line_reader.h"
#include "io/json/json_value.h"
#include "io/source/document_rules.h"
#include "io/source/fleet_line.h"

namespace gneiss {
namespace {

constexpr std::int64_t kProgressBytes = std::int64_t{1} << 20;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// What the start of a file that cannot be a fleet file is; empty when it may be one.
std::string_view NameOfForeignContent(std::string_view head) {
  if (IsTarHeader(head)) {
    return "a tar archive, which docker-archive:FILE or oci-archive:FILE reads";
  }
  if (head.starts_with(std::string_view("\xfd"
                                        "7zXZ\0",
                                        6)))
    return "xz compressed data";
  if (head.starts_with("BZh")) return "bzip2 compressed data";
  if (head.starts_with("PK\x03\x04")) return "a zip archive";
  if (head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff")) return "UTF-16 text, not UTF-8";
  // One zero byte in a line of JSON spoils that line only.
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  const bool is_object = first != std::string_view::npos && head[first] == '{';
  if (!is_object && head.find('\0') != std::string_view::npos) return "binary data";
  return {};
}

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

class FleetFileReader {
 public:
  FleetFileReader(std::unique_ptr<ByteSource> stored, const std::string& name,
                  const ReadOptions& options, FleetBuilder& builder, ReadReport& report)
      : name_(name),
        options_(options),
        builder_(builder),
        report_(report),
        bytes_(Decompress(std::move(stored))),
        lines_(*bytes_) {}

  void Read() {
    if (const std::string_view found = NameOfForeignContent(Head()); !found.empty()) {
      throw InputError(
          name_, "",
          "expected a fleet file, one JSON object per line, found " + std::string(found));
    }
    if (const std::string schema = LeadingSchema(Head());
        !schema.empty() && schema != "gneiss.fleet/1") {
      throw InputError(name_, "",
                       "expected a fleet file, one JSON object per line, found one of schema " +
                           Quote(schema) + "; `gneiss snapshot` writes fleet files");
    }
    std::int64_t num_lines = 0;
    while (const std::optional<Line> line = NextLine()) {
      std::string_view text = line->text;
      if (line->number == 1 && text.starts_with(kByteOrderMark)) {
        text.remove_prefix(kByteOrderMark.size());
      }
      if (!line->too_long && IsBlank(text)) continue;
      ++num_lines;
      ++report_.num_lines;
      try {
        ReadLine(text, *line);
      } catch (const InputError& error) {
        report_.AddProblem(Placed(error, line->number), options_.strict);
      }
      ShowProgress(false);
    }
    if (num_lines == 0) {
      throw InputError(name_, "",
                       "fleet file is empty: expected one JSON object per line, found no line");
    }
    if (bytes_->trailing_bytes() > 0) {
      report_.AddWarning("bytes after the end of a gzip stream", name_);
    }
    ShowProgress(true);
  }

 private:
  std::string_view Head() {
    try {
      return lines_.Peek(kFileHeadBytes);
    } catch (const InputError& error) {
      throw error.WithSource(name_, error.place());
    }
  }

  std::optional<Line> NextLine() {
    try {
      return lines_.Next();
    } catch (const InputError& error) {
      throw error.WithSource(name_, error.place());
    }
  }

  void ReadLine(std::string_view text, const Line& place) {
    if (place.too_long) {
      throw InputError("expected a line of at most " + std::to_string(LineReader::kMaxLineBytes) +
                       " bytes, found a longer one");
    }
    const FleetLine line = parser_.Parse(text);
    if (line.num_duplicate_keys > 0) {
      report_.AddWarning("duplicate JSON key", PlaceOf(place.number), line.num_duplicate_keys);
    }
    if (line.is_attestation) {
      ++report_.skipped["attestation manifest"];
      return;
    }
    if (line.history_mismatch) {
      report_.AddWarning("history does not match layers", PlaceOf(place.number));
    }
    if (!options_.platform.Matches(line.image->platform)) {
      ++report_.filtered_out;
      return;
    }
    builder_.Add(*line.image);
  }

  std::string PlaceOf(std::int64_t line_number) const {
    return name_ + ":" + std::to_string(line_number);
  }

  InputError Placed(const InputError& error, std::int64_t line_number) const {
    const std::string& within = error.place();
    return InputError(name_, std::to_string(line_number),
                      within.empty() ? error.problem() : within + ": " + error.problem());
  }

  void ShowProgress(bool at_end) {
    if (!options_.on_progress) return;
    const std::int64_t position = bytes_->stored_position();
    if (!at_end && position - shown_position_ < kProgressBytes) return;
    shown_position_ = position;
    options_.on_progress(position, bytes_->stored_size());
  }

  const std::string& name_;
  const ReadOptions& options_;
  FleetBuilder& builder_;
  ReadReport& report_;
  std::unique_ptr<ByteSource> bytes_;
  LineReader lines_;
  FleetLineParser parser_;
  std::int64_t shown_position_ = 0;
};

}  // namespace

void ReadFleetFile(const std::string& path, const ReadOptions& options, FleetBuilder& builder,
                   ReadReport& report) {
  ReadFleetBytes(OpenFile(path, "a fleet file, one JSON object per line"), path, options, builder,
                 report);
}

void ReadFleetBytes(std::unique_ptr<ByteSource> stored, const std::string& name,
                    const ReadOptions& options, FleetBuilder& builder, ReadReport& report) {
  FleetFileReader(std::move(stored), name, options, builder, report).Read();
}

}  // namespace gneiss
