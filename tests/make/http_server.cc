#include "tests/make/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace gneiss {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Memory = std::unique_ptr<BIO, decltype(&BIO_free)>;

void Extend(X509* certificate, X509* issuer, int id, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate Issue(EVP_PKEY* key, const char* name, long serial, X509* issuer, EVP_PKEY* signer) {
  Certificate certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24L * 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509* const by = issuer == nullptr ? certificate.get() : issuer;
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(by));
  if (issuer == nullptr) {
    Extend(certificate.get(), by, NID_basic_constraints, "critical,CA:TRUE");
    Extend(certificate.get(), by, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    Extend(certificate.get(), by, NID_subject_alt_name, "IP:127.0.0.1");
  }
  X509_sign(certificate.get(), signer, EVP_sha256());
  return certificate;
}

std::string Contents(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string PemOf(X509* certificate, EVP_PKEY* key) {
  const Memory memory(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_X509(memory.get(), certificate);
  if (key != nullptr) {
    PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  }
  return Contents(memory.get());
}

Certificate CertificateOf(const std::string& pem) {
  const Memory memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  return {PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr), &X509_free};
}

Key KeyOf(const std::string& pem) {
  const Memory memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  return {PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free};
}

SSL_CTX* MakeContext(const TestAuthority& authority, bool wants_client) {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_use_certificate(context, CertificateOf(authority.leaf()).get());
  SSL_CTX_use_PrivateKey(context, KeyOf(authority.leaf()).get());
  if (wants_client) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context),
                        CertificateOf(authority.certificate()).get());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

std::string LowerName(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

}  // namespace

TestAuthority::TestAuthority() {
  const Key root_key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const Certificate root = Issue(root_key.get(), "Test CA", 1, nullptr, root_key.get());
  const Key leaf_key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const Certificate leaf = Issue(leaf_key.get(), "client", 2, root.get(), root_key.get());
  certificate_ = PemOf(root.get(), nullptr);
  leaf_ = PemOf(leaf.get(), leaf_key.get());
}

TestAuthority::~TestAuthority() = default;

void ServerConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent =
        tls_ != nullptr
            ? SSL_write(static_cast<SSL*>(tls_), bytes.data(), static_cast<int>(bytes.size()))
            : send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      is_closed_ = true;
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void ServerConnection::Answer(int status, std::string_view header_lines, std::string_view body) {
  Send("HTTP/1.1 " + std::to_string(status) +
       " Scripted\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
       std::string(header_lines) + "\r\n" + std::string(body));
}

std::string ServerConnection::Receive(std::size_t size) {
  std::string bytes(size, '\0');
  const ssize_t count =
      tls_ != nullptr ? SSL_read(static_cast<SSL*>(tls_), bytes.data(), static_cast<int>(size))
                      : recv(descriptor_, bytes.data(), size, 0);
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return bytes;
}

void ServerConnection::AwaitClose() {
  while (!Receive(4096).empty()) {
  }
  is_closed_ = true;
}

HttpServer::HttpServer(Handler handler, const TestAuthority* authority, bool wants_client)
    : handler_(std::move(handler)) {
  signal(SIGPIPE, SIG_IGN);  // as the program does
  if (authority != nullptr) tls_context_ = MakeContext(*authority, wants_client);
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 64) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no port on loopback");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

HttpServer::~HttpServer() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    for (const int descriptor : open_) shutdown(descriptor, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  close(listener_);
  SSL_CTX_free(static_cast<SSL_CTX*>(tls_context_));
}

std::vector<ServerRequest> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t HttpServer::CountOf(std::string_view target) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(
      requests_, [&](const ServerRequest& request) { return request.target.starts_with(target); }));
}

std::size_t HttpServer::num_connections() const {
  const std::lock_guard lock(mutex_);
  return num_connections_;
}

void HttpServer::Accept() {
  while (true) {
    const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (is_stopping_ || descriptor < 0) {
      if (descriptor >= 0) close(descriptor);
      return;
    }
    const int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ++num_connections_;
    const auto place = open_.insert(open_.end(), descriptor);
    threads_.emplace_back([this, descriptor, place] {
      Serve(descriptor);
      const std::lock_guard end_lock(mutex_);
      open_.erase(place);
      close(descriptor);
    });
  }
}

void HttpServer::Serve(int descriptor) {
  SSL* tls = nullptr;
  if (tls_context_ != nullptr) {
    tls = SSL_new(static_cast<SSL_CTX*>(tls_context_));
    SSL_set_fd(tls, descriptor);
  }
  ServerConnection connection(descriptor, tls);
  if (tls == nullptr || SSL_accept(tls) == 1) {
    std::string buffered;
    while (ServeOne(connection, buffered)) {
    }
  }
  SSL_free(tls);
  shutdown(descriptor, SHUT_RDWR);
}

bool HttpServer::ServeOne(ServerConnection& connection, std::string& buffered) {
  const auto fill = [&] {
    const std::string more = connection.Receive(65536);
    buffered += more;
    return !more.empty();
  };
  std::size_t end;
  while ((end = buffered.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return false;
    // A client that speaks TLS to us.
    if (buffered.front() == '\x16') return false;
  }
  ServerRequest request;
  std::size_t line_begin = 0;
  while (line_begin < end + 2) {
    const std::size_t line_end = buffered.find("\r\n", line_begin);
    const std::string line = buffered.substr(line_begin, line_end - line_begin);
    if (line_begin == 0) {
      const std::size_t first = line.find(' ');
      const std::size_t last = line.rfind(' ');
      request.method = line.substr(0, first);
      request.target = line.substr(first + 1, last - first - 1);
    } else if (const std::size_t colon = line.find(": "); colon != std::string::npos) {
      request.headers[LowerName(line.substr(0, colon))] = line.substr(colon + 2);
    }
    line_begin = line_end + 2;
  }
  buffered.erase(0, end + 4);
  const std::string length = request.header("content-length");
  const std::size_t body_size = length.empty() ? 0 : std::stoul(length);
  while (buffered.size() < body_size) {
    if (!fill()) return false;
  }
  request.body = buffered.substr(0, body_size);
  buffered.erase(0, body_size);
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  handler_(request, connection);
  return !connection.is_closed();
}

}  // namespace gneiss
