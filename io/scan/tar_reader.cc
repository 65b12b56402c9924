#include "io/scan/tar_reader.h"

#include <cerrno>
#include <new>
#include <span>
#include <string>

#include <archive.h>
#include <archive_entry.h>

#include "planner/fleet/bytes.h"

namespace gneiss {
void TarReader::Free::operator()(archive* reader) const { archive_read_free(reader); }

TarReader::TarReader(LayerStream& stream, std::span<char> first, const ScanLimits& limits,
                     ScanWarnings& warnings)
    : stream_(stream),
      warnings_(warnings),
      headers_(limits, stream.shares(), warnings),
      reader_(archive_read_new()) {
  if (reader_ == nullptr || archive_read_support_format_tar(reader_.get()) != ARCHIVE_OK) {
    throw std::bad_alloc();
  }
  headers_.Walk(first, 0);
}

TarReader::~TarReader() {
  const CLocale::Scope scope(locale_);
  reader_.reset();
}

bool TarReader::Next() {
  const CLocale::Scope scope(locale_);
  if (!opened_) Open();
  int status = ARCHIVE_EOF;
  if (opened_) status = archive_read_next_header(reader_.get(), &entry_);
  if (failure_) Fail();
  if (status == ARCHIVE_EOF) {
    if (!headers_.members().empty()) Fail();
    ReadTail();
    return false;
  }
  if (status == ARCHIVE_WARN) {
    CheckWarning();
  } else if (status != ARCHIVE_OK) {
    Fail();
  }
  const bool agrees =
      !headers_.members().empty() &&
      headers_.members().front().feed_begin == archive_read_header_position(reader_.get()) &&
      (headers_.members().front().type != '0' ||
       headers_.members().front().size == archive_entry_size(entry_));
  if (!agrees) Fail();
  member_ = headers_.members().front();
  headers_.PopMember();
  return true;
}

void TarReader::ReadContents(const std::function<void(std::string_view bytes)>& on_bytes,
                             const std::function<void(Bytes count)>& on_hole) {
  const CLocale::Scope scope(locale_);
  Bytes at = 0;
  Bytes stored = 0;
  while (at < member_.size || stored < member_.stored_size) {
    const void* bytes = nullptr;
    std::size_t count = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(reader_.get(), &bytes, &count, &offset);
    if (failure_) Fail();
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) Fail();
    const auto length = static_cast<Bytes>(count);
    if (offset < at || offset > member_.size || length > member_.size - offset) Fail();
    if (offset > at) on_hole(offset - at);
    on_bytes({static_cast<const char*>(bytes), count});
    at = offset + length;
    stored += length;
  }
  if (stored != member_.stored_size || (at < member_.size && !member_.is_sparse)) Fail();
  if (at < member_.size) on_hole(member_.size - at);
}

long TarReader::Feed(archive* reader, void* self, const void** bytes) {
  auto& me = *static_cast<TarReader*>(self);
  // No exception may pass through libarchive.
  try {
    const std::string_view part = me.NextPart();
    *bytes = part.data();
    return static_cast<long>(part.size());
  } catch (...) {
    me.failure_ = std::current_exception();
    archive_set_error(reader, EIO, "the stream has stopped");
    return -1;
  }
}

std::string_view TarReader::NextPart() {
  while (true) {
    if (const std::string_view part = headers_.TakePart(); !part.empty()) return part;
    if (headers_.ended() || stream_ended_) return {};
    const Bytes begin = stream_.tar_size();
    const std::span<char> block = stream_.Next();
    if (block.empty()) {
      stream_ended_ = true;
      headers_.Finish(begin);
    } else {
      headers_.Walk(block, begin);
    }
  }
}

void TarReader::Open() {
  // A tar without entries is none to libarchive.
  while (headers_.members().empty() && !headers_.ended()) {
    const Bytes begin = stream_.tar_size();
    const std::span<char> block = stream_.Next();
    if (block.empty()) {
      stream_ended_ = true;
      headers_.Finish(begin);
      return;
    }
    headers_.Walk(block, begin);
  }
  if (headers_.members().empty()) return;
  opened_ = true;
  if (archive_read_open(reader_.get(), this, nullptr, &TarReader::Feed, nullptr) != ARCHIVE_OK) {
    Fail();
  }
}

void TarReader::ReadTail() {
  // libarchive asks for no more once it has the last header and its body.
  while (!headers_.ended() && !stream_ended_) {
    if (!NextPart().empty()) Fail();
  }
}

void TarReader::Fail() {
  if (failure_) std::rethrow_exception(failure_);
  const char* const text = archive_error_string(reader_.get());
  const Bytes at = headers_.members().empty() ? member_.begin : headers_.members().front().begin;
  throw InputError("", "tar byte " + std::to_string(at),
                   std::string("expected an entry that all readers of tar agree on, found one that "
                               "libarchive reads otherwise") +
                       (text != nullptr ? std::string(": ") + text : ""));
}

void TarReader::CheckWarning() {
  const char* const text = archive_error_string(reader_.get());
  const std::string_view warning = text != nullptr ? text : "";
  // Names stay bytes: it keeps them as they are when it cannot convert them.
  if (warning.find("can't be converted") != std::string_view::npos) return;
  if (warning.find("current locale") != std::string_view::npos) return;
  warnings_.AddAtTarByte("header that libarchive warns of", headers_.members().empty()
                                                                ? member_.begin
                                                                : headers_.members().front().begin);
}

}  // namespace gneiss
