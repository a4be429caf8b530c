// Measurements: the same in the terminal, under node and in a page. Each gives JSON and tells a table line by line.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace neurona::bench {

using Json = nlohmann::ordered_json;

struct Settings {
  std::string backend = "cpu";
  int repetitions = 5;  ///< of each figure; their median is told
  double least_ms = 50.0;  ///< that a repetition takes, by doing the work several times
  std::vector<std::string> networks = {};  ///< empty: all
  std::function<void(const std::string&)> say = [](const std::string&) {};
};

/// {backend, threads, gflops: the most multiply-adds that all threads together did}
Json machine(const Settings& settings);
/// By network: {samples_per_second, batch_size, milliseconds_per_batch, arena_bytes} of a step of training.
Json training(const Settings& settings);
/// By network: {one_microseconds: a prediction for one sample, samples_per_second: in batches of 32}. With ResNet-50.
Json prediction(const Settings& settings);
/// By network an entry for each layer, or those that run as one: {layer, direction, microseconds, gflops, megabytes, peak: share of
/// the multiply-adds measured}; training of the tutorial's networks, prediction of ResNet-50.
Json layers(const Settings& settings);
/// Matrix products of the networks' shapes: {m, n, k, gflops}
Json products(const Settings& settings);
/// How cost grows: training's samples a second by batch size, by width, by threads.
Json growth(const Settings& settings);

struct Part {
  const char* name;
  Json (*measure)(const Settings&);
  bool by_default;
};
/// All but machine().
const std::vector<Part>& parts();

}  // namespace neurona::bench
