#include <cstddef>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "io/report/fleet/files_report.h"
#include "planner/contents/paths.h"

namespace gneiss {
namespace {

// As vis(3) writes bytes in octal: all that mtree would take for space, comment or pattern, and
// all that is no plain ASCII.
std::string Escaped(std::string_view text) {
  constexpr std::string_view kPlain = "%+,-./:@_~";
  std::string escaped;
  for (const char c : text) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                          (c >= 'a' && c <= 'z') || kPlain.find(c) != std::string_view::npos;
    if (is_plain) {
      escaped += c;
    } else {
      escaped += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

std::string_view MtreeTypeName(EntryType type) {
  switch (type) {
    case EntryType::kDirectory:
      return "dir";
    case EntryType::kSymlink:
      return "link";
    case EntryType::kCharDevice:
      return "char";
    case EntryType::kBlockDevice:
      return "block";
    case EntryType::kFifo:
      return "fifo";
    case EntryType::kRegular:
    case EntryType::kHardLink:
    case EntryType::kWhiteout:
    case EntryType::kOpaque:
    case EntryType::kWhiteoutDevice:
      break;
  }
  return "file";
}

void WriteLine(const LayerContents& contents, const MergedFile& file, std::ostream& out) {
  const Entry entry = AttributesOf(contents, file);
  out << (file.path.empty() ? std::string(".") : "./" + Escaped(file.path))
      << fmt::format(" type={}", MtreeTypeName(entry.type));
  // Linux keeps no mode of a symlink.
  if (entry.type != EntryType::kSymlink) out << fmt::format(" mode={:04o}", entry.mode);
  out << fmt::format(" uid={} gid={}", entry.uid, entry.gid);
  if (!file.is_implied && HasTime(entry)) out << " time=" << TimeText(entry);
  if (entry.type == EntryType::kRegular) {
    out << fmt::format(" size={} sha256digest={}", entry.size, Sha256HexOf(contents, file));
  } else if (entry.type == EntryType::kSymlink) {
    out << " link=" << Escaped(contents.InventoryOf(file.entry).link(entry));
  } else if (entry.type == EntryType::kCharDevice || entry.type == EntryType::kBlockDevice) {
    out << fmt::format(" device=native,{},{}", entry.device_major, entry.device_minor);
  }
  out << '\n';
}

}  // namespace

void WriteFilesMtree(const LayerContents& contents, const FilesReport& report, std::ostream& out) {
  out << "#mtree\n";
  // mtree takes nothing whose directory it was not told of, and no tree without a root.
  if (report.rows.empty() || !report.rows.front().file.path.empty()) out << ". type=dir\n";
  std::string_view last;
  for (const LayerChange& row : report.rows) {
    const std::string& path = row.file.path;
    for (std::size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      const std::string_view above = std::string_view(path).substr(0, slash);
      if (last != above && !IsBelow(last, above)) {
        out << "./" << Escaped(above) << " type=dir\n";
      }
    }
    WriteLine(contents, row.file, out);
    last = path;
  }
}

}  // namespace gneiss
