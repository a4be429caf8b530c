#include "neurona/data/download.hpp"

#include <doctest/doctest.h>

#include <utility>

#include "neurona/error.hpp"
#include "support/files.hpp"
#include "support/http_server.hpp"

using namespace neurona;
using namespace neurona::data;
using test::HttpRequest, test::HttpServer, test::TemporaryFolder;
using Reply = HttpServer::Reply;
namespace fs = std::filesystem;

namespace {

// Longer than what a socket takes in one go.
const std::string& content() {
  static const std::string text = [] {
    std::string all;
    for (std::int64_t i = 0; all.size() < 3'000'000; ++i) all += std::to_string(i * 7919) + ",";
    return all;
  }();
  return text;
}

std::string text_of(const fs::path& path) {
  const test::Bytes bytes = test::read_file(path);
  return {bytes.begin(), bytes.end()};
}

void check_content(const fs::path& path) {
  if (text_of(path) != content()) throw FormatError("not the content");
}

DownloadOptions options_for(std::vector<std::string> urls, const fs::path& target, int rounds = 2) {
  return {.urls = std::move(urls),
          .target = target,
          .check = check_content,
          .rounds = rounds,
          .first_pause_ms = 1.0,
          .connect_timeout_s = 5.0,
          .stall_timeout_s = 1.0};
}

Progress download(DownloadOptions options) {
  Download job(std::move(options));
  Progress progress;
  while (job.advance(50.0, progress)) {
  }
  return progress;
}

std::string error_of(DownloadOptions options) {
  try {
    download(std::move(options));
  } catch (const IoError& e) {
    return e.what();
  }
  return "no error";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void serve_content(const HttpRequest& request, Reply& reply) { reply.send_file(request, content()); }

// Promises everything, sends the first `bytes` only; later requests are served.
HttpServer::Handler cut_once(std::size_t bytes, HttpServer::Handler then) {
  return [bytes, then, first = true](const HttpRequest& request, Reply& reply) mutable {
    if (!std::exchange(first, false)) return then(request, reply);
    reply.send(200, static_cast<std::int64_t>(content().size()),
               std::string_view(content()).substr(0, bytes));
  };
}

}  // namespace

TEST_CASE("A download gives the file, tells how far it is and leaves nothing beside it") {
  HttpServer server(serve_content);
  TemporaryFolder folder;
  const Progress progress = download(options_for({server.url("/file")}, folder / "file"));
  CHECK(text_of(folder / "file") == content());
  CHECK(!fs::exists(folder / "file.part"));
  CHECK(progress.done == static_cast<std::int64_t>(content().size()));
  CHECK(progress.total == progress.done);
  CHECK(progress.unit == "bytes");
  CHECK(progress.detail == "downloading file");
  CHECK(server.requests().size() == 1);
}

TEST_CASE("A file that is there already is left alone, and nothing is asked for") {
  HttpServer server(serve_content);
  TemporaryFolder folder;
  test::write_file(folder / "file", content());
  download(options_for({server.url("/file")}, folder / "file"));
  CHECK(text_of(folder / "file") == content());
  CHECK(server.requests().empty());
}

TEST_CASE("A damaged file at the target is downloaded again, and stays until the new one is whole") {
  TemporaryFolder folder;
  test::write_file(folder / "file", "damaged");
  CHECK(has(error_of(options_for({"http://127.0.0.1:" + std::to_string(test::closed_port()) + "/file"},
                                 folder / "file")),
            "Could not download"));
  CHECK(text_of(folder / "file") == "damaged");
  HttpServer server(serve_content);
  download(options_for({server.url("/file")}, folder / "file"));
  CHECK(text_of(folder / "file") == content());
}

TEST_CASE("A download that was cut goes on where it stopped") {
  HttpServer server(cut_once(1'000'000, serve_content));
  TemporaryFolder folder;
  download(options_for({server.url("/file")}, folder / "file"));
  CHECK(text_of(folder / "file") == content());
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests()[0].range_begin == -1);
  CHECK(server.requests()[1].range_begin == 1'000'000);
}

TEST_CASE("What an earlier program left is resumed, at another mirror too") {
  HttpServer server(serve_content);
  TemporaryFolder folder;
  test::write_file(folder / "file.part", content().substr(0, 123'457));
  download(options_for({server.url("/mirror/file")}, folder / "file"));
  CHECK(text_of(folder / "file") == content());
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].range_begin == 123'457);
}

TEST_CASE("A server that knows no ranges is asked again for the whole file, which replaces the cut one") {
  HttpServer server(cut_once(1'000'000, [](const HttpRequest&, Reply& reply) {
    reply.send(200, static_cast<std::int64_t>(content().size()), content());
  }));
  TemporaryFolder folder;
  download(options_for({server.url("/file")}, folder / "file"));
  CHECK(text_of(folder / "file") == content());
  CHECK(server.requests().size() == 2);
}

TEST_CASE("A server that does not tell the length is read to its end") {
  HttpServer server([](const HttpRequest&, Reply& reply) { reply.send(200, -1, content()); });
  TemporaryFolder folder;
  download(options_for({server.url("/file")}, folder / "file"));
  CHECK(text_of(folder / "file") == content());
}

TEST_CASE("A mirror that lacks the file is followed by the next") {
  HttpServer server([](const HttpRequest& request, Reply& reply) {
    if (request.path == "/good/file") return serve_content(request, reply);
    reply.send(404, 9, "Not here!");
  });
  TemporaryFolder folder;
  download(options_for({server.url("/bad/file"), server.url("/good/file")}, folder / "file", 1));
  CHECK(text_of(folder / "file") == content());
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests()[1].path == "/good/file");
  CHECK(server.requests()[1].range_begin == -1);  // the page of the 404 was not kept
}

TEST_CASE("When every mirror fails, the error tells each with its reason, after all rounds") {
  HttpServer server(
      [](const HttpRequest& request, Reply& reply) { reply.send(request.path == "/a" ? 500 : 404, 0, {}); });
  TemporaryFolder folder;
  const std::string error = error_of(options_for({server.url("/a"), server.url("/b")}, folder / "file", 3));
  CAPTURE(error);
  CHECK(has(error, "Could not download 'file'."));
  CHECK(has(error, server.url("/a") + ": the server answered 500"));
  CHECK(has(error, server.url("/b") + ": the server answered 404"));
  CHECK(has(error, "run the same command again"));
  CHECK(server.requests().size() == 6);
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("A mirror that sends more than the file can have is given up, told or not, and nothing of it stays") {
  for (const bool told : {true, false}) {
    HttpServer server([&](const HttpRequest& request, Reply& reply) {
      if (request.path == "/good") return serve_content(request, reply);
      reply.send(200, told ? 9'000'000 : -1, std::string(9'000'000, 'x'));
    });
    TemporaryFolder folder;
    DownloadOptions wanted = options_for({server.url("/endless"), server.url("/good")}, folder / "file", 1);
    wanted.max_bytes = 4'000'000;
    download(wanted);
    CHECK(text_of(folder / "file") == content());
    wanted.urls = {server.url("/endless")};
    wanted.target = folder / "other";
    CHECK(has(error_of(wanted), "it sends more than the 4000000 bytes that the file has at most"));
    CHECK(!fs::exists(folder / "other.part"));
  }
}

TEST_CASE("Where no mirror can be reached at all, one round is enough") {
  TemporaryFolder folder;
  DownloadOptions wanted = options_for({"http://127.0.0.1:1/a", "http://127.0.0.1:1/b"}, folder / "file", 9);
  wanted.first_pause_ms = 1e7;  // a second round would never begin
  CHECK(has(error_of(wanted), "http://127.0.0.1:1/b: "));
}

TEST_CASE("Wrong bytes are not taken and not resumed: the next mirror starts from nothing") {
  HttpServer server([](const HttpRequest& request, Reply& reply) {
    if (request.path == "/good") return serve_content(request, reply);
    reply.send(200, 20, "<html>log in</html>\n");
  });
  TemporaryFolder folder;
  download(options_for({server.url("/portal"), server.url("/good")}, folder / "file", 1));
  CHECK(text_of(folder / "file") == content());
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests()[1].range_begin == -1);
  CHECK(has(error_of(options_for({server.url("/portal")}, folder / "other")), "/portal: not the content"));
  CHECK(!fs::exists(folder / "other"));
  CHECK(!fs::exists(folder / "other.part"));
}

TEST_CASE("A wrong beginning left by an earlier try is thrown away and not kept for ever") {
  HttpServer server(serve_content);
  for (const std::string& left :
       {std::string("garbage"), content() + "and more", content().substr(0, 5000) + "garbage"}) {
    TemporaryFolder folder;
    test::write_file(folder / "file.part", left);
    download(options_for({server.url("/file")}, folder / "file"));
    CHECK(text_of(folder / "file") == content());
    CHECK(!fs::exists(folder / "file.part"));
    CHECK(server.requests().back().range_begin == -1);
  }
}

TEST_CASE("A whole file left by an earlier try is verified and taken") {
  HttpServer server(serve_content);
  TemporaryFolder folder;
  test::write_file(folder / "file.part", content());
  download(options_for({server.url("/file")}, folder / "file", 1));
  CHECK(text_of(folder / "file") == content());
  CHECK(server.requests().size() == 1);
}

TEST_CASE("A server that resumes at another place than asked does not spoil the file") {
  HttpServer server(cut_once(1'000'000, [wrong = true](const HttpRequest& request, Reply& reply) mutable {
    if (!std::exchange(wrong, false)) return reply.send_file(request, content());
    reply.send(206, 1000, std::string_view(content()).substr(0, 1000),
               "Content-Range: bytes 0-999/" + std::to_string(content().size()) + "\r\n");
  }));
  TemporaryFolder folder;
  download(options_for({server.url("/file")}, folder / "file", 3));
  CHECK(text_of(folder / "file") == content());
  REQUIRE(server.requests().size() == 3);
  CHECK(server.requests()[2].range_begin == -1);  // such a server is not trusted with ranges again
}

TEST_CASE("An empty answer is a failure of that mirror, not of the download") {
  HttpServer server([](const HttpRequest& request, Reply& reply) {
    if (request.path == "/good") return serve_content(request, reply);
    reply.send(200, 0, {});
  });
  TemporaryFolder folder;
  download(options_for({server.url("/empty"), server.url("/good")}, folder / "file", 1));
  CHECK(text_of(folder / "file") == content());
  CHECK(has(error_of(options_for({server.url("/empty")}, folder / "other")),
            "/empty: the server sent nothing"));
}

TEST_CASE("A connection that stalls is given up, what came is kept, and the next mirror goes on from there") {
  HttpServer server([](const HttpRequest& request, Reply& reply) {
    if (request.path == "/good") return serve_content(request, reply);
    reply.send(200, static_cast<std::int64_t>(content().size()),
               std::string_view(content()).substr(0, 200'000));
    reply.stall();
  });
  TemporaryFolder folder;
  download(options_for({server.url("/stalls"), server.url("/good")}, folder / "file", 1));
  CHECK(text_of(folder / "file") == content());
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests()[1].range_begin == 200'000);
}

TEST_CASE("A server that takes the connection and never answers is given up") {
  HttpServer server([](const HttpRequest&, Reply& reply) { reply.stall(); });
  TemporaryFolder folder;
  const std::string error = error_of(options_for({server.url("/file")}, folder / "file", 1));
  CAPTURE(error);
  CHECK(has(error, "Could not download 'file'."));
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("Where nothing listens, the error names the address") {
  TemporaryFolder folder;
  const std::string url = "http://127.0.0.1:" + std::to_string(test::closed_port()) + "/file";
  const std::string error = error_of(options_for({url}, folder / "file"));
  CAPTURE(error);
  CHECK(has(error, url + ": "));
  CHECK(has(error, "Check the connection"));
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("A full disk is an error at once that says so; no mirror is blamed") {
  if (!fs::exists("/dev/full")) {
    MESSAGE("skipped: this system has no /dev/full");
    return;
  }
  HttpServer server(serve_content);
  TemporaryFolder folder;
  fs::create_symlink("/dev/full", folder / "file.part");
  const std::string error = error_of(options_for({server.url("/file")}, folder / "file"));
  CAPTURE(error);
  CHECK(has(error, "Cannot write '" + (folder / "file.part").string() + "': No space left on device."));
  CHECK(has(error, "Make room on the disk"));
  CHECK(server.requests().size() == 1);
  CHECK(!fs::exists(folder / "file"));
}

TEST_CASE("A target that cannot be written is an error that names it") {
  HttpServer server(serve_content);
  TemporaryFolder folder;
  test::write_file(folder / "occupied", "a file, no folder");
  const std::string error = error_of(options_for({server.url("/file")}, folder / "occupied/file"));
  CAPTURE(error);
  CHECK(has(error, "Cannot write '"));
  CHECK(has(error, "Not a directory"));
}

TEST_CASE("A redirection is followed, but not to a file of this machine") {
  TemporaryFolder folder;
  test::write_file(folder / "secret", content());
  const std::string secret = "file://" + (folder / "secret").string();
  HttpServer server([&](const HttpRequest& request, Reply& reply) {
    if (request.path == "/moved") return reply.send(302, 0, {}, "Location: /file\r\n");
    if (request.path == "/local") return reply.send(302, 0, {}, "Location: " + secret + "\r\n");
    if (request.path == "/loop") return reply.send(302, 0, {}, "Location: /loop\r\n");
    serve_content(request, reply);
  });
  download(options_for({server.url("/moved")}, folder / "file"));
  CHECK(text_of(folder / "file") == content());
  CHECK(has(error_of(options_for({server.url("/local")}, folder / "other", 1)), "Could not download"));
  CHECK(has(error_of(options_for({server.url("/loop")}, folder / "other", 1)), "Could not download"));
  CHECK(!fs::exists(folder / "other"));
}

TEST_CASE("A download given up in the middle leaves what came, for the next one") {
  HttpServer server(cut_once(500'000, serve_content));
  TemporaryFolder folder;
  CHECK(has(error_of(options_for({server.url("/file")}, folder / "file", 1)), "it goes on where it stopped"));
  CHECK(fs::file_size(folder / "file.part") == 500'000);
  CHECK(!fs::exists(folder / "file"));
  download(options_for({server.url("/file")}, folder / "file", 1));
  CHECK(text_of(folder / "file") == content());
  CHECK(server.requests().back().range_begin == 500'000);
}

TEST_CASE("A download without an address is refused") {
  CHECK_THROWS_AS(Download({.urls = {}, .target = "file"}), ValueError);
}
