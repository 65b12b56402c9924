#include "io/report/plan/verify_screen.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "io/json/json_writer.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

constexpr std::array<std::string_view, kNumVerdicts> kVerdictKeys = {
    "same", "different", "unproven", "only_left", "only_right", "new_base", "left_out"};

// The image that a verdict is about, and its fleet: the left one where there is one.
struct SubjectImage {
  const Fleet& fleet;
  const Image& image;
};

SubjectImage SubjectOf(const Fleet& left, const Fleet& right, const ImageVerdict& verdict) {
  if (verdict.left != kNone) return {left, left.images[verdict.left]};
  return {right, right.images[verdict.right]};
}

std::string SubjectName(const SubjectImage& subject, const ImageVerdict& verdict) {
  std::string name = verdict.refs.empty() ? subject.fleet.digest_text(subject.image.identity, false)
                                          : verdict.refs.front();
  const std::string_view platform = subject.fleet.text(subject.image.platform);
  if (!platform.empty()) name += fmt::format(" ({})", platform);
  if (verdict.refs.size() > 1) {
    name += fmt::format(" and {}", FormatCounted(std::ssize(verdict.refs) - 1, "other ref"));
  }
  return name;
}

class VerifyPrinter {
 public:
  VerifyPrinter(const Fleet& left, const Fleet& right, const VerifyNames& names,
                const VerifyReport& report, const VerifyOptions& options, const ScreenStyle& style,
                std::size_t top, std::ostream& out)
      : left_(left),
        right_(right),
        names_(names),
        report_(report),
        options_(options),
        style_(style),
        top_(top),
        out_(out) {}

  void Print() {
    for (const ImageVerdict& image : report_.images) PrintImage(image);
    PrintSum();
  }

 private:
  void PrintImage(const ImageVerdict& image) {
    if (image.verdict == Verdict::kSame || image.verdict == Verdict::kNewBase) return;
    const std::string name = SubjectName(SubjectOf(left_, right_, image), image);
    out_ << Bold(Printable(fmt::format("{}: {}", name, DescribeVerdict(image))), style_) << '\n';
    PrintDifferences(image);
    const std::size_t size = image.unproven.size();
    const std::size_t shown = top_ == 0 ? size : std::min(top_, size);
    for (std::size_t p = 0; p < shown; ++p) {
      out_ << "  " << Printable(image.unproven[p]) << '\n';
    }
    if (shown < size) {
      out_ << fmt::format("  [{}]\n",
                          FormatCounted(static_cast<std::int64_t>(size - shown), "other"));
    }
  }

  std::string DescribeVerdict(const ImageVerdict& image) const {
    switch (image.verdict) {
      case Verdict::kDifferent:
        return FormatCounted(image.num_differences(), "difference");
      case Verdict::kUnproven:
        return "not proven";
      case Verdict::kOnlyLeft:
        return fmt::format("not in {}", names_.right);
      case Verdict::kOnlyRight:
        return fmt::format("not in {}", names_.left);
      case Verdict::kLeftOut:
        return fmt::format("left out of {}, as that says", names_.right);
      case Verdict::kSame:
      case Verdict::kNewBase:
        break;
    }
    return "the same";
  }

  // Of the config first, which has few.
  void PrintDifferences(const ImageVerdict& image) {
    if (image.num_differences() == 0) return;
    Table table({{.header = "where", .align = Align::kLeft},
                 {.header = "what", .align = Align::kLeft},
                 {.header = "left -> right", .align = Align::kLeft}});
    std::size_t shown = 0;
    const auto add = [&](std::string where, std::string_view what, std::string_view left,
                         std::string_view right) {
      if (top_ != 0 && shown == top_) return;
      ++shown;
      table.AddRow({std::move(where), std::string(what), fmt::format("{} -> {}", left, right)});
    };
    for (const ConfigDifference& config : image.config) {
      add(config.pointer, "config", config.left, config.right);
    }
    for (const FileDifference& file : image.files.differences) {
      add("/" + file.path, FileAspectName(file.aspect), file.left, file.right);
    }
    const std::int64_t others = image.num_differences() - static_cast<std::int64_t>(shown);
    if (others > 0) table.AddNote({fmt::format("[{}]", FormatCounted(others, "other")), "", ""});
    table.Print(style_, out_);
  }

  void PrintSum() {
    out_ << Bold(Printable(
                     fmt::format("{}, {}", FormatCounted(NumImages(), "image"), DescribeCounts())),
                 style_)
         << '\n';
    const std::int64_t same = report_.count(Verdict::kSame);
    const std::int64_t compared = same - report_.num_same_layers;
    std::string proofs;
    if (compared > 0) {
      proofs = fmt::format("{} the same by every path, attribute{} and byte", FormatCount(compared),
                           options_.files.ignore_mtime ? " but the time" : "");
    }
    if (report_.num_same_layers > 0) {
      proofs +=
          fmt::format("{}{} {}by the digests of the same layers", proofs.empty() ? "" : ", ",
                      FormatCount(report_.num_same_layers), proofs.empty() ? "the same " : "");
    }
    if (!proofs.empty()) out_ << proofs << '\n';
    out_ << fmt::format("compared {}, {} of files, and {} of the configs\n",
                        FormatCounted(report_.num_paths, "path"), Size(report_.file_bytes),
                        options_.config == ConfigPart::kWhole ? "all" : "what runtimes see");
    out_ << fmt::format(
        "read {}, {}\n",
        report_.num_blobs_read == 1
            ? "1 blob against its digest"
            : fmt::format("{} blobs against their digests", FormatCount(report_.num_blobs_read)),
        Size(report_.blob_bytes_read));
    if (options_.trusts_store) {
      out_ << fmt::format("no proof by bytes: the store was trusted for the contents of {}\n",
                          FormatCounted(report_.num_trusted, "layer"));
    }
  }

  // New bases are no images that were to be kept.
  std::int64_t NumImages() const {
    return std::ssize(report_.images) - report_.count(Verdict::kNewBase);
  }

  std::string DescribeCounts() const {
    std::string text = fmt::format("{} the same", FormatCount(report_.count(Verdict::kSame)));
    const auto add = [&](Verdict verdict, const std::string& what) {
      if (report_.count(verdict) == 0) return;
      text += fmt::format(", {} {}", FormatCount(report_.count(verdict)), what);
    };
    add(Verdict::kDifferent, "different");
    add(Verdict::kOnlyLeft, fmt::format("not in {}", names_.right));
    add(Verdict::kOnlyRight, fmt::format("not in {}", names_.left));
    add(Verdict::kLeftOut, fmt::format("left out of {}", names_.right));
    add(Verdict::kUnproven, "not proven");
    if (report_.count(Verdict::kNewBase) > 0) {
      text += fmt::format("; {}", FormatCounted(report_.count(Verdict::kNewBase), "new base"));
    }
    return text;
  }

  std::string Size(Bytes size) const { return FormatBytes(size, style_.units); }

  const Fleet& left_;
  const Fleet& right_;
  const VerifyNames& names_;
  const VerifyReport& report_;
  const VerifyOptions& options_;
  const ScreenStyle& style_;
  std::size_t top_;
  std::ostream& out_;
};

Json ImageJson(const Fleet& left, const Fleet& right, const ImageVerdict& verdict) {
  const SubjectImage subject = SubjectOf(left, right, verdict);
  Json json = {{"refs", verdict.refs},
               {"platform", subject.fleet.text(subject.image.platform)},
               {"verdict", kVerdictKeys[static_cast<std::size_t>(verdict.verdict)]}};
  if (verdict.left != kNone) {
    json["left"] = left.digest_text(left.images[verdict.left].identity, false);
  }
  if (verdict.right != kNone) {
    json["right"] = right.digest_text(right.images[verdict.right].identity, false);
  }
  json["same_layers"] = verdict.has_same_layers;
  json["paths"] = verdict.files.num_paths;
  json["file_bytes"] = verdict.files.file_bytes;
  json["differences"] = verdict.num_differences();
  Json config = Json::array();
  for (const ConfigDifference& difference : verdict.config) {
    config.push_back(
        {{"pointer", difference.pointer}, {"left", difference.left}, {"right", difference.right}});
  }
  json["config"] = std::move(config);
  Json files = Json::array();
  for (const FileDifference& difference : verdict.files.differences) {
    files.push_back({{"path", difference.path},
                     {"what", FileAspectName(difference.aspect)},
                     {"left", difference.left},
                     {"right", difference.right}});
  }
  json["files"] = std::move(files);
  json["unproven"] = verdict.unproven;
  return json;
}

}  // namespace

void PrintVerify(const Fleet& left, const Fleet& right, const VerifyNames& names,
                 const VerifyReport& report, const VerifyOptions& options, const ScreenStyle& style,
                 std::size_t top, std::ostream& out) {
  VerifyPrinter(left, right, names, report, options, style, top, out).Print();
}

void WriteVerifyJson(const Fleet& left, const Fleet& right, std::int64_t left_bad_images,
                     std::int64_t right_bad_images, const VerifyReport& report,
                     const VerifyOptions& options, std::ostream& out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema", "gneiss.verify/1");
  json.Field("left", {{"images", left.images.size()},
                      {"layers", left.layers.size()},
                      {"bad_images", left_bad_images}});
  json.Field("right", {{"images", right.images.size()},
                       {"layers", right.layers.size()},
                       {"bad_images", right_bad_images}});
  json.Field("mtime", options.files.ignore_mtime ? "ignore" : "exact");
  json.Field("config", options.config == ConfigPart::kWhole ? "whole" : "runtime");
  json.Field("trust_store", options.trusts_store);
  json.Field("trusted_layers", report.num_trusted);
  Json counts = Json::object();
  for (std::size_t v = 0; v < kNumVerdicts; ++v) {
    counts[std::string(kVerdictKeys[v])] = report.counts[v];
  }
  json.Field("verdicts", counts);
  json.Field("same_by_layers", report.num_same_layers);
  json.Field("paths", report.num_paths);
  json.Field("file_bytes", report.file_bytes);
  json.Field("blobs_read", report.num_blobs_read);
  json.Field("blob_bytes_read", report.blob_bytes_read);
  json.Key("images");
  json.BeginArray();
  for (const ImageVerdict& image : report.images) json.Value(ImageJson(left, right, image));
  json.EndArray();
  json.EndObject();
  json.Finish();
}

}  // namespace gneiss
