#include "io/source/layer_blobs.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "planner/fleet/bytes.h"

namespace gneiss {

void LayerBlobs::AddLayout(std::shared_ptr<const LayoutFiles> layout) {
  if (std::string directory = layout->directory(); !directory.empty()) {
    if (std::ranges::find(directories_, directory) != directories_.end()) return;
    directories_.push_back(std::move(directory));
  }
  layouts_.emplace_back(std::move(layout));
}

bool LayerBlobs::IsAtHand(std::string_view digest_text) const {
  return std::ranges::any_of(layouts_, [&](const LayoutBlobs& layout) {
    return layout.files().is_local() && layout.files().SizeOf(LayoutBlobs::NameOf(digest_text));
  });
}

std::unique_ptr<ByteSource> LayerBlobs::Open(std::string_view digest_text, Bytes size) const {
  std::unique_ptr<ByteSource> of_other_size;
  std::exception_ptr first_error;
  for (const LayoutBlobs& layout : layouts_) {
    try {
      std::unique_ptr<ByteSource> file = layout.Open(digest_text);
      if (file == nullptr) continue;
      if (file->stored_size() == size) return file;
      if (of_other_size == nullptr) of_other_size = std::move(file);
    } catch (const InputError&) {
      if (!first_error) first_error = std::current_exception();
    } catch (const std::system_error&) {
      if (!first_error) first_error = std::current_exception();
    }
  }
  if (of_other_size == nullptr && first_error) std::rethrow_exception(first_error);
  return of_other_size;
}

}  // namespace gneiss
