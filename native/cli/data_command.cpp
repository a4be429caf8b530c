#include <filesystem>

#include "common.hpp"

namespace neurona::cli {

namespace {

struct Options {
  CommonOptions common;
  std::string folder;
};

void run(const Options& options) {
  apply(options.common);
  const data::Mnist mnist = load_data({.folder = options.folder, .allow_embedded = false});
  if (options.common.json)
    return print_json({{"folder", std::filesystem::absolute(mnist.source).string()},
                       {"train", mnist.train.size()},
                       {"test", mnist.test.size()},
                       {"verified", true}});
  say("MNIST: " + std::to_string(mnist.train.size()) + " training and " + std::to_string(mnist.test.size()) + " test images of 28x28 from " +
      mnist.source + "; SHA-256 of all four files verified.\n");
}

}  // namespace

void add_data_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("data", "Get and verify data sets");
  command->require_subcommand(1);
  CLI::App* mnist = command->add_subcommand(
      "mnist", "Find MNIST (--folder, MNIST_DIR, ./data/mnist, the cache) or download it, and verify its checksums");
  const auto options = std::make_shared<Options>();
  mnist->add_option("--folder", options->folder, "A folder with the four files, gzip-compressed or not");
  mnist->add_flag("--json", options->common.json, "Print the result as JSON on standard output");
  mnist->callback([options] { run(*options); });
}

}  // namespace neurona::cli
