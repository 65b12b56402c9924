#include "bench/synthesize.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <queue>
#include <span>
#include <utility>

#include "bench/base_pool.h"
#include "bench/seeded_random.h"
#include "bench/synthetic_layer.h"
#include "bench/synthetic_names.h"

namespace gneiss {
namespace {

// Docker Hub's distributions, as published.
constexpr std::array kLayersPerImage = {AtQuantile(0, 0.0),        AtQuantile(.25, 0.693147),
                                        AtQuantile(.50, 1.609438), AtQuantile(.75, 2.397895),
                                        AtQuantile(.90, 2.708050), AtQuantile(.95, 3.091042),
                                        AtQuantile(.99, 4.043051), AtQuantile(1.0, 5.241747)};

// Lognormal through 7 at the median and 154 at p90, from 1 to 3000.
constexpr std::array kTagsPerRepository = {
    AtQuantile(0, 0.0),         AtQuantile(.2098, 0.0),   AtQuantile(.3085, 0.741),
    AtQuantile(.5, 1.945910),   AtQuantile(.6915, 3.151), AtQuantile(.8413, 4.356),
    AtQuantile(.9, 5.036953),   AtQuantile(.9332, 5.561), AtQuantile(.9772, 6.766),
    AtQuantile(.994, 8.006368), AtQuantile(1.0, 8.006368)};

// Everything below was fitted, so that what follows from it comes near the published figures
// (FormatShape shows them side by side).

// Of 1000 slots at depth floor(10 i / n), those that a line means to share. Some then are not, as
// when a repository ends after one tag.
constexpr std::array<std::uint32_t, 10> kSharedByDepth = {895, 860, 740, 675, 595,
                                                          475, 420, 330, 265, 245};

// Tags of a line between two rebuilds of its lower part: mostly 2, with a long tail.
constexpr std::array kTagsPerRebuild = {AtQuantile(0, 0.4055),    AtQuantile(.680, 0.9163),
                                        AtQuantile(.770, 1.2528), AtQuantile(.845, 1.7047),
                                        AtQuantile(.890, 2.1401), AtQuantile(.930, 2.7081),
                                        AtQuantile(.975, 3.6889), AtQuantile(1.0, 4.7875)};

constexpr std::array kTagsPerLine = {AtQuantile(0, 0.6931),   AtQuantile(.2, 1.0986),
                                     AtQuantile(.5, 2.0794),  AtQuantile(.8, 2.9957),
                                     AtQuantile(.93, 3.9120), AtQuantile(1.0, 5.0752)};

// Of 1000.
constexpr std::uint32_t kBaseImages = 60;         // images made to be built on
constexpr std::uint32_t kFromEarlierImage = 600;  // lines that start FROM an image, if they share
constexpr std::uint32_t kMoveWithBase = 700;      // rebuilds that take the base's next version
constexpr std::uint32_t kForkLine = 400;          // lines on the first steps of the one before
constexpr std::uint32_t kLegacyLine = 15;         // lines by builders that write empty layers
constexpr std::uint32_t kLegacyEmpty = 250;       // slots of these that are empty layers
constexpr std::uint32_t kReproducibleLine = 60;   // lines by builders that reproduce layers
constexpr std::uint32_t kReproducedLayer = 300;   // layers of these that another chain has too
constexpr std::uint32_t kRecompressedVersion =
    95;                                     // versions of bases that another tool pushes too
constexpr std::uint32_t kGiantLine = 85;    // lines with models or data
constexpr std::uint32_t kBaseLabel = 600;   // lines on a base that name it in a label
constexpr std::uint32_t kSmallRoot = 100;   // layers under 100 KB: first slots,
constexpr std::uint32_t kSmallLower = 290;  // slots that many have,
constexpr std::uint32_t kSmallUpper = 480;  // slots on top

// Deviation by which layers of short chains are larger than the mean, those of long ones smaller.
constexpr Q16 kShortChainDeviation = ToQ16(.2);
constexpr std::uint32_t kShortChain = 8;
// No builder writes so many layers but one that writes empty ones.
constexpr std::uint32_t kMostLayersWithoutEmpty = 100;

// The organisation whose namespace is "library".
constexpr std::uint64_t kLibrary = 1ULL << 40;

// No repository and no line is more than this part of what was pushed before it.
constexpr std::int64_t kPartOfRepository = 20;
constexpr std::int64_t kPartOfLine = 400;

constexpr std::int64_t kFirstPush = 1420070400;  // 2015-01-01
constexpr std::int64_t kLastPush = 1735689600;   // 2025-01-01
constexpr std::uint64_t kMostSecondsBetweenTags = 20 * 86400;

constexpr std::string_view kDockerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
constexpr std::string_view kOciGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
constexpr std::string_view kOciZstd = "application/vnd.oci.image.layer.v1.tar+zstd";

struct PlatformChoice {
  std::uint32_t per_mille;
  PlatformList platforms;
};
constexpr std::array<PlatformChoice, 4> kPlatformChoices = {{
    {950, {"linux/amd64", "", ""}},
    {10, {"linux/arm64", "", ""}},
    {25, {"linux/amd64", "linux/arm64", ""}},
    {15, {"linux/amd64", "linux/arm64", "linux/arm/v7"}},
}};

const PlatformList& DrawPlatforms(Random& random) {
  std::uint64_t ticket = random.Below(1000);
  std::size_t i = 0;
  while (ticket >= kPlatformChoices[i].per_mille) ticket -= kPlatformChoices[i++].per_mille;
  return kPlatformChoices[i].platforms;
}

// Fractions (of 2^64) whose multiples fill 0..1 evenly, so that a few draws show a distribution:
// the golden ratio, and for pairs the plastic number (M. Roberts, "The unreasonable effectiveness
// of quasirandom sequences", 2018).
constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
constexpr std::uint64_t kPlastic = 0xc13fa9a902a6328fULL;
constexpr std::uint64_t kPlasticSquared = 0x91e10da5c79e7b1dULL;

}  // namespace

// Pushes happen in order: repository after repository, in each line after line, tag after tag.
class FleetSynthesizer::Registry {
 public:
  explicit Registry(const SynthesisOptions& options);

  bool Next(SyntheticImage& image);

 private:
  enum class LineKind : std::uint8_t {
    kApplication,
    kBase,           // each tag is a version for others to build on
    kConfiguration,  // until the lower part is rebuilt, tags differ in configuration only
  };

  struct Repository {
    std::string name;
    TagStyle tag_style = TagStyle::kSemantic;
    bool is_base = false;
    bool oci = false;
    std::optional<std::uint64_t> team;
    std::uint32_t num_lines = 0;
    std::uint32_t num_commits = 0;
    std::int64_t tags_left = 0;
    SyntheticChain steps;  // lower part of the last line on a root of its own
  };

  struct Line {
    LineKind kind = LineKind::kApplication;
    const PlatformList* platforms = nullptr;
    std::uint32_t num_layers = 0;
    std::uint32_t num_lower = 0;  // slots that are rebuilt now and then; those above, with each tag
    bool legacy = false;
    bool reproducible = false;
    bool has_base_label = false;
    bool may_recompress = false;
    std::optional<BaseChoice> base;
    std::uint32_t own_base = 0;  // number in bases_ of a kBase line
    SizeTraits sizes;
    std::uint32_t instruction = 0;
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
    std::uint32_t patch = 0;
    std::string_view suffix;
    std::int64_t tags_left = 0;
    std::int64_t rebuild_in = 0;
    std::int64_t created = kFirstPush;
    std::array<SyntheticChain, 3> chains;  // one a platform
  };

  std::int64_t DrawTags();
  void StartRepository();
  void StartLine();
  void DrawLineShape();
  void DrawLineBase();
  void Rebuild(bool first);
  bool StartsEmpty(std::uint32_t slot) const;
  SyntheticBlob MakeBlob(std::uint32_t slot);

  void PushTag();
  void BuildUpperPart();
  std::string TagText();
  void PushImages(const std::string& tag);
  void Fill(SyntheticImage& image, const SyntheticChain& chain, std::uint64_t number) const;
  void FillDetails(SyntheticImage& image, const SyntheticChain& chain, std::uint64_t number) const;

  std::uint32_t num_platforms() const { return NumPlatforms(*line_.platforms); }

  SynthesisOptions options_;
  Random random_;
  std::int64_t num_pushed_ = 0;       // images so far
  std::int64_t num_base_images_ = 0;  // of these in repositories of bases
  std::uint64_t next_content_ = 1;
  std::uint64_t num_repositories_ = 0;  // drawn
  std::uint64_t num_lines_ = 0;
  std::uint64_t organisation_ = 0;
  std::array<std::uint64_t, 2> num_in_organisation_{};  // repositories: applications, bases
  std::uint64_t num_in_library_ = 0;
  // Numbers of tags that are too large as yet, smallest first.
  std::priority_queue<std::int64_t, std::vector<std::int64_t>, std::greater<>> large_repositories_;

  Repository repository_;
  Line line_;
  BasePool bases_;
  std::vector<SyntheticBlob> recent_;  // layers that a reproducible build may have again
  std::size_t next_recent_ = 0;

  std::int64_t first_of_tag_ = 0;  // number of the current tag's first image
  bool ended_ = false;
  std::vector<SyntheticImage> ready_;  // the current tag and its aliases
  std::size_t num_ready_ = 0;
  std::size_t next_ready_ = 0;
};

FleetSynthesizer::Registry::Registry(const SynthesisOptions& options)
    : options_(options), random_(Mix64(options.seed + kGolden)) {
  assert(options.num_images >= 0);
}

bool FleetSynthesizer::Registry::Next(SyntheticImage& image) {
  while (next_ready_ == num_ready_) {
    if (num_pushed_ >= options_.num_images) return false;
    num_ready_ = 0;
    next_ready_ = 0;
    PushTag();
  }
  std::swap(image, ready_[next_ready_++]);
  return true;
}

// Repositories too large for what has been pushed so far wait until they are not, so that a small
// fleet is not one repository.
std::int64_t FleetSynthesizer::Registry::DrawTags() {
  const std::int64_t limit = 30 + num_pushed_ / kPartOfRepository;
  while (large_repositories_.empty() || large_repositories_.top() > limit) {
    const std::uint64_t u = ++num_repositories_ * kGolden + Mix64(options_.seed + 2);
    const std::int64_t tags = ValueAt(kTagsPerRepository, static_cast<std::uint32_t>(u >> 32));
    if (tags <= limit) return tags;
    large_repositories_.push(tags);
  }
  const std::int64_t tags = large_repositories_.top();
  large_repositories_.pop();
  return tags;
}

void FleetSynthesizer::Registry::StartRepository() {
  if (random_.Chance(150)) {
    ++organisation_;
    num_in_organisation_ = {0, 0};
  }
  Repository& repository = repository_;
  repository = Repository{};
  repository.is_base = num_base_images_ * 1000 <= num_pushed_ * std::int64_t{kBaseImages};
  repository.tags_left = DrawTags();
  const bool in_library = repository.is_base && random_.Chance(300);
  std::uint64_t& ordinal =
      in_library ? num_in_library_ : num_in_organisation_[repository.is_base ? 1 : 0];
  repository.name = in_library ? "library" : OrganisationName(organisation_);
  repository.name += '/';
  repository.name +=
      RepositoryName(in_library ? kLibrary : organisation_, ordinal++, repository.is_base);
  repository.tag_style = static_cast<TagStyle>(random_.Below(3));
  repository.oci = random_.Chance(400);
  const std::uint64_t team = random_.Next32();
  if (Mix64(organisation_ + 17) % 10 < 4) repository.team = team;
}

// ---- Lines.

void FleetSynthesizer::Registry::StartLine() {
  if (repository_.tags_left <= 0) StartRepository();
  Line& line = line_;
  line = Line{};
  ++num_lines_;
  const std::uint32_t ordinal = repository_.num_lines++;
  line.major = 1 + ordinal / kNumVariants;
  line.suffix = VariantSuffix(ordinal % kNumVariants);
  line.instruction = random_.Next32();
  line.platforms = &DrawPlatforms(random_);
  DrawLineShape();

  line.tags_left = std::min({repository_.tags_left, ValueAt(kTagsPerLine, random_.Next32()),
                             20 + num_pushed_ / kPartOfLine});
  if (repository_.tags_left - line.tags_left == 1) ++line.tags_left;
  // A tag is kept for the one that moves along the line.
  if (line.kind == LineKind::kBase && line.tags_left > 2) --line.tags_left;
  line.legacy = random_.Chance(kLegacyLine) || line.num_layers > kMostLayersWithoutEmpty;
  line.reproducible = random_.Chance(kReproducibleLine);
  line.sizes.deviation =
      random_.Normal() +
      (line.num_layers <= kShortChain ? kShortChainDeviation : -kShortChainDeviation);
  line.sizes.has_giants = (num_lines_ * kGolden >> 32) * 1000 >> 32 < kGiantLine;
  line.created =
      kFirstPush + static_cast<std::int64_t>(random_.Below(std::uint64_t{kLastPush - kFirstPush}));
  DrawLineBase();
  Rebuild(true);
}

void FleetSynthesizer::Registry::DrawLineShape() {
  Line& line = line_;
  const std::uint64_t length = num_lines_ * kPlastic + Mix64(options_.seed);
  const std::uint64_t depth = num_lines_ * kPlasticSquared + Mix64(options_.seed + 1);
  line.num_layers = static_cast<std::uint32_t>(
      ValueAt(kLayersPerImage, static_cast<std::uint32_t>(length >> 32)));

  // Where sharing ends in the chain: a slot is shared when its depth's probability exceeds u. Lines
  // of bases share all; other lines share all as often as then is left to reach the mean.
  const std::uint32_t all = kSharedByDepth.back();
  const std::uint32_t all_of_others = (all - kBaseImages) * 1000 / (1000 - kBaseImages);
  std::uint64_t u = (depth >> 32) * 1000 >> 32;
  if (repository_.is_base) {
    u = 0;
  } else if (u < all_of_others) {
    u = u * all / all_of_others;
  } else {
    u = all + (u - all_of_others) * (1000 - all) / (1000 - all_of_others);
  }
  while (line.num_lower < line.num_layers &&
         kSharedByDepth[10 * line.num_lower / line.num_layers] > u) {
    ++line.num_lower;
  }
  if (repository_.is_base) {
    line.kind = LineKind::kBase;
  } else if (line.num_lower == line.num_layers) {
    line.kind = LineKind::kConfiguration;
  }
}

void FleetSynthesizer::Registry::DrawLineBase() {
  Line& line = line_;
  const std::uint32_t most_layers = std::min(line.num_lower, line.num_layers - 1);
  if (most_layers > 0 && random_.Chance(kFromEarlierImage)) {
    line.base = bases_.Choose(most_layers, *line.platforms, random_);
  }
  line.has_base_label = line.base && random_.Chance(kBaseLabel);
  if (line.kind != LineKind::kBase) return;
  // What is its own of a base is new in each version.
  line.num_lower = line.base ? bases_.NumLayers(line.base->line) : 0;
  std::string ref = repository_.name + ":" + std::to_string(line.major);
  ref += line.suffix;
  line.own_base = bases_.AddLine(*line.platforms, line.num_layers, std::move(ref));
}

// Makes the lower part of the line's chains anew: on the base's next version, or from some slot on.
void FleetSynthesizer::Registry::Rebuild(bool first) {
  Line& line = line_;
  line.rebuild_in = std::min(line.tags_left, ValueAt(kTagsPerRebuild, random_.Next32()));
  if (line.tags_left - line.rebuild_in == 1) ++line.rebuild_in;
  bool on_base = first && line.base;
  if (!first) {
    ++line.minor;
    line.patch = 0;
    if (line.base && random_.Chance(kMoveWithBase) && bases_.HasNext(*line.base)) {
      ++line.base->version;
      on_base = true;
    }
  }
  std::uint32_t kept = line.base ? bases_.NumLayers(line.base->line) : 0;
  if (!first && !on_base) {
    kept += static_cast<std::uint32_t>(random_.Below(line.num_lower - kept + 1));
  }
  const bool shares_steps = !line.base && line.kind != LineKind::kBase &&
                            line.platforms == &kPlatformChoices[0].platforms;
  const bool fork = first && shares_steps && random_.Chance(kForkLine);
  if (fork) {
    const auto most = std::min<std::size_t>(repository_.steps.size(), line.num_lower);
    kept = static_cast<std::uint32_t>(random_.Below(most + 1));
  }
  for (std::uint32_t p = 0; p < num_platforms(); ++p) {
    SyntheticChain& chain = line.chains[p];
    if (on_base) {
      const auto base = bases_.ChainOf(*line.base, p);
      chain.assign(base.begin(), base.end());
    } else if (fork) {
      chain.assign(repository_.steps.begin(), repository_.steps.begin() + kept);
    }
    chain.resize(line.num_layers);
    for (std::uint32_t slot = kept; slot < line.num_lower; ++slot) chain[slot] = MakeBlob(slot);
  }
  if (line.base) line.created = std::max(line.created, bases_.CreatedOf(*line.base) + 60);
  if (shares_steps) {
    const auto begin = line.chains[0].begin();
    repository_.steps.assign(begin, begin + line.num_lower);
  }
}

// Whether the slot holds the empty layer, as ENV or CMD do in legacy lines, in the last slots above
// all.
bool FleetSynthesizer::Registry::StartsEmpty(std::uint32_t slot) const {
  if (!line_.legacy || slot == 0) return false;
  return slot + 2 >= line_.num_layers || Mix64(line_.instruction + slot) % 1000 < kLegacyEmpty;
}

SyntheticBlob FleetSynthesizer::Registry::MakeBlob(std::uint32_t slot) {
  static constexpr std::size_t kMostRecent = 512;
  if (StartsEmpty(slot)) return {.instruction = line_.instruction + slot};
  if (line_.reproducible && slot > 0 && !recent_.empty() && random_.Chance(kReproducedLayer)) {
    return recent_[random_.Below(recent_.size())];
  }
  SyntheticBlob blob;
  blob.content = next_content_++;
  blob.instruction = line_.instruction + slot;
  blob.oci = repository_.oci;
  const bool lower = slot < line_.num_lower || line_.kind == LineKind::kBase;
  if (random_.Chance(slot == 0 ? kSmallRoot : lower ? kSmallLower : kSmallUpper)) {
    blob.kind = LayerKind::kSmall;
  } else {
    blob.kind = slot == 0 ? LayerKind::kRootfs : LayerKind::kLarge;
  }
  blob.size = DrawLayerSize(blob.kind, lower, line_.num_layers, line_.sizes, random_);
  if (slot > 0 && blob.content % 8 == 0) {
    if (recent_.size() < kMostRecent) {
      recent_.push_back(blob);
    } else {
      recent_[next_recent_++ % kMostRecent] = blob;
    }
  }
  return blob;
}

// ---- Pushes.

void FleetSynthesizer::Registry::PushTag() {
  if (line_.tags_left <= 0) {
    StartLine();
  } else if (line_.rebuild_in <= 0) {
    Rebuild(false);
  }
  Line& line = line_;
  --line.tags_left;
  --line.rebuild_in;
  --repository_.tags_left;
  first_of_tag_ = num_pushed_;
  num_pushed_ += num_platforms();
  if (repository_.is_base) num_base_images_ += num_platforms();

  // Another tool may push the version before again; the line then goes on from its own layers.
  const bool recompress = line.may_recompress && random_.Chance(kRecompressedVersion);
  std::array<SyntheticChain, 3> originals;
  if (recompress) {
    originals = line.chains;
    for (SyntheticChain& chain : line.chains) {
      std::ranges::transform(chain, chain.begin(), Recompressed);
    }
  } else {
    BuildUpperPart();
  }
  // Steps shrink towards kLastPush, which nothing passes.
  line.created +=
      std::min(static_cast<std::int64_t>(random_.Below(kMostSecondsBetweenTags)),
               std::max<std::int64_t>(kLastPush - line.created, 0) / (2 + line.tags_left));

  PushImages(TagText());
  // Aliases are tags too, and count as the repository's.
  const auto alias = [&](std::string name, std::uint32_t per_mille) {
    if (repository_.tags_left <= line.tags_left || !random_.Chance(per_mille)) return;
    --repository_.tags_left;
    name += line.suffix;
    PushImages(name);
  };
  const std::string major = std::to_string(line.major);
  const bool is_base = line.kind == LineKind::kBase;
  if (line.tags_left == 0) alias(major, is_base ? 1000 : 600);
  if (line.rebuild_in == 0 && !is_base) alias(major + "." + std::to_string(line.minor), 150);
  if (line.tags_left == 0 && line.major == 1) alias("latest", 500);
  ++line.patch;

  if (line.kind == LineKind::kBase) bases_.AddVersion(line.own_base, line.chains, line.created);
  if (recompress) line.chains = std::move(originals);
  line.may_recompress = line.kind == LineKind::kBase && !recompress;
}

void FleetSynthesizer::Registry::BuildUpperPart() {
  for (std::uint32_t p = 0; p < num_platforms(); ++p) {
    for (std::uint32_t slot = line_.num_lower; slot < line_.num_layers; ++slot) {
      line_.chains[p][slot] = MakeBlob(slot);
    }
  }
}

std::string FleetSynthesizer::Registry::TagText() {
  std::string tag;
  if (repository_.tag_style == TagStyle::kCommit) {
    tag = "main-" + CommitText(repository_.num_commits++);
  } else {
    if (repository_.tag_style == TagStyle::kPrefixed) tag = "v";
    tag += std::to_string(line_.major) + "." + std::to_string(line_.minor) + "." +
           std::to_string(line_.patch);
  }
  tag += line_.suffix;
  return tag;
}

// The line's chains under one tag, an image for each platform.
void FleetSynthesizer::Registry::PushImages(const std::string& tag) {
  for (std::uint32_t p = 0; p < num_platforms(); ++p) {
    // The last tag may have more platforms than images are left. What would follow, its aliases
    // among it, is left out then, so that the fleet still begins the longer one.
    const std::int64_t number = first_of_tag_ + p;
    if (number >= options_.num_images) ended_ = true;
    if (ended_) return;
    if (num_ready_ == ready_.size()) ready_.emplace_back();
    SyntheticImage& image = ready_[num_ready_++];
    image.ref = repository_.name;
    image.ref += ':';
    image.ref += tag;
    image.platform = (*line_.platforms)[p];
    image.pulls.reset();
    if (random_.Chance(repository_.is_base ? 800 : 300)) {
      const Q16 median = repository_.is_base ? ToQ16(6.0) : ToQ16(3.5);
      image.pulls = static_cast<std::int64_t>(Exp(median + 2 * random_.Normal()));
    }
    Fill(image, line_.chains[p], static_cast<std::uint64_t>(number));
  }
}

void FleetSynthesizer::Registry::Fill(SyntheticImage& image, const SyntheticChain& chain,
                                      std::uint64_t number) const {
  image.manifest_digest = MakeDigest(options_.seed, DigestKind::kManifest, number);
  image.layers.resize(chain.size());
  for (std::size_t i = 0; i < chain.size(); ++i) {
    image.layers[i].digest = DigestOf(chain[i], options_.seed);
    image.layers[i].size = chain[i].size;
  }
  image.labels.clear();
  if (options_.details) {
    FillDetails(image, chain, number);
    return;
  }
  // The storage may come from a synthesizer that gave them.
  image.config_digest.reset();
  image.config_size = kUnknownSize;
  image.manifest_size = kUnknownSize;
  image.created.clear();
  for (SyntheticLayer& layer : image.layers) {
    layer.diff_id.reset();
    layer.media_type = {};
    layer.created_by.clear();
  }
}

void FleetSynthesizer::Registry::FillDetails(SyntheticImage& image, const SyntheticChain& chain,
                                             std::uint64_t number) const {
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const SyntheticBlob& blob = chain[i];
    SyntheticLayer& layer = image.layers[i];
    layer.diff_id = DiffIdOf(blob, options_.seed);
    layer.media_type = blob.oci ? kOciGzip : kDockerGzip;
    if (blob.recompressed && blob.content % 2 == 0) layer.media_type = kOciZstd;
    WriteInstruction(blob.kind, blob.instruction, blob.content, blob.size, layer.created_by);
  }
  const auto num_layers = static_cast<Bytes>(chain.size());
  image.config_digest = MakeDigest(options_.seed, DigestKind::kConfig, number);
  image.config_size = 900 + 260 * num_layers + static_cast<Bytes>(Mix64(number) % 600);
  image.manifest_size = 427 + 152 * num_layers;
  image.created = TimeText(line_.created);
  if (repository_.team) {
    image.labels.push_back({.key = "team", .value = std::string(TeamName(*repository_.team))});
  }
  if (line_.has_base_label) {
    image.labels.push_back(
        {.key = "org.opencontainers.image.base.name", .value = bases_.RefOf(line_.base->line)});
  }
}

// ---- What others see.

void SyntheticImage::CopyTo(ImageRecord& record) const {
  record.Clear();
  record.ref = ref;
  record.platform = platform;
  record.manifest_digest = manifest_digest;
  record.config_digest = config_digest;
  record.config_size = config_size;
  record.manifest_size = manifest_size;
  record.created = created;
  record.pulls = pulls;
  for (const SyntheticLayer& layer : layers) {
    LayerRecord& copy = record.layers.emplace_back();
    copy.digest = layer.digest;
    copy.size = layer.size;
    copy.diff_id = layer.diff_id;
    copy.media_type = layer.media_type;
    copy.created_by = layer.created_by;
  }
  for (const SyntheticLabel& label : labels) record.labels.push_back({label.key, label.value});
}

FleetSynthesizer::FleetSynthesizer(const SynthesisOptions& options)
    : registry_(std::make_unique<Registry>(options)) {}

FleetSynthesizer::~FleetSynthesizer() = default;

bool FleetSynthesizer::Next(SyntheticImage& image) { return registry_->Next(image); }

void WriteSyntheticFleet(const SynthesisOptions& options, FleetLineStyle style,
                         const std::function<void(std::string_view)>& write) {
  static constexpr std::size_t kBlock = std::size_t{1} << 20;
  FleetSynthesizer synthesizer(options);
  SyntheticImage image;
  ImageRecord record;
  std::string text;
  while (synthesizer.Next(image)) {
    image.CopyTo(record);
    AppendFleetLine(record, style, text);
    if (text.size() < kBlock) continue;
    write(text);
    text.clear();
  }
  if (!text.empty()) write(text);
}

void AddSyntheticFleet(const SynthesisOptions& options, FleetBuilder& builder) {
  FleetSynthesizer synthesizer(options);
  SyntheticImage image;
  ImageRecord record;
  while (synthesizer.Next(image)) {
    image.CopyTo(record);
    builder.Add(record);
  }
}

}  // namespace gneiss
