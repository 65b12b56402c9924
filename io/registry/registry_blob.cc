#include "io/registry/registry_blob.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "io/registry/http_message.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

// A connection that gave so much was a good one: retries count anew.
constexpr Bytes kGoodProgressBytes = Bytes{1} << 20;

class RegistryBlob : public ByteSource {
 public:
  RegistryBlob(std::shared_ptr<RegistrySession> session, RegistryRequest request, Bytes size)
      : session_(std::move(session)),
        request_(std::move(request)),
        size_(size),
        backoff_(session_->http(), session_->options().retry) {}

  std::size_t Read(std::span<char> buffer) override {
    while (!is_ended_) {
      try {
        if (!answer_) Connect();
        return ReadAnswer(buffer);
      } catch (const InputError& error) {
        throw Located(error);
      } catch (const HttpError& error) {
        answer_.reset();
        if (position_ - resumed_at_ >= kGoodProgressBytes) backoff_.Reset();
        resumed_at_ = position_;
        if (!error.is_passing() || !backoff_.WaitAfterFault()) {
          throw Located(MakeFaultError(error, request_.expected));
        }
      }
    }
    return 0;
  }
  std::int64_t stored_position() const override { return position_; }
  std::int64_t stored_size() const override { return size_; }

 private:
  InputError Located(const InputError& error) const {
    if (position_ == 0) return error;
    return error.WithSource(error.source(), "byte " + std::to_string(position_));
  }
  [[noreturn]] void Throw(const std::string& problem) const {
    throw InputError(answer_->url().Shown(), "", problem);
  }

  void Connect() {
    RegistryRequest request = request_;
    const bool is_rest = position_ > 0 && position_ < size_;
    if (is_rest) request.headers.push_back("Range: bytes=" + std::to_string(position_) + "-");
    answer_ = session_->Open(request, backoff_);
    if (is_rest && answer_->status() == 206) {
      ExpectRest();
    } else if (answer_->status() == 200) {
      ExpectSize(answer_->headers().ContentLength(), size_);
      PassOver();
    } else {
      throw session_->StatusError(request_, *answer_);
    }
  }

  void ExpectRest() const {
    const std::optional<ContentRange> range =
        ParseContentRange(answer_->headers().Find("content-range").value_or(""));
    if (!range || range->first != position_) {
      Throw("expected the part from here on, found " +
            (range ? "one from byte " + std::to_string(range->first)
                   : std::string("no usable Content-Range")));
    }
    ExpectSize(range->total, size_);
    ExpectSize(answer_->headers().ContentLength(), range->last - range->first + 1);
  }
  void ExpectSize(std::optional<Bytes> found, Bytes expected) const {
    if (!found || *found == expected) return;
    Throw("expected " + std::to_string(expected) + " bytes, as the descriptor says, found " +
          std::to_string(*found));
  }

  // What was read before, from a server that knows no ranges.
  void PassOver() {
    std::array<char, std::size_t{32} << 10> scratch;
    for (Bytes left = position_; left > 0;) {
      const auto wanted =
          static_cast<std::size_t>(std::min<Bytes>(left, static_cast<Bytes>(scratch.size())));
      const std::size_t count = answer_->Read(std::span(scratch).first(wanted));
      if (count == 0) ThrowCut();
      left -= static_cast<Bytes>(count);
    }
  }

  std::size_t ReadAnswer(std::span<char> buffer) {
    if (position_ == size_) return ReadEnd();
    const auto wanted = std::min<Bytes>(size_ - position_, static_cast<Bytes>(buffer.size()));
    const std::size_t count = answer_->Read(buffer.first(static_cast<std::size_t>(wanted)));
    // Without a Content-Length libcurl takes the end of the connection for that of the blob.
    if (count == 0) ThrowCut();
    position_ += static_cast<Bytes>(count);
    return count;
  }

  std::size_t ReadEnd() {
    std::array<char, 1> more;
    try {
      if (answer_->Read(more) != 0) {
        Throw("expected " + std::to_string(size_) + " bytes, as the descriptor says, found more");
      }
    } catch (const HttpError&) {
      // All that there is to read is here.
    }
    is_ended_ = true;
    answer_.reset();
    return 0;
  }

  [[noreturn]] void ThrowCut() const {
    throw HttpError(HttpFault::kCut, answer_->url(),
                    "the answer ends " + std::to_string(size_ - position_) + " bytes early");
  }

  std::shared_ptr<RegistrySession> session_;
  RegistryRequest request_;
  Bytes size_;
  Backoff backoff_;
  std::optional<HttpStream> answer_;  // its client is the session's
  Bytes position_ = 0;
  Bytes resumed_at_ = 0;
  bool is_ended_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> OpenRegistryBlob(std::shared_ptr<RegistrySession> session,
                                             RegistryRequest request, Bytes size) {
  return std::make_unique<RegistryBlob>(std::move(session), std::move(request), size);
}

}  // namespace gneiss
