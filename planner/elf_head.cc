#include "planner/elf_head.h"

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

}  // namespace

ElfKind ClassifyElf(std::string_view head) {
  constexpr std::string_view kMagic(
      "\x7f"
      "ELF",
      4);
  if (head.size() < 20 || !head.starts_with(kMagic)) return ElfKind::kNotElf;
  const bool wide = head[4] == 2;
  const bool narrow = head[4] == 1;
  const bool little = head[5] == 1;
  if ((!wide && !narrow) || (!little && head[5] != 2)) return ElfKind::kNotElf;
  const Fields fields(head, little);
  const auto type = fields.At(16, 2);
  const auto table = wide ? fields.At(32, 8) : fields.At(28, 4);
  const auto entry_size = fields.At(wide ? 54 : 42, 2);
  const auto num_entries = fields.At(wide ? 56 : 44, 2);
  if (!type || !table || !entry_size || !num_entries) return ElfKind::kNotElf;
  if ((*type != kExecutable && *type != kShared) || *num_entries == 0 || *entry_size < 4 ||
      *table > head.size()) {
    return ElfKind::kNotElf;
  }
  for (std::uint64_t i = 0; i < *num_entries; ++i) {
    const auto kind = fields.At(*table + i * *entry_size, 4);
    if (!kind) return ElfKind::kNotElf;
    if (*kind == kProgramInterpreter) return ElfKind::kDynamic;
  }
  return ElfKind::kStatic;
}

}  // namespace gneiss
