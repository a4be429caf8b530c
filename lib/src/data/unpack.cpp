#include "data/unpack.hpp"

#include <algorithm>
#include <utility>

#include "core/byte_order.hpp"
#include "data/mnist_files.hpp"
#include "neurona/data/idx.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;  // zlib counts in 32 bits: bytes go in and out by pieces

// One byte more than allowed, so that an end exactly at the limit is seen.
std::size_t limit_for(std::int64_t max_bytes) { return static_cast<std::size_t>(std::max<std::int64_t>(max_bytes, 0)) + 1; }

// The memory to begin with. The last four bytes say how much it unpacks to (RFC 1952); one more lets zlib see the end. What they say is
// not believed: deflate makes at most 1032 bytes of one.
std::size_t promised(std::span<const std::uint8_t> bytes, std::size_t limit) {
  constexpr std::size_t kMostPerByte = 1032;
  const std::size_t told = bytes.size() < 4 ? 0 : std::size_t{little_endian(bytes, bytes.size() - 4)} + 1;
  return std::min({told, bytes.size() * kMostPerByte, limit});
}

}  // namespace

Gunzip::Gunzip(std::span<const std::uint8_t> bytes, std::int64_t max_bytes, std::string name)
    : bytes_(bytes), limit_(limit_for(max_bytes)), name_(std::move(name)) {
  if (!is_gzip(bytes))
    throw FormatError(name_ + ": " + (bytes.empty() ? "the file is empty" : "begins with " + hex_bytes(bytes.first(std::min<std::size_t>(2, bytes.size())))) +
                      "; a gzip file begins with 1f 8b.\n  Download it again.");
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  if (inflateInit2(&stream_, kGzipOnly) != Z_OK) throw FormatError(name_ + ": zlib could not be started.");
}

bool Gunzip::append(std::vector<std::uint8_t>& out, std::size_t most) {
  const std::size_t made = out.size();
  if (made == 0) out.reserve(promised(bytes_, limit_));
  if (made >= limit_) throw FormatError(name_ + ": unpacks to more than " + std::to_string(limit_ - 1) + " bytes.\n  Is it the right file?");
  if (stream_.avail_in == 0 && taken_ < bytes_.size()) {
    const std::size_t piece = std::min(kPiece, bytes_.size() - taken_);
    stream_.next_in = const_cast<Bytef*>(bytes_.data() + taken_);  // zlib's interface is older than const
    stream_.avail_in = static_cast<uInt>(piece);
    taken_ += piece;
  }
  std::size_t room = std::min({std::max<std::size_t>(most, 1), kPiece, limit_ - made});
  if (made < out.capacity()) room = std::min(room, out.capacity() - made);  // what was promised is not moved for a last piece
  out.resize(made + room);
  stream_.next_out = out.data() + made;
  stream_.avail_out = static_cast<uInt>(room);
  const int state = inflate(&stream_, Z_NO_FLUSH);
  out.resize(out.size() - stream_.avail_out);
  if (state == Z_BUF_ERROR || (state == Z_OK && stream_.avail_in == 0 && taken_ == bytes_.size() && stream_.avail_out > 0))
    throw FormatError(name_ + ": gzip-compressed, and cut short after " + std::to_string(bytes_.size()) + " bytes (" + std::to_string(out.size()) +
                      " unpacked).\n  Download it again.");
  if (state != Z_OK && state != Z_STREAM_END)
    throw FormatError(name_ + ": damaged gzip file (" + (stream_.msg != nullptr ? stream_.msg : "zlib error") + ") after " +
                      std::to_string(out.size()) + " unpacked bytes.\n  Download it again.");
  if (state == Z_STREAM_END) check_end(out.size());
  return state != Z_STREAM_END;
}

void Gunzip::check_end(std::size_t made) const {
  if (const std::size_t rest = bytes_.size() - taken_ + stream_.avail_in; rest > 0)
    throw FormatError(name_ + ": " + std::to_string(rest) + (rest == 1 ? " byte" : " bytes") + " behind the end of the gzip file.\n  Download it again.");
  if (made >= limit_) throw FormatError(name_ + ": unpacks to more than " + std::to_string(limit_ - 1) + " bytes.\n  Is it the right file?");
}

std::vector<std::uint8_t> gunzip(std::span<const std::uint8_t> bytes, std::int64_t max_bytes, const std::string& name) {
  Gunzip job(bytes, max_bytes, name);
  std::vector<std::uint8_t> plain;
  while (job.append(plain, kPiece)) {
  }
  return plain;
}

UnpackAndHash::UnpackAndHash(std::span<const std::uint8_t> bytes, std::int64_t max_bytes, std::string name)
    : bytes_(bytes), max_bytes_(max_bytes), name_(std::move(name)) {
  if (is_gzip(bytes)) gunzip_.emplace(bytes, max_bytes, name_);
}

bool UnpackAndHash::advance(std::size_t most) {
  const std::size_t before = plain_.size();
  bool more = false;
  if (gunzip_) {
    more = gunzip_->append(plain_, most);
  } else {
    if (static_cast<std::int64_t>(bytes_.size()) > max_bytes_)
      throw FormatError(name_ + ": " + std::to_string(bytes_.size()) + " bytes; at most " + std::to_string(max_bytes_) + " are read.\n  Is it the right file?");
    if (before == 0) plain_.reserve(bytes_.size());
    const auto piece = bytes_.subspan(before, std::min(most, bytes_.size() - before));
    plain_.insert(plain_.end(), piece.begin(), piece.end());
    more = plain_.size() < bytes_.size();
  }
  digest_.update(std::span(plain_).subspan(before));
  return more;
}

Unpacked unpack_and_hash(std::vector<std::uint8_t> bytes, std::int64_t max_bytes, const std::string& name) {
  if (!is_gzip(bytes)) {
    std::string digest = sha256_hex(bytes);
    return {std::move(bytes), std::move(digest)};
  }
  UnpackAndHash job(bytes, max_bytes, name);
  while (job.advance(kPiece)) {
  }
  return {job.take(), job.sha256()};
}

}  // namespace neurona::data
