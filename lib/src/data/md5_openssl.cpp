#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "data/file_digest.hpp"
#include "data/md5.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

bool computes_md5() { return true; }

std::string md5_of_file(const std::filesystem::path& path) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  bool good = context != nullptr && EVP_DigestInit_ex(context.get(), EVP_md5(), nullptr) == 1;
  if (good) for_pieces_of(path, [&](std::span<const std::uint8_t> piece) { good = good && EVP_DigestUpdate(context.get(), piece.data(), piece.size()) == 1; });
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (!good || EVP_DigestFinal_ex(context.get(), digest.data(), &size) != 1)
    throw IoError("The MD5 of '" + path.string() + "' cannot be computed: OpenSSL refuses MD5 on this system (FIPS?).");
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : std::span(digest).first(size)) text += {kDigits[byte >> 4], kDigits[byte & 15]};
  return text;
}

}  // namespace neurona::data
