// The errors of the library. Each message says where it happened, what was received, what was
// expected and how to mend it; the library itself never prints, aborts or exits.
#pragma once

#include <stdexcept>
#include <string>

namespace neurona {

/// Base of everything that the library throws on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A tensor or layer received a shape it cannot work with.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// An option or argument is out of its range, or a name is unknown.
class ValueError : public Error {
 public:
  using Error::Error;
};

/// Bytes that do not follow their format: truncated, oversized, wrong magic, wrong checksum.
class FormatError : public Error {
 public:
  using Error::Error;
};

/// A file, folder or connection failed.
class IoError : public Error {
 public:
  using Error::Error;
};

/// A backend is not there, or cannot do what was asked of it.
class BackendError : public Error {
 public:
  using Error::Error;
};

}  // namespace neurona
