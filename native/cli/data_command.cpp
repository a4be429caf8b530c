#include <filesystem>

#include "common.hpp"
#include "neurona/data/imagenet.hpp"

namespace neurona::cli {

namespace {

struct Options {
  CommonOptions common;
  std::string folder;
};

void get_mnist(const Options& options) {
  apply(options.common);
  const data::Mnist mnist = load_data({.source = "mnist", .folder = options.folder, .only_mnist = true});
  if (options.common.json)
    return print_json({{"folder", std::filesystem::absolute(mnist.source).string()},
                       {"train", mnist.train.size()},
                       {"test", mnist.test.size()},
                       {"verified", true}});
  say("MNIST: " + std::to_string(mnist.train.size()) + " training and " + std::to_string(mnist.test.size()) +
      " test images of 28x28 from " + mnist.source + "; SHA-256 of all four files verified.\n");
}

void get_resnet50(const Options& options) {
  apply(options.common);
  data::ResNet50Files files;
  {
    ProgressLine line;
    files = data::resnet50_files({.folder = options.folder},
                                 [&](const Progress& progress) { line.show(progress); });
  }
  const auto classes = data::read_imagenet_classes(files.classes);
  if (options.common.json)
    return print_json({{"weights", std::filesystem::absolute(files.weights).string()},
                       {"classes", std::filesystem::absolute(files.classes).string()},
                       {"verified", data::can_verify(data::resnet50_weights_file())}});
  say("ResNet-50's weights: " + files.weights.string() + "\nNames of its " + std::to_string(classes.size()) +
      " classes: " + files.classes.string() + "\nSHA-256 of the classes and " +
      (data::can_verify(data::resnet50_weights_file()) ? "MD5" : "size (this build computes no MD5)") + " of the weights verified.\n");
}

void add(CLI::App& command, const char* name, const char* what, const char* folder,
         void (*get)(const Options&)) {
  CLI::App* subcommand = command.add_subcommand(name, what);
  const auto options = std::make_shared<Options>();
  subcommand->add_option("--folder", options->folder, folder);
  subcommand->add_flag("--json", options->common.json, "Print the result as JSON on standard output");
  subcommand->callback([=] { get(*options); });
}

}  // namespace

void add_data_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("data", "Get and verify data sets and published weights");
  command->require_subcommand(1);
  add(*command, "mnist",
      "Find MNIST (--folder, MNIST_DIR, ./data/mnist, the cache) or download it, and verify its checksums",
      "A folder with the four files, gzip-compressed or not", get_mnist);
  add(*command, "resnet50",
      "Find ResNet-50's published weights (RESNET50_DIR, ./data/resnet50, the cache) and the names of "
      "ImageNet's classes (IMAGENET_DIR, "
      "./data/imagenet, the cache), or download them (103 MB), and verify their checksums",
      "A folder with both files", get_resnet50);
}

}  // namespace neurona::cli
