// The entries of a layer's tar, by libarchive, which sees the stream's own blocks without a copy
// and only what TarHeaders has found to be sound.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "io/scan/c_locale.h"
#include "io/scan/layer_stream.h"
#include "io/scan/scan_layer.h"
#include "io/scan/scan_warnings.h"
#include "io/scan/tar_headers.h"

struct archive;
struct archive_entry;

namespace gneiss {

class TarReader {
 public:
  // `first` is the block that the stream gave last. Stream and warnings are kept alive by the
  // caller.
  TarReader(LayerStream& stream, std::span<char> first, const ScanLimits& limits,
            ScanWarnings& warnings);
  TarReader(const TarReader&) = delete;
  TarReader& operator=(const TarReader&) = delete;
  ~TarReader();

  // The next entry; false at the end of the tar. Throws InputError with place "tar byte N".
  bool Next();

  // Of the current entry, valid until the next call of Next. All of its layout is in member();
  // libarchive's own size and type may differ where readers of tar do.
  const TarMember& member() const { return member_; }
  archive_entry* entry() const { return entry_; }
  // Hands the contents over in order, stored parts as `bytes` and holes as their length.
  void ReadContents(const std::function<void(std::string_view bytes)>& on_bytes,
                    const std::function<void(Bytes count)>& on_hole);

  const TarHeaders& headers() const { return headers_; }

  // What follows the end of the tar in the stream's last block. REQUIRES: Next has returned
  // false.
  std::string_view rest() const { return stream_ended_ ? std::string_view() : headers_.rest(); }

 private:
  struct Free {
    void operator()(archive* reader) const;
  };

  static long Feed(archive* reader, void* self, const void** bytes);
  std::string_view NextPart();
  void Open();
  void ReadTail();
  // Rethrows what stopped the feed; throws InputError when libarchive itself refuses.
  [[noreturn]] void Fail();
  // Counts what libarchive warns of.
  void CheckWarning();

  LayerStream& stream_;
  ScanWarnings& warnings_;
  TarHeaders headers_;
  std::unique_ptr<archive, Free> reader_;
  archive_entry* entry_ = nullptr;
  TarMember member_;
  std::exception_ptr failure_;
  CLocale locale_;
  bool stream_ended_ = false;
  bool opened_ = false;
};

}  // namespace gneiss
