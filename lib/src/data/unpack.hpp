// Unpacking gzip files piece by piece, and hashing what comes out.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "neurona/data/sha256.hpp"

namespace neurona::data {

/// A gzip file that is unpacked by pieces. It takes the memory that the file's end promises, but no more than its length can make nor than
/// `max_bytes`. The bytes must outlive it. Errors of all: FormatError that begins with `name`.
class Gunzip {
 public:
  Gunzip(std::span<const std::uint8_t> bytes, std::int64_t max_bytes, std::string name);
  ~Gunzip() { inflateEnd(&stream_); }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  /// Appends at most so many bytes to `out`, the same in all calls; whether there are more.
  bool append(std::vector<std::uint8_t>& out, std::size_t most);

 private:
  void check_end(std::size_t made) const;
  std::span<const std::uint8_t> bytes_;
  std::size_t limit_, taken_ = 0;
  std::string name_;
  z_stream stream_{};
};

/// Bytes, gzip-compressed or not, unpacked and hashed by pieces. They must outlive it.
class UnpackAndHash {
 public:
  UnpackAndHash(std::span<const std::uint8_t> bytes, std::int64_t max_bytes, std::string name);
  /// Goes on for at most so many bytes; whether there are more. Errors: as Gunzip's.
  bool advance(std::size_t most);
  std::span<const std::uint8_t> plain() const { return plain_; }
  std::vector<std::uint8_t> take() { return std::move(plain_); }
  std::string sha256() const { return digest_.hex(); }

 private:
  std::span<const std::uint8_t> bytes_;
  std::int64_t max_bytes_;
  std::string name_;
  std::optional<Gunzip> gunzip_;
  std::vector<std::uint8_t> plain_;
  Sha256 digest_;
};

struct Unpacked {
  std::vector<std::uint8_t> plain;
  std::string sha256;
};
/// The same at once; plain bytes are not copied.
Unpacked unpack_and_hash(std::vector<std::uint8_t> bytes, std::int64_t max_bytes, const std::string& name);

}  // namespace neurona::data
