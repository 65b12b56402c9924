#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/report/fleet/instruction.h"
#include "io/report/fleet/tree_report.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

constexpr std::size_t kUnlimitedText = 120;  // columns of a row's text without a width
constexpr std::size_t kMinText = 24;         // of a row's text, however deep it stands
constexpr std::size_t kMinInstruction = 12;  // columns below which an instruction says nothing
constexpr std::size_t kRepositoriesNamed = 3;

using TreeFigures = std::array<std::string, 3>;

class TreePrinter {
 public:
  TreePrinter(const Fleet& fleet, const TreeReport& report, const ScreenStyle& style,
              std::ostream& out)
      : fleet_(fleet), report_(report), trie_(report.trie), style_(style), out_(out) {
    const TextIndex first = fleet.images.empty() ? 0 : fleet.images.front().platform;
    several_platforms_ = std::ranges::any_of(
        fleet.images, [first](const Image& image) { return image.platform != first; });
  }

  void Print() {
    PrintHeadline();
    Measure();
    out_ << Bold(Line(kHeader, "", "layers from the base up"), style_) << '\n';
    for (const TreeRow& row : report_.rows) PrintRow(row);
    out_ << Bold(Line(TotalFigures(), "", "TOTAL"), style_) << '\n';
    PrintNotes();
  }

 private:
  static inline const TreeFigures kHeader = {"branch", "own", "images"};

  std::string Size(Bytes size) const { return FormatBytes(size, style_.units); }

  void PrintHeadline() {
    const auto branches = std::ranges::count(trie_.parent, kNoNode);
    out_ << fmt::format("{} on {}: {} stored; {}\n\n",
                        FormatCounted(static_cast<std::int64_t>(fleet_.images.size()), "image"),
                        FormatCounted(branches, "first layer"), Size(report_.stored_bytes),
                        UnitsNote(style_.units));
  }

  TreeFigures FiguresOf(const TreeRow& row) const {
    return {Size(row.branch), Size(row.own), FormatCount(row.images)};
  }

  TreeFigures TotalFigures() const {
    return {Size(report_.trie_bytes), "",
            FormatCount(static_cast<std::int64_t>(fleet_.images.size()))};
  }

  void Measure() {
    const auto widen = [this](const TreeFigures& figures) {
      for (std::size_t c = 0; c < figures.size(); ++c) {
        widths_[c] = std::max(widths_[c], figures[c].size());
      }
    };
    widen(kHeader);
    widen(TotalFigures());
    for (const TreeRow& row : report_.rows) widen(FiguresOf(row));
  }

  std::string Line(const TreeFigures& figures, std::string_view branches,
                   std::string_view text) const {
    return fmt::format("{:>{}}  {:>{}}  {:>{}}  {}{}", figures[0], widths_[0], figures[1],
                       widths_[1], figures[2], widths_[2], branches, text);
  }

  void PrintRow(const TreeRow& row) {
    const std::string branches = Branches(row);
    const std::size_t used = widths_[0] + widths_[1] + widths_[2] + 6 + DisplayWidth(branches);
    std::size_t room = kUnlimitedText;
    if (style_.width > 0) {
      room = std::max(kMinText, style_.width > used ? style_.width - used : 0);
    }
    const std::string text =
        row.first == kNoNode ? Dim(CutEnd(fmt::format("[{}]", LeftOut(row, "other")), room), style_)
                             : BranchText(row, room);
    out_ << Line(FiguresOf(row), branches, text) << '\n';
  }

  // The lines that join a row to those above, by whether their branches go on below it.
  std::string Branches(const TreeRow& row) {
    goes_on_.resize(row.level + 1);
    goes_on_[row.level] = !row.is_last;
    std::string text;
    if (row.level == 0) return text;
    for (std::uint32_t level = 1; level < row.level; ++level) {
      text += goes_on_[level] ? "│  " : "   ";
    }
    return text += row.is_last ? "└─ " : "├─ ";
  }

  // "debian:9 +2 linux/amd64  3 layers: RUN apt-get update  [4 branches: php, ruby]". The name
  // takes the room it needs, then what is left out, then the instruction.
  std::string BranchText(const TreeRow& row, std::size_t room) const {
    std::string what;
    if (row.layers > 1) what = FormatCounted(row.layers, "layer") + ": ";
    what += Instruction(row);
    std::string rest;
    if (row.num_left_out > 0) rest = fmt::format("[{}]", LeftOut(row, "branch", "branches"));
    const std::string name = CutMiddle(NameOf(row), std::max(room * 2 / 3, kMinText));
    std::size_t left = room - std::min(room, DisplayWidth(name));
    const auto take = [&left](std::string& part, std::size_t least, std::size_t most) {
      // Two columns go to the gap before it.
      if (left < least + 2) {
        part.clear();
        return;
      }
      part = CutEnd(part, std::min(left - 2, most));
      if (!part.empty()) left -= DisplayWidth(part) + 2;
    };
    if (name.empty()) left += 2;  // the first part has no gap before it
    take(rest, kMinInstruction, std::max(kMinInstruction, left * 2 / 3));
    take(what, kMinInstruction, room);
    std::string text = Bold(name, style_);
    for (const std::string& part : {what, Dim(rest, style_)}) {
      if (part.empty()) continue;
      if (!text.empty()) text += "  ";
      text += part;
    }
    return text;
  }

  // The images that end here; at a root the platform too, where the fleet has several.
  std::string NameOf(const TreeRow& row) const {
    std::string name;
    const auto ending = trie_.images_ending(row.last);
    if (!ending.empty()) {
      std::int64_t refs = 0;
      for (const ImageIndex i : ending)
        refs += std::max<std::int64_t>(1, fleet_.images[i].num_refs);
      // Without a ref the name is a digest; another image may have one.
      const auto named = std::ranges::find_if(
          ending, [this](ImageIndex i) { return fleet_.images[i].num_refs > 0; });
      name = fleet_.name(fleet_.images[named == ending.end() ? ending.front() : *named]);
      if (refs > 1) name += fmt::format(" +{}", FormatCount(refs - 1));
    }
    if (several_platforms_ && row.level == 0) {
      const auto below = trie_.images_below(row.last);
      const TextIndex platform = fleet_.images[below.front()].platform;
      const bool one = std::ranges::all_of(
          below, [&](ImageIndex i) { return fleet_.images[i].platform == platform; });
      if (!name.empty()) name += ' ';
      name += one ? fleet_.text(platform) : std::string_view("(several platforms)");
    }
    return Printable(name);
  }

  // Of the largest layer of the row; its digest where the instruction is not known.
  std::string Instruction(const TreeRow& row) const {
    NodeIndex largest = row.first;
    for (NodeIndex v = row.first; v <= row.last; ++v) {
      if (StoredSize(LayerAt(v)) > StoredSize(LayerAt(largest))) largest = v;
    }
    const Layer& layer = LayerAt(largest);
    const std::string text = PrettyInstruction(fleet_.text(layer.created_by), kUnlimitedText);
    return text.empty() ? Printable(ShortDigest(fleet_.digest_text(layer))) : text;
  }

  const Layer& LayerAt(NodeIndex v) const { return fleet_.layers[trie_.layer[v]]; }

  // "12 others: php, drupal +3": branches, and the repositories with most images in them.
  std::string LeftOut(const TreeRow& row, std::string_view singular,
                      std::string_view plural = {}) const {
    std::map<std::string_view, std::int64_t> images;
    for (const NodeIndex head : report_.left_out_of(row)) {
      for (const ImageIndex i : trie_.images_below(head)) {
        const Image& image = fleet_.images[i];
        if (image.num_refs == 0) continue;
        ++images[SplitRef(fleet_.text(fleet_.refs_of(image).front())).repository];
      }
    }
    std::vector<std::pair<std::string_view, std::int64_t>> most(images.begin(), images.end());
    std::ranges::stable_sort(most, std::greater{},
                             &std::pair<std::string_view, std::int64_t>::second);
    std::string names;
    for (std::size_t i = 0; i < std::min(most.size(), kRepositoriesNamed); ++i) {
      names += (i == 0 ? "" : ", ") + Printable(most[i].first);
    }
    if (most.size() > kRepositoriesNamed) {
      names += fmt::format(
          " +{}", FormatCount(static_cast<std::int64_t>(most.size() - kRepositoriesNamed)));
    }
    const std::string count =
        FormatCounted(static_cast<std::int64_t>(row.num_left_out), singular, plural);
    return names.empty() ? count : count + ": " + names;
  }

  void PrintNotes() {
    if (report_.trie_bytes > report_.stored_bytes) {
      const std::string note =
          fmt::format("{} of that stand at more than one place of the tree and are stored once",
                      Size(report_.trie_bytes - report_.stored_bytes));
      out_ << Dim(note, style_) << '\n';
    }
    const bool leaves_out =
        std::ranges::any_of(report_.rows, [](const TreeRow& row) { return row.num_left_out > 0; });
    if (leaves_out) {
      out_ << Dim("[N branches] and [N others] are left out: --top N lists more of them", style_)
           << '\n';
    }
    if (trie_.num_without_layers > 0) {
      out_ << Dim(FormatCounted(trie_.num_without_layers, "image") + " without layers", style_)
           << '\n';
    }
  }

  const Fleet& fleet_;
  const TreeReport& report_;
  const LayerTrie& trie_;
  const ScreenStyle& style_;
  std::ostream& out_;
  bool several_platforms_ = false;
  std::array<std::size_t, 3> widths_{};
  std::vector<bool> goes_on_;
};

}  // namespace

void PrintTree(const Fleet& fleet, const TreeReport& report, const ScreenStyle& style,
               std::ostream& out) {
  TreePrinter(fleet, report, style, out).Print();
}

}  // namespace gneiss
