// Text from inputs, made safe and fitted for a screen. Names, labels and instructions come from
// strangers: what a terminal would obey, or show as something else, is written out instead.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gneiss {

// `text` with every control character (C0, DEL, C1), every bidirectional or invisible mark, and
// every byte that is not UTF-8 written out: "\n", "\t", "\x1b", "\u202e". Valid UTF-8, one line;
// the same text when there is nothing to escape.
[[nodiscard]] std::string Printable(std::string_view text);

// A JSON text with the same characters, but for C0, in the form that JSON has for them: "\u009b",
// "\u202e". They can only stand in its strings. Bytes that are not UTF-8 stay.
[[nodiscard]] std::string PrintableJson(std::string json);

// `text` with every byte that is not UTF-8 as U+FFFD and its two hexadecimal digits, and U+FFFD
// itself as if its three bytes were such: always valid UTF-8, never the same for two texts.
// The same text when there is nothing to replace.
[[nodiscard]] std::string NameInvalidBytes(std::string_view text);

// A digest as short as people quote it, "sha256:" and twelve digits; any other text as it is.
[[nodiscard]] std::string_view ShortDigest(std::string_view text);

// Columns that a terminal takes for `text`: 2 for East Asian wide characters and emoji, 0 for
// combining marks. REQUIRES: Printable text.
[[nodiscard]] std::size_t DisplayWidth(std::string_view text);

// `text`, when wider than `width` columns cut at the end, or in the middle, and marked with "…".
// REQUIRES: Printable text.
[[nodiscard]] std::string CutEnd(std::string_view text, std::size_t width);
[[nodiscard]] std::string CutMiddle(std::string_view text, std::size_t width);

// `text` in lines of at most `width` columns (0: 100, never less than 40), the first after `first`,
// the others indented as deep; each line ends with '\n'. REQUIRES: Printable text.
[[nodiscard]] std::string WrapText(std::string_view first, std::string_view text,
                                   std::size_t width);

}  // namespace gneiss
