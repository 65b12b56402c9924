// An HTTP/1.1 server of the tests' own, on loopback and a free port: each request goes to a
// function, which answers as well or as badly as its test wants. With TLS, if asked.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace gneiss {

struct ServerRequest {
  std::string method;
  std::string target;                          // with the query
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
};

// The side of the server. Whatever is sent after the client has gone is dropped.
class ServerConnection {
 public:
  explicit ServerConnection(int descriptor, void* tls) : descriptor_(descriptor), tls_(tls) {}

  void Send(std::string_view bytes);
  // A whole answer with its Content-Length; "" for the header lines, or "Name: value\r\n"...
  void Answer(int status, std::string_view header_lines, std::string_view body);
  // The connection ends after this request.
  void Close() { is_closed_ = true; }
  // Until the client ends it.
  void AwaitClose();

  bool is_closed() const { return is_closed_; }
  // At most `size` bytes; empty at the end.
  std::string Receive(std::size_t size);

 private:
  int descriptor_;
  void* tls_;  // SSL
  bool is_closed_ = false;
};

// A certificate authority made for one test, and certificates of it, as PEM.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();

  const std::string& certificate() const { return certificate_; }
  // Certificate and key in one, for 127.0.0.1 and "client".
  const std::string& leaf() const { return leaf_; }

 private:
  std::string certificate_;
  std::string leaf_;
};

class HttpServer {
 public:
  // Called from several threads at once.
  using Handler = std::function<void(const ServerRequest&, ServerConnection&)>;

  // With TLS when there is an `authority`, which outlives this; then `wants_client` makes it ask
  // for a certificate.
  explicit HttpServer(Handler handler, const TestAuthority* authority = nullptr,
                      bool wants_client = false);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string url(std::string_view path = "") const {
    return (tls_context_ != nullptr ? "https://" : "http://") + host() + std::string(path);
  }

  // All so far, in the order in which they came.
  std::vector<ServerRequest> requests() const;
  // How many have a target that begins so.
  std::size_t CountOf(std::string_view target) const;
  std::size_t num_connections() const;

 private:
  void Accept();
  void Serve(int descriptor);
  bool ServeOne(ServerConnection& connection, std::string& buffered);

  Handler handler_;
  void* tls_context_ = nullptr;  // SSL_CTX
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  bool is_stopping_ = false;
  std::size_t num_connections_ = 0;
  std::list<int> open_;
  std::vector<std::thread> threads_;
  std::vector<ServerRequest> requests_;
  std::thread acceptor_;
};

}  // namespace gneiss
