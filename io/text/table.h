// Aligned text tables for a screen.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "io/text/format.h"

namespace gneiss {

// Text from inputs as the cell of a Markdown table, as GitHub and GitLab read them.

// `text` made Printable, with every character that means something to Markdown or HTML escaped, so
// that a name can neither leave its cell, nor link, nor call anybody (@NAME, #1, https://).
[[nodiscard]] std::string MarkdownCell(std::string_view text);

// How a report looks; the command line decides it.
struct ScreenStyle {
  std::size_t width = 0;  // columns, 0 for no limit
  bool colour = false;    // bold headers and totals, dim notes
  ByteUnits units = ByteUnits::kSi;
};

// `text` in bold or dim, as it is when the style has no colour.
[[nodiscard]] std::string Bold(std::string_view text, const ScreenStyle& style);
[[nodiscard]] std::string Dim(std::string_view text, const ScreenStyle& style);

enum class Align { kLeft, kRight };

struct Column {
  std::string header;
  Align align = Align::kRight;
};

// Rows in the order they were added. Cells may hold anything: they are made Printable here. The
// last column is cut in the middle where the style's width asks for it.
class Table {
 public:
  explicit Table(std::vector<Column> columns);

  // REQUIRES on the next three: as many cells as columns.
  void AddRow(std::vector<std::string> cells);
  void AddNote(std::vector<std::string> cells);   // dim: "[12 others]"
  void AddTotal(std::vector<std::string> cells);  // bold: "TOTAL"

  void Print(const ScreenStyle& style, std::ostream& out) const;

  // As a table of Markdown: cells escaped and never cut, notes in italics, totals in bold.
  void PrintMarkdown(std::ostream& out) const;

 private:
  enum class RowKind { kHeader, kBody, kNote, kTotal };
  struct Row {
    RowKind kind;
    std::vector<std::string> cells;
  };
  void Add(RowKind kind, std::vector<std::string> cells);
  std::string Line(const Row& row, const std::vector<std::size_t>& widths,
                   std::size_t last_width) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace gneiss
