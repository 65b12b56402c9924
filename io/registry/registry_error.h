// What is said when a registry or its token server does not give what was asked: one line that
// names the URL, the status or the reason, the server's own words, and what to try.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/registry/credentials.h"
#include "io/registry/http_client.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

struct AskedFor {
  std::string expected;     // "a manifest"
  std::string access = {};  // DescribeCredentials of who asked; empty: nobody may give any
  // What the answer may repeat and a message must not.
  std::vector<std::string> secrets = {};
};

// "without credentials", "with the credentials of FILE".
[[nodiscard]] std::string DescribeCredentials(const Credentials& credentials);

// A status that is not the one that was hoped for.
[[nodiscard]] InputError MakeStatusError(const HttpResponse& answer, const AskedFor& asked);
// No answer, or not all of it.
[[nodiscard]] InputError MakeFaultError(const HttpError& error, std::string_view expected);
// An answer that is something else.
[[nodiscard]] InputError MakeContentError(const HttpResponse& answer, std::string_view expected);

}  // namespace gneiss
