// A network in a container; what models' files and snapshots have in common.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/container.hpp"
#include "neurona/formats.hpp"
#include "neurona/model.hpp"

namespace neurona::detail {

/// The key of a run's numbers in the header's metadata.
inline constexpr std::string_view kSnapshotKey = "neurona.snapshot";

/// An optimizer as files have it: its kind, its options and what training made of it.
struct StoredOptimizer {
  std::string name;
  Config config;
  OptimizerState state;
};

/// Whether a file can say how to make it again: one of the library's own kinds.
bool can_be_made_again(const Optimizer& optimizer);
/// Puts kind, options and numbers into the metadata, and the slots behind the tensors; `state` must live
/// until they are written. `exactly`: float64 stays so. One that cannot be made again is found by
/// read_optimizer() alone, not by load().
void add_optimizer(const std::string& name, const Config& config, const OptimizerState& state, bool exactly,
                   Json& metadata, std::vector<StoredTensor>& tensors);
/// Nothing where the file has none. Errors: FormatError, ReadJson::exception.
std::optional<StoredOptimizer> read_optimizer(const Container& file, bool also_unknown);

/// The model in a file. Errors: FormatError.
Model read_model(const Container& file);
/// Writes the model. Errors: ValueError; what the sink throws.
void write_model(const Model& model, const SaveOptions& options, const Sink& sink);

/// Whether metadata's key belongs to the file format.
bool is_reserved(std::string_view metadata_key);
/// {"format": ..., "neurona.architecture": ...} and the texts. Errors: ValueError for a text whose key is
/// reserved.
Json metadata_with(const std::string& architecture, const std::map<std::string, std::string>& texts);
/// The texts of a file's metadata, without what belongs to the format.
std::map<std::string, std::string> texts_of(const Container& file);

/// An integer of JSON from `low` to `high`. Errors: FormatError, ReadJson::exception.
std::int64_t read_count(const ReadJson& json, const char* what, std::int64_t low = 0,
                        std::int64_t high = std::int64_t{1} << 53);

}  // namespace neurona::detail
