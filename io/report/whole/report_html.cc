#include "io/report/whole/report_html.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "planner/fleet/digest.h"

namespace gneiss {
namespace {

std::string Base64(const Digest& digest) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < Digest::kBytes; i += 3) {
    std::uint32_t group = 0;
    for (std::size_t b = i; b < i + 3; ++b) {
      group = group << 8 | (b < Digest::kBytes ? digest.bytes[b] : 0U);
    }
    for (int shift = 18; shift >= 0; shift -= 6) text += kDigits[group >> shift & 63U];
  }
  // 32 bytes are ten groups and two bytes.
  text.back() = '=';
  return text;
}

std::string TitleOf(const FleetReport& report) {
  const std::string images = FormatCounted(std::ssize(report.fleet.images), "image");
  const auto& group = report.request.group;
  return group ? fmt::format("{} {}: {}", group->by, group->name, images)
               : fmt::format("The layers of {}", images);
}

std::string PolicyOf(const PageFiles& page) {
  return fmt::format(
      "default-src 'none'; script-src {} {}; style-src {}; base-uri 'none'; form-action 'none'",
      PolicyHash(page.library), PolicyHash(page.script), PolicyHash(page.style));
}

}  // namespace

std::string JsonForScript(std::string_view json) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kEscapes = {
      {{"<", "\\u003c"}, {"\xe2\x80\xa8", "\\u2028"}, {"\xe2\x80\xa9", "\\u2029"}}};
  std::string text;
  text.reserve(json.size() + json.size() / 16);
  while (!json.empty()) {
    const std::size_t plain = json.find_first_of("<\xe2");
    text += json.substr(0, plain);
    if (plain == std::string_view::npos) break;
    json.remove_prefix(plain);
    std::string_view from = json.substr(0, 1);
    std::string_view to = from;
    for (const auto& [odd, escape] : kEscapes) {
      if (!json.starts_with(odd)) continue;
      from = odd;
      to = escape;
    }
    text += to;
    json.remove_prefix(from.size());
  }
  return text;
}

std::string HtmlText(std::string_view text) {
  std::string safe;
  for (const char c : Printable(text)) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string PolicyHash(std::string_view text) {
  return fmt::format("'sha256-{}'", Base64(Sha256(text)));
}

void WriteReportHtml(const FleetReport& report, const ReportLimits& limits, std::ostream& out) {
  const PageFiles page = EmbeddedPage();
  const auto data = [&] {
    std::ostringstream json;
    WriteReportJson(report, limits, json);
    return JsonForScript(json.view());
  };
  std::string_view rest = page.html;
  for (std::size_t begin; (begin = rest.find("{{")) != std::string_view::npos;) {
    const std::size_t end = rest.find("}}", begin);
    const std::string_view name = rest.substr(begin + 2, end - begin - 2);
    out << rest.substr(0, begin);
    rest.remove_prefix(end + 2);
    if (name == "policy") {
      out << PolicyOf(page);
    } else if (name == "title") {
      out << HtmlText(TitleOf(report));
    } else if (name == "style") {
      out << page.style;
    } else if (name == "data") {
      out << data();
    } else if (name == "library") {
      out << page.library;
    } else if (name == "script") {
      out << page.script;
    } else {
      throw std::logic_error(fmt::format("page.html has no part \"{}\"", name));
    }
  }
  out << rest;
}

}  // namespace gneiss
