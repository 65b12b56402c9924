#include "io/apply/index_rewriter.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "io/apply/image_rewriter.h"
#include "io/bytes/sha256_stream.h"
#include "io/json/json_edit.h"
#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "io/source/manifest_reader.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::size_t kMaxRootIndexBytes = std::size_t{256} << 20;
constexpr std::size_t kMaxReferrerChain = 100;
constexpr std::string_view kRefName = "org.opencontainers.image.ref.name";

// Of cosign's tags and those that stand in for a registry's list of referrers: "sha256-HEX",
// "sha256-HEX.sig".
std::string SubjectOfTag(const Descriptor& descriptor) {
  constexpr std::size_t kPrefix = 7;
  std::string_view tag = FindAnnotation(descriptor.annotations, kRefName);
  if (const std::size_t colon = tag.rfind(':'); colon != std::string_view::npos) {
    tag.remove_prefix(colon + 1);
  }
  if (!tag.starts_with("sha256-") || tag.size() < kPrefix + 64) return "";
  if (tag.size() > kPrefix + 64 && tag[kPrefix + 64] != '.') return "";
  std::string digest = "sha256:" + std::string(tag.substr(kPrefix, 64));
  return ParseDigest(digest) ? digest : "";
}

// What a manifest that is no image's refers to; empty: nothing that is known of.
std::string SubjectOf(const Descriptor& descriptor, std::string_view manifest) {
  const std::string_view root = TrimJson(manifest);
  if (const std::string_view subject = FindMember(root, "subject"); !subject.empty()) {
    const std::string_view digest = FindMember(subject, "digest");
    if (!digest.empty() && digest.front() == '"') return std::string(ParseJson(digest).root.text());
  }
  const std::string_view reference =
      FindAnnotation(descriptor.annotations, "vnd.docker.reference.digest");
  return reference.empty() ? SubjectOfTag(descriptor) : std::string(reference);
}

bool IsDescriptor(std::string_view entry) {
  const Manifest alone = ParseManifest(fmt::format(R"({{"manifests":[{}]}})", entry));
  return alone.bad_entries.empty();
}

// Go would read what stands once more in another spelling, and that is not rewritten.
void ExpectOnce(std::string_view descriptor) {
  const Manifest alone = ParseManifest(
      fmt::format(R"({{"manifests":[{}]}})", RewriteDescriptor(descriptor, /*new_content=*/"")));
  const bool is_other_data =
      std::ranges::any_of(MembersOf(descriptor), [](const JsonMember& member) {
        return member.key != "data" && member.key.size() == 4 &&
               std::ranges::equal(member.key, "data"sv, {}, [](char c) { return c | ' '; });
      });
  const bool is_rewritten = alone.manifests.size() == 1 && alone.manifests.front().size == 0 &&
                            alone.manifests.front().digest_text == FormatDigest(Sha256(""));
  if (is_rewritten && !is_other_data) return;
  throw InputError(
      "expected a descriptor with digest, size and data once, found one again in other spelling; "
      "build the index anew");
}

// The same of the list of an index.
void ExpectListOnce(std::string_view index, std::size_t num_elements, const Manifest& parsed) {
  JsonEdit emptied(index);
  emptied.Set(TrimJson(index), "manifests", "[]");
  const Manifest rest = ParseManifest(std::move(emptied).Finish(), kMaxRootIndexBytes);
  if (rest.manifests.empty() && rest.bad_entries.empty() &&
      num_elements == parsed.manifests.size() + parsed.bad_entries.size()) {
    return;
  }
  throw InputError(
      "expected an index with manifests once, found them again in other spelling; build the index "
      "anew");
}

void ExpectDepth(int depth) {
  if (depth <= kMaxIndexDepth) return;
  throw InputError(
      fmt::format("expected indexes nested at most {} deep, found a deeper one", kMaxIndexDepth));
}

}  // namespace

enum class ManifestFate : std::uint8_t { kStays, kChanges, kGoes };

struct IndexRewriter::Entry {
  std::string text;  // of the descriptor
  Descriptor descriptor;
  ImageIndex image = kNone;
  std::shared_ptr<Node> node;  // of a nested index
  std::string manifest;        // of what is neither
  bool has_blob = true;
  bool is_bad = false;  // nothing else is known of it
};

struct IndexRewriter::Node {
  std::string text;
  std::string repository;  // of a root
  std::vector<Entry> entries;
  bool is_whole = true;  // no image below was left out of the fleet
  int height = 0;        // of nested ones below
};

IndexRewriter::IndexRewriter(const Fleet& fleet, const LayerBlobs& blobs)
    : fleet_(fleet), blobs_(blobs), manifests_(fleet.images.size()) {
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    images_.Insert(i, [&](std::uint32_t at) { return fleet.images[at].identity; });
  }
  for (const LayoutBlobs& layout : blobs.layouts()) {
    std::optional<std::string> text =
        ReadFile(layout.files(), "index.json", kUnknownSize, kMaxRootIndexBytes);
    if (!text) continue;  // an archive of `docker save`
    roots_.push_back(ReadNode(std::move(*text), layout.files().PathOf("index.json"), 0));
    roots_.back()->repository = layout.files().repository();
  }
}

IndexRewriter::~IndexRewriter() = default;

ImageIndex IndexRewriter::FindImage(std::string_view digest_text) const {
  const std::optional<ParsedDigest> parsed = ParseDigest(digest_text);
  if (!parsed) return kNone;
  const ImageIndex i =
      images_.Find(parsed->digest, [&](std::uint32_t at) { return fleet_.images[at].identity; });
  return i != DigestIndex::kAbsent && fleet_.images[i].has_manifest_digest ? i : kNone;
}

std::shared_ptr<IndexRewriter::Node> IndexRewriter::ReadNode(std::string text,
                                                             const std::string& path, int depth) {
  try {
    const auto node = std::make_shared<Node>();
    node->text = std::move(text);
    const Manifest index = ParseManifest(node->text, kMaxRootIndexBytes);
    const std::string_view list = FindMember(TrimJson(node->text), "manifests");
    const std::vector<std::string_view> elements = ElementsOf(list);
    ExpectListOnce(node->text, elements.size(), index);
    for (const InputError& error : index.bad_entries) {
      bad_entries_.emplace(IndexEntryName(), error.WithSource(path, error.place()).what());
    }
    std::size_t good = 0;
    for (std::size_t e = 0; e < elements.size(); ++e) {
      if (!index.bad_entries.empty() && !IsDescriptor(elements[e])) {
        node->entries.push_back(
            {.text = std::string(elements[e]), .descriptor = {}, .is_bad = true});
        continue;
      }
      const Descriptor& descriptor = index.manifests[good++];
      if (const std::string_view ref = FindAnnotation(descriptor.annotations, kRefName);
          !ref.empty()) {
        refs_.try_emplace(descriptor.digest_text, ref);
      }
      std::string problem;
      try {
        ReadEntry(elements[e], descriptor, depth, *node);
      } catch (const InputError& error) {
        problem = error.what();
      } catch (const std::system_error& error) {
        problem = error.what();
      }
      if (problem.empty()) continue;
      if (const IndexEntryName name = NameOf(descriptor.digest_text);
          !bad_entries_.contains(name)) {
        bad_entries_.emplace(name, problem);
      }
      not_chosen_.insert(descriptor.digest_text);
      node->entries.push_back(
          {.text = std::string(elements[e]), .descriptor = descriptor, .is_bad = true});
    }
    return node;
  } catch (const InputError& error) {
    if (!error.source().empty()) throw;
    throw error.WithSource(path, error.place());
  }
}

void IndexRewriter::ReadEntry(std::string_view text, const Descriptor& descriptor, int depth,
                              Node& node) {
  Entry entry{.text = std::string(text), .descriptor = descriptor};
  ExpectOnce(text);
  const ManifestKind claimed = KindOf(descriptor);
  if (claimed == ManifestKind::kIndex) {
    if (const auto known = nodes_.find(descriptor.digest_text); known != nodes_.end()) {
      entry.node = known->second;
    }
  }
  // What no image needs may lack its blob; an image without one is in no fleet.
  entry.has_blob = blobs_.Open(descriptor.digest_text, descriptor.size) != nullptr;
  if (entry.node == nullptr && entry.has_blob) {
    std::string manifest = ReadCarried(blobs_, descriptor.digest_text, descriptor.size);
    ManifestKind kind = claimed;
    if (claimed == ManifestKind::kImage || claimed == ManifestKind::kIndex) {
      kind = ParseManifest(manifest).kind;
    }
    if (kind == ManifestKind::kIndex) {
      ExpectDepth(depth + 1);
      entry.node = ReadNode(std::move(manifest), descriptor.digest_text, depth + 1);
      nodes_.emplace(descriptor.digest_text, entry.node);
    } else if (kind == ManifestKind::kImage) {
      ReadImage(descriptor, std::move(manifest), entry);
      if (entry.image == kNone) node.is_whole = false;
    } else {
      subjects_.emplace(descriptor.digest_text, SubjectOf(descriptor, manifest));
      entry.manifest = std::move(manifest);
    }
  } else if (!entry.has_blob && claimed == ManifestKind::kImage) {
    not_chosen_.insert(descriptor.digest_text);
    node.is_whole = false;
  }
  if (entry.node != nullptr) {
    // It may have been read at a lesser depth before.
    ExpectDepth(depth + 1 + entry.node->height);
    node.height = std::max(node.height, entry.node->height + 1);
    if (!entry.node->is_whole) node.is_whole = false;
  }
  node.entries.push_back(std::move(entry));
}

void IndexRewriter::ReadImage(const Descriptor& descriptor, std::string text, Entry& entry) {
  entry.image = FindImage(descriptor.digest_text);
  if (entry.image == kNone) {
    not_chosen_.insert(descriptor.digest_text);
  } else {
    manifests_[entry.image] = std::move(text);
  }
}

IndexEntryName IndexRewriter::NameOf(std::string_view digest_text) const {
  const auto ref = refs_.find(digest_text);
  return {.ref = ref == refs_.end() ? "" : ref->second, .digest_text = std::string(digest_text)};
}

class IndexRewriter::Writer {
 public:
  Writer(const IndexRewriter& indexes, std::span<const std::string> new_manifests,
         const std::set<std::string, std::less<>>& left_out)
      : indexes_(indexes), new_manifests_(new_manifests), out_(left_out) {}

  RewrittenIndex Write(std::span<const std::string> added) {
    const std::vector<std::shared_ptr<Node>>& roots = indexes_.roots_;
    const bool is_lone = roots.size() == 1;
    std::vector<std::string> elements;
    std::set<std::string> seen;
    bool is_same = is_lone && added.empty();
    for (const auto& root : roots) {
      root_ = root.get();
      for (const Entry& entry : root->entries) {
        std::optional<std::string> text = WriteEntry(entry);
        if (!text || *text != entry.text) is_same = false;
        if (!text) continue;
        std::string named = is_lone ? std::move(*text) : WithRepository(entry, std::move(*text));
        if (is_lone || seen.insert(named).second) elements.push_back(std::move(named));
      }
    }
    elements.insert(elements.end(), added.begin(), added.end());
    result_.text = roots.front()->text;
    if (!is_same) result_.text = WithManifests(result_.text, elements);
    result_.num_left_out = std::ssize(left_out_);
    return std::move(result_);
  }

 private:
  static std::string WithManifests(const std::string& text, std::span<const std::string> elements) {
    JsonEdit edit(text);
    edit.Set(TrimJson(text), "manifests", fmt::format("[{}]", fmt::join(elements, ",")));
    return std::move(edit).Finish();
  }

  // A tag alone is one of the repository that the layout is named like (RefOf).
  std::string WithRepository(const Entry& entry, std::string text) const {
    const Annotations& annotations = entry.descriptor.annotations;
    const std::string_view name = FindAnnotation(annotations, kRefName);
    if (name.empty() || root_->repository.empty() ||
        name.find_first_of("/:") != std::string_view::npos ||
        !FindAnnotation(annotations, "io.containerd.image.name").empty()) {
      return text;
    }
    JsonEdit edit(text);
    edit.Set(FindMember(text, "annotations"), kRefName,
             JsonText(root_->repository + ":" + std::string(name)));
    return std::move(edit).Finish();
  }

  ManifestFate FateOf(const Entry& entry) {
    if (entry.is_bad || out_.contains(entry.descriptor.digest_text)) return ManifestFate::kGoes;
    if (entry.node != nullptr) return FateOf(*entry.node);
    if (entry.image != kNone) return FateOf(entry.image);
    if (!entry.has_blob || entry.manifest.empty()) return ManifestFate::kGoes;
    return FateOfReferrer(entry.descriptor.digest_text);
  }

  ManifestFate FateOf(ImageIndex image) const {
    return new_manifests_[image].empty() ? ManifestFate::kStays : ManifestFate::kChanges;
  }

  ManifestFate FateOf(const Node& node) {
    const auto [found, is_new] = fates_.emplace(&node, ManifestFate::kStays);
    if (!is_new) return found->second;
    bool is_same = true;
    bool is_left = node.entries.empty();
    for (const Entry& entry : node.entries) {
      const ManifestFate fate = FateOf(entry);
      if (fate != ManifestFate::kStays) is_same = false;
      if (fate != ManifestFate::kGoes) is_left = true;
    }
    return fates_[&node] = !is_left  ? ManifestFate::kGoes
                           : is_same ? ManifestFate::kStays
                                     : ManifestFate::kChanges;
  }

  // It stays with what it refers to, which may refer to something else in turn.
  ManifestFate FateOfReferrer(std::string_view digest_text) {
    const std::map<std::string, std::string, std::less<>>& subjects = indexes_.subjects_;
    for (std::size_t steps = 0; steps < kMaxReferrerChain; ++steps) {
      if (out_.contains(digest_text)) return ManifestFate::kGoes;
      const auto at = subjects.find(digest_text);
      if (at == subjects.end()) return FateOfSubject(digest_text);
      if (at->second.empty()) {
        return root_->is_whole ? ManifestFate::kStays : ManifestFate::kGoes;
      }
      digest_text = at->second;
    }
    return ManifestFate::kGoes;
  }

  ManifestFate FateOfSubject(std::string_view digest_text) {
    if (indexes_.not_chosen_.contains(digest_text)) return ManifestFate::kGoes;
    ManifestFate fate = root_->is_whole ? ManifestFate::kStays : ManifestFate::kGoes;
    if (const auto node = indexes_.nodes_.find(digest_text); node != indexes_.nodes_.end()) {
      fate = FateOf(*node->second);
    } else if (const ImageIndex image = indexes_.FindImage(digest_text); image != kNone) {
      fate = FateOf(image);
    }
    return fate == ManifestFate::kStays ? fate : ManifestFate::kGoes;
  }

  // The descriptor as it is to be, and its blobs among those to carry; nullopt when it goes.
  std::optional<std::string> WriteEntry(const Entry& entry) {
    const ManifestFate fate = FateOf(entry);
    const Descriptor& descriptor = entry.descriptor;
    if (fate == ManifestFate::kGoes) {
      if (entry.node == nullptr && !entry.is_bad && !out_.contains(descriptor.digest_text) &&
          !indexes_.not_chosen_.contains(descriptor.digest_text)) {
        left_out_.insert(descriptor.digest_text);
      }
      if (entry.node != nullptr) WriteNode(*entry.node);  // counts what goes
      return std::nullopt;
    }
    if (fate == ManifestFate::kChanges) {
      return RewriteDescriptor(
          entry.text, entry.node != nullptr ? WriteNode(*entry.node) : new_manifests_[entry.image]);
    }
    if (entry.node != nullptr) {
      Carry(descriptor.digest_text, descriptor.size, descriptor.digest_text, false);
      if (!carried_nodes_.insert(entry.node.get()).second) return entry.text;
      for (const Entry& inner : entry.node->entries) WriteEntry(inner);
    } else if (entry.image != kNone) {
      CarryManifest(descriptor, indexes_.manifests_[entry.image]);
    } else {
      CarryManifest(descriptor, entry.manifest);
    }
    return entry.text;
  }

  const std::string& WriteNode(const Node& node) {
    if (const auto known = new_texts_.find(&node); known != new_texts_.end()) return known->second;
    std::vector<std::string> elements;
    for (const Entry& entry : node.entries) {
      if (std::optional<std::string> text = WriteEntry(entry)) elements.push_back(std::move(*text));
    }
    std::string text = WithManifests(node.text, elements);
    if (!elements.empty()) result_.new_indexes.push_back(text);
    return new_texts_.emplace(&node, std::move(text)).first->second;
  }

  // A manifest with all that it names: config, layers, blobs of artifacts.
  void CarryManifest(const Descriptor& descriptor, std::string_view manifest) {
    const std::string& of = descriptor.digest_text;
    Carry(descriptor.digest_text, descriptor.size, of, false);
    const std::string_view root = TrimJson(manifest);
    if (root.empty() || root.front() != '{') return;
    const auto carry = [&](std::string_view value) {
      const std::string_view digest = FindMember(value, "digest");
      const std::string_view size = FindMember(value, "size");
      if (digest.empty() || digest.front() != '"') return;
      const std::string digest_text(ParseJson(digest).root.text());
      const JsonDocument number = ParseJson(size.empty() ? "null" : size);
      if (!ParseDigest(digest_text) || number.root.kind() != JsonKind::kNumber) return;
      const std::string_view type = FindMember(value, "mediaType");
      const bool is_elsewhere = !ElementsOf(FindMember(value, "urls")).empty() ||
                                (!type.empty() && type.front() == '"' && MayBeElsewhere(type));
      Carry(digest_text, TreeJson(number.root).whole().value_or(kUnknownSize), of, is_elsewhere);
    };
    carry(FindMember(root, "config"));
    for (const std::string_view key : {"layers", "blobs"}) {
      for (const std::string_view element : ElementsOf(FindMember(root, key))) carry(element);
    }
  }

  void Carry(const std::string& digest_text, Bytes size, const std::string& of, bool is_optional) {
    CarriedBlob& blob = result_.carried[digest_text];
    blob.of_manifests.push_back(of);
    const bool is_known = !blob.digest_text.empty();
    blob.is_optional = is_optional && (!is_known || blob.is_optional);
    if (is_known) return;
    blob.digest_text = digest_text;
    blob.size = size;
  }

  const IndexRewriter& indexes_;
  std::span<const std::string> new_manifests_;
  const std::set<std::string, std::less<>>& out_;
  const Node* root_ = nullptr;  // that is being written
  RewrittenIndex result_;
  std::map<const Node*, ManifestFate> fates_;
  std::map<const Node*, std::string> new_texts_;
  std::set<const Node*> carried_nodes_;
  std::set<std::string> left_out_;
};

RewrittenIndex IndexRewriter::Rewrite(std::span<const std::string> new_manifests,
                                      std::span<const std::string> added,
                                      const std::set<std::string, std::less<>>& left_out) {
  return Writer(*this, new_manifests, left_out).Write(added);
}

bool MayBeElsewhere(std::string_view media_type) {
  return media_type.find(".nondistributable.") != std::string_view::npos ||
         media_type.find(".foreign.") != std::string_view::npos;
}

std::string ReadCarried(const LayerBlobs& blobs, std::string_view digest_text, Bytes size) {
  const std::unique_ptr<ByteSource> file = blobs.Open(digest_text, size);
  if (file == nullptr) {
    throw InputError(fmt::format("expected its blob {}, found it in no source", digest_text));
  }
  VerifiedBlob blob = ReadVerified(*file, digest_text, size, kMaxManifestBytes);
  if (blob.is_verified) return std::move(blob.content);
  const std::optional<ParsedDigest> digest = ParseDigest(digest_text);
  if (!digest || !digest->verifiable) {
    throw InputError(fmt::format(
        "expected a sha256, found {}: what cannot be verified is not carried over", digest_text));
  }
  throw InputError(
      fmt::format("expected a blob of digest {}, found {}", digest_text, FormatDigest(blob.found)));
}

}  // namespace gneiss
