// A policy file (schema gneiss.policy/1): JSON with comments, for `gneiss check`.
//
//   {
//     "schema": "gneiss.policy/1",            // may be left out
//     "max_physical": "500 GB", "max_logical": "3 TB",
//     "max_growth": "5 %",                    // or a size; against --baseline
//     "max_image_size": "2 GiB", "max_layers": 20,
//     "max_wasted_bytes": "10 GB", "max_wasted_share": "8 %",
//     "min_shared_ratio": 2.5,
//     "allowed_bases": ["debian:12*", "registry.example.org/base/*"],
//     "no_secrets": true, "allowed_secrets": ["etc/ssl/private/ssl-cert-snakeoil.key"],
//     "exempt": ["legacy/*"],
//     "repositories": {"team-a/*": {"max_physical": "20 GB", "max_layers": 15}},
//     "scope": "global", "layers_only": false,
//     "not_judged": "fail"                    // or "pass"
//   }
#pragma once

#include <string>
#include <string_view>

#include "planner/fleet/bytes.h"
#include "planner/questions/policy.h"

namespace gneiss {

// SIZE on the command line: "4096", "256KiB", "1.5GB".

// Bytes of a whole or decimal number with an optional unit: B; kB, MB, GB, TB, PB (powers of 1000);
// KiB, MiB, GiB, TiB, PiB (powers of 1024). Units in any case, a space before them allowed. K, M, G
// alone are refused, because they mean either. A part of a byte is rounded to the nearest.
// Throws InputError without source: "expected a size such as ..., found ...".
[[nodiscard]] Bytes ParseSize(std::string_view text);

// Throws InputError "PATH:LINE: max_physical: expected ..., found ...", for keys that no policy has
// with what may have been meant, for a policy without any rule; std::system_error when the file
// cannot be read. At most 1 MiB.
[[nodiscard]] Policy ReadPolicyFile(const std::string& path);

// The same for a text; `path` is what messages call it.
[[nodiscard]] Policy ParsePolicy(const std::string& path, std::string_view text);

}  // namespace gneiss
