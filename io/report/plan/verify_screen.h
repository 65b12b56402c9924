// What `verify` found, on a screen and as JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string_view>

#include "io/apply/verify_fleets.h"
#include "io/text/table.h"

namespace gneiss {

// The two sides of a report, as the user named them.
struct VerifyNames {
  std::string_view left;
  std::string_view right;
};

// Images that differ or are not proven, with at most `top` differences each (0: all), then the sum.
void PrintVerify(const Fleet& left, const Fleet& right, const VerifyNames& names,
                 const VerifyReport& report, const VerifyOptions& options, const ScreenStyle& style,
                 std::size_t top, std::ostream& out);

// "gneiss.verify/1"; schema/gneiss.verify-1.schema.json describes it. Says nothing of where the
// sides were read from, so equal fleets make equal bytes.
void WriteVerifyJson(const Fleet& left, const Fleet& right, std::int64_t left_bad_images,
                     std::int64_t right_bad_images, const VerifyReport& report,
                     const VerifyOptions& options, std::ostream& out);

}  // namespace gneiss
