#include "io/tables/history_tables.h"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "io/tables/record_lines.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet_builder.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

struct LayerRow {
  Digest digest;
  bool verifiable = true;
  Bytes size = 0;
  std::string digest_text;  // where not verifiable
  std::string media_type;
};

// Calls `take` with the row's number for each line.
void ForEachRow(std::unique_ptr<ByteSource> stored, const std::string& path,
                const std::function<void(std::int64_t id, const JsonValue& row)>& take) {
  static constexpr std::array<std::string_view, 1> kNoColumns = {"{\"id\":0,...}"};
  WithPath(path, [&] {
    RecordLines lines(std::move(stored), path, kNoColumns, 1);
    lines.ForEach(
        [](std::int64_t /*line*/, const std::vector<std::string>& /*fields*/) {
          throw InputError("expected a JSON object, found another line");
        },
        [&](std::int64_t /*line*/, const JsonValue& row) {
          const JsonPath root;
          const JsonValue* const id = FindMember(row, "id");
          if (id == nullptr) ThrowMissing(root.member("id"), "a row's number");
          take(ReadWhole(TreeJson(*id), root.member("id"), "a row's number"), row);
        });
  });
}

std::string TextOr(const JsonValue& row, std::string_view key) {
  const JsonPath root;
  const JsonValue* const value = FindMember(row, key);
  return value == nullptr ? std::string()
                          : std::string(ReadText(TreeJson(*value), root.member(key)));
}

ParsedDigest DigestOf(const JsonValue& row, std::string_view key) {
  const JsonPath root;
  const JsonValue* const value = FindMember(row, key);
  if (value == nullptr) ThrowMissing(root.member(key), kExpectedDigest);
  return ReadDigest(TreeJson(*value), root.member(key));
}

class TableReader {
 public:
  void TakeLayer(std::int64_t id, const JsonValue& row) {
    if (layers_.contains(id)) {
      throw InputError(fmt::format("expected a layer once, found {} again", id));
    }
    const ParsedDigest digest = DigestOf(row, "digest");
    const JsonPath root;
    const JsonValue* const size = FindMember(row, "size");
    if (size == nullptr) ThrowMissing(root.member("size"), "a whole number of bytes");
    layers_[id] = {.digest = digest.digest,
                   .verifiable = digest.verifiable,
                   .size = ReadSize(TreeJson(*size), root.member("size")),
                   .digest_text = digest.verifiable ? std::string() : TextOr(row, "digest"),
                   .media_type = TextOr(row, "media_type")};
  }

  void TakeManifest(std::int64_t id, const JsonValue& row) {
    if (digests_.contains(id)) {
      throw InputError(fmt::format("expected a manifest once, found {} again", id));
    }
    const ParsedDigest digest = DigestOf(row, "manifest_digest");
    const std::string digest_text = TextOr(row, "manifest_digest");
    const std::string ref = TextOr(row, "first_ref");
    const std::string platform = TextOr(row, "platform");
    const std::string created = TextOr(row, "created");
    ImageRecord record;
    record.ref = ref;
    record.platform = platform;
    record.created = created;
    record.manifest_digest = digest.digest;
    record.manifest_verifiable = digest.verifiable;
    record.manifest_digest_text = digest_text;
    if (FindMember(row, "config_digest") != nullptr) {
      record.config_digest = DigestOf(row, "config_digest").digest;
    }
    AddLayers(row, record);
    builder_.Add(record);
    digests_[id] = digest.digest;
  }

  HistoryTables Finish() {
    HistoryTables tables{.fleet = builder_.Build(), .by_number = {}};
    std::map<Digest, ImageIndex> images;
    for (ImageIndex i = 0; i < tables.fleet.images.size(); ++i) {
      images.emplace(tables.fleet.images[i].identity, i);
    }
    for (const auto& [id, digest] : digests_) tables.by_number.emplace(id, images.at(digest));
    return tables;
  }

 private:
  void AddLayers(const JsonValue& row, ImageRecord& record) const {
    const JsonPath root;
    const JsonPath path = root.member("layers");
    const JsonValue* const list = FindMember(row, "layers");
    if (list == nullptr) ThrowMissing(path, "an array of layers' numbers");
    ExpectKind(TreeJson(*list), JsonKind::kArray, path, "an array of layers' numbers");
    std::int64_t index = 0;
    TreeJson(*list).ForEachElement([&](const TreeJson& element) {
      const std::int64_t id = ReadWhole(element, path.element(index++), "a layer's number");
      const auto found = layers_.find(id);
      if (found == layers_.end()) {
        throw InputError(
            fmt::format("layers: expected numbers of the table of layers, found {}", id));
      }
      const LayerRow& layer = found->second;
      record.layers.push_back({.digest = layer.digest,
                               .verifiable = layer.verifiable,
                               .size = layer.size,
                               .media_type = layer.media_type,
                               .digest_text = layer.digest_text});
    });
  }

  SeededMap<std::int64_t, LayerRow> layers_;  // by number
  SeededMap<std::int64_t, Digest> digests_;   // of manifests, by number
  FleetBuilder builder_;
};

}  // namespace

HistoryTables ReadHistoryTables(std::unique_ptr<ByteSource> manifests,
                                const std::string& manifests_path,
                                std::unique_ptr<ByteSource> layers,
                                const std::string& layers_path) {
  TableReader reader;
  ForEachRow(std::move(layers), layers_path,
             [&](std::int64_t id, const JsonValue& row) { reader.TakeLayer(id, row); });
  ForEachRow(std::move(manifests), manifests_path,
             [&](std::int64_t id, const JsonValue& row) { reader.TakeManifest(id, row); });
  return reader.Finish();
}

}  // namespace gneiss
