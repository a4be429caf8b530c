#include "bench.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "backend/backend.hpp"
#include "backend/cpu/kernels.hpp"
#include "model/executor.hpp"
#include "neurona/applications.hpp"
#include "neurona/data/embedded_digits.hpp"
#include "neurona/layers.hpp"
#include "neurona/predictor.hpp"
#include "neurona/train.hpp"
#include "runtime/parallel_for.hpp"

namespace neurona::bench {

namespace {

constexpr const char* kLargest = "resnet50";
constexpr std::int64_t kBatch = 32;

std::string format(const char* pattern, auto... values) {
  char text[200];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Seconds of one call.
double seconds_of(const Settings& settings, const std::function<void()>& work) {
  work();
  std::vector<double> seconds;
  for (int r = 0; r < settings.repetitions; ++r) {
    int calls = 0;
    const double start = now_ms();
    double elapsed = 0.0;
    do {
      work();
      ++calls;
      elapsed = now_ms() - start;
    } while (elapsed < settings.least_ms);
    seconds.push_back(elapsed / 1e3 / calls);
  }
  return median(seconds);
}

bool wants(const Settings& settings, const std::string& network) {
  return settings.networks.empty() ||
         std::find(settings.networks.begin(), settings.networks.end(), network) != settings.networks.end();
}

std::vector<std::string> networks(const Settings& settings, bool with_largest) {
  std::vector<std::string> names = network_names();
  if (with_largest) names.emplace_back(kLargest);
  std::erase_if(names, [&](const std::string& name) { return !wants(settings, name); });
  return names;
}

Model make(const Settings& settings, const std::string& network) {
  Model model = make_network(network, 1);
  model.set_backend(make_backend(settings.backend));
  return model;
}

void fill(TensorView view, std::uint64_t seed) {
  Rng rng(seed);
  for (std::int64_t i = 0; i < view.elements(); ++i) view.as<float>()[i] = rng.uniform(-1.0f, 1.0f);
}

Dataset digits(std::int64_t count) { return Dataset(data::embedded_digits({.count = count, .seed = 1})); }

// Floating-point operations a second that all threads do at most.
double measured_peak(const Settings& settings) {
  const cpu::Kernels& kernels = *cpu::runnable_kernels().front();
  constexpr std::int64_t kRounds = 50'000;
  const std::int64_t tasks = num_threads();
  std::vector<double> operations(static_cast<std::size_t>(tasks));
  const double seconds = seconds_of(settings, [&] {
    runtime::parallel_for(tasks, [&](std::int64_t i) { operations[static_cast<std::size_t>(i)] = kernels.multiply_adds(kRounds); });
  });
  double sum = 0.0;
  for (const double each : operations) sum += each;
  return sum / seconds;
}

// What a pass of one layer does and moves at the least.
struct Work {
  double operations = 0.0, bytes = 0.0;
};

double product_of(const Shape& shape) { return static_cast<double>(shape.elements()); }

// Layers that run as one read what the first one reads and write what the last one writes.
Work work_of(const Model& model, std::span<const std::size_t> layers, const std::vector<LayerCost>& costs, std::int64_t batch,
             bool backward) {
  Work work;
  const auto n = static_cast<double>(batch);
  double weights = 0.0, inputs = 0.0;
  for (const std::size_t i : layers) {
    work.operations += 2.0 * n * static_cast<double>(costs[i].multiply_adds);
    weights += static_cast<double>(costs[i].weight_bytes);
  }
  const auto first = static_cast<std::int64_t>(layers.front());
  for (const Shape& shape : model.layer_input_shapes(first)) inputs += n * product_of(shape) * sizeof(float);
  const double outputs = n * static_cast<double>(costs[layers.back()].output_bytes);
  work.bytes = inputs + weights + outputs;
  if (!backward) return work;
  // Gradients of weights and inputs are a product each; those of the network's own input are not computed.
  bool has_weights_before = false;
  for (std::int64_t i = 0; i < first; ++i) has_weights_before = has_weights_before || costs[static_cast<std::size_t>(i)].trainable_params > 0;
  if (has_weights_before) {
    work.operations *= 2.0;
    work.bytes += inputs;
  }
  work.bytes += weights + outputs;
  return work;
}

// Runs a network's passes and keeps each layer's times.
class Passes {
 public:
  Passes(const Settings& settings, const std::string& network)
      : trains_(network != kLargest),
        batch_(trains_ ? recipe(network).batch_size : 1),
        model_(make(settings, network)),
        executor_(model_, batch_, trains_ ? Executor::Use::training : Executor::Use::inference, trains_),
        labels_(static_cast<std::size_t>(batch_)) {
    executor_.set_observer([this](std::span<const std::size_t> layers, bool backward) {
      const double now = now_ms();
      if (position_ == times_.size()) times_.push_back({{layers.begin(), layers.end()}, backward, {}});
      times_[position_++].milliseconds.push_back(now - last_ms_);
      last_ms_ = now_ms();
    });
    if (!trains_) executor_.prepare_kernels();
    fill(executor_.input(batch_), 1);
    pass();
    times_.clear();
  }

  struct Times {
    std::vector<std::size_t> layers;
    bool backward;
    std::vector<double> milliseconds;
  };

  void pass() {
    position_ = 0;
    const Executor::Pass pass{.training = trains_, .logits = trains_, .seed = 1, .learning_rate = 1e-6};
    executor_.input(batch_);
    last_ms_ = now_ms();
    executor_.forward(pass);
    if (!trains_) return;
    model_.backend().softmax_crossentropy(executor_.output(), labels_.data(), executor_.output_gradient());
    last_ms_ = now_ms();
    executor_.backward(pass);
  }

  const Model& model() const { return model_; }
  std::int64_t batch() const { return batch_; }
  const std::vector<Times>& times() const { return times_; }

 private:
  bool trains_;
  std::int64_t batch_;
  Model model_;
  Executor executor_;
  std::vector<std::int32_t> labels_;
  std::vector<Times> times_;
  std::size_t position_ = 0;
  double last_ms_ = 0.0;
};

double training_seconds(const Settings& settings, Model& model, const Dataset& data, std::int64_t batch) {
  FitJob job(model, data, {.epochs = 1'000'000, .batch_size = batch});
  return seconds_of(settings, [&] { job.step(); });
}

}  // namespace

Json machine(const Settings& settings) {
  const std::string backend = describe(*make_backend(settings.backend));
  const double peak = measured_peak(settings);
  settings.say(format("%s: %.0f GFLOP/s of multiply-adds in registers; figures are medians of %d", backend.c_str(), peak / 1e9,
                      settings.repetitions));
  return {{"backend", backend}, {"threads", num_threads()}, {"gflops", peak / 1e9}};
}

Json training(const Settings& settings) {
  settings.say("\nTraining, batches as the tutorial's");
  const Dataset data = digits(2000);
  Json json = Json::object();
  for (const std::string& name : networks(settings, false)) {
    Model model = make(settings, name);
    const std::int64_t batch = recipe(name).batch_size;
    FitJob job(model, data, {.epochs = 1'000'000, .batch_size = batch});
    const double seconds = seconds_of(settings, [&] { job.step(); });
    const double rate = static_cast<double>(batch) / seconds;
    json[name] = {{"samples_per_second", rate},
                  {"batch_size", batch},
                  {"milliseconds_per_batch", seconds * 1e3},
                  {"arena_bytes", job.arena_bytes()}};
    settings.say(format("  %-12s %10.0f samples/s  %9.3f ms a batch of %lld", name.c_str(), rate, seconds * 1e3,
                        static_cast<long long>(batch)));
  }
  return json;
}

Json prediction(const Settings& settings) {
  settings.say("\nPrediction");
  Json json = Json::object();
  for (const std::string& name : networks(settings, true)) {
    Model model = make(settings, name);
    const auto seconds = [&](std::int64_t batch) {
      Predictor predictor(model, {.max_batch = batch, .weights_are_final = true});
      Tensor samples(model.input_shape().with_leading(batch));
      fill(samples.view(), 1);
      return seconds_of(settings, [&] {
        copy(std::as_const(samples).view(), predictor.input(batch));
        predictor.run();
      });
    };
    const double one = seconds(1);
    json[name] = {{"one_microseconds", one * 1e6}};
    std::string line = format("  %-12s %12.1f us for one", name.c_str(), one * 1e6);
    if (name != kLargest) {
      const double rate = static_cast<double>(kBatch) / seconds(kBatch);
      json[name]["samples_per_second"] = rate;
      line += format("  %10.0f samples/s in batches of %lld", rate, static_cast<long long>(kBatch));
    }
    settings.say(line);
  }
  return json;
}

Json layers(const Settings& settings) {
  const double peak = measured_peak(settings);
  Json json = Json::object();
  for (const std::string& name : networks(settings, true)) {
    Passes passes(settings, name);
    const double start = now_ms();
    while (now_ms() - start < settings.least_ms * settings.repetitions || passes.times().empty() ||
           passes.times().front().milliseconds.size() < 3)
      passes.pass();
    const std::vector<LayerCost> costs = passes.model().costs();
    settings.say(format("\n%s, a batch of %lld: medians of %zu passes; %%: share of %.0f GFLOP/s", name.c_str(),
                        static_cast<long long>(passes.batch()), passes.times().front().milliseconds.size(), peak / 1e9));
    settings.say(format("  %-44s %-8s %11s %9s %9s %5s", "layer", "", "us", "GFLOP/s", "MB", "%"));
    Json rows = Json::array();
    for (const Passes::Times& times : passes.times()) {
      const double seconds = median(times.milliseconds) / 1e3;
      const Work work = work_of(passes.model(), times.layers, costs, passes.batch(), times.backward);
      std::string layer = costs[times.layers.front()].layer;
      if (times.layers.size() > 1) layer += " ... " + costs[times.layers.back()].layer;
      const double rate = work.operations / seconds;
      const char* direction = times.backward ? "backward" : "forward";
      rows.push_back({{"layer", layer},
                      {"direction", direction},
                      {"microseconds", seconds * 1e6},
                      {"gflops", rate / 1e9},
                      {"megabytes", work.bytes / 1e6},
                      {"peak", rate / peak}});
      settings.say(format("  %-44s %-8s %11.1f %9.1f %9.2f %5.0f", layer.c_str(), direction, seconds * 1e6, rate / 1e9,
                          work.bytes / 1e6, 100.0 * rate / peak));
    }
    json[name] = {{"batch_size", passes.batch()}, {"layers", rows}};
  }
  return json;
}

Json products(const Settings& settings) {
  struct Product {
    std::int64_t M, N, K;
  };
  // Shapes that the tutorial's networks compute: M samples (or pixels) x N outputs x K inputs.
  constexpr Product kProducts[] = {{32, 100, 784},  {32, 200, 10816}, {21632, 64, 9}, {512, 512, 512},
                                   {3136, 64, 576}, {196, 256, 2304}, {49, 512, 4608}};
  settings.say("\nMatrix products, M x N x K");
  Json json = Json::array();
  const auto backend = make_backend(settings.backend);
  for (const Product& p : kProducts) {
    Tensor a({p.M, p.K}), b({p.K, p.N}), c({p.M, p.N});
    fill(a.view(), 1);
    fill(b.view(), 2);
    const double seconds =
        seconds_of(settings, [&] { backend->dense_forward(a.view(), b.view(), {}, Activation::linear, c.view()); });
    const double rate = 2.0 * static_cast<double>(p.M * p.N * p.K) / seconds / 1e9;
    json.push_back({{"m", p.M}, {"n", p.N}, {"k", p.K}, {"gflops", rate}});
    settings.say(format("  %5lld x %4lld x %5lld %9.1f GFLOP/s", static_cast<long long>(p.M), static_cast<long long>(p.N),
                        static_cast<long long>(p.K), rate));
  }
  return json;
}

Json growth(const Settings& settings) {
  Json json = Json::object();
  const Dataset data = digits(2000);
  settings.say("\nHow training grows, samples/s");
  for (const std::string& name : networks(settings, false)) {
    std::string line = format("  %-12s by batch size  ", name.c_str());
    for (const std::int64_t batch : {1, 8, 32, 128, 512}) {
      Model model = make(settings, name);
      const double rate = static_cast<double>(batch) / training_seconds(settings, model, data, batch);
      json["batch"][name].push_back({{"batch_size", batch}, {"samples_per_second", rate}});
      line += format(" %lld: %.0f ", static_cast<long long>(batch), rate);
    }
    settings.say(line);
  }
  std::string line = "  784-width-10 by width       ";
  for (const std::int64_t width : {10, 32, 100, 320, 1000}) {
    Sequential model;
    model.add(Flatten({.input_shape = {28, 28}}));
    model.add(Dense({.units = width, .activation = Activation::sigmoid}));
    model.add(Dense({.units = 10, .activation = Activation::softmax}));
    model.compile({});
    model.set_backend(make_backend(settings.backend));
    const double rate = static_cast<double>(kBatch) / training_seconds(settings, model, data, kBatch);
    json["width"].push_back({{"width", width}, {"samples_per_second", rate}});
    line += format(" %lld: %.0f ", static_cast<long long>(width), rate);
  }
  settings.say(line);
  const int threads = num_threads();
  for (const std::string& name : networks(settings, false)) {
    line = format("  %-12s by threads     ", name.c_str());
    for (int t = 1; t <= threads; t = t < threads ? std::min(2 * t, threads) : t + 1) {
      set_num_threads(t);
      Model model = make(settings, name);
      const std::int64_t batch = recipe(name).batch_size;
      const double rate = static_cast<double>(batch) / training_seconds(settings, model, data, batch);
      json["threads"][name].push_back({{"threads", t}, {"samples_per_second", rate}});
      line += format(" %d: %.0f ", t, rate);
    }
    settings.say(line);
  }
  set_num_threads(threads);
  return json;
}

const std::vector<Part>& parts() {
  static const std::vector<Part> all{{"training", training, true},
                                     {"prediction", prediction, true},
                                     {"layers", layers, true},
                                     {"gemm", products, true},
                                     {"growth", growth, false}};
  return all;
}

}  // namespace neurona::bench
