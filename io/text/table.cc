#include "io/text/table.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "io/text/screen_text.h"

namespace gneiss {

std::string MarkdownCell(std::string_view text) {
  constexpr std::string_view kEscaped = "\\`*_[]|~";
  constexpr std::string_view kAsEntity = "<>&@#!";
  const std::string printable = Printable(text);
  std::string cell;
  for (std::size_t i = 0; i < printable.size(); ++i) {
    const char c = printable[i];
    // "://" makes a link of what stands around it.
    const bool is_link = c == ':' && printable.compare(i, 3, "://") == 0;
    if (is_link || kAsEntity.find(c) != std::string_view::npos) {
      cell += fmt::format("&#{};", static_cast<int>(c));
    } else {
      if (kEscaped.find(c) != std::string_view::npos) cell += '\\';
      cell += c;
    }
  }
  return cell;
}

namespace {

constexpr std::string_view kGap = "  ";
constexpr std::size_t kMinLastWidth =
    12;  // below that a name says nothing; the line gets long instead

std::string Styled(std::string_view text, std::string_view code, const ScreenStyle& style) {
  if (!style.colour || text.empty()) return std::string(text);
  return std::string(code).append(text).append("\x1b[0m");
}

void Pad(std::string& line, std::string_view cell, std::size_t width, Align align) {
  const std::size_t used = DisplayWidth(cell);
  const std::size_t rest = width > used ? width - used : 0;
  if (align == Align::kRight) line.append(rest, ' ');
  line.append(cell);
  if (align == Align::kLeft) line.append(rest, ' ');
}

}  // namespace

std::string Bold(std::string_view text, const ScreenStyle& style) {
  return Styled(text, "\x1b[1m", style);
}

std::string Dim(std::string_view text, const ScreenStyle& style) {
  return Styled(text, "\x1b[2m", style);
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  std::vector<std::string> headers;
  for (const Column& column : columns_) headers.push_back(column.header);
  Add(RowKind::kHeader, std::move(headers));
}

void Table::AddRow(std::vector<std::string> cells) { Add(RowKind::kBody, std::move(cells)); }
void Table::AddNote(std::vector<std::string> cells) { Add(RowKind::kNote, std::move(cells)); }
void Table::AddTotal(std::vector<std::string> cells) { Add(RowKind::kTotal, std::move(cells)); }

void Table::Add(RowKind kind, std::vector<std::string> cells) {
  assert(cells.size() == columns_.size());
  for (std::string& cell : cells) cell = Printable(cell);
  rows_.push_back({kind, std::move(cells)});
}

void Table::Print(const ScreenStyle& style, std::ostream& out) const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const Row& row : rows_) {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      widths[c] = std::max(widths[c], DisplayWidth(row.cells[c]));
    }
  }
  std::size_t last_width = widths.back();
  if (style.width > 0) {
    std::size_t before = 0;
    for (std::size_t c = 0; c + 1 < columns_.size(); ++c) before += widths[c] + kGap.size();
    const std::size_t room = style.width > before ? style.width - before : 0;
    last_width = std::min(last_width, std::max(room, kMinLastWidth));
  }
  for (const Row& row : rows_) {
    const std::string line = Line(row, widths, last_width);
    const bool bold = row.kind == RowKind::kHeader || row.kind == RowKind::kTotal;
    out << (bold                         ? Bold(line, style)
            : row.kind == RowKind::kNote ? Dim(line, style)
                                         : line)
        << '\n';
  }
}

void Table::PrintMarkdown(std::ostream& out) const {
  for (const Row& row : rows_) {
    const std::string_view mark = row.kind == RowKind::kNote    ? "*"
                                  : row.kind == RowKind::kTotal ? "**"
                                                                : "";
    out << '|';
    for (const std::string& cell : row.cells) {
      out << ' ';
      if (!cell.empty()) out << mark << MarkdownCell(cell) << mark << ' ';
      out << '|';
    }
    out << '\n';
    if (row.kind != RowKind::kHeader) continue;
    out << '|';
    for (const Column& column : columns_) {
      out << (column.align == Align::kRight ? "---:|" : "---|");
    }
    out << '\n';
  }
}

std::string Table::Line(const Row& row, const std::vector<std::size_t>& widths,
                        std::size_t last_width) const {
  std::string line;
  for (std::size_t c = 0; c + 1 < columns_.size(); ++c) {
    Pad(line, row.cells[c], widths[c], columns_[c].align);
    line.append(kGap);
  }
  const std::string last = CutMiddle(row.cells.back(), last_width);
  if (columns_.back().align == Align::kRight) {
    Pad(line, last, last_width, Align::kRight);
  } else {
    line.append(last);
  }
  // No spaces at the end of a line whose last cells are empty.
  const std::size_t end = line.find_last_not_of(' ');
  line.resize(end == std::string::npos ? 0 : end + 1);
  return line;
}

}  // namespace gneiss
