#include "io/registry/http_client.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <new>
#include <numeric>
#include <system_error>

#include <curl/curl.h>

#include "io/registry/http_message.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

constexpr int kMaxRedirects = 10;
constexpr std::size_t kMaxHeaderBytes = std::size_t{256} << 10;  // libcurl: 100 KiB a line
constexpr std::size_t kMaxBufferedBytes = std::size_t{1} << 20;
constexpr std::size_t kMinBufferedBytes = std::size_t{4} << 10;
constexpr long kSocketBufferBytes = 256L << 10;
constexpr std::size_t kMaxDiscardedBytes = std::size_t{64} << 10;
constexpr int kPollMilliseconds = 50;  // until is_moot is asked again
constexpr std::size_t kMaxReasonBytes = 300;

struct FreeSlist {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

void InitialiseCurl() {
  static const CURLcode status = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (status != CURLE_OK) throw std::runtime_error("libcurl cannot be initialised");
}

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// Of what libcurl says: one line, no times, as they differ from run to run, and no URL, as a signed
// one holds a secret.
std::string ReasonOf(CURLcode code, const char* details) {
  std::string reason = details;
  if (reason.empty() || reason.find("://") != std::string::npos || code == CURLE_COULDNT_CONNECT ||
      code == CURLE_OPERATION_TIMEDOUT) {
    reason = curl_easy_strerror(code);
  }
  return Printable(reason.substr(0, kMaxReasonBytes));
}

HttpFault FaultOf(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return HttpFault::kUnknownHost;
    case CURLE_COULDNT_CONNECT:
      return HttpFault::kConnect;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpFault::kTimeout;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return HttpFault::kCut;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return HttpFault::kCertificate;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
      return HttpFault::kTls;
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return HttpFault::kClientFile;
    default:
      return HttpFault::kOther;
  }
}

}  // namespace

std::int64_t RequestCounts::total() const {
  return std::accumulate(requests.begin(), requests.end(), std::int64_t{0});
}

// A multi handle keeps the connections of the one easy handle that is used with it.
struct HttpClient::Handles {
  Handles()
      : multi(curl_multi_init(), &curl_multi_cleanup), easy(curl_easy_init(), &curl_easy_cleanup) {
    if (multi == nullptr || easy == nullptr) throw std::bad_alloc();
  }

  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy;
};

// One request on its way. libcurl holds its address.
class HttpTransfer {
 public:
  HttpTransfer(HttpClient& client, const HttpRequest& request);
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;
  ~HttpTransfer();

  void AwaitHead();
  std::size_t Read(std::span<char> buffer);

  int status() const { return status_; }
  const HttpUrl& url() const { return url_; }
  const HttpHeaders& headers() const { return headers_; }
  HttpClient& client() { return client_; }
  [[noreturn]] void Throw(HttpFault fault, const std::string& reason) const {
    throw HttpError(fault, url_, reason);
  }

 private:
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* self);

  CURL* easy() { return handles_->easy.get(); }
  template <typename Value>
  void Set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(easy(), option, value);
    if (code != CURLE_OK) {
      Throw(FaultOf(code), std::string("libcurl refuses an option: ") + curl_easy_strerror(code));
    }
  }
  void SetUp(const HttpRequest& request);
  void SetUpConnection(bool shows_certificate);
  void AddHeader(const std::string& line);
  // One step; waits at most until is_moot has to be asked again.
  void Step();
  void Perform();
  [[noreturn]] void ThrowEnd();

  HttpClient& client_;
  HttpUrl url_;
  std::unique_ptr<HttpClient::Handles> handles_;
  std::unique_ptr<curl_slist, FreeSlist> request_headers_;
  std::string form_;
  std::array<char, CURL_ERROR_SIZE> details_{};
  std::size_t max_buffered_;

  int status_ = 0;
  HttpHeaders headers_;
  std::size_t header_bytes_ = 0;
  bool has_head_ = false;
  bool is_head_too_large_ = false;
  std::string buffer_;
  std::size_t buffer_begin_ = 0;
  bool is_paused_ = false;
  std::optional<CURLcode> ended_;
  RegistryClock::Time deadline_;
};

HttpTransfer::HttpTransfer(HttpClient& client, const HttpRequest& request)
    : client_(client), url_(request.url), handles_(client.TakeHandles()), form_(request.form) {
  const auto rate = static_cast<std::size_t>(std::max<Bytes>(client.options().max_rate, 0));
  max_buffered_ =
      rate == 0 ? kMaxBufferedBytes : std::clamp(rate / 8, kMinBufferedBytes, kMaxBufferedBytes);
  SetUp(request);
  deadline_ =
      client_.clock().Now() + client_.options().connect_timeout + client_.options().stall_timeout;
  if (curl_multi_add_handle(handles_->multi.get(), easy()) != CURLM_OK) throw std::bad_alloc();
}

HttpTransfer::~HttpTransfer() {
  // What has come to its end gives its connection back; otherwise libcurl closes it.
  if (!ended_ && has_head_ && !is_paused_) Perform();
  curl_multi_remove_handle(handles_->multi.get(), easy());
  client_.GiveBack(std::move(handles_));
}

void HttpTransfer::SetUp(const HttpRequest& request) {
  curl_easy_reset(easy());
  Set(CURLOPT_URL, url_.text().c_str());
  Set(CURLOPT_ERRORBUFFER, details_.data());
  Set(CURLOPT_HEADERFUNCTION, &OnHeader);
  Set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  Set(CURLOPT_WRITEFUNCTION, &OnBody);
  Set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  SetUpConnection(request.shows_certificate);
  if (request.method == HttpMethod::kHead) Set(CURLOPT_NOBODY, 1L);
  if (request.method == HttpMethod::kPost) {
    Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(form_.size()));
    Set(CURLOPT_POSTFIELDS, form_.data());
  }
  for (const std::string& line : request.headers) AddHeader(line);
  if (!request.authorization.empty()) AddHeader("Authorization: " + request.authorization);
  if (request_headers_ != nullptr) Set(CURLOPT_HTTPHEADER, request_headers_.get());
}

// Redirects are ours to follow, contents to decode, and signals to handle. libcurl's own limit on
// slow answers knows whole seconds of its own clock only.
void HttpTransfer::SetUpConnection(bool shows_certificate) {
  const HttpOptions& options = client_.options();
  Set(CURLOPT_PROTOCOLS_STR, url_.is_https() ? "https" : "http");
  Set(CURLOPT_FOLLOWLOCATION, 0L);
  Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_TCP_KEEPALIVE, 1L);
  Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  Set(CURLOPT_BUFFERSIZE, std::min(kSocketBufferBytes, static_cast<long>(max_buffered_)));
  Set(CURLOPT_USERAGENT, options.user_agent.c_str());
  // What is allowed because it stays on this machine must stay there.
  if (url_.IsLoopback()) Set(CURLOPT_PROXY, "");
  // The system's directory of authorities stays beside the file.
  if (!options.cacert.empty()) Set(CURLOPT_CAINFO, options.cacert.c_str());
  if (!options.cert.empty() && shows_certificate) {
    Set(CURLOPT_SSLCERT, options.cert.c_str());
    Set(CURLOPT_SSLKEY, (options.key.empty() ? options.cert : options.key).c_str());
  }
}

void HttpTransfer::AddHeader(const std::string& line) {
  assert(std::ranges::none_of(line, [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
  curl_slist* const longer = curl_slist_append(request_headers_.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(request_headers_.release());
  request_headers_.reset(longer);
}

std::size_t HttpTransfer::OnHeader(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  const std::string_view line(data, size * count);
  transfer.header_bytes_ += line.size();
  if (transfer.header_bytes_ > kMaxHeaderBytes) {
    transfer.is_head_too_large_ = true;
    return 0;
  }
  if (transfer.has_head_) return line.size();  // trailers of a chunked body
  if (line.starts_with("HTTP/")) {
    const std::string_view after = line.substr(std::min(line.find(' '), line.size()));
    transfer.status_ = 0;
    std::from_chars(after.data() + std::min<std::size_t>(after.size(), 1),
                    after.data() + after.size(), transfer.status_);
    transfer.headers_.Clear();
  } else if (line == "\r\n" || line == "\n") {
    if (transfer.status_ >= 200) transfer.has_head_ = true;  // others come before the answer
  } else {
    transfer.headers_.Add(line);
  }
  return line.size();
}

std::size_t HttpTransfer::OnBody(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  const std::string_view piece(data, size * count);
  const std::size_t buffered = transfer.buffer_.size() - transfer.buffer_begin_;
  if (buffered > 0 && buffered + piece.size() > transfer.max_buffered_) {
    transfer.is_paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  transfer.buffer_.append(piece);
  transfer.client_.num_body_bytes_ += static_cast<std::int64_t>(piece.size());
  return piece.size();
}

// REQUIRES: it has ended.
void HttpTransfer::ThrowEnd() {
  const CURLcode code = *ended_;
  if (code == CURLE_OK) Throw(HttpFault::kCut, "the answer has no header");
  if (is_head_too_large_ || (!has_head_ && code == CURLE_OUT_OF_MEMORY)) {
    Throw(HttpFault::kTooLarge, "the header of the answer is too large");
  }
  const std::string reason = ReasonOf(code, details_.data());
  const HttpFault fault = FaultOf(code);
  // libcurl tells by its code only some of what OpenSSL finds wrong with a certificate.
  Throw(fault == HttpFault::kTls && reason.find("certificate") != std::string::npos
            ? HttpFault::kCertificate
            : fault,
        reason);
}

void HttpTransfer::Perform() {
  int num_running = 0;
  curl_multi_perform(handles_->multi.get(), &num_running);
  int num_left = 0;
  while (const CURLMsg* message = curl_multi_info_read(handles_->multi.get(), &num_left)) {
    if (message->msg == CURLMSG_DONE) ended_ = message->data.result;
  }
}

void HttpTransfer::Step() {
  const HttpOptions& options = client_.options();
  if (options.is_moot && options.is_moot()) throw RequestAbandoned();
  // Taken first: what came before it is no stall.
  const RegistryClock::Time now = client_.clock().Now();
  const std::size_t header_bytes = header_bytes_;
  const std::size_t buffered = buffer_.size();
  Perform();
  if (ended_) return;
  if (header_bytes_ != header_bytes || buffer_.size() != buffered) {
    deadline_ = now + options.stall_timeout;
    return;
  }
  if (now > deadline_) {
    Throw(HttpFault::kTimeout,
          "no byte came for " +
              std::to_string(
                  std::chrono::duration_cast<std::chrono::seconds>(options.stall_timeout).count()) +
              " s");
  }
  curl_multi_poll(handles_->multi.get(), nullptr, 0, kPollMilliseconds, nullptr);
}

void HttpTransfer::AwaitHead() {
  while (!has_head_) {
    if (ended_) ThrowEnd();
    Step();
  }
}

std::size_t HttpTransfer::Read(std::span<char> buffer) {
  // What the reader took its time for is no stall.
  deadline_ = client_.clock().Now() + client_.options().stall_timeout;
  while (buffer_begin_ == buffer_.size()) {
    buffer_.clear();
    buffer_begin_ = 0;
    if (is_paused_) {
      is_paused_ = false;
      const CURLcode code = curl_easy_pause(easy(), CURLPAUSE_CONT);  // may call OnBody
      if (code != CURLE_OK) ended_ = code;
      if (!buffer_.empty()) break;
    }
    // Not before: what came in front of a cut is good.
    if (ended_ && *ended_ != CURLE_OK) ThrowEnd();
    if (ended_) return 0;
    Step();
  }
  const std::size_t count = std::min(buffer.size(), buffer_.size() - buffer_begin_);
  std::memcpy(buffer.data(), buffer_.data() + buffer_begin_, count);
  buffer_begin_ += count;
  client_.WaitForRate(count);
  return count;
}

HttpStream::HttpStream(std::unique_ptr<HttpTransfer> transfer) : transfer_(std::move(transfer)) {}
HttpStream::HttpStream(HttpStream&&) noexcept = default;
HttpStream& HttpStream::operator=(HttpStream&&) noexcept = default;
HttpStream::~HttpStream() = default;

int HttpStream::status() const { return transfer_->status(); }
const HttpUrl& HttpStream::url() const { return transfer_->url(); }
const HttpHeaders& HttpStream::headers() const { return transfer_->headers(); }

std::size_t HttpStream::Read(std::span<char> buffer) { return transfer_->Read(buffer); }

HttpResponse HttpStream::ReadRest(std::size_t max_bytes) {
  const auto too_large = [&] {
    transfer_->Throw(HttpFault::kTooLarge,
                     "the answer has more than " + std::to_string(max_bytes) + " bytes");
  };
  const RegistryClock::Time end =
      transfer_->client().clock().Now() + transfer_->client().options().whole_timeout;
  std::string body;
  std::array<char, std::size_t{32} << 10> piece;
  while (const std::size_t count = Read(piece)) {
    if (body.size() + count > max_bytes) too_large();
    body.append(piece.data(), count);
    if (transfer_->client().clock().Now() > end) {
      transfer_->Throw(HttpFault::kTimeout, "the answer takes too long");
    }
  }
  return {.status = status(), .url = url(), .headers = headers(), .body = std::move(body)};
}

void HttpStream::Discard() {
  try {
    static_cast<void>(ReadRest(kMaxDiscardedBytes));
  } catch (const HttpError&) {
    // The connection is lost, the answer is not.
  }
}

HttpClient::HttpClient(HttpOptions options) : options_(std::move(options)) {
  InitialiseCurl();
  if (options_.clock == nullptr) options_.clock = &SystemRegistryClock();
  if (options_.user_agent.empty()) options_.user_agent = "gneiss/" GNEISS_VERSION;
}

HttpClient::~HttpClient() = default;

std::unique_ptr<HttpClient::Handles> HttpClient::TakeHandles() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Handles>();
  // The last given back: its connection is the least likely to have been closed.
  std::unique_ptr<Handles> handles = std::move(idle_.back());
  idle_.pop_back();
  return handles;
}

void HttpClient::GiveBack(std::unique_ptr<Handles> handles) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(handles));
}

void HttpClient::WaitForRate(std::size_t count) {
  if (options_.max_rate <= 0) return;
  const RegistryClock::Time now = clock().Now();
  const auto cost =
      std::chrono::duration_cast<RegistryClock::Time::duration>(std::chrono::duration<double>(
          static_cast<double>(count) / static_cast<double>(options_.max_rate)));
  RegistryClock::Time free_at;
  {
    const std::lock_guard lock(mutex_);
    rate_free_at_ = std::max(rate_free_at_, now) + cost;
    free_at = rate_free_at_;
  }
  Wait(std::chrono::ceil<std::chrono::milliseconds>(free_at - now));
}

std::unique_ptr<HttpTransfer> HttpClient::OpenOnce(const HttpRequest& request) {
  if (!request.url.is_https() && !options_.allow_plain_http && !request.url.IsLoopback()) {
    throw HttpError(HttpFault::kRedirect, request.url,
                    "plain http is only for loopback hosts, unless --plain-http allows it");
  }
  ++num_requests_[static_cast<std::size_t>(request.kind)];
  auto transfer = std::make_unique<HttpTransfer>(*this, request);
  transfer->AwaitHead();
  return transfer;
}

HttpStream HttpClient::Open(const HttpRequest& request) {
  HttpRequest hop = request;
  for (int num_redirects = 0;; ++num_redirects) {
    HttpStream answer(OpenOnce(hop));
    const std::optional<std::string_view> location = answer.headers().Find("location");
    if (!IsRedirect(answer.status()) || !location || hop.method == HttpMethod::kPost) return answer;
    const auto refuse = [&](const std::string& reason) {
      throw HttpError(HttpFault::kRedirect, hop.url, reason);
    };
    if (num_redirects == kMaxRedirects) {
      refuse("redirected more than " + std::to_string(kMaxRedirects) + " times");
    }
    const std::optional<HttpUrl> target = hop.url.Resolve(*location);
    if (!target) refuse("redirected to what is no http or https URL");
    if (hop.url.is_https() && !target->is_https()) {
      refuse("redirected from https to plain http, " + target->Shown());
    }
    if (!target->HasOriginOf(hop.url)) {
      hop.authorization.clear();
      hop.shows_certificate = false;
    }
    hop.url = *target;
    answer.Discard();
  }
}

RequestCounts HttpClient::counts() const {
  RequestCounts counts;
  for (std::size_t i = 0; i < kNumRequestKinds; ++i) counts.requests[i] = num_requests_[i];
  counts.retries = num_retries_;
  counts.body_bytes = num_body_bytes_;
  return counts;
}

}  // namespace gneiss
