#include <algorithm>
#include <cstdio>
#include <optional>

#include "common.hpp"
#include "neurona/applications.hpp"
#include "neurona/formats.hpp"

namespace neurona::cli {

namespace {

struct Options {
  CommonOptions common;
  std::string model, network, weights;
  bool costs = false, by_name = false;
};

Json to_json(const Model& model) {
  Json layers = Json::array();
  std::int64_t multiply_adds = 0, output_bytes = 0, weight_bytes = 0;
  for (const LayerCost& cost : model.costs()) {
    layers.push_back(
        {{"name", cost.layer},
         {"type", cost.type},
         {"output_shape", std::vector<std::int64_t>(cost.output_shape.begin(), cost.output_shape.end())},
         {"params", cost.params},
         {"trainable_params", cost.trainable_params},
         {"multiply_adds", cost.multiply_adds},
         {"weight_bytes", cost.weight_bytes},
         {"output_bytes", cost.output_bytes}});
    multiply_adds += cost.multiply_adds, output_bytes += cost.output_bytes, weight_bytes += cost.weight_bytes;
  }
  return {{"name", model.name()},
          {"params", model.count_params()},
          {"trainable_params", model.count_trainable_params()},
          {"multiply_adds", multiply_adds},
          {"weight_bytes", weight_bytes},
          {"output_bytes", output_bytes},
          {"layers", layers},
          {"metadata", model.metadata()}};
}

std::string costs_row(const std::string& name, const std::string& params, const std::string& multiply_adds,
                      const std::string& weights, const std::string& output) {
  char text[160];
  std::snprintf(text, sizeof text, "%-36.36s %12s %14s %12s %12s\n", name.c_str(), params.c_str(),
                multiply_adds.c_str(), weights.c_str(), output.c_str());
  return text;
}

std::string kilobytes(std::int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(bytes) / 1e3);
  return text;
}

// What a forward pass of one sample costs, by layer.
std::string costs_table(const Model& model) {
  const std::string thin(90, '_'), thick(90, '=');
  std::string text = thin + "\n" +
                     costs_row("Layer (type)", "Param #", "Multiply-adds", "Weights, kB", "Output, kB") +
                     thick + "\n";
  LayerCost total;
  for (const LayerCost& cost : model.costs()) {
    text += costs_row(cost.layer + " (" + cost.type + ")", std::to_string(cost.params),
                      std::to_string(cost.multiply_adds), kilobytes(cost.weight_bytes),
                      kilobytes(cost.output_bytes));
    total.params += cost.params, total.multiply_adds += cost.multiply_adds;
    total.weight_bytes += cost.weight_bytes, total.output_bytes += cost.output_bytes;
  }
  return text + thick + "\n" +
         costs_row("One sample", std::to_string(total.params), std::to_string(total.multiply_adds),
                   kilobytes(total.weight_bytes), kilobytes(total.output_bytes)) +
         thin + "\n";
}

// Which weight of Keras' file each of the network's would take.
std::string weights_table(const KerasWeights& weights) {
  std::size_t width = 0;
  for (const KerasWeight& weight : weights.matched) width = std::max(width, weight.layer.size() + weight.parameter.size() + 1);
  std::string text;
  for (const KerasWeight& weight : weights.matched) {
    const std::string name = weight.layer + "/" + weight.parameter;
    text += name + std::string(width - name.size(), ' ') + "  <- " + weight.file_layer + ": " + weight.file_weight + "  " +
            weight.shape.to_string() + "\n";
  }
  for (const std::string& layer : weights.unused) text += "not asked for: " + layer + "\n";
  return text;
}

Json to_json(const KerasWeights& weights) {
  Json matched = Json::array();
  for (const KerasWeight& weight : weights.matched)
    matched.push_back({{"layer", weight.layer},
                       {"parameter", weight.parameter},
                       {"shape", std::vector<std::int64_t>(weight.shape.begin(), weight.shape.end())},
                       {"file_layer", weight.file_layer},
                       {"file_weight", weight.file_weight}});
  return {{"matched", matched}, {"unused", weights.unused}};
}

void run(const Options& o) {
  apply(o.common);
  if (o.model.empty() == o.network.empty())
    throw CLI::ValidationError("summary", "give either a model file or --network NAME");
  Model model = o.model.empty() ? make_network(o.network) : load(o.model);
  std::optional<KerasWeights> weights;
  if (!o.weights.empty()) weights = load_keras_weights(model, o.weights, {.by_name = o.by_name});
  if (o.common.json) {
    Json json = to_json(model);
    if (weights) json["weights"] = to_json(*weights);
    return print_json(json);
  }
  if (weights) return say(weights_table(*weights));
  say(o.costs ? costs_table(model) : model.summary());
  for (const auto& [key, value] : model.metadata()) say(key + ": " + value + "\n");
}

}  // namespace

void add_summary_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("summary", "Print a network's layers and parameters, as Keras does");
  const auto o = std::make_shared<Options>();
  std::vector<std::string> networks = network_names();
  networks.emplace_back("resnet50");
  command->add_option("model", o->model, "The network's .safetensors file");
  command->add_option("--network", o->network, "A network by name instead")->check(CLI::IsMember(networks));
  CLI::Option* costs = command->add_flag("--costs", o->costs, "Print multiply-adds and memory by layer instead");
  CLI::Option* weights =
      command
          ->add_option("--weights", o->weights,
                       "Read this Keras .h5 file into the network and print which of its weights went where: by order, as Keras does")
          ->excludes(costs);
  command->add_flag("--by-name", o->by_name, "With --weights: by the layers' names; all of the network's must be in the file")
      ->needs(weights);
  command->add_flag("--json", o->common.json, "Print JSON on standard output, costs included");
  command->callback([o] { run(*o); });
}

}  // namespace neurona::cli
