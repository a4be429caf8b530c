// MD5, by which Keras' published weights are known, from OpenSSL. It tells damage; that a file is the publisher's, https tells.
#pragma once

#include <filesystem>
#include <string>

namespace neurona::data {

/// Whether this build has OpenSSL.
bool computes_md5();
/// As 32 lower-case hexadecimal digits; the file is read piece by piece. Errors: IoError, also where OpenSSL refuses MD5 (FIPS); BackendError in
/// a build without OpenSSL.
std::string md5_of_file(const std::filesystem::path& path);

}  // namespace neurona::data
