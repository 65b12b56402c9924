// The entries of a layer's tar, by libarchive, which sees the stream's own blocks without a copy
// and only what TarHeaders has found to be sound.
#pragma once

#include <clocale>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <string_view>

#include "io/scan/layer_stream.h"
#include "io/scan/scan_layer.h"
#include "io/scan/scan_warnings.h"
#include "io/scan/tar_headers.h"

struct archive;
struct archive_entry;

namespace gneiss {

// The "C" locale for a thread's calls of libarchive, which takes the encoding of names from there:
// names are bytes, whatever the program's locale is.

class CLocale {
 public:
  CLocale() : locale_(newlocale(LC_ALL_MASK, "C", nullptr)) {
    if (locale_ == nullptr) throw std::bad_alloc();
  }
  CLocale(const CLocale&) = delete;
  CLocale& operator=(const CLocale&) = delete;
  ~CLocale() { freelocale(locale_); }

  // While it lives, in its thread.
  class Scope {
   public:
    explicit Scope(const CLocale& locale) : before_(uselocale(locale.locale_)) {}
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() { uselocale(before_); }

   private:
    locale_t before_;
  };

 private:
  locale_t locale_;
};

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
