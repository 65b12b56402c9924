#include "io/report/whole/report_index.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "io/json/json_writer.h"
#include "io/report/fleet/stat_report.h"
#include "io/report/whole/report_html.h"
#include "io/report/whole/report_markdown.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "planner/fleet/digest.h"

namespace gneiss {
namespace {

std::string Shown(Bytes size) { return FormatBytes(size, ByteUnits::kSi); }

std::string NoLabelNote(const ReportIndex& index) {
  if (index.images_without == 0) return "";
  return fmt::format("{} of {} have no label {}: their report is that of (none).",
                     FormatCount(index.images_without), FormatCounted(index.totals.images, "image"),
                     index.grouping.label);
}

constexpr std::string_view kAloneNote =
    "Logical, proportional and exclusive are of the whole fleet; alone and best plan are layers "
    "only, of a "
    "group's own report, where nothing is shared with other groups.";

// The cells of a row but its name.
std::vector<std::string> Cells(const IndexRow& row) {
  return {FormatCount(row.group.num_images),
          Shown(row.group.logical),
          Shown(row.group.account.proportional),
          Shown(row.group.account.exclusive),
          Shown(row.alone_bytes),
          std::string(row.best_level),
          Shown(row.best_bytes)};
}

constexpr std::array<std::string_view, 7> kIndexTitles = {
    "images", "logical", "proportional", "exclusive", "alone", "best plan", "stores"};

// What all rows come to: images and logical bytes less what several rows count.
std::vector<std::string> TotalRow(const ReportIndex& index) {
  Bytes exclusive = 0;
  for (const IndexRow& row : index.rows) {
    exclusive = CheckedAdd(exclusive, row.group.account.exclusive);
  }
  return {FormatCount(index.totals.images),
          Shown(index.totals.logical_bytes - index.totals.repeated_bytes),
          Shown(index.totals.physical_bytes),
          Shown(exclusive),
          "",
          "",
          ""};
}

std::vector<std::string> SeveralRow(const ReportIndex& index) {
  return {FormatCount(-index.repeated_images), Shown(-index.repeated_logical), "", "", "", "", ""};
}

std::string SeveralName(const ReportIndex& index) {
  return fmt::format("[{} in several rows]", FormatCounted(index.images_in_several, "image"));
}

void WriteHtmlIndex(const ReportIndex& index, std::ostream& out) {
  const PageFiles page = EmbeddedPage();
  const std::string title =
      fmt::format("Reports by {}: {}", GroupingName(index.grouping),
                  FormatCounted(static_cast<std::int64_t>(index.rows.size()), "group"));
  const auto line = [&](const std::string& name, const std::vector<std::string>& cells,
                        std::string_view kind) {
    out << fmt::format("<tr class=\"{}\"><th scope=\"row\" class=\"text\">{}</th>", kind, name);
    for (const std::string& cell : cells) out << "<td>" << HtmlText(cell) << "</td>";
    out << "</tr>\n";
  };
  out << fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
      "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {}\">\n<meta "
      "name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n"
      "<style>{}</style>\n</head>\n<body>\n<header><p class=\"brand\">gneiss report</p>\n"
      "<h1>{}</h1></header>\n<main>\n<p class=\"note\">{} {}</p>\n<table>\n<thead><tr><th "
      "scope=\"col\" class=\"text\">{}</th>",
      PolicyHash(page.style), HtmlText(title), page.style, HtmlText(title), kAloneNote,
      HtmlText(NoLabelNote(index)), HtmlText(GroupingName(index.grouping)));
  for (const std::string_view column : kIndexTitles)
    out << "<th scope=\"col\">" << column << "</th>";
  out << "</tr></thead>\n<tbody>\n";
  for (const IndexRow& row : index.rows) {
    // Names of files are safe as they are.
    line(fmt::format("<a href=\"{}\">{}</a>", row.file, HtmlText(row.group.name)), Cells(row), "");
  }
  out << "</tbody>\n<tfoot>\n";
  if (index.images_in_several > 0) line(SeveralName(index), SeveralRow(index), "");
  line("TOTAL", TotalRow(index), "total");
  out << "</tfoot>\n</table>\n</main>\n</body>\n</html>\n";
}

void WriteMarkdownIndex(const ReportIndex& index, std::ostream& out) {
  const auto line = [&](const std::string& name, const std::vector<std::string>& cells) {
    out << "| " << name << " |";
    for (const std::string& cell : cells) out << ' ' << cell << " |";
    out << '\n';
  };
  out << fmt::format("## gneiss reports by {}\n\n{} {}\n\n",
                     MarkdownText(GroupingName(index.grouping)), kAloneNote,
                     MarkdownText(NoLabelNote(index)));
  line("group", {kIndexTitles.begin(), kIndexTitles.end()});
  out << "|---|---:|---:|---:|---:|---:|---|---:|\n";
  for (const IndexRow& row : index.rows) {
    line(fmt::format("[{}]({})", MarkdownText(row.group.name), row.file), Cells(row));
  }
  if (index.images_in_several > 0) line(MarkdownText(SeveralName(index)), SeveralRow(index));
  line("**TOTAL**", TotalRow(index));
}

void WriteCsvIndex(const ReportIndex& index, std::ostream& out) {
  out << "group,file,images,logical_bytes,exclusive_bytes,shared_bytes,proportional_bytes,"
         "alone_bytes,best_level,best_bytes\r\n";
  for (const IndexRow& row : index.rows) {
    const Account& account = row.group.account;
    out << fmt::format("{},{},{},{},{},{},{},{},{},{}\r\n", CsvText(row.group.name), row.file,
                       row.group.num_images, row.group.logical, account.exclusive, account.shared,
                       account.proportional, row.alone_bytes, row.best_level, row.best_bytes);
  }
}

void WriteJsonIndex(const ReportIndex& index, std::ostream& out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema", "gneiss.report-index/1");
  json.Field("by", GroupingName(index.grouping));
  json.Field("images", index.totals.images);
  json.Field("logical_bytes", index.totals.logical_bytes - index.totals.repeated_bytes);
  json.Field("physical_bytes", index.totals.physical_bytes);
  json.Field("images_without_label", index.images_without);
  json.Field("images_in_several", index.images_in_several);
  json.Field("repeated_images", index.repeated_images);
  json.Field("repeated_logical_bytes", index.repeated_logical);
  json.Key("groups");
  json.BeginArray();
  for (const IndexRow& row : index.rows) {
    Json group = GroupRowJson(row.group);
    group["file"] = row.file;
    group["alone_bytes"] = row.alone_bytes;
    group["best_level"] = row.best_level;
    group["best_bytes"] = row.best_bytes;
    json.Value(group);
  }
  json.EndArray();
  json.EndObject();
  json.Finish();
}

// What of a group's name can stand in a file's.
std::string SafePart(std::string_view name) {
  constexpr std::size_t kMost = 80;
  std::string part;
  for (const char c : name.substr(0, kMost)) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    const bool is_inner = (c == '.' || c == '-') && !part.empty();
    part += is_plain || is_inner ? c : '-';
  }
  while (!part.empty() && (part.back() == '-' || part.back() == '.')) part.pop_back();
  part.erase(0, std::min(part.find_first_not_of("-."), part.size()));
  return part;
}

}  // namespace

std::string IndexFileName(ReportFormat format) {
  return fmt::format("index.{}", format == ReportFormat::kProm ? "csv" : ReportFormatName(format));
}

void WriteReportIndex(const ReportIndex& index, ReportFormat format, std::ostream& out) {
  switch (format) {
    case ReportFormat::kHtml:
      return WriteHtmlIndex(index, out);
    case ReportFormat::kMarkdown:
      return WriteMarkdownIndex(index, out);
    case ReportFormat::kJson:
      return WriteJsonIndex(index, out);
    case ReportFormat::kCsv:
    case ReportFormat::kProm:
      return WriteCsvIndex(index, out);
  }
}

std::vector<std::string> GroupFileNames(const std::vector<std::string>& groups,
                                        std::string_view extension) {
  constexpr std::size_t kHashBegin = sizeof "sha256:" - 1;
  constexpr std::size_t kHashDigits = 12;
  std::vector<std::string> names;
  std::set<std::string> taken = {"index"};
  // Names that are safe as they are stay: only groups of the same name could take them.
  for (const std::string& group : groups) {
    if (!group.empty() && SafePart(group) == group) taken.insert(group);
  }
  for (const std::string& group : groups) {
    std::string part = SafePart(group);
    if (part != group || part.empty() || part == "index") {
      const std::string hash = FormatDigest(Sha256(group));
      const auto with = [&](std::size_t digits) {
        return part + (part.empty() ? "" : "-") + hash.substr(kHashBegin, digits);
      };
      std::size_t digits = kHashDigits;
      while (taken.contains(with(digits)) && digits < 2 * Digest::kBytes) ++digits;
      part = with(digits);
      taken.insert(part);
    }
    names.push_back(fmt::format("{}.{}", part, extension));
  }
  return names;
}

}  // namespace gneiss
