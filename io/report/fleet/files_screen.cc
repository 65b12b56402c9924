#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "io/report/fleet/files_report.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

// Columns that a path needs before there is room for owners, and for digests.
constexpr std::size_t kPathBeforeOwner = 24;
constexpr std::size_t kPathBeforeDigest = 40;
constexpr std::size_t kDigestDigits = 12;

// "drwxr-xr-x", as ls shows it.
std::string ModeText(const Entry& entry) {
  std::string text(1, '-');
  switch (entry.type) {
    case EntryType::kDirectory:
      text = "d";
      break;
    case EntryType::kSymlink:
      text = "l";
      break;
    case EntryType::kCharDevice:
      text = "c";
      break;
    case EntryType::kBlockDevice:
      text = "b";
      break;
    case EntryType::kFifo:
      text = "p";
      break;
    case EntryType::kRegular:
    case EntryType::kHardLink:
    case EntryType::kWhiteout:
    case EntryType::kOpaque:
    case EntryType::kWhiteoutDevice:
      break;
  }
  // Set-user-id, set-group-id and sticky stand in the place of an x.
  struct Class {
    unsigned shift;
    unsigned special;
    char with_x;
    char without_x;
  };
  constexpr std::array<Class, 3> kClasses = {
      {{6, 04000, 's', 'S'}, {3, 02000, 's', 'S'}, {0, 01000, 't', 'T'}}};
  for (const Class& c : kClasses) {
    const unsigned bits = (entry.mode >> c.shift) & 7U;
    const bool is_special = (entry.mode & c.special) != 0;
    text += (bits & 4U) != 0 ? 'r' : '-';
    text += (bits & 2U) != 0 ? 'w' : '-';
    text += (bits & 1U) != 0 ? (is_special ? c.with_x : 'x') : (is_special ? c.without_x : '-');
  }
  return text;
}

std::string SizeText(const Entry& entry, ByteUnits units) {
  if (entry.type == EntryType::kRegular) return FormatBytes(entry.size, units);
  if (entry.type == EntryType::kCharDevice || entry.type == EntryType::kBlockDevice) {
    return fmt::format("{},{}", entry.device_major, entry.device_minor);
  }
  return "";
}

// What the table shows of a path: "usr/bin/", "bin -> usr/bin", "usr/bin/perl = usr/bin/perl5.36".
std::string PathText(const LayerContents& contents, const FilesReport& report,
                     const LayerChange& row) {
  const MergedFile& file = row.file;
  if (file.is_directory) return file.path + "/";
  std::string text = file.path;
  const Inventory& inventory = contents.InventoryOf(file.entry);
  const Entry& entry = contents.EntryOf(file.entry);
  if (entry.type == EntryType::kSymlink) text.append(" -> ").append(inventory.link(entry));
  if (file.num_names > 1) {
    text.append(" = ").append(OtherNames(report, row).front());
    if (file.num_names > 2) text += fmt::format(" +{}", FormatCount(file.num_names - 2));
  }
  return text;
}

// Sizes of files that rows show, each file once.
class SizeSum {
 public:
  explicit SizeSum(const LayerContents& contents) : contents_(contents) {}

  // What a layer removes is not there any more.
  void Add(const LayerChange& row) {
    if (row.file.is_directory || row.change == FileChange::kRemoved) return;
    if (!counted_.insert(row.file.file).second) return;
    bytes_ = CheckedAdd(bytes_, AttributesOf(contents_, row.file).size);
  }
  Bytes bytes() const { return bytes_; }

 private:
  const LayerContents& contents_;
  std::unordered_set<std::uint32_t> counted_;
  Bytes bytes_ = 0;
};

std::size_t NumShown(std::size_t num_rows, const FilesScreen& screen) {
  return screen.top == 0 ? num_rows : std::min(num_rows, screen.top);
}

void PrintNote(const std::string& text, const ScreenStyle& style, std::ostream& out) {
  out << Dim(WrapText("", text, style.width), style) << '\n';
}

class FilesPrinter {
 public:
  FilesPrinter(const Fleet& fleet, const LayerContents& contents, const FilesReport& report,
               const FilesScreen& screen, std::ostream& out)
      : fleet_(fleet), contents_(contents), report_(report), screen_(screen), out_(out) {
    for (const LayerChange& row : report.rows) order_.push_back(&row);
    if (screen.order == FilesOrder::kSize) {
      std::ranges::stable_sort(order_, std::greater{}, [&](const LayerChange* row) {
        return AttributesOf(contents_, row->file).size;
      });
    }
  }

  void Print() {
    SizeSum total(contents_);
    for (const LayerChange& row : report_.rows) total.Add(row);
    PrintHeadline(total.bytes());
    ChooseColumns();
    std::vector<Column> columns = {
        {report_.layer > 0 ? "change" : "layer", report_.layer > 0 ? Align::kLeft : Align::kRight},
        {"mode", Align::kLeft}};
    if (has_owner_) columns.push_back({"owner"});
    columns.push_back({"size"});
    if (has_digest_) columns.push_back({"sha256", Align::kLeft});
    columns.push_back({"path", Align::kLeft});
    Table table(std::move(columns));
    const std::size_t shown = NumShown(order_.size(), screen_);
    SizeSum sum(contents_);
    for (std::size_t i = 0; i < shown; ++i) {
      table.AddRow(CellsOf(*order_[i]));
      sum.Add(*order_[i]);
    }
    if (shown < order_.size()) {
      table.AddNote(Cells(
          "", "", Size(total.bytes() - sum.bytes()),
          fmt::format(
              "[{}; --top 0 shows all]",
              FormatCounted(std::ssize(order_) - static_cast<std::int64_t>(shown), "other"))));
    }
    table.AddTotal(Cells("", "", Size(total.bytes()), "TOTAL"));
    table.Print(screen_.style, out_);
  }

 private:
  std::string Size(Bytes bytes) const { return FormatBytes(bytes, screen_.style.units); }

  void PrintHeadline(Bytes total) const {
    const Image& image = fleet_.images[report_.image];
    const auto chain = fleet_.chain(image);
    const std::string name = Printable(fleet_.name(image));
    if (report_.layer == 0) {
      out_ << Bold(fmt::format("{}: {} of {}, {} of files", name,
                               FormatCounted(std::ssize(report_.rows), "path"),
                               FormatCounted(std::ssize(chain), "layer"), Size(total)),
                   screen_.style)
           << '\n';
    } else {
      std::array<std::int64_t, 3> counts{};
      for (const LayerChange& row : report_.rows) ++counts[static_cast<std::size_t>(row.change)];
      out_ << Bold(fmt::format("{}: layer {} of {} adds {}, changes {}, removes {}", name,
                               report_.layer, chain.size(), FormatCounted(counts[0], "path"),
                               FormatCount(counts[1]), FormatCount(counts[2])),
                   screen_.style)
           << '\n';
    }
    const std::string layer_note =
        report_.layer == 0
            ? "layer: of the entry that is seen, 1 is the base; -: a directory that the last layer "
              "to put something there does not list; "
            : fmt::format("{}; a directory is changed when its own attributes are; ",
                          ShortDigest(fleet_.digest_text(fleet_.layers[chain[report_.layer - 1]])));
    PrintNote(layer_note + "size: unpacked, a file with several names once in sums; " +
                  std::string(UnitsNote(screen_.style.units)),
              screen_.style, out_);
  }

  // What leaves room for paths.
  void ChooseColumns() {
    if (screen_.style.width == 0) return;
    std::size_t owner = std::string_view("owner").size();
    std::size_t size = std::string_view("999 MB").size();
    for (const LayerChange* row : order_) {
      const Entry entry = AttributesOf(contents_, row->file);
      owner = std::max(owner, OwnerText(entry).size());
      size = std::max(size, SizeText(entry, screen_.style.units).size());
    }
    const std::size_t first = report_.layer > 0 ? 7 : 5;
    std::size_t used = first + 2 + 10 + 2 + size + 2;
    has_owner_ = used + owner + 2 + kPathBeforeOwner <= screen_.style.width;
    if (has_owner_) used += owner + 2;
    has_digest_ = used + kDigestDigits + 2 + kPathBeforeDigest <= screen_.style.width;
  }

  static std::string OwnerText(const Entry& entry) {
    return fmt::format("{}:{}", entry.uid, entry.gid);
  }

  std::vector<std::string> Cells(std::string first, std::string mode, std::string size,
                                 std::string path, std::string owner = "",
                                 std::string digest = "") const {
    std::vector<std::string> cells = {std::move(first), std::move(mode)};
    if (has_owner_) cells.push_back(std::move(owner));
    cells.push_back(std::move(size));
    if (has_digest_) cells.push_back(std::move(digest));
    cells.push_back(std::move(path));
    return cells;
  }

  std::vector<std::string> CellsOf(const LayerChange& row) const {
    const Entry entry = AttributesOf(contents_, row.file);
    const std::string first = report_.layer > 0     ? std::string(FileChangeName(row.change))
                              : row.file.is_implied ? "-"
                                                    : FormatCount(row.file.position + 1);
    return Cells(first, ModeText(entry), SizeText(entry, screen_.style.units),
                 PathText(contents_, report_, row), OwnerText(entry),
                 entry.type == EntryType::kRegular
                     ? Sha256HexOf(contents_, row.file).substr(0, kDigestDigits)
                     : "");
  }

  const Fleet& fleet_;
  const LayerContents& contents_;
  const FilesReport& report_;
  const FilesScreen& screen_;
  std::ostream& out_;
  std::vector<const LayerChange*> order_;
  bool has_owner_ = true;
  bool has_digest_ = true;
};

}  // namespace

void PrintFiles(const Fleet& fleet, const LayerContents& contents, const FilesReport& report,
                const FilesScreen& screen, std::ostream& out) {
  FilesPrinter(fleet, contents, report, screen, out).Print();
}

void PrintHidden(const Fleet& fleet, const LayerContents& contents, const HiddenReport& report,
                 const FilesScreen& screen, std::ostream& out) {
  const auto size = [&](Bytes bytes) { return FormatBytes(bytes, screen.style.units); };
  std::vector<HiddenFile> rows = report.rows;
  if (screen.order == FilesOrder::kSize) {
    std::ranges::stable_sort(rows, std::greater{}, [&](const HiddenFile& row) {
      return contents.EntryOf(row.hidden).blob_bytes;
    });
  }
  const auto sum = [&](std::span<const HiddenFile> part) {
    Bytes bytes = 0;
    for (const HiddenFile& row : part) {
      bytes = CheckedAdd(bytes, contents.EntryOf(row.hidden).blob_bytes);
    }
    return bytes;
  };
  const Image& image = fleet.images[report.image];
  const std::string by = report.layer == 0 ? "" : fmt::format(" by layer {}", report.layer);
  out << Bold(fmt::format("{}: {} hidden{} in {}, {} stored", Printable(fleet.name(image)),
                          FormatCounted(std::ssize(rows), "entry", "entries"), by,
                          FormatCounted(std::ssize(fleet.chain(image)), "layer"), size(sum(rows))),
              screen.style)
      << '\n';
  PrintNote(fmt::format("layer: where the entry is, 1 is the base; by: what hides it; stored: "
                        "compressed, in that layer; {}",
                        UnitsNote(screen.style.units)),
            screen.style, out);
  Table table({{"layer"}, {"by"}, {"stored"}, {"cause", Align::kLeft}, {"path", Align::kLeft}});
  const std::size_t shown = NumShown(rows.size(), screen);
  for (const HiddenFile& row : std::span(rows).first(shown)) {
    const Entry& entry = contents.EntryOf(row.hidden);
    table.AddRow({FormatCount(row.position + 1), FormatCount(row.by_position + 1),
                  size(entry.blob_bytes), std::string(HideCauseName(row.cause)),
                  std::string(contents.InventoryOf(row.hidden).path(entry)) +
                      (entry.type == EntryType::kDirectory ? "/" : "")});
  }
  if (shown < rows.size()) {
    const auto others = std::span<const HiddenFile>(rows).subspan(shown);
    table.AddNote(
        {"", "", size(sum(others)), "",
         fmt::format("[{}; --top 0 shows all]", FormatCounted(std::ssize(others), "other"))});
  }
  table.AddTotal({"", "", size(sum(rows)), "", "TOTAL"});
  table.Print(screen.style, out);
}

}  // namespace gneiss
