#include "bench/synthetic_names.h"

#include <array>
#include <iterator>

#include <fmt/format.h>

#include "bench/seeded_random.h"

namespace gneiss {
namespace {

constexpr std::array<std::string_view, 24> kOrganisations = {
    "acme",   "borealis", "cobalt",  "delta",  "ember",    "fathom", "granite", "harbour",
    "indigo", "juniper",  "kestrel", "lumen",  "meridian", "north",  "orchard", "pelican",
    "quarry", "river",    "saffron", "tundra", "umbra",    "vector", "willow",  "zephyr"};

constexpr std::array<std::string_view, 12> kDepartments = {
    "",      "-data",  "-platform", "-research", "-retail", "-payments",
    "-labs", "-media", "-health",   "-mobility", "-cloud",  "-games"};

constexpr std::array<std::string_view, 16> kBases = {
    "debian", "alpine", "ubuntu", "python",  "node",   "openjdk", "golang",   "ruby",
    "php",    "dotnet", "nginx",  "busybox", "fedora", "tomcat",  "postgres", "cuda"};

constexpr std::array<std::string_view, 20> kSubjects = {
    "checkout", "billing", "catalog", "search",    "account", "ledger",   "report",
    "mail",     "session", "gateway", "inventory", "pricing", "shipping", "metrics",
    "audit",    "upload",  "image",   "profile",   "notify",  "model"};

constexpr std::array<std::string_view, 10> kRoles = {"api",   "web", "worker", "service", "batch",
                                                     "proxy", "ui",  "sync",   "cron",    "agent"};

constexpr std::array<std::string_view, kNumVariants> kVariants = {"", "-slim", "-alpine", "-full"};

constexpr std::array<std::string_view, 12> kTeams = {
    "payments",  "search", "platform",      "data-science", "mobile",  "identity",
    "logistics", "web",    "observability", "risk",         "content", "infrastructure"};

constexpr std::array<std::string_view, 8> kPackages = {
    "ca-certificates curl", "build-essential", "git openssh-client",      "libpq-dev",
    "python3 python3-pip",  "ffmpeg",          "openjdk-17-jre-headless", "nginx"};

constexpr std::array<std::string_view, 6> kBuilds = {
    "RUN pip install --no-cache-dir -r requirements.txt",
    "RUN npm ci --production",
    "RUN bundle install --without development test",
    "RUN composer install --no-dev",
    "RUN mvn -B package",
    "RUN go build -o /usr/local/bin/server ./..."};

constexpr std::array<std::string_view, 6> kTouches = {
    "RUN mkdir -p /app/data",      "RUN adduser --system --uid 1000 app",     "WORKDIR /srv/app",
    "RUN chmod +x /entrypoint.sh", "RUN ln -sf /dev/stdout /var/log/app.log", "RUN ldconfig"};

constexpr std::array<std::string_view, 4> kMetadata = {
    "ENV LANG=C.UTF-8", "EXPOSE 8080/tcp", "CMD [\"/entrypoint.sh\"]", "LABEL stage=release"};

template <std::size_t kSize>
std::string_view Pick(const std::array<std::string_view, kSize>& words, std::uint64_t number) {
  return words[number % kSize];
}

}  // namespace

std::string OrganisationName(std::uint64_t organisation) {
  const std::string_view word = Pick(kOrganisations, organisation);
  organisation /= kOrganisations.size();
  const std::string_view department = Pick(kDepartments, organisation);
  organisation /= kDepartments.size();
  return organisation == 0 ? fmt::format("{}{}", word, department)
                           : fmt::format("{}{}-{}", word, department, organisation + 1);
}

std::string RepositoryName(std::uint64_t organisation, std::uint64_t ordinal, bool is_base) {
  const std::uint64_t start = Mix64(organisation) % 1000;
  if (is_base) {
    const std::string_view word = Pick(kBases, start + ordinal);
    ordinal /= kBases.size();
    return ordinal == 0 ? std::string(word) : fmt::format("{}-base-{}", word, ordinal + 1);
  }
  const std::string_view subject = Pick(kSubjects, start + ordinal);
  ordinal /= kSubjects.size();
  const std::string_view role = Pick(kRoles, start + ordinal);
  ordinal /= kRoles.size();
  return ordinal == 0 ? fmt::format("{}-{}", subject, role)
                      : fmt::format("{}-{}-{}", subject, role, ordinal + 1);
}

std::string_view VariantSuffix(std::uint32_t variant) { return Pick(kVariants, variant); }

std::string CommitText(std::uint32_t number) {
  // A bijection of 32 bits: odd multiplier, then a shift that can be undone.
  std::uint32_t mixed = number * 2654435761U + 0x5bd1e995U;
  mixed ^= mixed >> 15;
  return fmt::format("{:08x}", mixed);
}

std::string_view TeamName(std::uint64_t team) { return Pick(kTeams, team); }

void WriteInstruction(LayerKind kind, std::uint32_t instruction, std::uint64_t content, Bytes size,
                      std::string& text) {
  text.clear();
  const auto out = std::back_inserter(text);
  const std::uint64_t choice = Mix64(instruction);
  const std::uint64_t detail = choice >> 8;
  const std::uint64_t file = Mix64(content);
  switch (kind) {
    case LayerKind::kRootfs:
      fmt::format_to(out, "ADD file:{:016x} in / ", file);
      return;
    case LayerKind::kEmpty:
      text = Pick(kMetadata, detail);
      return;
    case LayerKind::kSmall:
      if (size < 400 || choice % 3 == 0) {
        text = Pick(kTouches, detail);
      } else {
        fmt::format_to(out, "COPY file:{:016x} in /usr/local/bin/ ", file);
      }
      return;
    case LayerKind::kLarge:
      if (choice % 8 < 3) {
        fmt::format_to(out,
                       "RUN apt-get update && apt-get install -y --no-install-recommends {} && "
                       "rm -rf /var/lib/apt/lists/*",
                       Pick(kPackages, detail));
      } else if (choice % 8 < 6) {
        text = Pick(kBuilds, detail);
      } else {
        fmt::format_to(out, "COPY dir:{:016x} in /srv/app ", file);
      }
      return;
  }
}

std::string TimeText(std::int64_t seconds) {
  // Days to a civil date: H. Hinnant, "chrono-compatible low-level date algorithms", 2014.
  const std::int64_t z = seconds / 86400 + 719468;
  const std::int64_t era = z / 146097;
  const std::int64_t day_of_era = z % 146097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;  // 0 is March
  const std::int64_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const std::int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  const std::int64_t second = seconds % 86400;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", year, month, day, second / 3600,
                     second / 60 % 60, second % 60);
}

}  // namespace gneiss
