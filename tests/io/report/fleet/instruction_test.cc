#include "io/report/fleet/instruction.h"

#include <string>

#include <catch2/catch.hpp>

namespace gneiss {
namespace {

std::string Pretty(std::string_view text) { return PrettyInstruction(text, 60); }

TEST_CASE("What every instruction carries is left out", "[io][instruction]") {
  CHECK(Pretty("/bin/sh -c #(nop)  CMD [\"bash\"]") == "CMD [\"bash\"]");
  CHECK(Pretty("/bin/sh -c apt-get update") == "RUN apt-get update");
  CHECK(Pretty("RUN /bin/sh -c apt-get update # buildkit") == "RUN apt-get update");
  CHECK(Pretty("RUN apt-get update") == "RUN apt-get update");
  CHECK(Pretty("|2 A=b C=d /bin/sh -c make all") == "RUN make all");
  CHECK(Pretty("RUN |1 A=b /bin/sh -c make all # buildkit") == "RUN make all");
  CHECK(Pretty("COPY . /app # buildkit") == "COPY . /app");
}

TEST_CASE("Shell settings in front of a command are left out", "[io][instruction]") {
  CHECK(Pretty("RUN set -eux; \t\tapt-get update") == "RUN apt-get update");
  CHECK(Pretty("RUN set -x \t&& apk add curl") == "RUN apk add curl");
  CHECK(Pretty("RUN set -o pipefail; x") == "RUN set -o pipefail; x");
  CHECK(Pretty("RUN set -ex;") == "RUN set -ex;");
}

TEST_CASE("White space is collapsed and hashes are cut", "[io][instruction]") {
  CHECK(Pretty("  RUN  a \t\n b ") == "RUN a b");
  CHECK(Pretty("ADD file:4a952fc4b81d50b342e26a818dac48a148a4d5eddb878219650e579a5c9faeaa in / ") ==
        "ADD file:4a952fc4 in /");
  CHECK(Pretty("RUN deadbeef") == "RUN deadbeef");
}

TEST_CASE("An unknown instruction stays empty", "[io][instruction]") {
  CHECK(Pretty("").empty());
  CHECK(Pretty(" \t ").empty());
  CHECK(Pretty("/bin/sh -c #(nop) ").empty());
}

TEST_CASE("An instruction cannot steer the terminal, and fits", "[io][instruction]") {
  CHECK(Pretty("RUN echo \x1b[31m") == "RUN echo \\x1b[31m");
  CHECK(PrettyInstruction("RUN apt-get install", 10) == "RUN apt-g…");
  CHECK(Pretty("bazel build ...") == "bazel build ...");
}

}  // namespace
}  // namespace gneiss
