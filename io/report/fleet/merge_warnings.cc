#include "io/report/fleet/merge_warnings.h"

#include <fmt/format.h>

#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {

std::string_view OnWhoseWord(Belief belief) {
  switch (belief) {
    case Belief::kShipped:
      return ", as the shipped inventories say";
    case Belief::kTrusted:
      return ", as a store says that others could have written";
    case Belief::kUnknown:
    case Belief::kOwn:
    case Belief::kKeyed:
      break;
  }
  return "";
}

namespace {

// " (bin of sha256:...)"; empty where no entry is known.
std::string PlaceText(const Fleet& fleet, const LayerContents& contents, EntryRef ref) {
  if (ref.layer == kNone) return "";
  return fmt::format(" ({} of {})",
                     Printable(contents.InventoryOf(ref).path(contents.EntryOf(ref))),
                     Printable(ShortDigest(fleet.digest_text(fleet.layers[ref.layer]))));
}

}  // namespace

std::vector<std::string> MergeWarningTexts(const Fleet& fleet, const LayerContents& contents,
                                           const OverlayWarnings& warnings) {
  std::vector<std::string> texts;
  if (warnings.replaced_symlinks > 0) {
    texts.push_back(fmt::format(
        "{}{} lost below paths of layers above, which put a directory there: runtimes that unpack "
        "into one directory follow it instead",
        FormatCounted(warnings.replaced_symlinks, "symlink"),
        PlaceText(fleet, contents, warnings.replaced_symlink)));
  }
  if (warnings.unlisted_parents > 0) {
    texts.push_back(fmt::format(
        "{}{} with mode, owner or attributes that layers above do not repeat: runtimes that do not "
        "copy them make it 0755 root",
        FormatCounted(warnings.unlisted_parents, "directory", "directories"),
        PlaceText(fleet, contents, warnings.unlisted_parent)));
  }
  if (warnings.opaque_roots > 0) {
    texts.push_back(fmt::format(
        "{} that delete nothing on overlayfs; runtimes that unpack into one directory obey",
        FormatCounted(warnings.opaque_roots, "opaque marker at the root",
                      "opaque markers at the root")));
  }
  return texts;
}

}  // namespace gneiss
