// A web server on this machine for the tests of downloading: it says what a test tells it to say, and
// remembers what it was asked.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace neurona::test {

struct HttpRequest {
  std::string path;
  std::int64_t range_begin = -1;  ///< of "Range: bytes=N-"; -1: none was asked for
};

class HttpServer {
 public:
  /// One connection, closed when the handler returns.
  class Reply {
   public:
    explicit Reply(int socket, const std::atomic<bool>& stopping) : socket_(socket), stopping_(stopping) {}
    void send(std::string_view bytes);
    /// Headers for a body of `length` bytes (-1: not told), then as much of a body as is given.
    void send(int status, std::int64_t length, std::string_view body, const std::string& headers = {});
    /// The whole of `content`, or its rest when a range was asked for.
    void send_file(const HttpRequest& request, std::string_view content);
    /// Says nothing until the other side hangs up.
    void stall();

   private:
    int socket_;
    const std::atomic<bool>& stopping_;
  };
  using Handler = std::function<void(const HttpRequest&, Reply&)>;

  explicit HttpServer(Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  std::vector<HttpRequest> requests() const;

 private:
  void serve();
  void answer(int socket);
  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::thread thread_;
};

/// A port on 127.0.0.1 where nothing listens.
int closed_port();

}  // namespace neurona::test
