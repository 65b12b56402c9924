// One descriptor followed to its images: through nested indexes, past what is no image, to the
// manifests of the wanted platforms and their configs. Knows no place: texts come through
// ManifestBlobs, from a disk or over a network. Which descriptors are followed, and what their
// images are called, is the caller's affair.
//
// In two steps, so that a place that is far away can be read by several threads: a ManifestReader
// of each thread's own reads, and AddImages, in one thread and in the caller's order, makes the
// fleet of what they have read.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/source/manifest.h"
#include "io/source/source.h"
#include "planner/fleet/fleet_builder.h"
#include "planner/fleet/platform.h"

namespace gneiss {

// Indexes inside one another, the place's own root (index.json) not counted.
inline constexpr int kMaxIndexDepth = 8;

enum class BlobRole : std::uint8_t { kManifest, kConfig };  // an index is a manifest too

// Where the texts lie. What is odd but usable goes to the `report` of the call.
class ManifestBlobs {
 public:
  virtual ~ManifestBlobs() = default;

  // What a message calls the blob, whether or not it is there.
  virtual std::string PathOf(BlobRole role, const Descriptor& descriptor) const = 0;
  // Its content, of at most kMaxManifestBytes and held against its descriptor (a size of
  // kUnknownSize is any); nullopt when it is not there and that is for the reader to judge. Throws
  // InputError, best with its path as source, when it is something else, std::system_error when it
  // cannot be read: either costs one image.
  virtual std::optional<std::string> Read(BlobRole role, const Descriptor& descriptor,
                                          ReadReport& report) = 0;
  // Says what is to be said of a layer that is not there or not as its descriptor says, where that
  // can be had without reading it. Throws InputError when the image is bad without it.
  virtual void LookForLayer(const Descriptor& layer, ReadReport& report) = 0;
};

// The words of a place in messages.
struct ManifestPlace {
  std::string_view name;  // "the layout"
  std::string_view root;  // "index.json"
};

struct ImageRead {
  std::string ref;  // may be empty
  std::string path;
  Descriptor descriptor;  // of its manifest, with a known size
  Manifest manifest;
  std::optional<ImageConfig> config;  // nullopt: not there
  std::string config_path;
};

// What following one descriptor gave.
struct ManifestsRead {
  std::vector<ImageRead> images;
  ReadReport report;                 // of this descriptor alone, problems among it
  bool anything_selected = false;    // not so only where one digest was asked for
  std::vector<std::string> reached;  // digests of all entries met, the descriptor's own first
};

// Remembers what it has followed: under one ref nothing is read twice.
class ManifestReader {
 public:
  // `repository`: of tags in annotations, see RefOf. All arguments must outlive the reader, which
  // calls `blobs` from the thread that calls Read.
  ManifestReader(ManifestBlobs& blobs, const ManifestPlace& place, const ReadOptions& options,
                 std::string_view repository = {})
      : blobs_(blobs), place_(place), options_(options), repository_(repository) {}

  // Images at or below `descriptor`, of which at least digest and digest_text are known. They are
  // called `ref`, or where that is empty as the annotations of inner entries say. Entries of
  // another platform are not asked for; attestations, referrers, artifacts, schema 1 and unknown
  // media types are counted. Registries and archives may hold some platforms of an index alone: of
  // those that are not there it is a warning, a problem only where none is. With `only`, a digest,
  // of that entry alone; then an index that is not there is passed over. A strict reading holds
  // every document that it opens against document_rules.h. What is wrong is in the result, nothing
  // is thrown but std::bad_alloc.
  ManifestsRead Read(const Descriptor& descriptor, const std::string& ref,
                     std::string_view only = {});

 private:
  struct Inherited;
  struct Visit {
    std::string digest_text;
    std::string ref;
    bool selected = false;

    friend auto operator<=>(const Visit&, const Visit&) = default;
  };

  void ReadGuarded(const Descriptor& descriptor, const Inherited& inherited);
  void ReadEntry(const Descriptor& descriptor, const Inherited& inherited);
  void ReadIndex(const Descriptor& descriptor, const Manifest& index, const Inherited& inherited);
  void TellAbsent(const std::string& index_path);
  void ReadImage(const Descriptor& descriptor, Manifest manifest, const std::string& ref);
  std::optional<ImageConfig> ReadConfig(const Descriptor& descriptor);

  ManifestBlobs& blobs_;
  ManifestPlace place_;
  const ReadOptions& options_;
  std::string_view repository_;
  std::string_view only_;
  ManifestsRead result_;
  std::vector<std::string> open_indexes_;  // digests from the descriptor down to here
  // Of the innermost of them: entries that were read, and what is said of those that are not there.
  std::int64_t num_there_ = 0;
  std::vector<std::pair<std::string, InputError>> absent_;  // platform or digest
  std::set<Visit> visited_;
};

// Adds the images of `read` and its report, under each of `refs`, or where there are none under
// their own. One thread at a time. Throws InputError at the first problem when `strict`.
void AddImages(const ManifestsRead& read, std::span<const std::string> refs, bool strict,
               FleetBuilder& builder, ReadReport& report);

// What the annotations of an index's entry call it: io.containerd.image.name; else
// org.opencontainers.image.ref.name, in full when it holds a '/' or ':' or `repository` is empty,
// and otherwise as a tag of `repository`. May be empty.
[[nodiscard]] std::string RefOf(const Descriptor& descriptor, std::string_view repository);

}  // namespace gneiss
