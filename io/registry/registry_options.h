// All that a registry's client can be told.
#pragma once

#include <cstdint>
#include <optional>

#include "io/registry/credentials.h"
#include "io/registry/http_client.h"
#include "io/registry/retry.h"

namespace gneiss {

struct RegistryOptions {
  HttpOptions http;  // clock and is_moot hold for waits of every kind
  RetryOptions retry;
  CredentialOptions credentials;
  // http instead of https. nullopt: https, but for a loopback host that does not speak TLS.
  std::optional<bool> plain_http;
  std::int64_t max_pages = 100'000;    // of one list
  std::int64_t max_names = 5'000'000;  // of one list
  std::int64_t page_names = 1000;      // asked for at once
};

}  // namespace gneiss
