#include "io/report/waste/waste_text.h"

#include <string_view>

#include <fmt/format.h>

#include "io/report/fleet/instruction.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

constexpr std::size_t kQuotedInstructionWidth = 60;

// What wrote a layer, as far as its instruction shows.
enum class Writer { kUnknown, kRun, kCopy, kAdd };

Writer WriterOf(std::string_view instruction) {
  if (instruction.starts_with("RUN ")) return Writer::kRun;
  if (instruction.starts_with("COPY ")) return Writer::kCopy;
  if (instruction.starts_with("ADD ")) return Writer::kAdd;
  return Writer::kUnknown;
}

std::string InstructionOf(const Fleet& fleet, LayerIndex layer, std::size_t width) {
  return PrettyInstruction(fleet.text(fleet.layers[layer].created_by), width);
}

// "`RUN x`", or the layer's digest as short as people quote it.
std::string NameLayer(const Fleet& fleet, LayerIndex layer) {
  const std::string instruction = InstructionOf(fleet, layer, kQuotedInstructionWidth);
  if (!instruction.empty()) return "`" + instruction + "`";
  constexpr std::size_t kShortDigest = 7 + 12;
  return "layer " + Printable(fleet.digest_text(fleet.layers[layer])).substr(0, kShortDigest);
}

std::string RemedyForDeleted(Writer writer) {
  switch (writer) {
    case Writer::kRun:
      return "delete the files in the RUN that writes them: join the two steps with &&";
    case Writer::kCopy:
      return "leave the files out of the COPY (.dockerignore), or use them with "
             "RUN --mount=type=bind";
    case Writer::kAdd:
      return "fetch, unpack and delete in one RUN instead of the ADD";
    case Writer::kUnknown:
      break;
  }
  return "delete the files in the step that writes them, or squash the two layers";
}

std::string RemedyForMetadata(const Fleet& fleet, const WasteFinding& finding, LayerIndex lower) {
  switch (WriterOf(InstructionOf(fleet, lower, kQuotedInstructionWidth))) {
    case Writer::kCopy:
      return "write COPY --chmod=... --chown=... instead of a RUN chmod or chown afterwards";
    case Writer::kAdd:
      return "write ADD --chmod=... --chown=... instead of a RUN chmod or chown afterwards";
    default:
      break;
  }
  return finding.layer == lower
             ? "call chmod or chown in the step that writes the files"
             : "set mode and owner where the files are made, in the build of the base";
}

std::string RemedyForCopy(const Fleet& fleet, const WasteFinding& finding) {
  const std::string other = NameLayer(fleet, finding.by);
  switch (finding.kind) {
    case WasteKind::kOtherCompressor:
      return fmt::format("push the images again with the layer of {}: the diff_ids are equal",
                         other);
    case WasteKind::kOtherOrder:
    case WasteKind::kOtherTimes:
      return fmt::format(
          "build both from one base, or reproducibly: SOURCE_DATE_EPOCH with "
          "buildkit's rewrite-timestamp=true; it is {} again",
          other);
    default:
      return fmt::format(
          "build both from one base; only modes, owners or attributes differ from "
          "{}",
          other);
  }
}

}  // namespace

WasteText DescribeWaste(const Fleet& fleet, const WasteFinding& finding) {
  const std::string layer = NameLayer(fleet, finding.layer);
  const std::string by = finding.by == kNone ? "" : NameLayer(fleet, finding.by);
  const Writer writer = WriterOf(InstructionOf(fleet, finding.layer, kQuotedInstructionWidth));
  const std::string files = FormatCounted(finding.num_entries, "entry", "entries");
  WasteText text;
  switch (finding.kind) {
    case WasteKind::kDeleted:
      text.title = fmt::format("deleted by {}", by);
      text.why = fmt::format("no image shows {} of {}: {} deletes them", files, layer, by);
      text.how = RemedyForDeleted(writer);
      break;
    case WasteKind::kReplaced:
      text.title = fmt::format("replaced by {}", by);
      text.why =
          fmt::format("no image shows {} of {}: {} writes others over them", files, layer, by);
      text.how =
          "write the files once: install, configure and patch them in one step, or copy the "
          "final ones only";
      break;
    case WasteKind::kMetadataChange: {
      // Either the lower copy is never seen, or other images see it and the upper one is extra.
      const LayerIndex lower = finding.stands_over ? finding.by : finding.layer;
      const std::string& below = finding.stands_over ? by : layer;
      const std::string& above = finding.stands_over ? layer : by;
      text.title = fmt::format("stored again for another mode or owner by {}", above);
      text.why = fmt::format("{} stores {} of {} again: only mode, owner or attributes differ",
                             above, files, below);
      text.how = RemedyForMetadata(fleet, finding, lower);
      break;
    }
    case WasteKind::kWrittenAgain:
      text.title =
          fmt::format("written again without a change by {}", finding.stands_over ? layer : by);
      text.why = fmt::format("the same but for the time in {} and in {}, {}", layer, by, files);
      text.how = "let the later step leave files alone that it does not change, or copy less";
      break;
    case WasteKind::kTwiceInLayer:
      text.title = "twice in one layer";
      text.why = fmt::format("paths that come again in the tar of {}, {}: the last one wins", layer,
                             files);
      text.how = "build the image again with a current builder";
      break;
    case WasteKind::kArchiveBesideTree:
      text.title = fmt::format("archives beside their unpacked trees, from {}", layer);
      text.why = fmt::format("beside a directory of the same name, {}", files);
      text.how = "pipe the download into tar, or delete the archive in the RUN that unpacks it";
      break;
    case WasteKind::kSameContent:
      text.title = fmt::format("the same contents at several paths, from {}", layer);
      text.why = fmt::format("contents that another file of the layer has, {}", files);
      text.how = "make the copies hard links or symlinks (cp -l, rdfind, hardlink)";
      break;
    case WasteKind::kOtherCompressor:
      text.title = fmt::format("recompressed copy of {}", by);
      text.why = "another digest, the same diff_id: only the compressor differs";
      text.how = RemedyForCopy(fleet, finding);
      break;
    case WasteKind::kOtherOrder:
      text.title = fmt::format("copy of {} in another order", by);
      text.why = "the same entries in another order or tar format, so it is not shared";
      text.how = RemedyForCopy(fleet, finding);
      break;
    case WasteKind::kOtherTimes:
      text.title = fmt::format("copy of {} with other times", by);
      text.why = "the same files with other modification times, so it is not shared";
      text.how = RemedyForCopy(fleet, finding);
      break;
    case WasteKind::kOtherAttributes:
      text.title = fmt::format("copy of {} with other attributes", by);
      text.why = "the same files with other modes, owners or attributes, so it is not shared";
      text.how = RemedyForCopy(fleet, finding);
      break;
    case WasteKind::kPackageCache:
    case WasteKind::kBuildTools:
    case WasteKind::kVersionControl:
    case WasteKind::kLogs:
    case WasteKind::kLitter:
    case WasteKind::kSecret: {
      const WasteRule& rule = WasteRules()[finding.rule];
      text.title = fmt::format("{}, from {}", rule.name, layer);
      text.why = fmt::format("{}: {} that images need only while they are built", rule.name, files);
      if (finding.kind == WasteKind::kSecret) {
        text.why =
            fmt::format("{}: {} that everybody who can pull the image can read", rule.name, files);
        if (finding.by != kNone) text.why += fmt::format(", although {} hides them", by);
      }
      text.how = rule.remedy;
      break;
    }
  }
  return text;
}

}  // namespace gneiss
