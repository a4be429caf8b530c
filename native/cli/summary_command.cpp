#include "common.hpp"
#include "neurona/applications.hpp"
#include "neurona/formats.hpp"

namespace neurona::cli {

namespace {

struct Options {
  CommonOptions common;
  std::string model, network;
};

void run(const Options& o) {
  apply(o.common);
  if (o.model.empty() == o.network.empty())
    throw CLI::ValidationError("summary", "give either a model file or --network NAME");
  const Model model = o.model.empty() ? make_network(o.network) : load(o.model);
  if (o.common.json) {
    Json json = layers_json(model);
    json["metadata"] = model.metadata();
    return print_json(json);
  }
  say(model.summary());
  for (const auto& [key, value] : model.metadata()) say(key + ": " + value + "\n");
}

}  // namespace

void add_summary_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("summary", "Print a network's layers and parameters, as Keras does");
  const auto o = std::make_shared<Options>();
  command->add_option("model", o->model, "The network's .safetensors file");
  command->add_option("--network", o->network, "A network by name instead")->check(CLI::IsMember(network_names()));
  command->add_flag("--json", o->common.json, "Print JSON on standard output");
  command->callback([o] { run(*o); });
}

}  // namespace neurona::cli
