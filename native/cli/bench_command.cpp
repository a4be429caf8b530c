// Samples per second of training and prediction, each layer beside the processor's peak; the same natively and as WASM.
#include <algorithm>

#include "bench.hpp"
#include "common.hpp"
#include "neurona/applications.hpp"

namespace neurona::cli {

namespace {

struct Options {
  CommonOptions common;
  bench::Settings settings;
  std::vector<std::string> only;
};

void run(Options& o) {
  apply(o.common);
  o.settings.backend = o.common.backend;
  o.settings.say = [](const std::string& line) { say(line + "\n"); };
  Json json = {{"machine", bench::machine(o.settings)}};
  for (const bench::Part& part : bench::parts()) {
    const bool wanted = o.only.empty() ? part.by_default : std::find(o.only.begin(), o.only.end(), part.name) != o.only.end();
    if (wanted) json[part.name] = part.measure(o.settings);
  }
  if (o.common.json) print_json(json);
}

}  // namespace

void add_bench_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("bench", "Measure training, prediction, each layer and matrix products on this machine");
  const auto o = std::make_shared<Options>();
  std::vector<std::string> names, networks = network_names();
  std::string help = "Measure only:";
  for (const bench::Part& part : bench::parts()) {
    names.emplace_back(part.name);
    help += std::string(help.ends_with(':') ? " " : ", ") + part.name + (part.by_default ? "" : " (left out otherwise)");
  }
  networks.emplace_back("resnet50");
  command->add_option("--only", o->only, help)->check(CLI::IsMember(names))->delimiter(',');
  command->add_option("--network", o->settings.networks, "Only these networks; several may be given")
      ->check(CLI::IsMember(networks))
      ->delimiter(',');
  command->add_option("--repetitions", o->settings.repetitions, "Measurements of each figure; their median is told")
      ->check(whole_number(1, 1000))
      ->capture_default_str();
  command->add_option("--least", o->settings.least_ms, "Milliseconds that each measurement takes at least")
      ->check(number_from(1, 60000))
      ->capture_default_str();
  add_common_options(*command, o->common);
  command->callback([o] { run(*o); });
}

}  // namespace neurona::cli
