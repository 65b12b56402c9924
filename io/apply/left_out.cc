#include "io/apply/left_out.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "io/source/layout_blobs.h"
#include "io/source/layout_files.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet.h"

namespace gneiss {
namespace {

constexpr std::string_view kRecordName = "gneiss-apply.json";
constexpr std::string_view kRecordSchema = "gneiss.apply/1";
constexpr std::size_t kMaxRecordBytes = std::size_t{64} << 20;

void AddLeftOut(const JsonValue& record, std::vector<ExcusedImage>& images) {
  if (record.FindText("schema") != kRecordSchema) return;
  const JsonValue* const list = record.Find("left_out");
  if (list == nullptr || list->kind() == JsonKind::kNull) return;
  const JsonPath root;
  const JsonPath path = root.member("left_out");
  ExpectKind(TreeJson(*list), JsonKind::kArray, path, "an array of images");
  std::int64_t index = 0;
  for (const JsonValue& image : list->elements()) {
    ExpectKind(TreeJson(image), JsonKind::kObject, path.element(index++), "an image, an object");
    images.push_back({.ref = std::string(image.FindText("ref")),
                      .manifest_digest = std::string(image.FindText("manifest_digest")),
                      .why = std::string(image.FindText("why"))});
  }
}

}  // namespace

std::vector<ExcusedImage> ReadLeftOut(const LayerBlobs& blobs) {
  std::vector<ExcusedImage> images;
  for (const LayoutBlobs& layout : blobs.layouts()) {
    const LayoutFiles& files = layout.files();
    if (files.directory().empty()) continue;
    const std::optional<std::string> text =
        ReadFile(files, kRecordName, kUnknownSize, kMaxRecordBytes);
    if (!text) continue;
    try {
      AddLeftOut(ParseJson(*text).root, images);
    } catch (const InputError& error) {
      throw error.WithSource(files.PathOf(kRecordName), error.place());
    }
  }
  return images;
}

}  // namespace gneiss
