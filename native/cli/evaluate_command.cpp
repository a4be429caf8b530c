#include <algorithm>

#include "common.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"

namespace neurona::cli {

namespace {

struct Options {
  CommonOptions common;
  DataOptions data;
  std::string model;
  bool as_printed = false;
};

using Confusion = std::vector<std::vector<std::int64_t>>;  // [label][predicted]

void print(const Confusion& confusion) {
  std::string text = "label \\ predicted\n      ";
  for (std::size_t i = 0; i < confusion.size(); ++i) text += std::string(5, ' ') + std::to_string(i);
  for (std::size_t label = 0; label < confusion.size(); ++label) {
    text += "\n  " + std::to_string(label) + "   ";
    for (std::int64_t count : confusion[label]) {
      const std::string digits = std::to_string(count);
      text += std::string(6 - std::min<std::size_t>(6, digits.size()), ' ') + digits;
    }
  }
  say(text + "\n");
}

void run(const Options& o) {
  apply(o.common);
  Model model = load(o.model);
  model.set_backend(make_backend(o.common.backend));
  DataOptions wanted = o.data;
  wanted.train_limit = 1;  // none are used
  const data::Mnist mnist = load_data(wanted);
  const auto scale = model.metadata().find(kScaleKey);
  if (!o.as_printed && scale != model.metadata().end() && scale->second == kScaledTwice)
    say("It was trained on images divided by 255 twice and is judged on images divided once, as the tutorial's printed run does.\n"
        "  With --as-printed these are divided twice too.\n");
  const std::int64_t wanted_classes = std::ssize(mnist.class_names), outputs = model.output_shape().elements();
  if (!mnist.is_mnist && wanted_classes > outputs)
    throw ValueError("'" + o.model + "' tells " + std::to_string(outputs) + " classes apart, the data in '" + mnist.source + "' has " +
                     std::to_string(wanted_classes) + ". Train a network on this data: neurona train --data " + mnist.source);
  std::vector<std::int32_t> predicted;
  const Evaluation result = *evaluate_with_progress(model, Dataset(mnist.test, image_scale(o.as_printed)), &predicted);
  const auto classes = static_cast<std::size_t>(std::max<std::int64_t>(model.output_shape().back(), std::ssize(mnist.class_names)));
  Confusion confusion(classes, std::vector<std::int64_t>(classes));
  for (std::size_t i = 0; i < predicted.size(); ++i) ++confusion[mnist.test.labels[i]][static_cast<std::size_t>(predicted[i])];
  if (o.common.json) {
    Json json = {{"model", o.model}, {"data", to_json(mnist)}, {"loss", result.loss}};
    json["data"]["samples"] = mnist.test.size();
    json.update(to_json(result.metrics));
    json["confusion"] = confusion;
    print_json(json);
    return remind_of_embedded(mnist);
  }
  print(confusion);
  remind_of_embedded(mnist);
}

}  // namespace

void add_evaluate_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("evaluate", "Judge a trained network on the test images");
  const auto o = std::make_shared<Options>();
  command->add_option("model", o->model, "The network's .safetensors file")->required();
  command->add_flag("--as-printed", o->as_printed, "Divide the images by 255 twice, as the tutorial does by mistake when it trains");
  add_data_option(*command, o->data);
  command->add_option("--limit", o->data.test_limit, "Judge on the first N test images only (0: all)")
      ->check(whole_number())
      ->capture_default_str();
  add_common_options(*command, o->common);
  command->callback([o] { run(*o); });
}

}  // namespace neurona::cli
