#include "data/md5.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

bool computes_md5() { return false; }

std::string md5_of_file(const std::filesystem::path& path) {
  throw BackendError("The MD5 of '" + path.string() + "' cannot be computed: this build has no OpenSSL (-DNEURONA_DOWNLOAD=ON brings it).");
}

}  // namespace neurona::data
