#include "io/report/plan/apply_screen.h"

#include <string>

#include <fmt/format.h>

#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "io/text/shell_quote.h"

namespace gneiss {
namespace {

// "+0.3 %" of what was predicted.
std::string Off(Bytes written, Bytes predicted) {
  if (written == predicted) return "=";
  const double percent = 100 * ApplyReport::ErrorOf(written, predicted);
  if (percent > -0.05 && percent < 0.05) return percent > 0 ? "+<0.1 %" : "-<0.1 %";
  return fmt::format("{:+.1f} %", percent);
}

std::string NameOfLayer(const AppliedLayer& layer) {
  return layer.id.empty()
             ? fmt::format("{} of {} joined layers", ShortDigest(layer.digest), layer.num_joined)
             : layer.id;
}

void PrintFigures(const ApplyReport& report, const ScreenStyle& style, std::ostream& out) {
  const auto size = [&](Bytes bytes) { return FormatBytes(bytes, style.units); };
  Bytes new_predicted = 0;
  Bytes new_written = 0;
  for (const AppliedLayer& layer : report.new_layers) {
    new_predicted = CheckedAdd(new_predicted, layer.predicted);
    new_written = CheckedAdd(new_written, layer.size);
  }
  Table table({{"layers", Align::kLeft}, {"before"}, {"predicted"}, {"written"}, {"off"}});
  table.AddRow({"stored", size(report.before.storage_bytes), size(report.predicted.storage_bytes),
                size(report.after.storage_bytes),
                Off(report.after.storage_bytes, report.predicted.storage_bytes)});
  table.AddRow(
      {"new ones", "", size(new_predicted), size(new_written), Off(new_written, new_predicted)});
  const auto count_row = [&](const char* name, std::int64_t LayoutFigures::*figure) {
    table.AddRow({name, FormatCount(report.before.*figure), FormatCount(report.predicted.*figure),
                  FormatCount(report.after.*figure),
                  Off(report.after.*figure, report.predicted.*figure)});
  };
  count_row("distinct", &LayoutFigures::distinct_layers);
  count_row("requests", &LayoutFigures::layer_references);
  table.Print(style, out);
}

}  // namespace

void PrintApply(const ApplyReport& report, std::span<const std::string> sources,
                const ScreenStyle& style, std::ostream& out) {
  const auto say = [&](const std::string& first, const std::string& text) {
    out << WrapText(first, Printable(text), style.width);
  };
  out << Bold(fmt::format("{}: {}, {} rewritten, {} left as they are", report.level,
                          FormatCounted(report.images, "image"),
                          FormatCount(report.rewritten_images),
                          FormatCount(report.images - report.rewritten_images)),
              style)
      << '\n';
  say("", fmt::format("{} kept, {} new ({} level {})", FormatCounted(report.kept_layers, "layer"),
                      FormatCount(report.new_layer_count), report.codec, report.compression_level));
  if (report.new_bases > 0) {
    say("", fmt::format("{} written as images of their own, gneiss-base:ID",
                        FormatCounted(report.new_bases, "new base")));
  }
  if (report.images_not_planned > 0) {
    say("", fmt::format("{} not in the plan, left as they are",
                        FormatCounted(report.images_not_planned, "image")));
  }
  if (!report.left_out_images.empty()) {
    say("", fmt::format("{} left out, see gneiss-apply.json in the new layout",
                        FormatCounted(std::ssize(report.left_out_images), "image")));
  }
  if (report.left_out > 0) {
    say("",
        fmt::format("{} left out (attestations, signatures): they are about images that changed",
                    FormatCounted(report.left_out, "manifest")));
  }
  if (report.resumed_blobs > 0) {
    say("", fmt::format("{} there from a run that was ended",
                        FormatCounted(report.resumed_blobs, "blob was", "blobs were")));
  }
  out << '\n';
  PrintFigures(report, style, out);
  if (const AppliedLayer* const worst = report.Worst()) {
    say("", fmt::format("farthest off of new layers above 1 MB: {}, {} of {} predicted ({})",
                        NameOfLayer(*worst), FormatBytes(worst->size, style.units),
                        FormatBytes(worst->predicted, style.units),
                        Off(worst->size, worst->predicted)));
  }
  out << '\n';
  say("written: ", fmt::format("oci:{}; blobs that stay: {} linked, {} copied", report.target,
                               FormatCount(report.linked_blobs), FormatCount(report.copied_blobs)));
  const std::string target = "oci:" + report.target;
  say("next:    ",
      sources.size() == 1
          ? fmt::format("gneiss verify {} {}", ShellQuote(sources.front()), ShellQuote(target))
          : "gneiss verify compares one source with one: copy the sources into one "
            "layout for it");
  if (!report.first_ref.empty()) {
    say("         ", fmt::format("skopeo copy {} docker://REGISTRY/{}",
                                 ShellQuote(fmt::format("{}:{}", target, report.first_ref)),
                                 ShellQuote(report.first_ref)));
  }
}

}  // namespace gneiss
