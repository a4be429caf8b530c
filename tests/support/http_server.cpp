#include "support/http_server.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace neurona::test {

namespace {

constexpr int kPollMs = 20;

sockaddr_in any_port() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int bind_to(int socket) {
  sockaddr_in address = any_port();
  socklen_t size = sizeof address;
  if (socket < 0 || bind(socket, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no port on 127.0.0.1");
  return ntohs(address.sin_port);
}

bool readable(int socket) {
  pollfd ready{socket, POLLIN, 0};
  return poll(&ready, 1, kPollMs) > 0;
}

}  // namespace

void HttpServer::Reply::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the other side hung up
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void HttpServer::Reply::send(int status, std::int64_t length, std::string_view body,
                             const std::string& headers) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " Told\r\nConnection: close\r\n" + headers;
  if (length >= 0) head += "Content-Length: " + std::to_string(length) + "\r\n";
  send(head + "\r\n");
  send(body);
}

void HttpServer::Reply::send_file(const HttpRequest& request, std::string_view content) {
  const auto size = static_cast<std::int64_t>(content.size());
  if (request.range_begin < 0) return send(200, size, content);
  if (request.range_begin >= size)
    return send(416, 0, {}, "Content-Range: bytes */" + std::to_string(size) + "\r\n");
  const std::string_view rest = content.substr(static_cast<std::size_t>(request.range_begin));
  send(206, static_cast<std::int64_t>(rest.size()), rest,
       "Content-Range: bytes " + std::to_string(request.range_begin) + "-" + std::to_string(size - 1) + "/" +
           std::to_string(size) + "\r\n");
}

void HttpServer::Reply::stall() {
  char byte;
  while (!stopping_)
    if (readable(socket_) && recv(socket_, &byte, 1, 0) <= 0) return;
}

HttpServer::HttpServer(Handler handler)
    : handler_(std::move(handler)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
  port_ = bind_to(listener_);
  if (listen(listener_, 16) != 0) throw std::runtime_error("cannot listen");
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  stopping_ = true;
  thread_.join();
  close(listener_);
}

std::vector<HttpRequest> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::serve() {
  while (!stopping_) {
    if (!readable(listener_)) continue;
    const int connection = accept(listener_, nullptr, nullptr);
    if (connection < 0) continue;
    answer(connection);
    shutdown(connection, SHUT_WR);
    close(connection);
  }
}

void HttpServer::answer(int socket) {
  std::string text;
  char bytes[4096];
  while (text.find("\r\n\r\n") == std::string::npos) {
    if (stopping_) return;
    if (!readable(socket)) continue;
    const ssize_t got = recv(socket, bytes, sizeof bytes, 0);
    if (got <= 0) return;
    text.append(bytes, static_cast<std::size_t>(got));
  }
  HttpRequest request;
  const std::size_t begin = text.find(' ') + 1;
  request.path = text.substr(begin, text.find(' ', begin) - begin);
  constexpr std::string_view kRange = "\r\nRange: bytes=";
  if (const std::size_t at = text.find(kRange); at != std::string::npos)
    request.range_begin = std::atoll(text.c_str() + at + kRange.size());
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  Reply reply(socket, stopping_);
  handler_(request, reply);
}

int closed_port() {
  const int unused = socket(AF_INET, SOCK_STREAM, 0);
  const int port = bind_to(unused);
  close(unused);
  return port;
}

}  // namespace neurona::test
