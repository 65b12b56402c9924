// What tests of a registry's client share: a client of a server on loopback whose waits take no
// time, and what it says when something is wrong.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "io/registry/registry_client.h"
#include "planner/fleet/bytes.h"
#include "tests/make/fake_clock.h"
#include "tests/make/http_server.h"

namespace gneiss {

// Anonymous and over plain http unless told otherwise, with three retries.
inline RegistryOptions OptionsFor(FakeClock& clock) {
  RegistryOptions options;
  options.http.clock = &clock;
  options.plain_http = true;
  options.credentials.anonymous = true;
  options.retry.retries = 3;
  return options;
}

// The message of the InputError that `call` throws, with the server's host as HOST.
inline std::string ErrorOf(const HttpServer& server, const std::function<void()>& call) {
  try {
    call();
  } catch (const InputError& error) {
    std::string text = error.what();
    for (std::size_t at; (at = text.find(server.host())) != std::string::npos;) {
      text.replace(at, server.host().size(), "HOST");
    }
    CHECK(text.find('\n') == std::string::npos);
    return text;
  }
  return "none";
}

inline std::string ReadAll(ByteSource& source, std::size_t piece = 70'000) {
  std::string all;
  std::string buffer(piece, '\0');
  while (const std::size_t count = source.Read(buffer)) all.append(buffer, 0, count);
  return all;
}

}  // namespace gneiss
