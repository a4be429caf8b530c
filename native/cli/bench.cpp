// Samples per second of training and prediction, GFLOP/s of matrix products; the same natively and as WASM.
#include <algorithm>
#include <cstdio>
#include <functional>

#include "backend/backend.hpp"
#include "common.hpp"
#include "neurona/applications.hpp"
#include "neurona/data/embedded_digits.hpp"
#include "neurona/layers.hpp"
#include "neurona/train.hpp"

namespace neurona::cli {

namespace {

struct Options {
  CommonOptions common;
  std::vector<std::string> only;
  int repetitions = 5;
};

struct Product {
  std::int64_t M, N, K;
};

// Shapes that the tutorial's networks compute: M samples (or pixels) x N outputs x K inputs.
constexpr Product kProducts[] = {{32, 100, 784},  {32, 200, 10816}, {21632, 64, 9}, {512, 512, 512},
                                 {3136, 64, 576}, {196, 256, 2304}, {49, 512, 4608}};

std::string format(const char* pattern, auto... values) {
  char text[160];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Seconds of one call, the median of several measurements of at least 50 ms each.
double seconds_of(int repetitions, const std::function<void()>& work) {
  constexpr double kLeastMs = 50.0;
  work();
  std::vector<double> seconds;
  for (int r = 0; r < repetitions; ++r) {
    int calls = 0;
    const double start = now_ms();
    double elapsed = 0.0;
    do {
      work();
      ++calls;
      elapsed = now_ms() - start;
    } while (elapsed < kLeastMs);
    seconds.push_back(elapsed / 1e3 / calls);
  }
  return median(seconds);
}

Json bench_training(const Options& o, const Dataset& data) {
  say("\nTraining, batch of the tutorial\n");
  Json json = Json::object();
  for (const std::string& name : network_names()) {
    Model model = make_network(name, 1);
    model.set_backend(make_backend(o.common.backend));
    FitJob job(model, data, {.epochs = 1'000'000, .batch_size = recipe(name).batch_size});
    const double seconds = seconds_of(o.repetitions, [&] { job.step(); });
    const double rate = static_cast<double>(recipe(name).batch_size) / seconds;
    json[name] = {{"samples_per_second", rate}, {"batch_size", recipe(name).batch_size}, {"milliseconds_per_batch", seconds * 1e3}};
    say(format("  %-12s %10.0f samples/s  %8.3f ms a batch of %lld\n", name.c_str(), rate, seconds * 1e3,
               static_cast<long long>(recipe(name).batch_size)));
  }
  return json;
}

Json bench_prediction(const Options& o, const Dataset& data) {
  say("\nPrediction of 10,000 images in batches of 32\n");
  Json json = Json::object();
  for (const std::string& name : network_names()) {
    Model model = make_network(name, 1);
    model.set_backend(make_backend(o.common.backend));
    const double seconds = seconds_of(o.repetitions, [&] { model.predict(data); });
    const double rate = static_cast<double>(data.size()) / seconds;
    json[name] = {{"samples_per_second", rate}};
    say(format("  %-12s %10.0f samples/s\n", name.c_str(), rate));
  }
  return json;
}

Json bench_products(const Options& o) {
  say("\nMatrix products, M x N x K\n");
  Json json = Json::array();
  Rng rng(1);
  const auto backend = make_backend(o.common.backend);
  const auto random = [&](const Shape& shape) {
    Tensor tensor(shape);
    for (float& v : tensor.values()) v = rng.uniform(-1.0f, 1.0f);
    return tensor;
  };
  for (const Product& p : kProducts) {
    const Tensor a = random({p.M, p.K}), b = random({p.K, p.N});
    Tensor c({p.M, p.N});
    const double seconds =
        seconds_of(o.repetitions, [&] { backend->dense_forward(a.view(), b.view(), {}, Activation::linear, c.view()); });
    const double rate = 2.0 * static_cast<double>(p.M * p.N * p.K) / seconds / 1e9;
    json.push_back({{"m", p.M}, {"n", p.N}, {"k", p.K}, {"gflops", rate}});
    say(format("  %5lld x %4lld x %5lld %9.1f GFLOP/s\n", static_cast<long long>(p.M), static_cast<long long>(p.N),
               static_cast<long long>(p.K), rate));
  }
  return json;
}

void run(const Options& o) {
  apply(o.common);
  const auto wanted = [&](const char* part) { return o.only.empty() || std::find(o.only.begin(), o.only.end(), part) != o.only.end(); };
  const std::string machine = describe(*make_backend(o.common.backend));
  say(machine + ", median of " + std::to_string(o.repetitions) + "\n");
  Json json = {{"machine", {{"backend", machine}, {"threads", num_threads()}}}};
  const Dataset data(data::embedded_digits({.count = 10000, .seed = 1}));
  if (wanted("training")) json["training"] = bench_training(o, data);
  if (wanted("prediction")) json["prediction"] = bench_prediction(o, data);
  if (wanted("gemm")) json["gemm"] = bench_products(o);
  if (o.common.json) print_json(json);
}

}  // namespace

void add_bench_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("bench", "Measure training, prediction and matrix products on this machine");
  const auto o = std::make_shared<Options>();
  command->add_option("--only", o->only, "Measure only: training, prediction, gemm")
      ->check(CLI::IsMember({"training", "prediction", "gemm"}))
      ->delimiter(',');
  command->add_option("--repetitions", o->repetitions, "Measurements of each figure; their median is told")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_common_options(*command, o->common);
  command->callback([o] { run(*o); });
}

}  // namespace neurona::cli
