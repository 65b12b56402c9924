// Lines of a text in memory.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

namespace gneiss {

class TextLines {
 public:
  // The caller keeps `text` alive.
  explicit TextLines(std::string_view text) : rest_(text) {}

  // The next line without its end; nullopt after the last.
  std::optional<std::string_view> Next() {
    if (rest_.empty()) return std::nullopt;
    const std::size_t end = rest_.find('\n');
    is_whole_ = end != std::string_view::npos;
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(is_whole_ ? end + 1 : rest_.size());
    return line;
  }
  // Whether the last line that was taken has an end; a text that was cut has a line without.
  bool is_whole() const { return is_whole_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool is_whole_ = true;
};

}  // namespace gneiss
