// A line of CSV (RFC 4180) as its fields.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gneiss {

// Fields between commas, without blanks around them; in double quotes as they are, a quote in them
// doubled. Throws InputError without source when a quote is not closed, as it would be by a field
// that goes on in the next line, or something follows it.
[[nodiscard]] std::vector<std::string> SplitCsvLine(std::string_view line);

}  // namespace gneiss
