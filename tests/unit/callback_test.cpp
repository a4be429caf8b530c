#include <doctest/doctest.h>

#include <string>

#include "neurona/callback.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"

using namespace neurona;

namespace {

// Epoch (from 0) at which early stopping ends a run with these validation losses, or -1.
int stop_at(EarlyStoppingOptions options, const std::vector<double>& val_losses) {
  Sequential model;
  model.add(Dense({.units = 1, .input_shape = {1}}));
  TrainingContext context{model};
  EarlyStopping stopping(options);
  stopping.on_train_begin(context);
  for (std::size_t epoch = 0; epoch < val_losses.size(); ++epoch) {
    stopping.on_epoch_end(context, static_cast<std::int64_t>(epoch), {{"loss", 1.0}, {"val_loss", val_losses[epoch]}});
    if (context.stop_training) return static_cast<int>(epoch);
  }
  return -1;
}

}  // namespace

TEST_CASE("EarlyStopping with patience 0 and 1 stops at the first epoch that is not better") {
  CHECK(stop_at({.patience = 0}, {3, 2, 2.5, 1}) == 2);
  CHECK(stop_at({.patience = 1}, {3, 2, 2.5, 1}) == 2);
  CHECK(stop_at({.patience = 0}, {3, 2, 2, 1}) == 2);
}

TEST_CASE("EarlyStopping waits for its patience and heeds min_delta") {
  CHECK(stop_at({.patience = 2}, {3, 2, 2.5, 2.2, 1}) == 3);
  CHECK(stop_at({.patience = 2}, {3, 2, 2.5, 1.9, 2, 2}) == 5);
  CHECK(stop_at({.min_delta = 0.5, .patience = 1}, {3, 2.6}) == 1);
  CHECK(stop_at({.patience = 3}, {3, 2, 1}) == -1);
}

TEST_CASE("EarlyStopping without validation warns and never stops, as the tutorial's CNN did") {
  Sequential model;
  model.add(Dense({.units = 1, .input_shape = {1}}));
  TrainingContext context{model};
  EarlyStopping stopping;
  stopping.on_train_begin(context);
  for (int epoch = 0; epoch < 3; ++epoch) stopping.on_epoch_end(context, epoch, {{"loss", 1.0 + epoch}});
  CHECK(!context.stop_training);
  CHECK(stopping.warning().find("'val_loss', which this run does not have (it has: loss)") != std::string::npos);
}

TEST_CASE("EarlyStopping restores the best weights when asked to") {
  for (bool restore : {false, true}) {
    Sequential model;
    model.add(Dense({.units = 1, .use_bias = false, .input_shape = {1}}));
    TrainingContext context{model};
    EarlyStopping stopping({.restore_best_weights = restore});
    stopping.on_train_begin(context);
    for (int epoch = 0; epoch < 2; ++epoch) {
      model.set_weights({Tensor({1, 1}, std::vector<float>{static_cast<float>(epoch + 1)})});
      stopping.on_epoch_end(context, epoch, {{"val_loss", 1.0 + epoch}});
    }
    stopping.on_train_end(context);
    CHECK(stopping.best_epoch() == 0);
    CHECK(stopping.stopped_epoch() == 1);
    CHECK(model.get_weights()[0].at(0) == (restore ? 1.0 : 2.0));
  }
}

TEST_CASE("The progress line is that of Keras on TensorFlow 2.0") {
  CHECK(progress_line(57000, 57000, 4.0 - 0.466, {{"loss", 0.5643}, {"accuracy", 0.8542}, {"val_loss", 0.2551}, {"val_accuracy", 0.931}}) ==
        "57000/57000 [==============================] - 4s 62us/sample - loss: 0.5643 - accuracy: 0.8542 - val_loss: 0.2551 - "
        "val_accuracy: 0.9310");
  CHECK(progress_line(31392, 57000, 3.0, {{"loss", 0.2296}}) ==
        "31392/57000 [===============>..............] - ETA: 2s - loss: 0.2296");
  CHECK(progress_line(32, 57000, 0.01, {{"loss", 2.3}}) == "   32/57000 [..............................] - ETA: 17s - loss: 2.3000");
  CHECK(progress_line(10, 10000, 0.1, {}) == "   10/10000 [..............................] - ETA: 1:39");
}

TEST_CASE("Metrics up to a thousandth are printed with an exponent") {
  CHECK(format_metric(0.0011) == "0.0011");
  CHECK(format_metric(0.001) == "1.0000e-03");
  CHECK(format_metric(0.0) == "0.0000e+00");
  CHECK(format_metric(-12.5) == "-12.5000");
}

TEST_CASE("LearningRateScheduler sets each epoch's rate; the cosine falls from its start to zero") {
  CHECK(cosine_decay(0.2, 0, 10) == doctest::Approx(0.2));
  CHECK(cosine_decay(0.2, 5, 10) == doctest::Approx(0.1));
  CHECK(cosine_decay(0.2, 10, 10) == 0.0);
  Sequential model;
  model.add(Dense({.units = 1, .input_shape = {1}}));
  model.compile({.loss = MeanSquaredError(), .optimizer = SGD({.learning_rate = 0.4})});
  std::vector<double> rates;
  model.fit(Dataset(Tensor({1, 1}), Tensor({1, 1})),
            {.epochs = 3,
             .callbacks = {LearningRateScheduler([](std::int64_t, double rate) { return rate / 2; }),
                           LambdaCallback({}, [&](TrainingContext& context, std::int64_t, const Logs&) {
                             rates.push_back(context.model.compile_options().optimizer->learning_rate());
                           })}});
  CHECK(rates == std::vector<double>{0.2, 0.1, 0.05});
}
