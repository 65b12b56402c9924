// The key of a store that several users fill: what one of them wrote, the others know by its MAC,
// whoever owns the file and the folders above it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "planner/fleet/digest.h"

namespace gneiss {

class StoreKey {
 public:
  // All of a file's bytes, as they are. Throws InputError when it is no plain file of 32 bytes to
  // 64 KiB, or when others than its owner may read or write it; std::system_error when it cannot
  // be read. No message holds any of it.
  [[nodiscard]] static std::shared_ptr<const StoreKey> ReadFile(const std::string& path);

  // REQUIRES: at least 32 bytes.
  explicit StoreKey(std::string bytes) : bytes_(std::move(bytes)) {}
  StoreKey(const StoreKey&) = delete;
  StoreKey& operator=(const StoreKey&) = delete;
  ~StoreKey();

  // HMAC-SHA-256 over what the file is for and the sha256 of its content: that it is the inventory
  // of this layer, and holds this.
  [[nodiscard]] Digest MacOf(const ParsedDigest& layer, const Digest& content) const;
  // In a time that does not depend on where the two differ.
  [[nodiscard]] bool IsMacOf(const Digest& mac, const ParsedDigest& layer,
                             const Digest& content) const;

 private:
  std::string bytes_;
};

}  // namespace gneiss
