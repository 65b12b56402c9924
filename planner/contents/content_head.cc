#include "planner/contents/content_head.h"

#include <algorithm>
#include <optional>

namespace gneiss {
namespace {

constexpr std::uint64_t kProgramInterpreter = 3;  // PT_INTERP
constexpr std::uint64_t kExecutable = 2;          // ET_EXEC
constexpr std::uint64_t kShared = 3;              // ET_DYN: also position-independent programs

// Little- or big-endian unsigned number of `size` bytes at `offset`, nullopt beyond the end.
class Fields {
 public:
  Fields(std::string_view bytes, bool little) : bytes_(bytes), little_(little) {}

  std::optional<std::uint64_t> At(std::uint64_t offset, std::size_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t at = offset + (little_ ? size - 1 - i : i);
      value = value << 8 | static_cast<unsigned char>(bytes_[at]);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  bool little_;
};

constexpr std::string_view kElfMagic(
    "\x7f"
    "ELF",
    4);

// "-----BEGIN ... PRIVATE KEY-----" at the start of a line of a file that starts as PEM files do.
bool IsPrivateKey(std::string_view head) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::string_view kEnd = "-----";
  head.remove_prefix(std::min(head.find_first_not_of(" \t\r\n"), head.size()));
  if (head.starts_with("PuTTY-User-Key-File-")) return true;
  // openssl pkcs12 writes the attributes first.
  if (!head.starts_with(kBegin) && !head.starts_with("Bag Attributes")) return false;
  for (std::size_t at = head.find(kBegin); at != std::string_view::npos;
       at = head.find(kBegin, at + 1)) {
    if (at > 0 && head[at - 1] != '\n') continue;
    const std::string_view label = head.substr(at + kBegin.size());
    if (label.substr(0, label.find(kEnd)).ends_with("PRIVATE KEY")) return true;
  }
  return false;
}

}  // namespace

ContentHead ClassifyHead(std::string_view head) {
  if (!head.starts_with(kElfMagic)) {
    return IsPrivateKey(head) ? ContentHead::kPrivateKey : ContentHead::kOther;
  }
  if (head.size() < 20) return ContentHead::kOther;
  const bool wide = head[4] == 2;
  const bool narrow = head[4] == 1;
  const bool little = head[5] == 1;
  if ((!wide && !narrow) || (!little && head[5] != 2)) return ContentHead::kOther;
  const Fields fields(head, little);
  const auto type = fields.At(16, 2);
  const auto table = wide ? fields.At(32, 8) : fields.At(28, 4);
  const auto entry_size = fields.At(wide ? 54 : 42, 2);
  const auto num_entries = fields.At(wide ? 56 : 44, 2);
  if (!type || !table || !entry_size || !num_entries) return ContentHead::kOther;
  if ((*type != kExecutable && *type != kShared) || *num_entries == 0 || *entry_size < 4 ||
      *table > head.size()) {
    return ContentHead::kOther;
  }
  for (std::uint64_t i = 0; i < *num_entries; ++i) {
    const auto kind = fields.At(*table + i * *entry_size, 4);
    if (!kind) return ContentHead::kOther;
    if (*kind == kProgramInterpreter) return ContentHead::kDynamicProgram;
  }
  return ContentHead::kStaticProgram;
}

}  // namespace gneiss
