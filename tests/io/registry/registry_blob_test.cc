// Blobs that come through broken connections, in whole or not at all.
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "planner/fleet/digest.h"
#include "tests/make/registry_run.h"

namespace gneiss {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string RandomBlob(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

// First byte that a Range header asks for; 0 without one.
std::size_t FirstAsked(const ServerRequest& request) {
  const std::string range = request.header("range");
  return range.empty() ? 0 : std::stoul(range.substr(std::string("bytes=").size()));
}

// The head of an answer for `blob` from `first` on.
std::string PartHead(const std::string& blob, std::size_t first) {
  const std::string length = "Content-Length: " + std::to_string(blob.size() - first) + "\r\n";
  if (first == 0) return "HTTP/1.1 200 OK\r\n" + length + "\r\n";
  return "HTTP/1.1 206 Partial Content\r\n" + length + "Content-Range: bytes " +
         std::to_string(first) + "-" + std::to_string(blob.size() - 1) + "/" +
         std::to_string(blob.size()) + "\r\n\r\n";
}

struct BlobRun {
  BlobRun(std::string content, HttpServer::Handler handler, milliseconds step = milliseconds(0))
      : blob(std::move(content)),
        clock(step),
        options(OptionsFor(clock)),
        server(std::move(handler)) {}

  std::unique_ptr<ByteSource> Open(std::optional<Bytes> size = std::nullopt) {
    client = std::make_unique<RegistryClient>(server.host(), options);
    return client->OpenBlob("app", FormatDigest(Sha256(blob)),
                            size.value_or(static_cast<Bytes>(blob.size())));
  }
  std::string Error(std::optional<Bytes> size = std::nullopt) {
    const std::unique_ptr<ByteSource> source = Open(size);
    std::string text = ErrorOf(server, [&] { ReadAll(*source); });
    const std::string digest = FormatDigest(Sha256(blob));
    if (const std::size_t at = text.find(digest); at != std::string::npos) {
      text.replace(at, digest.size(), "DIGEST");
    }
    return text;
  }

  std::string blob;
  FakeClock clock;
  RegistryOptions options;
  HttpServer server;
  std::unique_ptr<RegistryClient> client;
};

TEST_CASE("A blob is asked for at its first byte, and read as it comes", "[io][registry]") {
  const std::string blob = RandomBlob(5'000'000, 1);
  BlobRun run(blob, [&](const ServerRequest&, ServerConnection& connection) {
    connection.Send(PartHead(blob, 0) + blob);
  });
  const std::unique_ptr<ByteSource> source = run.Open();
  CHECK(run.server.requests().empty());
  CHECK(source->stored_size() == 5'000'000);
  CHECK(ReadAll(*source) == blob);
  CHECK(source->stored_position() == 5'000'000);
  std::string more(1, '\0');
  CHECK(source->Read(more) == 0);
  CHECK(run.client->counts().of(RequestKind::kBlob) == 1);
  CHECK(run.client->counts().body_bytes == 5'000'000);
}

TEST_CASE("A blob may outlive its client, be left half read, or be empty", "[io][registry]") {
  const std::string blob = RandomBlob(3'000'000, 2);
  BlobRun run(blob, [&](const ServerRequest&, ServerConnection& connection) {
    connection.Send(PartHead(blob, 0) + blob);
  });
  {
    const std::unique_ptr<ByteSource> source = run.Open();
    run.client.reset();
    CHECK(ReadAll(*source, 7) == blob);
  }
  {
    const std::unique_ptr<ByteSource> source = run.Open();
    std::string first(10, '\0');
    CHECK(source->Read(first) > 0);
    CHECK(source->Skip(1'000'000) == 1'000'000);
  }
  BlobRun empty("", [](const ServerRequest&, ServerConnection& connection) {
    connection.Answer(200, "", "");
  });
  CHECK(ReadAll(*empty.Open()).empty());
}

TEST_CASE("A blob whose connections are cut anywhere is whole", "[io][registry]") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const std::string blob = RandomBlob(random() % 200'000, seed);
    const bool knows_ranges = random() % 3 != 0;
    const bool is_chunked = random() % 3 == 0;
    std::atomic<int> cuts_left = static_cast<int>(random() % 4);
    BlobRun run(blob, [&](const ServerRequest& request, ServerConnection& connection) {
      const std::size_t first = knows_ranges ? FirstAsked(request) : 0;
      const std::string rest = blob.substr(first);
      const bool is_cut = cuts_left-- > 0;
      const std::string sent = is_cut ? rest.substr(0, rest.size() / 3) : rest;
      if (is_chunked && first == 0) {
        connection.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        constexpr std::size_t kChunk = 0x1000;
        for (std::size_t at = 0; at < sent.size(); at += kChunk) {
          const std::string piece = sent.substr(at, kChunk);
          char length[20];
          std::snprintf(length, sizeof(length), "%zx\r\n", piece.size());
          connection.Send(length + piece + "\r\n");
        }
        if (!is_cut) connection.Send("0\r\n\r\n");
      } else {
        connection.Send(PartHead(blob, first) + sent);
      }
      if (is_cut) connection.Close();
    });
    CHECK(ReadAll(*run.Open(), 1 + random() % 50'000) == blob);
  }
}

TEST_CASE("Without a length the end of a connection is not the end of a blob", "[io][registry]") {
  const std::string blob = RandomBlob(100'000, 3);
  std::atomic<int> count = 0;
  BlobRun run(blob, [&](const ServerRequest& request, ServerConnection& connection) {
    if (count++ == 0) {
      connection.Send("HTTP/1.1 200 OK\r\n\r\n" + blob.substr(0, 40'000));
    } else {
      connection.Send(PartHead(blob, FirstAsked(request)) + blob.substr(FirstAsked(request)));
    }
    connection.Close();
  });
  CHECK(ReadAll(*run.Open()) == blob);
  CHECK(run.server.requests().back().header("range") == "bytes=40000-");
}

TEST_CASE("A blob that stalls is taken up again, a slow one is waited for", "[io][registry]") {
  const std::string blob = RandomBlob(50'000, 4);
  BlobRun stalls(
      blob,
      [&](const ServerRequest& request, ServerConnection& connection) {
        const std::size_t first = FirstAsked(request);
        if (first > 0) return connection.Send(PartHead(blob, first) + blob.substr(first));
        connection.Send(PartHead(blob, 0) + blob.substr(0, 20'000));
        connection.AwaitClose();
      },
      seconds(5));
  stalls.options.http.stall_timeout = seconds(10);
  CHECK(ReadAll(*stalls.Open()) == blob);
  CHECK(stalls.client->counts().retries == 1);

  FakeClock* clock = nullptr;
  BlobRun drips(blob, [&](const ServerRequest&, ServerConnection& connection) {
    connection.Send(PartHead(blob, 0));
    for (std::size_t at = 0; at < blob.size(); at += 500) {
      clock->Advance(seconds(9));
      connection.Send(blob.substr(at, 500));
    }
  });
  drips.options.http.stall_timeout = seconds(10);
  clock = &drips.clock;
  CHECK(ReadAll(*drips.Open()) == blob);
  CHECK(drips.client->counts().of(RequestKind::kBlob) == 1);
}

TEST_CASE("A blob that goes on for long has all its retries again", "[io][registry]") {
  const std::string blob = RandomBlob(8'000'000, 5);
  BlobRun run(blob, [&](const ServerRequest& request, ServerConnection& connection) {
    const std::size_t first = FirstAsked(request);
    connection.Send(PartHead(blob, first) + blob.substr(first, 1'200'000));
    connection.Close();
  });
  run.options.retry.retries = 1;
  CHECK(ReadAll(*run.Open()) == blob);
  CHECK(run.server.requests().size() == 7);

  BlobRun small_steps(blob, [&](const ServerRequest& request, ServerConnection& connection) {
    const std::size_t first = FirstAsked(request);
    connection.Send(PartHead(blob, first) + blob.substr(first, 1000));
    connection.Close();
  });
  CHECK(small_steps.Error() ==
        "http://HOST/v2/app/blobs/DIGEST:byte 4000: expected a blob, found no answer to use: "
        "transfer closed with 7996000 bytes remaining to read; try again later");
}

TEST_CASE("A blob of another size or from another place is refused", "[io][registry]") {
  const std::string blob = RandomBlob(1000, 6);
  const auto always = [&](const std::string& answer) {
    return [answer](const ServerRequest&, ServerConnection& connection) {
      connection.Send(answer);
      connection.Close();
    };
  };
  BlobRun fine(blob, always(PartHead(blob, 0) + blob));
  CHECK(fine.Error() == "none");
  CHECK(fine.Error(999) ==
        "http://HOST/v2/app/blobs/DIGEST: expected 999 bytes, as the descriptor says, found "
        "1000");
  CHECK(fine.Error(1001).ends_with(
      "DIGEST: expected 1001 bytes, as the descriptor says, found 1000"));
  CHECK(fine.server.requests().size() == 3);
  BlobRun endless(blob, always("HTTP/1.1 200 OK\r\n\r\n" + blob + "x"));
  CHECK(endless.Error().ends_with(
      "byte 1000: expected 1000 bytes, as the descriptor says, found more"));

  const auto after_cut = [&](const std::string& second) {
    return [&blob, second](const ServerRequest& request, ServerConnection& connection) {
      connection.Send(FirstAsked(request) == 0 ? PartHead(blob, 0) + blob.substr(0, 300) : second);
      connection.Close();
    };
  };
  BlobRun wrong_place(blob, after_cut("HTTP/1.1 206 X\r\nContent-Range: bytes 200-999/1000\r\n"
                                      "Content-Length: 800\r\n\r\n" +
                                      blob.substr(200)));
  CHECK(wrong_place.Error().ends_with(
      "byte 300: expected the part from here on, found one from byte 200"));
  BlobRun no_place(blob,
                   after_cut("HTTP/1.1 206 X\r\nContent-Length: 700\r\n\r\n" + blob.substr(300)));
  CHECK(no_place.Error().ends_with(
      "byte 300: expected the part from here on, found no usable Content-Range"));
  BlobRun grown(blob, after_cut("HTTP/1.1 206 X\r\nContent-Range: bytes 300-999/2000\r\n"
                                "Content-Length: 700\r\n\r\n" +
                                blob.substr(300)));
  CHECK(
      grown.Error().ends_with("byte 300: expected 1000 bytes, as the descriptor says, found 2000"));
  BlobRun gone(blob, after_cut("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n"));
  CHECK(gone.Error() ==
        "http://HOST/v2/app/blobs/DIGEST:byte 300: expected a blob, found status 404 Not Found; "
        "look at the name, and whether it is there for others");
  BlobRun unsatisfied(blob, after_cut("HTTP/1.1 416 X\r\nContent-Length: 0\r\n\r\n"));
  CHECK(unsatisfied.Error().find("byte 300: expected a blob, found status 416 Range Not "
                                 "Satisfiable") != std::string::npos);
}

TEST_CASE("A rate limit makes reading wait, by the clock", "[io][registry]") {
  const std::string blob = RandomBlob(1'000'000, 7);
  BlobRun run(blob, [&](const ServerRequest&, ServerConnection& connection) {
    connection.Send(PartHead(blob, 0) + blob);
  });
  run.options.http.max_rate = 100'000;
  CHECK(ReadAll(*run.Open()) == blob);
  milliseconds waited(0);
  for (const milliseconds wait : run.clock.waits()) {
    CHECK(wait <= milliseconds(1'000));
    waited += wait;
  }
  CHECK(waited >= seconds(10));
  CHECK(waited <= milliseconds(10'500));
}

TEST_CASE("Reading a blob ends when nobody wants it", "[io][registry]") {
  const std::string blob = RandomBlob(1000, 8);
  std::atomic<bool> is_moot = false;
  BlobRun run(blob, [&](const ServerRequest&, ServerConnection& connection) {
    connection.Send(PartHead(blob, 0) + blob.substr(0, 10));
    is_moot = true;
    connection.AwaitClose();
  });
  run.options.http.is_moot = [&] { return is_moot.load(); };
  const std::unique_ptr<ByteSource> source = run.Open();
  CHECK_THROWS_AS(ReadAll(*source), RequestAbandoned);
}

}  // namespace
}  // namespace gneiss
