#include <limits>

#include <catch2/catch.hpp>

#include "io/text/format.h"

namespace gneiss {
namespace {

TEST_CASE("Sizes have three significant digits and the unit that fits", "[io][format]") {
  const auto si = [](Bytes size) { return FormatBytes(size, ByteUnits::kSi); };
  CHECK(si(0) == "0 B");
  CHECK(si(999) == "999 B");
  CHECK(si(1000) == "1.00 kB");
  CHECK(si(9994) == "9.99 kB");
  CHECK(si(9995) == "10.0 kB");
  CHECK(si(99'949) == "99.9 kB");
  CHECK(si(99'950) == "100 kB");
  CHECK(si(999'499) == "999 kB");
  CHECK(si(999'500) == "1.00 MB");
  CHECK(si(635'291'943'177) == "635 GB");
  CHECK(si(-12'345'678) == "-12.3 MB");
  CHECK(si(std::numeric_limits<Bytes>::max()) == "9.22 EB");
}

TEST_CASE("IEC units are powers of 1024", "[io][format]") {
  const auto iec = [](Bytes size) { return FormatBytes(size, ByteUnits::kIec); };
  CHECK(iec(1023) == "1023 B");
  CHECK(iec(1024) == "1.00 KiB");
  CHECK(iec(1023 * 1024) == "1.00 MiB");
  CHECK(iec(Bytes{5} << 30) == "5.00 GiB");
  CHECK(iec(std::numeric_limits<Bytes>::max()) == "8.00 EiB");
}

TEST_CASE("Raw sizes are exact", "[io][format]") {
  CHECK(FormatBytes(171'655'457'577, ByteUnits::kRaw) == "171,655,457,577");
  CHECK(FormatBytes(-1000, ByteUnits::kRaw) == "-1,000");
}

TEST_CASE("Counts have separators every three digits", "[io][format]") {
  CHECK(FormatCount(0) == "0");
  CHECK(FormatCount(999) == "999");
  CHECK(FormatCount(1000) == "1,000");
  CHECK(FormatCount(-123456) == "-123,456");
  CHECK(FormatCount(1234567) == "1,234,567");
}

TEST_CASE("One of a thing has no plural", "[io][format]") {
  CHECK(FormatCounted(1, "image") == "1 image");
  CHECK(FormatCounted(0, "image") == "0 images");
  CHECK(FormatCounted(2, "entry", "entries") == "2 entries");
  CHECK(FormatCounted(1, "entry", "entries") == "1 entry");
}

TEST_CASE("A share too small to round to a tenth of a percent is not shown as nothing",
          "[io][format]") {
  CHECK(FormatPercent(1, 3) == "33.3 %");
  CHECK(FormatPercent(3, 3) == "100.0 %");
  CHECK(FormatPercent(0, 3) == "0.0 %");
  CHECK(FormatPercent(1, 1'000'000) == "<0.1 %");
  CHECK(FormatPercent(0, 0) == "-");
}

TEST_CASE("A ratio to nothing is no number", "[io][format]") {
  CHECK(FormatRatio(635'291'943'177, 171'655'457'577) == "3.70x");
  CHECK(FormatRatio(1234, 1) == "1,234x");
  CHECK(FormatRatio(5, 0) == "-");
}

TEST_CASE("Numbers keep three digits", "[io][format]") {
  CHECK(FormatNumber(8.1875) == "8.19");
  CHECK(FormatNumber(9.995) == "10.0");
  CHECK(FormatNumber(99.96) == "100");
  CHECK(FormatNumber(1234.4) == "1,234");
}

}  // namespace
}  // namespace gneiss
