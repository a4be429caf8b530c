#include "out_file.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/letter_case.hpp"
#include "neurona/error.hpp"

namespace neurona::cli {

namespace {

namespace fs = std::filesystem;
using neurona::detail::lower;

// Endings that promise another format than safetensors.
constexpr std::array kOtherEndings = {".h5",  ".hdf5", ".keras", ".onnx", ".pt",  ".pth", ".pb",  ".tflite", ".bin", ".ckpt", ".npz",
                                      ".npy", ".pkl",  ".json",  ".txt",  ".csv", ".md",  ".png", ".jpg",    ".jpeg", ".gz",  ".zip",
                                      ".tar", ".jsonl", ".html",  ".gif",  ".bmp", ".pgm", ".ppm", ".webp",   ".tif",  ".tiff", ".pdf"};

// The file that a name leads to, as far as it exists.
fs::path resolved(const std::string& path) {
  std::error_code error;
  fs::path place = path;
  for (int i = 0; i < 40 && fs::is_symlink(place, error); ++i) place = place.parent_path() / fs::read_symlink(place, error);
  const fs::path whole = fs::weakly_canonical(fs::absolute(place, error), error);
  return error ? fs::path(path).lexically_normal() : whole;
}

}  // namespace

void check_out(const std::string& out, const std::string& option) {
  if (out.empty()) return;
  const std::string ending = lower(fs::path(out).extension().string());
  if (std::find(kOtherEndings.begin(), kOtherEndings.end(), ending) != kOtherEndings.end() || lower(out).ends_with("-ubyte"))
    throw IoError(option + " '" + out + "': networks are saved as safetensors, not as " + (ending.empty() ? "such a file" : ending) +
                  ". Give it a name that ends in .safetensors: " + fs::path(out).replace_extension(".safetensors").string());
  try {
    check_writable(out);
  } catch (const IoError& e) {
    throw IoError(option + ": " + e.what());
  }
}

void check_log(const std::string& log) {
  if (log.empty()) return;
  const auto refuse = [&](const std::string& why) { throw IoError("--log: Cannot write '" + log + "': " + why); };
  std::error_code error;
  if (fs::is_directory(log, error)) refuse("it is a folder. Give --log the name of a file.");
  if (!fs::exists(log, error)) {
    const fs::path folder = resolved(log).parent_path();
    if (!fs::is_directory(folder, error)) refuse("there is no folder '" + folder.string() + "'.");
    if (access(folder.c_str(), W_OK) != 0) refuse("nothing may be written into '" + folder.string() + "'.");
    return;
  }
  if (access(log.c_str(), W_OK) != 0) refuse(std::string(std::strerror(errno)) + ". Give --log another place.");
}

void check_different(const NamedFile& a, const NamedFile& b) {
  if (a.path.empty() || b.path.empty()) return;
  std::error_code error;
  const bool is_one = resolved(a.path) == resolved(b.path) || (fs::exists(a.path, error) && fs::exists(b.path, error) && fs::equivalent(a.path, b.path, error));
  if (is_one)
    throw CLI::ValidationError(std::string(a.option), "'" + a.path + "' is the same file as that of " + std::string(b.option) +
                                                          "; give each a file of its own");
}

void save_network(const Model& model, const std::string& out, SaveOptions options) {
  remove_leftovers(out);
  try {
    save(model, out, options);
  } catch (const Error& failure) {
    std::error_code error;
    const fs::path other = fs::temp_directory_path(error) / (fs::path(out).stem().string() + "-" + std::to_string(getpid()) + ".safetensors");
    if (error) throw;
    try {
      save(model, other, options);
    } catch (const Error& again) {
      throw IoError(std::string(failure.what()) + "\n  Nor could the network be saved elsewhere: " + again.what());
    }
    throw IoError(std::string(failure.what()) + "\n  The network is not lost: it was saved to " + other.string() + ".");
  }
}

}  // namespace neurona::cli
