#include "planner/waste/waste_rules.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <vector>

namespace gneiss {

std::vector<FoundSecret> FindSecrets(const Fleet& fleet, const LayerContents& contents) {
  std::vector<FoundSecret> secrets;
  for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
    if (!contents.inventories[l]) continue;
    const Inventory& inventory = *contents.inventories[l];
    for (std::uint32_t e = 0; e < inventory.entries.size(); ++e) {
      const Entry& entry = inventory.entries[e];
      // A hard link is a name of a secret too.
      const bool has_bytes = entry.type == EntryType::kRegular && entry.size > 0;
      if (!has_bytes && entry.type != EntryType::kHardLink) continue;
      const WasteRuleIndex rule = FindWasteRule(inventory.path(entry), entry.head);
      if (rule == kNoWasteRule || WasteRules()[rule].kind != WasteKind::kSecret) continue;
      secrets.push_back({.entry = {.layer = l, .entry = e}, .rule = rule});
    }
  }
  return secrets;
}

namespace {

constexpr std::string_view kAptLists =
    "end the RUN that calls apt-get update with `&& rm -rf /var/lib/apt/lists/*`";
constexpr std::string_view kAptCache =
    "call apt-get clean in the RUN that installs, or mount a cache at /var/cache/apt";
constexpr std::string_view kDnf = "end the RUN that installs with `&& dnf clean all`";
constexpr std::string_view kApk = "install with `apk add --no-cache`";
constexpr std::string_view kPip = "install with `pip install --no-cache-dir`";
constexpr std::string_view kNpm = "run `npm cache clean --force` in the RUN that installs";
constexpr std::string_view kYarn = "run `yarn cache clean` in the RUN that installs";
constexpr std::string_view kComposer =
    "run `composer clear-cache` in the RUN that installs, or mount a cache there";
constexpr std::string_view kGem = "install with `gem install --no-document` and delete the cache";
constexpr std::string_view kGo = "build in a stage of its own and copy the program out of it";
constexpr std::string_view kCargo = kGo;
constexpr std::string_view kMaven = "build in a stage of its own and copy the archive out of it";
constexpr std::string_view kStages =
    "compile in a stage of its own and copy only the results into the final one";
constexpr std::string_view kIgnore = "list it in .dockerignore";
constexpr std::string_view kNoSecrets =
    "take it out of the build context, mount it with --mount=type=secret, and replace it: whoever "
    "can pull the image has it";
constexpr std::string_view kTemporary = "delete it in the RUN that writes it";
constexpr std::string_view kLog = "delete logs in the RUN that writes them";

using enum WasteKind;
constexpr std::array kRules = {
    // Secrets before all else.
    WasteRule{"private key", kSecret, "**", kNoSecrets, ContentHead::kPrivateKey},
    WasteRule{"SSH private key", kSecret, "**/.ssh/id_rsa", kNoSecrets},
    WasteRule{"SSH private key", kSecret, "**/.ssh/id_dsa", kNoSecrets},
    WasteRule{"SSH private key", kSecret, "**/.ssh/id_ecdsa", kNoSecrets},
    WasteRule{"SSH private key", kSecret, "**/.ssh/id_ecdsa_sk", kNoSecrets},
    WasteRule{"SSH private key", kSecret, "**/.ssh/id_ed25519", kNoSecrets},
    WasteRule{"SSH private key", kSecret, "**/.ssh/id_ed25519_sk", kNoSecrets},
    WasteRule{"SSH host key", kSecret, "etc/ssh/ssh_host_*_key", kNoSecrets},
    WasteRule{"TLS private key", kSecret, "etc/ssl/private/**", kNoSecrets},
    WasteRule{"TLS private key", kSecret, "etc/pki/tls/private/**", kNoSecrets},
    WasteRule{"key store", kSecret, "**/*.p12", kNoSecrets},
    WasteRule{"key store", kSecret, "**/*.pfx", kNoSecrets},
    WasteRule{"GnuPG private key", kSecret, "**/.gnupg/private-keys-v1.d/**", kNoSecrets},
    WasteRule{"GnuPG private key", kSecret, "**/.gnupg/secring.gpg", kNoSecrets},
    WasteRule{"environment file", kSecret, "**/.env", kNoSecrets},
    WasteRule{"environment file", kSecret, "**/.env.local", kNoSecrets},
    WasteRule{"environment file", kSecret, "**/.env.production", kNoSecrets},
    WasteRule{"environment file", kSecret, "**/.env.staging", kNoSecrets},
    WasteRule{"environment file", kSecret, "**/.env.development", kNoSecrets},
    WasteRule{"environment file", kSecret, "**/.env.*.local", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.netrc", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.npmrc", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.pypirc", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.pgpass", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.git-credentials", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.aws/credentials", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.docker/config.json", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.dockercfg", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.kube/config", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.vault-token", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.config/gcloud/credentials.db", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.config/gcloud/application_default_credentials.json",
              kNoSecrets},
    WasteRule{"credentials", kSecret, "**/service-account*.json", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.azure/accessTokens.json", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.azure/msal_token_cache.json", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.cargo/credentials", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.cargo/credentials.toml", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.gem/credentials", kNoSecrets},
    WasteRule{"credentials", kSecret, "**/.terraform.d/credentials.tfrc.json", kNoSecrets},
    WasteRule{"apt lists", kPackageCache, "var/lib/apt/lists/**", kAptLists},
    WasteRule{"apt cache", kPackageCache, "var/cache/apt/**", kAptCache},
    WasteRule{"dnf cache", kPackageCache, "var/cache/dnf/**", kDnf},
    WasteRule{"dnf cache", kPackageCache, "var/cache/libdnf5/**", kDnf},
    WasteRule{"yum cache", kPackageCache, "var/cache/yum/**", kDnf},
    WasteRule{"zypper cache", kPackageCache, "var/cache/zypp/**",
              "end the RUN with `zypper clean`"},
    WasteRule{"pacman cache", kPackageCache, "var/cache/pacman/pkg/**",
              "end the RUN that installs with `&& pacman -Scc --noconfirm`"},
    WasteRule{"apk cache", kPackageCache, "var/cache/apk/**", kApk},
    WasteRule{"apk cache", kPackageCache, "etc/apk/cache/**", kApk},
    WasteRule{"pip cache", kPackageCache, "**/.cache/pip/**", kPip},
    WasteRule{"pip cache", kPackageCache, "**/.cache/uv/**", "install with `uv --no-cache`"},
    WasteRule{"pip cache", kPackageCache, "**/.cache/pypoetry/**",
              "install with `poetry install --no-cache`"},
    WasteRule{"conda packages", kPackageCache, "**/*conda*/pkgs/**",
              "end the RUN that installs with `&& conda clean -afy`"},
    WasteRule{"npm cache", kPackageCache, "**/.npm/_cacache/**", kNpm},
    WasteRule{"npm cache", kPackageCache, "**/.npm/_logs/**", kNpm},
    WasteRule{"yarn cache", kPackageCache, "**/.cache/yarn/**", kYarn},
    WasteRule{"yarn cache", kPackageCache, "**/.yarn/berry/cache/**", kYarn},
    WasteRule{"pnpm store", kPackageCache, "**/.local/share/pnpm/store/**",
              "run `pnpm store prune` in the RUN that installs, or mount a cache there"},
    WasteRule{"pnpm store", kPackageCache, "**/.cache/pnpm/**",
              "mount a cache at the pnpm cache directory"},
    WasteRule{"composer cache", kPackageCache, "**/.composer/cache/**", kComposer},
    WasteRule{"composer cache", kPackageCache, "**/.cache/composer/**", kComposer},
    WasteRule{"nuget packages", kPackageCache, "**/.nuget/packages/**", kStages},
    WasteRule{"gem cache", kPackageCache, "**/cache/*.gem", kGem},
    WasteRule{"go build cache", kPackageCache, "**/.cache/go-build/**", kGo},
    WasteRule{"go module cache", kPackageCache, "**/go/pkg/mod/**", kGo},
    WasteRule{"cargo registry", kPackageCache, "**/.cargo/registry/**", kCargo},
    WasteRule{"cargo registry", kPackageCache, "usr/local/cargo/registry/**", kCargo},
    WasteRule{"cargo registry", kPackageCache, "**/.cargo/git/**", kCargo},
    WasteRule{"cargo registry", kPackageCache, "usr/local/cargo/git/**", kCargo},
    WasteRule{"maven repository", kPackageCache, "**/.m2/repository/**", kMaven},
    WasteRule{"gradle cache", kPackageCache, "**/.gradle/caches/**", kMaven},
    WasteRule{"ivy cache", kPackageCache, "**/.ivy2/cache/**", kMaven},
    WasteRule{"git repository", kVersionControl, "**/.git/**", kIgnore},
    WasteRule{"subversion data", kVersionControl, "**/.svn/**", kIgnore},
    WasteRule{"mercurial data", kVersionControl, "**/.hg/**", kIgnore},
    WasteRule{"compiler", kBuildTools, "usr/lib/gcc/**", kStages},
    WasteRule{"compiler", kBuildTools, "usr/libexec/gcc/**", kStages},
    WasteRule{"compiler", kBuildTools, "usr/lib/llvm-*/bin/**", kStages},
    WasteRule{"compiler", kBuildTools, "usr/bin/gcc-*", kStages},
    WasteRule{"compiler", kBuildTools, "usr/bin/g++-*", kStages},
    WasteRule{"compiler", kBuildTools, "usr/bin/cpp-*", kStages},
    WasteRule{"compiler", kBuildTools, "usr/bin/clang-*", kStages},
    WasteRule{"compiler", kBuildTools, "usr/bin/*-linux-gnu*-gcc*", kStages},
    WasteRule{"compiler", kBuildTools, "usr/bin/*-linux-gnu*-g++*", kStages},
    WasteRule{"compiler", kBuildTools, "usr/bin/*-linux-gnu*-cpp*", kStages},
    WasteRule{"compiler", kBuildTools, "usr/local/go/pkg/tool/**", kStages},
    WasteRule{"compiler", kBuildTools, "**/.rustup/toolchains/**", kStages},
    WasteRule{"compiler", kBuildTools, "usr/local/rustup/toolchains/**", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-addr2line", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-ar", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-as", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-c++filt", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-dwp", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-elfedit", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-gold", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-gprof", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-ld", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-ld.*", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-nm", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-objcopy", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-objdump", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-ranlib", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-readelf", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-size", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-strings", kStages},
    WasteRule{"linker and assembler", kBuildTools, "usr/bin/*-linux-gnu*-strip", kStages},
    WasteRule{"headers", kBuildTools, "usr/include/**", kStages},
    WasteRule{"headers", kBuildTools, "usr/local/include/**", kStages},
    WasteRule{"static libraries", kBuildTools, "**/lib*.a", kStages},
    WasteRule{"logs", kLogs, "var/log/**", kLog},
    WasteRule{"temporary files", kLitter, "tmp/**", kTemporary},
    WasteRule{"temporary files", kLitter, "var/tmp/**", kTemporary},
    WasteRule{"backups of package lists", kLitter, "var/cache/debconf/*-old", kTemporary},
    WasteRule{"backups of package lists", kLitter, "var/lib/dpkg/*-old", kTemporary},
    WasteRule{"ldconfig cache", kLitter, "var/cache/ldconfig/aux-cache", kTemporary},
    WasteRule{"editor and desktop files", kLitter, "**/.DS_Store", kIgnore},
    WasteRule{"editor and desktop files", kLitter, "**/.idea/**", kIgnore},
    WasteRule{"editor and desktop files", kLitter, "**/.vscode/**", kIgnore},
    WasteRule{"editor and desktop files", kLitter, "**/*.swp", kIgnore},
    WasteRule{"build context", kLitter, "**/Dockerfile", kIgnore},
    WasteRule{"build context", kLitter, "**/.dockerignore", kIgnore},
    WasteRule{"build context", kLitter, "**/docker-compose.yml", kIgnore},
    WasteRule{"build context", kLitter, "**/docker-compose.yaml", kIgnore},
    WasteRule{"build context", kLitter, "**/node_modules/.cache/**", kIgnore},
};

constexpr WasteRuleIndex kPrivateKeyRule = 0;
static_assert(kRules[kPrivateKeyRule].head == ContentHead::kPrivateKey);

// One component against a pattern with '*'. Greedy with one point to go back to.
bool MatchesComponent(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string_view TakeComponent(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('/'), rest.size());
  const std::string_view component = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return component;
}

// From the start of both; a pattern that ends in "/**" needs something below.
bool MatchesFromStart(std::string_view pattern, std::string_view key) {
  while (!pattern.empty()) {
    if (pattern == "**") return !key.empty();
    if (key.empty()) return false;
    const std::string_view expected = TakeComponent(pattern);
    if (!MatchesComponent(expected, TakeComponent(key))) return false;
  }
  return key.empty();
}

// What is published with a package is no secret, nor left behind from a build.
bool IsForOwnFilesOnly(const WasteRule& rule) {
  return rule.kind == kSecret || rule.name == "build context";
}

// Rules by the first component of their patterns, so that a path is compared with few of them.
class RuleIndex {
 public:
  RuleIndex() {
    for (WasteRuleIndex r = kPrivateKeyRule + 1; r < kRules.size(); ++r) {
      std::string_view pattern = kRules[r].pattern;
      const bool anywhere = pattern.starts_with(kAnywhere);
      if (anywhere) pattern.remove_prefix(kAnywhere.size());
      const std::string_view first = TakeComponent(pattern);
      if (first.find('*') != std::string_view::npos) {
        any_name_.push_back(r);
      } else {
        (anywhere ? anywhere_ : at_root_)[first].push_back(r);
      }
    }
  }

  // The first rule in the table's order that matches.
  WasteRuleIndex Find(std::string_view key) const {
    WasteRuleIndex best = kNoWasteRule;
    const auto try_rules = [&](std::span<const WasteRuleIndex> rules, std::string_view rest) {
      for (const WasteRuleIndex r : rules) {
        if (r >= best) return;
        std::string_view pattern = kRules[r].pattern;
        if (pattern.starts_with(kAnywhere)) pattern.remove_prefix(kAnywhere.size());
        if (MatchesFromStart(pattern, rest) &&
            !(IsForOwnFilesOnly(kRules[r]) && IsPublished(key))) {
          best = r;
        }
      }
    };
    bool at_root = true;
    for (std::string_view rest = key; !rest.empty(); at_root = false) {
      const std::string_view from_here = rest;
      const std::string_view component = TakeComponent(rest);
      if (at_root) {
        if (const auto found = at_root_.find(component); found != at_root_.end()) {
          try_rules(found->second, from_here);
        }
      }
      if (const auto found = anywhere_.find(component); found != anywhere_.end()) {
        try_rules(found->second, from_here);
      }
      for (const WasteRuleIndex r : any_name_) {
        if (at_root || kRules[r].pattern.starts_with(kAnywhere))
          try_rules(std::span(&r, 1), from_here);
      }
    }
    return best;
  }

 private:
  static constexpr std::string_view kAnywhere = "**/";
  using Rules = std::unordered_map<std::string_view, std::vector<WasteRuleIndex>>;

  Rules at_root_;
  Rules anywhere_;
  std::vector<WasteRuleIndex> any_name_;  // whose first component is a pattern itself
};

}  // namespace

std::string_view WasteKindName(WasteKind kind) {
  constexpr std::array<std::string_view, kNumWasteKinds> kNames = {"deleted later",
                                                                   "replaced later",
                                                                   "only attributes changed",
                                                                   "written again",
                                                                   "twice in one layer",
                                                                   "package cache",
                                                                   "build tools",
                                                                   "version control",
                                                                   "logs",
                                                                   "litter",
                                                                   "secret",
                                                                   "archive beside its tree",
                                                                   "same content twice",
                                                                   "recompressed",
                                                                   "other order",
                                                                   "other times",
                                                                   "other attributes"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::span<const WasteRule> WasteRules() { return kRules; }

bool MatchesPattern(std::string_view pattern, std::string_view key) {
  if (!pattern.starts_with("**/")) return MatchesFromStart(pattern, key);
  pattern.remove_prefix(3);
  while (true) {
    if (MatchesFromStart(pattern, key)) return true;
    const std::size_t slash = key.find('/');
    if (slash == std::string_view::npos) return false;
    key.remove_prefix(slash + 1);
  }
}

bool IsPublished(std::string_view key) {
  constexpr std::array<std::string_view, 15> kDirectories = {
      "__tests__",    "dist-packages", "doc",  "docs", "example",  "examples", "fixtures", "man",
      "node_modules", "site-packages", "spec", "test", "testdata", "testing",  "tests"};
  static_assert(std::ranges::is_sorted(kDirectories));
  if (key.starts_with("usr/share/")) return true;
  while (true) {
    const std::size_t slash = key.find('/');
    if (slash == std::string_view::npos) return false;
    if (std::ranges::binary_search(kDirectories, key.substr(0, slash))) return true;
    key.remove_prefix(slash + 1);
  }
}

WasteRuleIndex FindWasteRule(std::string_view key, ContentHead head) {
  if (head == ContentHead::kPrivateKey && !IsPublished(key)) return kPrivateKeyRule;
  static const RuleIndex kIndex;
  return kIndex.Find(key);
}

}  // namespace gneiss
