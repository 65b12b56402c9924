#include "planner/waste/waste.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "planner/contents/kept_images.h"
#include "planner/contents/paths.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/layer_trie.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

// What is known of one entry of one layer.
struct EntryFate {
  std::uint32_t num_hidden = 0;  // images in which it is hidden
  bool seen_in_copy = false;     // an image sees it in a layer that this one could stand for
  std::uint32_t most = 0;        // of them, by one layer in one way:
  LayerIndex by = kNone;
  HideCause cause = HideCause::kDeleted;
  // Images in which it stands over the same contents, last seen in this layer.
  std::uint32_t num_repeating = 0;
  EntryRef repeated;
  HideCause repeated_as = HideCause::kWrittenAgain;
};

std::optional<WasteKind> KindOf(HideCause cause) {
  switch (cause) {
    case HideCause::kDeleted:
      return WasteKind::kDeleted;
    case HideCause::kReplaced:
      return WasteKind::kReplaced;
    case HideCause::kMetadataChange:
      return WasteKind::kMetadataChange;
    case HideCause::kWrittenAgain:
      return WasteKind::kWrittenAgain;
    case HideCause::kTwiceInLayer:
      return WasteKind::kTwiceInLayer;
    case HideCause::kDirectoryAgain:
    case HideCause::kNothingDeleted:
      break;
  }
  return std::nullopt;
}

// Names of archives whose unpacked tree may lie beside them.
std::string_view StemOfArchive(std::string_view name) {
  for (const std::string_view end :
       {".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst", ".tar", ".zip"}) {
    if (name.size() > end.size() && name.ends_with(end)) {
      return name.substr(0, name.size() - end.size());
    }
  }
  return {};
}

// Whether a path of the sorted entries lies below that of entry `e`.
bool HasEntryBelow(const Inventory& inventory, std::uint32_t e) {
  const std::string_view key = inventory.path(inventory.entries[e]);
  const auto path = [&](const Entry& entry) { return inventory.path(entry); };
  auto next = inventory.entries.begin() + e + 1;
  if (next != inventory.entries.end() && path(*next) == key) {
    const auto comes_before = [](std::string_view a, std::string_view b) {
      return ComparePaths(a, b) < 0;
    };
    next = std::ranges::upper_bound(next, inventory.entries.end(), key, comes_before, path);
  }
  return next != inventory.entries.end() && (key.empty() || IsBelow(path(*next), key));
}

// What makes two layers the same to a reader, from strict to loose.
enum class Likeness { kTar, kOrder, kTimes, kAttributes };
constexpr std::size_t kNumLikenesses = 4;

// A hash of what a likeness compares; order does not matter except for kTar.
Digest SignatureOf(const Inventory& inventory, Likeness likeness) {
  if (likeness == Likeness::kTar) return inventory.diff_id;
  std::string text;
  const auto add = [&text](const auto value) {
    text.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const auto add_text = [&](std::string_view part) {
    add(part.size());
    text += part;
  };
  for (std::uint32_t e = 0; e < inventory.entries.size(); ++e) {
    const Entry& entry = inventory.entries[e];
    // Directories above other entries are listed or not as a builder likes.
    if (likeness == Likeness::kAttributes && entry.type == EntryType::kDirectory &&
        HasEntryBelow(inventory, e)) {
      continue;
    }
    add_text(inventory.path(entry));
    add(entry.type);
    add_text(inventory.link(entry));
    if (entry.content != kNone) add(inventory.contents[entry.content].bytes);
    add(entry.device_major);
    add(entry.device_minor);
    if (likeness == Likeness::kAttributes) continue;
    add(entry.mode);
    add(entry.uid);
    add(entry.gid);
    add_text(inventory.texts[entry.xattrs]);
    if (likeness == Likeness::kTimes) continue;
    add(entry.mtime);
    add(entry.mtime_nsec);
  }
  return Sha256(text);
}

class WasteFinder {
 public:
  WasteFinder(const Fleet& fleet, const CostModel& model, const Today& today,
              const LayerContents& contents)
      : fleet_(fleet),
        model_(model),
        today_(today),
        contents_(contents),
        windows_(FindWindowsImages(fleet, &contents)) {
    first_.push_back(0);
    for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
      const auto& inventory = contents.inventories[l];
      first_.push_back(first_.back() + (inventory ? inventory->entries.size() : 0));
      if (!inventory) continue;
      ++report_.num_known_layers;
      report_.known_bytes += inventory->blob_size;
      report_.num_entries += inventory->num_listed();
    }
    report_.images.resize(fleet.images.size());
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      report_.images[i].is_windows = windows_[i] != 0;
      report_.num_windows += windows_[i];
    }
    report_.layer_needless.assign(fleet.layers.size(), 0);
  }

  WasteReport Run() {
    WalkTrie();
    FindLikeLayers();
    JoinFatesOfCopies();
    for (LayerIndex l = 0; l < fleet_.layers.size(); ++l) {
      if (contents_.inventories[l] && !is_copy_[l]) Sort(l);
    }
    std::ranges::stable_sort(report_.findings, [](const WasteFinding& a, const WasteFinding& b) {
      return std::tuple(a.kind != WasteKind::kSecret, -a.saves_storage_bytes) <
             std::tuple(b.kind != WasteKind::kSecret, -b.saves_storage_bytes);
    });
    std::ranges::stable_sort(report_.static_images, [](const StaticImage& a, const StaticImage& b) {
      return std::tuple(-a.saves_storage_bytes, a.image) <
             std::tuple(-b.saves_storage_bytes, b.image);
    });
    for (const WasteFinding& finding : report_.findings) {
      report_.layer_needless[finding.layer] += finding.blob_bytes;
      report_.saves_storage_bytes += finding.saves_storage_bytes;
      report_.saves_transfer_bytes += finding.saves_transfer_bytes;
    }
    SumImages();
    return std::move(report_);
  }

 private:
  // Kind, rule, by, stands_over.
  using FindingKey = std::tuple<WasteKind, std::string_view, LayerIndex, bool>;

  const Inventory& InventoryOf(LayerIndex l) const { return *contents_.inventories[l]; }
  EntryFate& FateOf(EntryRef ref) { return fates_[first_[ref.layer] + ref.entry]; }

  // Merges every chain once, layers that chains have in common once; those of Windows not at all.
  void WalkTrie() {
    fates_.resize(first_.back());
    times_hidden_.resize(first_.back());
    home_.reserve(first_.back());
    odd_.resize(fleet_.layers.size());
    LayerTrie others;
    if (report_.num_windows > 0) {
      others = BuildLayerTrie(fleet_, [&](ImageIndex i) { return windows_[i] == 0; });
    }
    const LayerTrie& trie = report_.num_windows > 0 ? others : today_.trie;
    Overlay overlay(contents_.paths);
    std::vector<std::vector<Hiding>> hidings;  // of each open node
    std::vector<NodeIndex> open;
    std::vector<std::uint8_t> pushed;
    std::vector<Bytes> hidden_above = {0};  // bytes hidden on the way to each open node
    for (NodeIndex v = 0; v < trie.size(); ++v) {
      while (!open.empty() && v >= trie.subtree_end[open.back()]) {
        if (pushed.back() != 0) overlay.Pop();
        for (const Hiding& hiding : hidings.back()) CountTimes(hiding, -1);
        pushed.pop_back();
        open.pop_back();
        hidings.pop_back();
        hidden_above.pop_back();
      }
      const LayerIndex l = trie.layer[v];
      const bool known = contents_.inventories[l].has_value();
      const bool again =
          std::ranges::find(open, l, [&](NodeIndex u) { return trie.layer[u]; }) != open.end();
      const auto num_images = static_cast<std::uint32_t>(trie.images_below(v).size());
      hidings.emplace_back();
      const OverlayWarnings odd_below = overlay.warnings();
      if (known) {
        overlay.Push({.layer = l,
                      .inventory = &InventoryOf(l),
                      .paths = &contents_.layer_paths[l],
                      .is_over_others = trie.depth[v] > 1},
                     hidings.back());
      }
      open.push_back(v);
      pushed.push_back(known ? 1 : 0);
      // Below a layer that is not known there may be anything.
      if (overlay.num_layers() == open.size()) NoteOddities(l, odd_below, overlay.warnings());
      if (again) {
        std::erase_if(hidings.back(), [](const Hiding& hiding) {
          return hiding.cause == HideCause::kTwiceInLayer;  // counted the first time
        });
      }
      Bytes hidden = hidden_above.back() + Count(hidings.back(), num_images);
      for (const Hiding& hiding : hidings.back()) CountTimes(hiding, 1);
      if (known && again) hidden -= CountSeenAgain(overlay, l, hidings.back(), num_images);
      hidden_above.push_back(hidden);
      for (const ImageIndex i : trie.images_ending(v)) {
        report_.images[i].hidden_bytes = hidden_above.back();
        LookForStaticProgram(overlay, i);
      }
    }
    OverlayWarnings& sum = report_.overlay_warnings;
    for (const OverlayWarnings& odd : odd_) {
      sum.links_to_nothing += odd.links_to_nothing;
      sum.links_to_directories += odd.links_to_directories;
      sum.whiteouts_of_nothing += odd.whiteouts_of_nothing;
      sum.opaque_roots += odd.opaque_roots;
      sum.replaced_symlinks += odd.replaced_symlinks;
      sum.unlisted_parents += odd.unlisted_parents;
      if (sum.replaced_symlink.layer == kNone) sum.replaced_symlink = odd.replaced_symlink;
      if (sum.unlisted_parent.layer == kNone) sum.unlisted_parent = odd.unlisted_parent;
      if (sum.bad_link.layer == kNone) sum.bad_link = odd.bad_link;
    }
  }

  // How often the chain hides an entry more than it shows it again.
  void CountTimes(const Hiding& hiding, int sign) {
    if (!KindOf(hiding.cause)) return;
    times_hidden_[first_[hiding.hidden.layer] + hiding.hidden.entry] +=
        hiding.by.layer == kNone ? -sign : sign;
  }

  void NoteOddities(LayerIndex l, const OverlayWarnings& before, const OverlayWarnings& after) {
    const auto raise = [&](std::int64_t OverlayWarnings::*count) {
      odd_[l].*count = std::max(odd_[l].*count, after.*count - before.*count);
    };
    raise(&OverlayWarnings::links_to_nothing);
    raise(&OverlayWarnings::links_to_directories);
    raise(&OverlayWarnings::whiteouts_of_nothing);
    raise(&OverlayWarnings::opaque_roots);
    raise(&OverlayWarnings::replaced_symlinks);
    raise(&OverlayWarnings::unlisted_parents);
    if (after.replaced_symlinks > before.replaced_symlinks) {
      odd_[l].replaced_symlink = after.replaced_symlink;
    }
    if (after.unlisted_parents > before.unlisted_parents) {
      odd_[l].unlisted_parent = after.unlisted_parent;
    }
    if (after.bad_link.layer == l) odd_[l].bad_link = after.bad_link;
  }

  // REQUIRES: `overlay` holds the image's layers, as far as they are known.
  void LookForStaticProgram(const Overlay& overlay, ImageIndex i) {
    const Image& image = fleet_.images[i];
    if (overlay.num_layers() < image.num_layers) return;  // the program may be hidden or missing
    const std::string_view called = fleet_.text(image.entry_point);
    const auto program = FindProgram(overlay, contents_, called, fleet_.text(image.search_path));
    if (!program || IsLauncher(called)) return;
    const Inventory& inventory = InventoryOf(program->layer);
    const Entry& entry = inventory.entries[program->entry];
    if (entry.head != ContentHead::kStaticProgram || IsLauncher(inventory.path(entry))) return;
    const StaticImage found = CountStaticImage(fleet_, model_, today_, contents_, i, *program);
    if (found.saves_storage_bytes > 0) report_.static_images.push_back(found);
  }

  // Notes what a layer hides in so many images; returns the compressed bytes.
  Bytes Count(const std::vector<Hiding>& hidings, std::uint32_t num_images) {
    Bytes bytes = 0;
    for (const Hiding& hiding : hidings) {
      if (!KindOf(hiding.cause)) continue;
      bytes += InventoryOf(hiding.hidden.layer).entries[hiding.hidden.entry].blob_bytes;
      EntryFate& fate = FateOf(hiding.hidden);
      fate.num_hidden += num_images;
      if (num_images > fate.most) {
        fate.most = num_images;
        fate.by = hiding.by.layer;
        fate.cause = hiding.cause;
      }
      if (hiding.cause != HideCause::kMetadataChange && hiding.cause != HideCause::kWrittenAgain) {
        continue;
      }
      EntryFate& above = FateOf(hiding.by);
      above.num_repeating += num_images;
      above.repeated = hiding.hidden;
      above.repeated_as = hiding.cause;
    }
    return bytes;
  }

  // Takes back what was counted as hidden of layer `l`, which has come once more in its chain and
  // shows it again; returns the compressed bytes. The taking back is added to `hidings` of the
  // node.
  Bytes CountSeenAgain(const Overlay& overlay, LayerIndex l, std::vector<Hiding>& hidings,
                       std::uint32_t num_images) {
    Bytes bytes = 0;
    const std::vector<Entry>& entries = InventoryOf(l).entries;
    for (std::uint32_t e = 0; e < entries.size(); ++e) {
      if (times_hidden_[first_[l] + e] <= 0) continue;
      if (overlay.At(contents_.layer_paths[l].path[e]) != EntryRef{l, e}) continue;
      bytes += entries[e].blob_bytes;
      EntryFate& fate = FateOf({l, e});
      fate.num_hidden -= num_images;
      if (fate.num_hidden == 0) fate.most = 0;  // who hid it does not matter any more
      hidings.push_back({.hidden = {l, e}, .by = EntryRef{}});
      --times_hidden_[first_[l] + e];
    }
    return bytes;
  }

  // Layers that another one could stand for, the most held of each set of equals.
  void FindLikeLayers() {
    constexpr std::array<WasteKind, kNumLikenesses> kKinds = {
        WasteKind::kOtherCompressor, WasteKind::kOtherOrder, WasteKind::kOtherTimes,
        WasteKind::kOtherAttributes};
    is_copy_.assign(fleet_.layers.size(), false);
    for (std::size_t k = 0; k < kNumLikenesses; ++k) {
      std::unordered_map<Digest, LayerIndex, DigestHash> best;
      std::vector<std::pair<LayerIndex, Digest>> signatures;
      for (LayerIndex l = 0; l < fleet_.layers.size(); ++l) {
        if (!contents_.inventories[l] || is_copy_[l] || InventoryOf(l).entries.empty()) continue;
        // Their tars have attributes of Windows, which inventories do not tell.
        if (static_cast<Likeness>(k) != Likeness::kTar && IsOfWindows(l)) continue;
        const Digest signature = SignatureOf(InventoryOf(l), static_cast<Likeness>(k));
        signatures.emplace_back(l, signature);
        const auto [found, is_new] = best.try_emplace(signature, l);
        if (IsBetterToKeep(l, found->second)) found->second = l;
      }
      for (const auto& [l, signature] : signatures) {
        const LayerIndex keep = best.find(signature)->second;
        if (keep == l || HasBoth(l, keep)) continue;
        is_copy_[l] = true;
        copies_.emplace_back(l, keep);
        AddCopy(kKinds[k], l, keep);
      }
    }
  }

  bool IsOfWindows(LayerIndex l) const {
    return report_.num_windows > 0 && std::ranges::any_of(today_.holders_of(l), [&](ImageIndex i) {
             return windows_[i] != 0;
           });
  }

  // The one that more images hold, then the smaller one.
  bool IsBetterToKeep(LayerIndex a, LayerIndex b) const {
    const auto rank = [&](LayerIndex l) {
      return std::tuple(-std::ssize(today_.holders_of(l)), fleet_.layers[l].size);
    };
    return rank(a) < rank(b);
  }

  // A layer that stands for its copies is seen wherever one of them is. What is never seen in a
  // copy goes with the copy. A layer kept at one likeness may be a copy at a looser one, which
  // comes later.
  void JoinFatesOfCopies() {
    for (const auto& [l, keep] : copies_) {
      const Inventory& inventory = InventoryOf(l);
      const Inventory& kept = InventoryOf(keep);
      std::uint32_t k = 0;
      for (std::uint32_t e = 0; e < inventory.entries.size(); ++e) {
        if (IsNeverSeen({l, e})) continue;
        const std::string_view path = inventory.path(inventory.entries[e]);
        while (k < kept.entries.size() && ComparePaths(kept.path(kept.entries[k]), path) < 0) ++k;
        for (; k < kept.entries.size() && kept.path(kept.entries[k]) == path; ++k) {
          FateOf({keep, k}).seen_in_copy = true;
        }
      }
    }
  }

  // Whether an image holds both: one over the other is not one for the other.
  bool HasBoth(LayerIndex a, LayerIndex b) const {
    std::vector<ImageIndex> both;
    std::ranges::set_intersection(today_.holders_of(a), today_.holders_of(b),
                                  std::back_inserter(both));
    return !both.empty();
  }

  // All of layer `l` could be layer `keep`: what its holders cost there comes off.
  void AddCopy(WasteKind kind, LayerIndex l, LayerIndex keep) {
    const Inventory& inventory = InventoryOf(l);
    WasteFinding finding;
    finding.kind = kind;
    finding.layer = l;
    finding.by = keep;
    for (std::uint32_t e = 0; e < inventory.entries.size(); ++e) AddEntry(finding, e);
    finding.blob_bytes = inventory.blob_size;
    const LayoutBlob& mine = today_.blobs.blobs[l];
    const LayoutBlob& theirs = today_.blobs.blobs[keep];
    std::vector<ImageIndex> holders;
    std::ranges::set_union(today_.holders_of(l), today_.holders_of(keep),
                           std::back_inserter(holders));
    const BlobUse together = CountUse(fleet_, today_.cells, holders);
    const double moved_before = TransferOf(mine, mine.size) + TransferOf(theirs, theirs.size);
    const double moved_after =
        static_cast<double>(theirs.size) * model_.Fetches(together.pulls, together.pool_nodes);
    finding.saves_storage_bytes =
        mine.size * mine.cells + theirs.size * theirs.cells - theirs.size * together.cells;
    finding.saves_transfer_bytes = static_cast<Bytes>(std::llround(moved_before - moved_after));
    report_.findings.push_back(std::move(finding));
  }

  double TransferOf(const LayoutBlob& blob, Bytes bytes) const {
    return static_cast<double>(bytes) * model_.Fetches(blob.pulls, blob.pool_nodes);
  }

  void AddEntry(WasteFinding& finding, std::uint32_t e) const {
    const std::vector<Entry>& entries = InventoryOf(finding.layer).entries;
    const Entry& entry = entries[e];
    ++finding.num_entries;
    finding.file_bytes += entry.size;
    finding.blob_bytes += entry.blob_bytes;
    const auto larger = [&](std::uint32_t a, std::uint32_t b) {
      return entries[a].blob_bytes > entries[b].blob_bytes;
    };
    std::vector<std::uint32_t>& examples = finding.examples;
    examples.insert(std::ranges::upper_bound(examples, e, larger), e);
    if (examples.size() > WasteFinding::kMaxExamples) examples.pop_back();
  }

  // Every entry of a layer under the one kind that it is.
  void Sort(LayerIndex l) {
    const Inventory& inventory = InventoryOf(l);
    const auto num_images = static_cast<std::uint32_t>(today_.holders_of(l).size());
    std::map<FindingKey, WasteFinding> found;
    const auto add = [&](WasteKind kind, WasteRuleIndex rule, LayerIndex by, std::uint32_t e,
                         bool stands_over = false) {
      const std::string_view name = rule == kNoWasteRule ? "" : WasteRules()[rule].name;
      WasteFinding& finding = found[{kind, name, by, stands_over}];
      if (finding.num_entries == 0) finding.rule = rule;
      finding.kind = kind;
      finding.layer = l;
      finding.by = by;
      finding.stands_over = stands_over;
      AddEntry(finding, e);
    };
    std::vector<std::uint32_t> needed;  // regular files that are no finding so far
    const bool is_of_base = std::ranges::any_of(today_.holders_of(l), [&](ImageIndex i) {
      const NodeIndex v = today_.trie.node_of_image[i];
      return today_.trie.images_below(v).size() > today_.trie.num_ends[v];
    });
    for (std::uint32_t e = 0; e < inventory.entries.size(); ++e) {
      const Entry& entry = inventory.entries[e];
      const EntryFate& fate = fates_[first_[l] + e];
      const WasteRuleIndex rule = RuleFor(inventory, entry);
      // Deleting a secret in a later layer hides it from nobody.
      if (rule != kNoWasteRule && WasteRules()[rule].kind == WasteKind::kSecret) {
        add(WasteKind::kSecret, rule, IsNeverSeen({l, e}) ? fate.by : kNone, e);
        continue;
      }
      if (IsNeverSeen({l, e})) {
        add(*KindOf(fate.cause), kNoWasteRule, fate.by, e);
        continue;
      }
      // Where other images still see the one below, this one is what a better base would save.
      if (fate.num_repeating >= num_images && fate.num_repeating > 0) {
        if (const auto below = SeenBelow(fate)) {
          add(*KindOf(fate.repeated_as), kNoWasteRule, below->layer, e, true);
          continue;
        }
      }
      if (fate.num_hidden > 0) report_.hidden_in_some_bytes += entry.blob_bytes;
      if (entry.type != EntryType::kRegular || entry.size == 0) continue;
      // A base with a compiler is there for its compiler.
      if (rule != kNoWasteRule &&
          !(WasteRules()[rule].kind == WasteKind::kBuildTools && is_of_base)) {
        add(WasteRules()[rule].kind, rule, kNone, e);
      } else if (IsBesideItsTree(inventory, e)) {
        add(WasteKind::kArchiveBesideTree, kNoWasteRule, kNone, e);
      } else {
        needed.push_back(e);
      }
    }
    const std::vector<std::uint32_t> copies = CopiesAmong(inventory, needed);
    for (const std::uint32_t e : copies) add(WasteKind::kSameContent, kNoWasteRule, kNone, e);
    std::vector<std::uint32_t> unique;
    std::ranges::set_difference(needed, copies, std::back_inserter(unique));
    LookElsewhere(l, unique);
    const LayoutBlob& blob = today_.blobs.blobs[l];
    for (auto& [key, finding] : found) {
      if (finding.blob_bytes == 0) continue;
      finding.saves_storage_bytes = CheckedMultiply(finding.blob_bytes, blob.cells);
      finding.saves_transfer_bytes =
          static_cast<Bytes>(std::llround(TransferOf(blob, finding.blob_bytes)));
      report_.findings.push_back(std::move(finding));
    }
  }

  // Contents of needed files that another layer holds as well; the first layer is their home.
  void LookElsewhere(LayerIndex l, std::span<const std::uint32_t> needed) {
    const Inventory& inventory = InventoryOf(l);
    for (const std::uint32_t e : needed) {
      const Entry& entry = inventory.entries[e];
      const auto [home, is_new] = home_.try_emplace(inventory.contents[entry.content], l);
      if (!is_new && home->second != l) report_.in_other_layers_bytes += entry.blob_bytes;
    }
  }

  bool IsNeverSeen(EntryRef ref) const {
    const EntryFate& fate = fates_[first_[ref.layer] + ref.entry];
    return !fate.seen_in_copy && fate.num_hidden > 0 &&
           fate.num_hidden >= today_.holders_of(ref.layer).size();
  }

  // The entry with the same contents below that some image sees, through those that none does.
  std::optional<EntryRef> SeenBelow(const EntryFate& above) const {
    const EntryFate* fate = &above;
    // In different images two entries may stand over each other.
    for (int steps = 0; steps < 128 && fate->num_repeating > 0; ++steps) {
      const EntryRef below = fate->repeated;
      if (!IsNeverSeen(below)) return below;
      fate = &fates_[first_[below.layer] + below.entry];
    }
    return std::nullopt;
  }

  // The rule for an entry that holds bytes; a hard link is a name of a secret too.
  static WasteRuleIndex RuleFor(const Inventory& inventory, const Entry& entry) {
    const bool is_link = entry.type == EntryType::kHardLink;
    if (!is_link && (entry.type != EntryType::kRegular || entry.size == 0)) return kNoWasteRule;
    const WasteRuleIndex rule = FindWasteRule(inventory.path(entry), entry.head);
    if (rule == kNoWasteRule || (is_link && WasteRules()[rule].kind != WasteKind::kSecret)) {
      return kNoWasteRule;
    }
    return rule;
  }

  // Those of `files` whose contents, owner and attributes an earlier path has: they could be links.
  static std::vector<std::uint32_t> CopiesAmong(const Inventory& inventory,
                                                std::span<const std::uint32_t> files) {
    constexpr Bytes kWorthALink = 4096;
    using Inode = std::tuple<Digest, std::uint16_t, std::uint32_t, std::uint32_t, std::string_view>;
    const auto hash = [](const Inode& inode) {
      const auto& [content, mode, uid, gid, xattrs] = inode;
      return KeyedHash()
          .Add(DigestHash()(content))
          .Add(mode)
          .Add(std::uint64_t{uid} << 32 | gid)
          .AddText(xattrs)
          .Finish();
    };
    std::unordered_map<Inode, std::string_view, decltype(hash)> first(0, hash);
    std::vector<std::uint32_t> copies;
    for (const std::uint32_t e : files) {
      const Entry& entry = inventory.entries[e];
      if (entry.content == kNone || entry.size < kWorthALink) continue;
      const auto [found, is_new] =
          first.try_emplace(Inode(inventory.contents[entry.content], entry.mode, entry.uid,
                                  entry.gid, inventory.texts[entry.xattrs]),
                            inventory.path(entry));
      if (!is_new && found->second != inventory.path(entry)) copies.push_back(e);
    }
    return copies;
  }

  // An archive, and in the same directory of the same layer one that is called like it.
  static bool IsBesideItsTree(const Inventory& inventory, std::uint32_t e) {
    const std::string_view key = inventory.path(inventory.entries[e]);
    const std::string_view stem = StemOfArchive(BaseName(key));
    if (stem.empty()) return false;
    const std::string_view parent = ParentPath(key);
    const std::string tree =
        parent.empty() ? std::string(stem) : std::string(parent) + "/" + std::string(stem);
    const auto found = std::ranges::lower_bound(
        inventory.entries, tree,
        [](std::string_view a, std::string_view b) { return ComparePaths(a, b) < 0; },
        [&](const Entry& entry) { return inventory.path(entry); });
    if (found == inventory.entries.end()) return false;
    const std::string_view at = inventory.path(*found);
    if (at != tree) return at.starts_with(tree + "/");
    return found->type == EntryType::kDirectory &&
           HasEntryBelow(inventory, static_cast<std::uint32_t>(found - inventory.entries.begin()));
  }

  void SumImages() {
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      std::vector<LayerIndex> layers(fleet_.chain(fleet_.images[i]).begin(),
                                     fleet_.chain(fleet_.images[i]).end());
      std::ranges::sort(layers);
      layers.erase(std::ranges::unique(layers).begin(), layers.end());
      for (const LayerIndex l : layers) {
        report_.images[i].needless_bytes += report_.layer_needless[l];
        report_.images[i].stored_bytes += fleet_.layers[l].size;
        if (!contents_.inventories[l]) report_.images[i].complete = false;
      }
    }
  }

  const Fleet& fleet_;
  const CostModel& model_;
  const Today& today_;
  const LayerContents& contents_;
  std::vector<std::uint8_t> windows_;  // per image
  std::vector<std::uint64_t> first_;   // per layer, and one past the end: into fates_
  std::vector<EntryFate> fates_;
  std::vector<std::int32_t> times_hidden_;  // per entry: in the chain that is walked
  std::vector<OverlayWarnings> odd_;        // by layer
  std::unordered_map<Digest, LayerIndex, DigestHash> home_;  // of contents
  std::vector<bool> is_copy_;
  std::vector<std::pair<LayerIndex, LayerIndex>> copies_;  // of which layer, in the order found
  WasteReport report_;
};

}  // namespace

bool CountsAsShadowed(HideCause cause) { return KindOf(cause).has_value(); }

WasteReport FindWaste(const Fleet& fleet, const CostModel& model, const Today& today,
                      const LayerContents& contents) {
  return WasteFinder(fleet, model, today, contents).Run();
}

}  // namespace gneiss
