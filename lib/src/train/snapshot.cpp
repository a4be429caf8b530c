#include "train/snapshot.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "core/number_text.hpp"
#include "formats/architecture_text.hpp"
#include "neurona/error.hpp"

namespace neurona {

namespace {

std::string text_of(const ConfigValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
  if (const auto* number = std::get_if<double>(&value)) return detail::shortest_text(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  std::string list = "[";
  for (const std::int64_t entry : std::get<std::vector<std::int64_t>>(value))
    list += (list.size() > 1 ? ", " : "") + std::to_string(entry);
  return list + "]";
}

std::string value_of(const Config& config, const std::string& key) {
  const auto it = config.values().find(key);
  return it == config.values().end() ? "nothing" : text_of(it->second);
}

std::string differs(const std::string& what, const std::string& there, const std::string& here) {
  return what + " is " + there + " in the snapshot, " + here + " here";
}

// The first option in which two differ.
std::string option_difference(const std::string& of, const Config& there, const Config& here) {
  for (const Config* config : {&there, &here})
    for (const auto& [key, unused] : config->values())
      if (const std::string a = value_of(there, key), b = value_of(here, key); a != b)
        return differs(of + key, a, b);
  return "";
}

std::string kind_of(const CallbackState& state) {
  return state.kind.empty() ? "one that keeps nothing" : state.kind;
}

bool have_equal_shapes(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Tensor& x, const Tensor& y) {
    return x.shape() == y.shape() && x.dtype() == y.dtype();
  });
}

std::size_t bytes_of(const std::vector<Tensor>& tensors) {
  std::size_t bytes = 0;
  for (const Tensor& tensor : tensors) bytes += sizeof(Tensor) + tensor.size_bytes();
  return bytes;
}

std::size_t bytes_of(const Logs& logs) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : logs) bytes += sizeof(Logs::value_type) + name.size();
  return bytes;
}

// The counters of the part of an epoch at which the run stands.
std::string place_contradiction(const TrainingState& s, std::int64_t batch_size) {
  using Phase = TrainingState::Phase;
  const auto batches_of = [&](std::int64_t samples) {
    return samples / batch_size + (samples % batch_size != 0 ? 1 : 0);
  };
  if (s.samples < 1 || s.batches != batches_of(s.samples)) return "its numbers of samples and batches";
  if (s.phase == Phase::training && (s.batch >= s.batches || s.samples_done != s.batch * batch_size))
    return "its place among the batches";
  if (s.phase != Phase::validating) return "";
  if (s.batch != s.batches || s.samples_done != s.samples) return "its place among the batches";
  if (s.validation_done >= s.validation_samples || s.validation_done % batch_size != 0)
    return "its place in the validation";
  return "";
}

}  // namespace

std::string contradiction(const Snapshot::Data& data) {
  const TrainingState& s = data.state;
  const std::int64_t batch_size = data.run->options.integer(kBatchSizeKey);
  for (const std::int64_t count :
       {s.epoch, s.epochs, s.batch, s.batches, s.samples, s.samples_done, s.validation_samples,
        s.validation_done, data.steps, data.good_epoch, data.good_batch})
    if (count < 0 || count > std::int64_t{1} << 53) return "one of its counters is " + std::to_string(count);
  if (batch_size < 1 || batch_size > std::int64_t{1} << 53)
    return "its batch_size is " + std::to_string(batch_size);
  if (const std::string what = place_contradiction(s, batch_size); !what.empty()) return what;
  if (s.phase != TrainingState::Phase::ready && !data.has_begun && !s.stopped_early)
    return "it runs, but has not begun";
  if ((s.phase == TrainingState::Phase::training || s.phase == TrainingState::Phase::validating) &&
      s.epoch >= s.epochs)
    return "its epoch";
  if (data.history.epochs.size() != data.history.seconds.size()) return "its history";
  if (data.weights.size() != data.run->weights.size()) return "its number of weights";
  if (!have_equal_shapes(data.weights, data.good_weights)) return "its copy of the last good weights";
  const double rate = data.optimizer.learning_rate;
  if (!std::isfinite(rate) || rate < 0.0 || data.optimizer.iterations < 0)
    return "its learning rate or its number of steps";
  return "";
}

std::string misfit(const std::vector<Tensor>& tensors, std::span<Parameter* const> parameters,
                   std::size_t each, const char* what) {
  const std::string name = what;
  if (tensors.size() != parameters.size() * each)
    return name + " are " + std::to_string(tensors.size()) + " tensors in the snapshot, " +
           std::to_string(parameters.size() * each) + " here";
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& value = parameters[i / each]->value;
    if (!(tensors[i].shape() == value.shape()))
      return name + ": tensor " + std::to_string(i) + " has shape " + tensors[i].shape().to_string() +
             " in the snapshot, " + value.shape().to_string() + " here";
    if (tensors[i].dtype() != value.dtype())
      return name + " are " + std::string(to_string(tensors[i].dtype())) + " in the snapshot, " +
             std::string(to_string(value.dtype())) + " here";
  }
  return "";
}

std::string difference(const Snapshot::Data& data, const RunDescription& here,
                       const std::vector<CallbackState>& callbacks) {
  const RunDescription& there = *data.run;
  if (std::string what =
          detail::architecture_difference(there.architecture, "in the snapshot", here.architecture, "here");
      !what.empty())
    return what;
  if (std::string what = option_difference("", there.options, here.options); !what.empty()) return what;
  if (there.optimizer != here.optimizer) return differs("the optimizer", there.optimizer, here.optimizer);
  if (std::string what =
          option_difference(here.optimizer + "'s ", there.optimizer_options, here.optimizer_options);
      !what.empty())
    return what;
  if (data.callbacks.size() != callbacks.size())
    return differs("the number of callbacks", std::to_string(data.callbacks.size()),
                   std::to_string(callbacks.size()));
  for (std::size_t i = 0; i < callbacks.size(); ++i) {
    const std::string name = "callback " + std::to_string(i);
    if (data.callbacks[i].kind != callbacks[i].kind)
      return differs(name, kind_of(data.callbacks[i]), kind_of(callbacks[i]));
    if (std::string what = option_difference(name + ", " + callbacks[i].kind + ": ",
                                             data.callbacks[i].options, callbacks[i].options);
        !what.empty())
      return what;
  }
  return "";
}

Snapshot::Snapshot(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

const Snapshot::Data& Snapshot::data() const {
  if (!data_) throw ValueError("Snapshot: it is empty. FitJob::snapshot() or load_snapshot() gives one.");
  return *data_;
}

const TrainingState& Snapshot::state() const { return data().state; }
const History& Snapshot::history() const { return data().history; }

std::size_t Snapshot::size_bytes() const {
  if (!data_) return sizeof(Snapshot);
  std::size_t bytes = sizeof(Snapshot) + sizeof(Data) + bytes_of(data_->weights) +
                      bytes_of(data_->good_weights) + bytes_of(data_->optimizer.slots);
  bytes += bytes_of(data_->state.logs) + bytes_of(data_->state.batch_metrics) +
           data_->sums.size() * sizeof(double);
  for (const Logs& logs : data_->history.epochs) bytes += sizeof(Logs) + sizeof(double) + bytes_of(logs);
  for (const CallbackState& callback : data_->callbacks) {
    bytes += sizeof(CallbackState) + bytes_of(callback.tensors);
    for (const Config* config : {&callback.options, &callback.values})
      for (const auto& [key, value] : config->values()) {
        const auto* text = std::get_if<std::string>(&value);
        bytes +=
            sizeof(std::pair<std::string, ConfigValue>) + key.size() + (text != nullptr ? text->size() : 0);
      }
  }
  for (const auto& [key, text] : metadata_) bytes += 2 * sizeof(std::string) + key.size() + text.size();
  return bytes;
}

}  // namespace neurona
