#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "io/json/json_writer.h"
#include "io/report/fleet/files_report.h"

namespace gneiss {
namespace {

std::string Base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends it with a zero
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string_view TypeName(EntryType type) {
  switch (type) {
    case EntryType::kDirectory:
      return "directory";
    case EntryType::kSymlink:
      return "symlink";
    case EntryType::kCharDevice:
      return "char_device";
    case EntryType::kBlockDevice:
      return "block_device";
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

Json FileJson(const LayerContents& contents, const FilesReport& report, const LayerChange& row) {
  const MergedFile& file = row.file;
  const Entry entry = AttributesOf(contents, file);
  const Inventory& inventory = contents.InventoryOf(file.entry);
  Json json = {{"path", file.path}};
  if (report.layer > 0) json["change"] = FileChangeName(row.change);
  json["type"] = TypeName(entry.type);
  json["mode"] = fmt::format("{:04o}", entry.mode);
  json["uid"] = entry.uid;
  json["gid"] = entry.gid;
  json["size"] = entry.size;
  json["mtime"] = nullptr;
  if (file.position != kNone && HasTime(entry)) json["mtime"] = TimeText(entry);
  if (entry.type == EntryType::kRegular) {
    json["sha256"] = Sha256HexOf(contents, file);
  }
  if (entry.type == EntryType::kSymlink) json["target"] = inventory.link(entry);
  if (entry.type == EntryType::kCharDevice || entry.type == EntryType::kBlockDevice) {
    json["device"] = fmt::format("{}:{}", entry.device_major, entry.device_minor);
  }
  Json xattrs = Json::object();
  for (const XattrView& xattr : ParseXattrs(file.xattrs)) {
    xattrs[std::string(xattr.name)] = Base64(xattr.value);
  }
  json["xattrs"] = std::move(xattrs);
  Json links = Json::array();
  for (const std::string_view name : OtherNames(report, row)) links.push_back(name);
  json["links"] = std::move(links);
  json["layer"] = nullptr;
  if (!file.is_implied) json["layer"] = file.position + 1;
  if (file.is_implied) json["implied"] = true;
  return json;
}

Json HiddenJson(const LayerContents& contents, const HiddenFile& row) {
  const Inventory& inventory = contents.InventoryOf(row.hidden);
  const Entry& entry = contents.EntryOf(row.hidden);
  const Inventory& above = contents.InventoryOf(row.by);
  return {{"path", inventory.path(entry)},
          {"type", entry.type == EntryType::kHardLink ? "hard_link" : TypeName(entry.type)},
          {"size", entry.size},
          {"blob_bytes", entry.blob_bytes},
          {"layer", row.position + 1},
          {"by_layer", row.by_position + 1},
          {"by_path", above.path(contents.EntryOf(row.by))},
          {"cause", HideCauseName(row.cause)}};
}

// All of a document but its rows.
Json HeadJson(const Fleet& fleet, ImageIndex index, std::uint32_t layer) {
  const Image& image = fleet.images[index];
  Json about = {{"refs", Json::array()}, {"manifest_digest", nullptr}};
  for (const TextIndex ref : fleet.refs_of(image)) about["refs"].push_back(fleet.text(ref));
  if (image.has_manifest_digest) {
    about["manifest_digest"] = fleet.digest_text(image.identity, false);
  }
  about["platform"] = fleet.text(image.platform);
  about["layers"] = Json::array();
  for (const LayerIndex l : fleet.chain(image)) {
    about["layers"].push_back(fleet.digest_text(fleet.layers[l]));
  }
  Json head = {{"schema", "gneiss.files/1"}, {"image", std::move(about)}};
  if (layer > 0) head["layer"] = layer;
  return head;
}

template <typename Row, typename MakeJson>
void WriteDocument(const Json& head, std::string_view key, const std::vector<Row>& rows,
                   const MakeJson& make_json, JsonForm form, std::ostream& out) {
  if (form == JsonForm::kOneLine) {
    std::string begin = DumpJson(head);
    begin.pop_back();
    out << begin << ",\"" << key << "\":[";
    for (std::size_t r = 0; r < rows.size(); ++r) {
      out << (r == 0 ? "" : ",") << DumpJson(make_json(rows[r]));
    }
    out << "]}\n";
    return;
  }
  JsonWriter json(out);
  json.BeginObject();
  for (const auto& [name, value] : head.items()) json.Field(name, value);
  json.Key(key);
  json.BeginArray();
  for (const Row& row : rows) json.Value(make_json(row));
  json.EndArray();
  json.EndObject();
  json.Finish();
}

}  // namespace

void WriteFilesJson(const Fleet& fleet, const LayerContents& contents, const FilesReport& report,
                    JsonForm form, std::ostream& out) {
  WriteDocument(
      HeadJson(fleet, report.image, report.layer), "entries", report.rows,
      [&](const LayerChange& row) { return FileJson(contents, report, row); }, form, out);
}

void WriteHiddenJson(const Fleet& fleet, const LayerContents& contents, const HiddenReport& report,
                     JsonForm form, std::ostream& out) {
  WriteDocument(
      HeadJson(fleet, report.image, report.layer), "hidden", report.rows,
      [&](const HiddenFile& row) { return HiddenJson(contents, row); }, form, out);
}

}  // namespace gneiss
