#include "neurona/data/md5.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <vector>

#include "neurona/error.hpp"

namespace neurona::data {

namespace {

// floor(2^32 * |sin(i + 1)|), as the RFC defines them.
const std::array<std::uint32_t, 64>& constants() {
  static const auto table = [] {
    std::array<std::uint32_t, 64> values{};
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<std::uint32_t>(
          std::floor(4294967296.0 * std::abs(std::sin(static_cast<double>(i + 1)))));
    return values;
  }();
  return table;
}

constexpr int kShifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

}  // namespace

void Md5::add_block(const std::uint8_t* block) {
  std::array<std::uint32_t, 16> words;
  for (std::size_t i = 0; i < words.size(); ++i)
    words[i] = std::uint32_t{block[4 * i]} | std::uint32_t{block[4 * i + 1]} << 8 |
               std::uint32_t{block[4 * i + 2]} << 16 | std::uint32_t{block[4 * i + 3]} << 24;
  auto [a, b, c, d] = state_;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::size_t round = i / 16;
    std::uint32_t mixed = 0;
    std::size_t word = 0;
    switch (round) {
      case 0:
        mixed = (b & c) | (~b & d), word = i;
        break;
      case 1:
        mixed = (d & b) | (~d & c), word = (5 * i + 1) % 16;
        break;
      case 2:
        mixed = b ^ c ^ d, word = (3 * i + 5) % 16;
        break;
      default:
        mixed = c ^ (b | ~d), word = 7 * i % 16;
        break;
    }
    const std::uint32_t sum = a + mixed + constants()[i] + words[word];
    a = d, d = c, c = b;
    b += std::rotl(sum, kShifts[round][i % 4]);
  }
  state_[0] += a, state_[1] += b, state_[2] += c, state_[3] += d;
}

void Md5::update(std::span<const std::uint8_t> bytes) {
  std::size_t filled = size_ % kBlock;
  size_ += bytes.size();
  while (!bytes.empty()) {
    if (filled == 0 && bytes.size() >= kBlock) {
      add_block(bytes.data());
      bytes = bytes.subspan(kBlock);
      continue;
    }
    const std::size_t taken = std::min(kBlock - filled, bytes.size());
    std::memcpy(rest_.data() + filled, bytes.data(), taken);
    bytes = bytes.subspan(taken);
    filled += taken;
    if (filled == kBlock) add_block(rest_.data()), filled = 0;
  }
}

std::string Md5::hex() const {
  Md5 last = *this;
  const std::uint64_t bits = size_ * 8;
  std::array<std::uint8_t, 2 * kBlock> padding{0x80};
  const std::size_t filled = size_ % kBlock, zeros = (filled < 56 ? 56 : 120) - filled;
  for (std::size_t i = 0; i < 8; ++i) padding[zeros + i] = static_cast<std::uint8_t>(bits >> 8 * i);
  last.update(std::span(padding).first(zeros + 8));
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint32_t word : last.state_)
    for (int i = 0; i < 4; ++i) {
      const std::uint32_t byte = word >> 8 * i & 0xff;
      text += {kDigits[byte >> 4], kDigits[byte & 15]};
    }
  return text;
}

std::string md5_hex(std::span<const std::uint8_t> bytes) {
  Md5 md5;
  md5.update(bytes);
  return md5.hex();
}

std::string md5_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw IoError("Cannot read '" + path.string() + "'.");
  Md5 md5;
  std::vector<char> piece(std::size_t{1} << 18);
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    md5.update(
        {reinterpret_cast<const std::uint8_t*>(piece.data()), static_cast<std::size_t>(file.gcount())});
  }
  if (file.bad()) throw IoError("Cannot read all of '" + path.string() + "'.");
  return md5.hex();
}

}  // namespace neurona::data
