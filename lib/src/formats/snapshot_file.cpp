#include "formats/snapshot_file.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/names.hpp"
#include "formats/model_file.hpp"
#include "neurona/error.hpp"
#include "train/snapshot.hpp"

namespace neurona {

namespace detail {

namespace {

constexpr std::int64_t kVersion = 1;

using Phase = TrainingState::Phase;
constexpr std::pair<Phase, std::string_view> kPhases[] = {{Phase::ready, "ready"},
                                                          {Phase::training, "training"},
                                                          {Phase::validating, "validating"},
                                                          {Phase::finished, "finished"}};

std::string good_name(const std::string& weight) { return "neurona.snapshot.good/" + weight; }
std::string callback_name(std::size_t callback, std::size_t i) {
  return "neurona.snapshot.callback" + std::to_string(callback) + "/" + std::to_string(i);
}

// [["loss", 0.25], ["accuracy", 0.9]]: in their order, which a JSON object would lose.
Json logs_to_json(const Logs& logs) {
  Json json = Json::array();
  for (const auto& [name, value] : logs) json.push_back(Json::array({name, exact_number(value)}));
  return json;
}

Logs read_logs(const ReadJson& json) {
  Logs logs;
  for (const ReadJson& entry : json)
    logs.emplace_back(entry.at(0).get<std::string>(), read_number(entry.at(1)));
  return logs;
}

Json numbers_to_json(const std::vector<double>& numbers) {
  Json json = Json::array();
  for (const double number : numbers) json.push_back(exact_number(number));
  return json;
}

std::vector<double> read_numbers(const ReadJson& json) {
  std::vector<double> numbers;
  for (const ReadJson& number : json) numbers.push_back(read_number(number));
  return numbers;
}

// The whole numbers of a run, by the names under which the file has them.
template <class Data, class Use>
void for_each_count(Data& data, Use use) {
  auto& s = data.state;
  use("epoch", s.epoch);
  use("epochs", s.epochs);
  use("batch", s.batch);
  use("batches", s.batches);
  use("samples", s.samples);
  use("samples_done", s.samples_done);
  use("validation_samples", s.validation_samples);
  use("validation_done", s.validation_done);
  use("steps", data.steps);
  use("good_epoch", data.good_epoch);
  use("good_batch", data.good_batch);
}

template <class Data, class Use>
void for_each_flag(Data& data, Use use) {
  use("stopped_early", data.state.stopped_early);
  use("failed", data.state.failed);
  use("has_begun", data.has_begun);
  use("stop_training", data.stop_training);
}

Json numbers_of(const Snapshot::Data& data) {
  Json json = {{"version", kVersion},
               {"weights", data.run->weights},
               {"options", to_json(data.run->options)},
               {"phase", name_of(kPhases, data.state.phase)}};
  for_each_count(data, [&](const char* name, std::int64_t count) { json[name] = count; });
  for_each_flag(data, [&](const char* name, bool flag) { json[name] = flag; });
  json["batch_loss"] = exact_number(data.state.batch_loss);
  json["batch_metrics"] = logs_to_json(data.state.batch_metrics);
  json["logs"] = logs_to_json(data.state.logs);
  json["sums"] = numbers_to_json(data.sums);
  json["validation_penalty"] = exact_number(data.validation_penalty);
  json["epoch_ms"] = exact_number(data.epoch_ms);
  json["history"] = Json::array();
  for (const Logs& logs : data.history.epochs) json["history"].push_back(logs_to_json(logs));
  json["seconds"] = numbers_to_json(data.history.seconds);
  json["callbacks"] = Json::array();
  for (const CallbackState& callback : data.callbacks)
    json["callbacks"].push_back({{"kind", callback.kind},
                                 {"options", to_json(callback.options)},
                                 {"values", to_json(callback.values)},
                                 {"tensors", callback.tensors.size()}});
  return json;
}

void read_state(const ReadJson& json, Snapshot::Data& data) {
  data.state.phase = value_of(kPhases, json.at("phase").get<std::string>(), "phase of a run");
  for_each_count(data,
                 [&](const char* name, std::int64_t& count) { count = read_count(json.at(name), name); });
  for_each_flag(data, [&](const char* name, bool& flag) { flag = json.at(name).get<bool>(); });
  data.state.batch_loss = read_number(json.at("batch_loss"));
  data.state.batch_metrics = read_logs(json.at("batch_metrics"));
  data.state.logs = read_logs(json.at("logs"));
  data.sums = read_numbers(json.at("sums"));
  data.validation_penalty = read_number(json.at("validation_penalty"));
  data.epoch_ms = read_number(json.at("epoch_ms"));
  for (const ReadJson& logs : json.at("history")) data.history.epochs.push_back(read_logs(logs));
  data.history.seconds = read_numbers(json.at("seconds"));
}

void read_callbacks(const Container& file, const ReadJson& json, Snapshot::Data& data) {
  for (const ReadJson& described : json) {
    CallbackState state{.kind = described.at("kind").get<std::string>(),
                        .options = to_config(described.at("options")),
                        .values = to_config(described.at("values"))};
    const std::int64_t tensors = read_count(described.at("tensors"), "a callback's number of tensors");
    for (std::int64_t i = 0; i < tensors; ++i)
      state.tensors.push_back(
          file.read_tensor(callback_name(data.callbacks.size(), static_cast<std::size_t>(i))));
    data.callbacks.push_back(std::move(state));
  }
}

std::shared_ptr<const Snapshot::Data> read_data(const Container& file) {
  const ReadJson json = file.metadata_object(kSnapshotKey);
  if (const std::int64_t version = read_count(json.at("version"), "the snapshot's version");
      version != kVersion)
    throw FormatError("Snapshot: its version is " + std::to_string(version) +
                      "; this program reads version " + std::to_string(kVersion) + ".");
  auto data = std::make_shared<Snapshot::Data>();
  auto run = std::make_shared<RunDescription>();
  run->architecture = file.metadata().at(std::string(kArchitectureKey)).get<std::string>();
  run->weights = json.at("weights").get<std::vector<std::string>>();
  if (std::set<std::string>(run->weights.begin(), run->weights.end()).size() != run->weights.size())
    throw FormatError("Snapshot: it names a weight twice. The file is damaged.");  // read again and again, it
                                                                                   // could fill the memory
  run->options = to_config(json.at("options"));
  std::optional<StoredOptimizer> optimizer = read_optimizer(file, true);
  if (!optimizer) throw FormatError("Snapshot: the file has no optimizer. It is damaged.");
  run->optimizer = optimizer->name;
  run->optimizer_options = optimizer->config;
  data->optimizer = std::move(optimizer->state);
  for (const std::string& name : run->weights) {
    data->weights.push_back(file.read_tensor(name));
    data->good_weights.push_back(file.read_tensor(good_name(name)));
  }
  data->run = std::move(run);
  read_state(json, *data);
  read_callbacks(file, json.at("callbacks"), *data);
  if (const std::string what = contradiction(*data); !what.empty())
    throw FormatError("Snapshot: it contradicts itself: " + what + ". The file is damaged.");
  return data;
}

}  // namespace

void write_snapshot(const Snapshot& snapshot, const Sink& sink) {
  const Snapshot::Data& data = snapshot.data();
  std::vector<StoredTensor> tensors;
  for (std::size_t i = 0; i < data.weights.size(); ++i)
    tensors.push_back(stored_exactly(data.run->weights[i], data.weights[i]));
  Json metadata = metadata_with(data.run->architecture, snapshot.metadata());
  add_optimizer(data.run->optimizer, data.run->optimizer_options, data.optimizer, true, metadata, tensors);
  metadata[std::string(kSnapshotKey)] = numbers_of(data).dump(-1, ' ', false, Json::error_handler_t::replace);
  for (std::size_t i = 0; i < data.good_weights.size(); ++i)
    tensors.push_back(stored_exactly(good_name(data.run->weights[i]), data.good_weights[i]));
  for (std::size_t c = 0; c < data.callbacks.size(); ++c)
    for (std::size_t i = 0; i < data.callbacks[c].tensors.size(); ++i)
      tensors.push_back(stored_exactly(callback_name(c, i), data.callbacks[c].tensors[i]));
  write_container(metadata, tensors, sink);
}

Snapshot read_snapshot(const Container& file) {
  if (!file.metadata().contains(kSnapshotKey)) {
    if (file.metadata().contains(kArchitectureKey))
      throw FormatError("Snapshot: the file holds a network, but no run that could go on. load() reads it.");
    throw FormatError("Snapshot: a safetensors file without '" + std::string(kSnapshotKey) +
                      "' in its metadata; this program did not write it.");
  }
  try {
    Snapshot snapshot(read_data(file));
    file.check_end();
    snapshot.metadata() = texts_of(file);
    return snapshot;
  } catch (const ReadJson::exception& e) {
    throw FormatError(std::string("Snapshot: its run is described wrongly: ") + e.what());
  } catch (const ValueError& e) {
    throw FormatError(std::string("Snapshot: ") + e.what());
  }
}

}  // namespace detail

std::vector<std::byte> to_safetensors(const Snapshot& snapshot) {
  std::vector<std::byte> bytes;
  detail::write_snapshot(snapshot, [&](std::span<const std::byte> part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  });
  return bytes;
}

Snapshot snapshot_from_safetensors(std::span<const std::byte> bytes) {
  return detail::read_snapshot(detail::Container(detail::in_memory(bytes)));
}

}  // namespace neurona
