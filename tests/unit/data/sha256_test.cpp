#include "neurona/data/sha256.hpp"

#include <doctest/doctest.h>

#include "support/files.hpp"

using namespace neurona;
using data::Sha256;
using data::sha256_hex;

TEST_CASE("SHA-256 gives the digests of FIPS 180-4's examples") {
  const auto digest = [](std::string_view text) { return sha256_hex(test::bytes_of(text)); };
  CHECK(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(digest("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnop"
               "qrsmnopqrs"
               "tnopqrstu") == "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  CHECK(digest(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 of pieces is that of the whole, wherever it is cut and around every block boundary") {
  test::Bytes bytes(200);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 + 11);
  for (std::size_t size :
       {std::size_t{0}, std::size_t{55}, std::size_t{56}, std::size_t{63}, std::size_t{64}, std::size_t{65},
        std::size_t{119}, std::size_t{120}, std::size_t{128}, std::size_t{200}}) {
    const std::span<const std::uint8_t> whole = std::span(bytes).first(size);
    const std::string expected = sha256_hex(whole);
    for (std::size_t cut = 0; cut <= size; ++cut) {
      Sha256 digest;
      digest.update(whole.first(cut));
      digest.update(whole.subspan(cut));
      CAPTURE(size);
      CAPTURE(cut);
      REQUIRE(digest.hex() == expected);
    }
  }
}

TEST_CASE("SHA-256 can be asked for on the way without disturbing what follows") {
  Sha256 digest;
  digest.update(test::bytes_of("ab"));
  CHECK(digest.hex() == sha256_hex(test::bytes_of("ab")));
  CHECK(digest.hex() == digest.hex());
  digest.update(test::bytes_of("c"));
  CHECK(digest.hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
