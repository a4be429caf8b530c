#include <algorithm>
#include <cstdio>
#include <numeric>
#include <utility>

#include "common.hpp"
#include "image_file.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"

namespace neurona::cli {

namespace {

struct Options {
  CommonOptions common;
  std::string model;
  std::vector<std::string> images;
};

constexpr std::size_t kTop = 3;

void run(const Options& o) {
  apply(o.common);
  Model model = load(o.model);
  model.set_backend(make_backend(o.common.backend));
  Json json = {{"model", o.model}, {"predictions", Json::array()}};
  std::size_t failed = 0;
  for (const std::string& path : o.images) {
    Tensor probabilities;
    try {
      probabilities = model.predict(read_digit_image(path));
    } catch (const Error& e) {  // the other pictures are read all the same
      ++failed;
      std::fprintf(stderr, "neurona: %s\n", e.what());
      json["predictions"].push_back({{"image", path}, {"error", e.what()}});
      continue;
    }
    const auto values = std::as_const(probabilities).values();
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
    json["predictions"].push_back(
        {{"image", path}, {"label", order[0]}, {"probabilities", std::vector<float>(values.begin(), values.end())}});
    std::string line = path + ":";
    for (std::size_t i = 0; i < std::min(kTop, order.size()); ++i) {
      char text[48];
      std::snprintf(text, sizeof text, "  %zu %.2f%%", order[i], 100.0 * static_cast<double>(values[order[i]]));
      line += text;
    }
    say(line + "\n");
  }
  if (o.common.json) print_json(json);
  if (failed > 0) throw CLI::RuntimeError(kFailure);
}

}  // namespace

void add_predict_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("predict", "Say which digit pictures show");
  const auto o = std::make_shared<Options>();
  command->add_option("model", o->model, "The network's .safetensors file")->required();
  command->add_option("images", o->images, "PNG, JPEG, BMP, GIF, PGM or PPM files with one digit each, of any size")->required();
  add_common_options(*command, o->common);
  command->callback([o] { run(*o); });
}

}  // namespace neurona::cli
