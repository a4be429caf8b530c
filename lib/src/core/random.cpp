#include "neurona/random.hpp"

#include <bit>
#include <cmath>
#include <utility>

namespace neurona {

namespace {

std::uint64_t splitmix64(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

Rng::Rng(std::uint64_t seed) {
  for (std::uint64_t& word : state_) word = splitmix64(seed);
}

std::uint64_t Rng::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

float Rng::uniform() { return static_cast<float>(next() >> 40) * 0x1.0p-24f; }

std::uint32_t Rng::below(std::uint32_t bound) {
  std::uint64_t product = (next() >> 32) * bound;
  auto low = static_cast<std::uint32_t>(product);
  if (low < bound) {
    const std::uint32_t threshold = -bound % bound;
    while (low < threshold) {
      product = (next() >> 32) * bound;
      low = static_cast<std::uint32_t>(product);
    }
  }
  return static_cast<std::uint32_t>(product >> 32);
}

float Rng::normal() {
  for (;;) {
    const float u = 2.0f * uniform() - 1.0f;
    const float v = 2.0f * uniform() - 1.0f;
    const float s = u * u + v * v;
    if (s > 0.0f && s < 1.0f) return u * std::sqrt(-2.0f * std::log(s) / s);
  }
}

float Rng::truncated_normal() {
  for (;;) {
    const float value = normal();
    if (std::abs(value) <= 2.0f) return value;
  }
}

void Rng::shuffle(std::span<std::int32_t> values) {
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(static_cast<std::uint32_t>(i))]);
}

Rng Rng::fork(std::uint64_t label) const {
  std::uint64_t mixed = state_[0] ^ std::rotl(state_[3], 23) ^ (label * 0xd1342543de82ef95u + 0x2545f4914f6cdd1du);
  return Rng(splitmix64(mixed));
}

}  // namespace neurona
