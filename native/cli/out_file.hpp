// Where a trained network goes: checked before the work, written behind it, and never lost.
#pragma once

#include <string>
#include <string_view>

#include "neurona/formats.hpp"
#include "neurona/model.hpp"

namespace neurona::cli {

/// What cannot be saved is told before training, not after it: a folder, a device, a read-only file, a name that belongs to another
/// format ("mlp.h5"). An empty name is fine. Errors: IoError.
void check_out(const std::string& out, const std::string& option = "--out");
/// The same for --log, which may also be a device or a pipe. Errors: IoError that names --log.
void check_log(const std::string& log);
/// Errors: CLI::ValidationError where two of the options name the same file, links followed. Empty names are left out.
struct NamedFile {
  std::string_view option;
  std::string path;
};
void check_different(const NamedFile& a, const NamedFile& b);

/// Saves the network to `out`; where that fails (a disk that filled up, a folder that is gone) to the folder for temporary files, so that
/// hours of training are not lost, and tells where. Returns the file's name. Errors: IoError, also where it went to the other place.
void save_network(const Model& model, const std::string& out, SaveOptions options);

}  // namespace neurona::cli
