// WASM: the page downloads by itself.
#include "neurona/data/download.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

struct Download::Impl {};

Download::Download(DownloadOptions) { throw BackendError("Downloading is not part of this build; give a folder with the files."); }
Download::~Download() = default;
bool Download::advance(double, Progress&) { return false; }

}  // namespace neurona::data
