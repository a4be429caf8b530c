#include <cstdio>
#include <utility>

#include "common.hpp"
#include "digit_image.hpp"
#include "neurona/applications.hpp"
#include "neurona/data/imagenet.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/image.hpp"

namespace neurona::cli {

namespace {

struct Options {
  CommonOptions common;
  std::string network, weights;
  std::vector<std::string> files;  ///< the model's first, unless it was named by --network
  std::int64_t top = 3;
  bool as_is = false;
  std::string show_in;  ///< folder; empty: nothing is shown
};

// Calls read(path) for each picture, which adds to the JSON entry and gives the text to print. What fails is
// told, and the other pictures are read all the same.
template <class Read>
void for_pictures(const Options& o, std::span<const std::string> paths, Json json, Read read) {
  json["predictions"] = Json::array();
  std::size_t failed = 0;
  for (const std::string& path : paths) {
    Json entry = {{"image", path}};
    try {
      say(read(path, entry));
    } catch (const Error& e) {
      ++failed;
      std::fprintf(stderr, "neurona: %s\n", e.what());
      entry = {{"image", path}, {"error", e.what()}};
    }
    json["predictions"].push_back(std::move(entry));
  }
  if (o.common.json) print_json(json);
  if (failed > 0) throw CLI::RuntimeError(kFailure);
}

template <class... Values>
std::string formatted(const char* format, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

// What the network's file says of its classes; else their numbers.
std::vector<std::string> class_names(const Model& model, std::size_t classes) {
  std::vector<std::string> names;
  if (const auto told = model.metadata().find(kClassNamesKey); told != model.metadata().end()) {
    const nlohmann::json list = nlohmann::json::parse(told->second, nullptr, false);
    if (list.is_array() && list.size() == classes)
      for (const auto& name : list)
        if (name.is_string()) names.push_back(name.get<std::string>());
  }
  for (std::size_t i = names.size(); i < classes; ++i) names.push_back(std::to_string(i));
  return names;
}

void read_digits(const Options& o) {
  if (o.files.size() < 2) throw CLI::ValidationError("predict", "give a model file and at least one picture");
  Model model = load(o.files.front());
  model.set_backend(make_backend(o.common.backend));
  const auto classes = static_cast<std::size_t>(model.output_shape().elements());
  std::vector<data::ImageNetClass> digits;
  for (const std::string& name : class_names(model, classes)) digits.push_back({"", name});
  const auto scale = model.metadata().find(kScaleKey);
  const bool is_scaled_twice = scale != model.metadata().end() && scale->second == kScaledTwice;
  if (is_scaled_twice)
    say("This network was trained on images divided by 255 twice (--as-printed): the pictures are divided twice, too.\n");
  for_pictures(o, std::span(o.files).subspan(1), {{"model", o.files.front()}},
               [&](const std::string& path, Json& entry) {
                 const DigitPicture found = read_digit_picture(path, o.as_is);
                 const Tensor probabilities = model.predict(as_sample(found.digit, image_scale(is_scaled_twice)));
                 entry["box"] = {found.box.left, found.box.top, found.box.right, found.box.bottom};
                 entry["others"] = found.others;
                 if (!o.show_in.empty()) {
                   const auto [digit, box] = show_digit_picture(path, found, o.show_in);
                   entry["shown"] = {digit, box};
                 }
                 const auto best = data::decode_predictions(probabilities, digits, o.top).front();
                 entry["label"] = best.front().index;
                 entry["probabilities"] = values_of(probabilities);
                 std::string line = path + ":";
                 for (const auto& [digit, index, probability] : best)
                   line +=
                       formatted("  %s %.2f%%", digit.name.c_str(), 100.0 * static_cast<double>(probability));
                 if (found.others > 0)
                   line += "  (the largest of " + std::to_string(found.others + 1) + " shapes that look like digits)";
                 return line + "\n";
               });
}

// The weights that were named, or those that `neurona data resnet50` got.
std::string weights_path(const Options& o) {
  if (!o.weights.empty()) return o.weights;
  try {
    return data::published_file(data::resnet50_weights_file(), "RESNET50_DIR", "resnet50",
                                {.allow_download = false})
        .string();
  } catch (const IoError& e) {
    throw IoError(std::string(e.what()) +
                  "\n  Download it (103 MB) with: neurona data resnet50, or name a file with --weights.");
  }
}

std::vector<data::ImageNetClass> imagenet_classes() {
  try {
    return data::read_imagenet_classes(
        data::imagenet_classes_path({.verify_named = false, .allow_download = false}));
  } catch (const IoError& e) {
    throw IoError(
        std::string(e.what()) +
        "\n  Download it with: neurona data resnet50, or set IMAGENET_DIR to a folder that has it.");
  }
}

void read_photos(const Options& o) {
  if (o.files.empty()) throw CLI::ValidationError("predict", "give at least one picture");
  const std::string path_of_weights = weights_path(o);
  const std::vector<data::ImageNetClass> classes = imagenet_classes();
  Model model = resnet50();
  model.set_backend(make_backend(o.common.backend));
  if (static_cast<std::int64_t>(classes.size()) != model.output_shape().elements())
    throw FormatError("imagenet_class_index.json has " + std::to_string(classes.size()) +
                      " classes; ResNet-50 gives " + std::to_string(model.output_shape().elements()) + ".");
  load_keras_weights(model, path_of_weights);
  const Shape input = model.input_shape();
  std::int64_t image = 0;
  for_pictures(
      o, o.files, {{"network", o.network}, {"weights", path_of_weights}},
      [&](const std::string& path, Json& entry) {
        Tensor photo = resize_with_pad(read_image(path), input[0], input[1]);
        preprocess_input(photo);
        const Tensor probabilities = model.predict(Tensor(input.with_leading(1), photo.values()));
        std::string text = "Image #" + std::to_string(image++) + ": " + path + "\n";
        entry["classes"] = Json::array();
        const auto best = data::decode_predictions(probabilities, classes, o.top).front();
        for (const auto& [of_class, index, probability] : best) {
          entry["classes"].push_back(
              {{"index", index}, {"id", of_class.id}, {"name", of_class.name}, {"probability", probability}});
          text += formatted("  %s - %-12s %.2f%%\n", of_class.id.c_str(), of_class.name.c_str(),
                            100.0 * static_cast<double>(probability));
        }
        entry["probabilities"] = values_of(probabilities);
        return text + "\n";
      });
}

void run(const Options& o) {
  apply(o.common);
  if (!o.weights.empty() && o.network.empty())
    throw CLI::ValidationError("--weights", "needs --network resnet50");
  if (o.network.empty())
    read_digits(o);
  else
    read_photos(o);
}

}  // namespace

void add_predict_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "predict", "Say which digit pictures show, or with --network resnet50 what photos show");
  const auto o = std::make_shared<Options>();
  command
      ->add_option("files", o->files,
                   "The network's .safetensors file (not with --network), then pictures of up to 100 "
                   "megapixels: JPEG, PNG, BMP, GIF, WebP, TIFF, PBM, PGM or PPM")
      ->required();
  command
      ->add_option("--network", o->network,
                   "resnet50: name what photos show, one of ImageNet's 1,000 classes")
      ->check(CLI::IsMember({"resnet50"}));
  command->add_option("--weights", o->weights,
                      "Keras' .h5 file for --network (default: what 'neurona data resnet50' got)");
  command->add_option("--top", o->top, "How many of the most probable classes to print")
      ->check(whole_number(1))
      ->capture_default_str();
  command->add_flag("--as-is", o->as_is, "Take pictures of 28x28 as they are: light ink on dark, placed as MNIST's");
  CLI::Option* show_in = command->add_option("--show-in", o->show_in, "As --show, into this folder")->check(CLI::ExistingDirectory);
  command
      ->add_flag_callback(
          "--show", [o] { o->show_in = "."; },
          "Write what was found of each picture into the current folder: NAME.28x28.png, what the network sees, and NAME.box.png, the picture "
          "with the box around the digit")
      ->excludes(show_in);
  add_common_options(*command, o->common);
  command->callback([o] { run(*o); });
}

}  // namespace neurona::cli
