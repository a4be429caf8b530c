#include "image/other_formats.hpp"
#include "neurona/error.hpp"

namespace neurona::image {

Rgba decode_tiff(Bytes, const std::string& name) {
  throw FormatError("'" + name + "' is a TIFF image, which this build does not read (no libtiff). Save it as PNG or JPEG.");
}

}  // namespace neurona::image
