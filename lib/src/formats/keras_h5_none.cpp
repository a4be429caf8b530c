#include "neurona/error.hpp"
#include "neurona/formats.hpp"

namespace neurona {

bool reads_keras_h5() { return false; }

KerasWeights load_keras_weights(Model&, const std::filesystem::path& path, const KerasWeightsOptions&) {
  throw BackendError("Cannot read '" + path.string() +
                     "': this build has no HDF5. Build natively with -DNEURONA_HDF5=ON.");
}

}  // namespace neurona
