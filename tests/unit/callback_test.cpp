#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "neurona/callback.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/files.hpp"

using namespace neurona;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// A model of one weight without bias, so that its weight tells the epoch.
Sequential one_weight(double learning_rate = 0.01) {
  Sequential model;
  model.add(Dense({.units = 1, .use_bias = false, .input_shape = {1}}));
  model.compile({.loss = MeanSquaredError(), .optimizer = SGD({.learning_rate = learning_rate})});
  return model;
}

void set_weight(Model& model, double value) {
  model.set_weights({Tensor({1, 1}, std::vector<float>{static_cast<float>(value)})});
}

// Shows the callback epochs with these values of `name`; the model's weight is the epoch. Ends where the callback stops
// the run. Returns the learning rate after each epoch.
std::vector<double> run_through(Callback& callback, Sequential& model, const std::string& name,
                                const std::vector<double>& values) {
  TrainingContext context{model};
  std::vector<double> rates;
  callback.on_train_begin(context);
  for (std::size_t epoch = 0; epoch < values.size() && !context.stop_training; ++epoch) {
    set_weight(model, static_cast<double>(epoch));
    callback.on_epoch_end(context, static_cast<std::int64_t>(epoch), {{"loss", 1.0}, {name, values[epoch]}});
    rates.push_back(model.compile_options().optimizer->learning_rate());
  }
  callback.on_train_end(context);
  return rates;
}

std::string text_of(const std::filesystem::path& path) {
  const test::Bytes bytes = test::read_file(path);
  return {bytes.begin(), bytes.end()};
}

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

TEST_CASE("EarlyStopping knows which way a number improves, and can be told") {
  const auto stops = [](const std::string& name, MonitorMode mode, const std::vector<double>& values) {
    Sequential model = one_weight();
    EarlyStopping stopping({.monitor = name, .patience = 1, .mode = mode});
    run_through(stopping, model, name, values);
    return stopping.stopped_epoch().value_or(-1);
  };
  CHECK(stops("val_accuracy", MonitorMode::automatic, {0.5, 0.6, 0.7}) == -1);
  CHECK(stops("val_accuracy", MonitorMode::automatic, {0.5, 0.4}) == 1);
  CHECK(stops("val_top_k_categorical_accuracy", MonitorMode::automatic, {0.5, 0.6}) == -1);
  CHECK(stops("val_acc", MonitorMode::automatic, {0.5, 0.6}) == -1);
  CHECK(stops("val_loss", MonitorMode::automatic, {0.5, 0.4}) == -1);
  CHECK(stops("val_accuracy", MonitorMode::min, {0.5, 0.6}) == 1);
  CHECK(stops("val_score", MonitorMode::max, {0.5, 0.6, 0.5}) == 2);
}

TEST_CASE("EarlyStopping with a baseline waits while it is not beaten, even if the number improves") {
  const auto stop = [](std::vector<double> values) { return stop_at({.patience = 2, .baseline = 1.0}, values); };
  CHECK(stop({3, 2.5, 2.6}) == 2);            // two epochs above the baseline are waited for already
  CHECK(stop({3, 2.9, 2.8, 2.7}) == -1);      // an improvement never stops it
  CHECK(stop({3, 0.9, 1.1, 1.2, 1.3}) == 3);  // beaten: its patience begins anew
  CHECK(stop_at({.patience = 2}, {3, 2.5, 2.6}) == -1);
}

TEST_CASE("EarlyStopping does not look before start_from_epoch, and never stops after the first epoch") {
  CHECK(stop_at({.patience = 1}, {1, 2}) == 1);
  CHECK(stop_at({.patience = 1, .start_from_epoch = 2}, {1, 2, 3, 4}) == 3);
  CHECK(stop_at({.patience = 1}, {kNan, kNan}) == 1);  // NaN is no improvement
}

TEST_CASE("EarlyStopping restores the first weights when nothing ever improved, and the best ones when it did not stop") {
  Sequential model = one_weight();
  EarlyStopping stopping({.patience = 2, .restore_best_weights = true});
  run_through(stopping, model, "val_loss", {kNan, kNan, kNan});
  CHECK(stopping.stopped_epoch() == 1);
  CHECK(model.get_weights()[0].at(0) == 0.0);
  run_through(stopping, model, "val_loss", {3, 1, 2});  // its epochs end while it still waits
  CHECK(!stopping.stopped_epoch());
  CHECK(stopping.best_epoch() == 1);
  CHECK(stopping.restored_epoch() == 1);
  CHECK(model.get_weights()[0].at(0) == 1.0);
  run_through(stopping, model, "val_loss", {3, 1, 2, 2});
  CHECK(stopping.best_epoch() == 1);
  CHECK(model.get_weights()[0].at(0) == 1.0);
}

TEST_CASE("ReduceLROnPlateau waits for its patience, keeps to min_lr, and begins anew with each run") {
  Sequential model = one_weight(1.0);
  ReduceLROnPlateau reduce({.factor = 0.5, .patience = 2, .min_lr = 0.3});
  CHECK(run_through(reduce, model, "val_loss", {3, 3, 3, 3, 3, 3, 3}) ==
        std::vector<double>{1, 1, 0.5, 0.5, 0.3, 0.3, 0.3});
  model = one_weight(1.0);
  CHECK(run_through(reduce, model, "val_loss", {5, 6, 4, 6, 6}) == std::vector<double>{1, 1, 1, 1, 0.5});
}

TEST_CASE("ReduceLROnPlateau counts no waiting while it cools down") {
  Sequential model = one_weight(1.0);
  ReduceLROnPlateau reduce({.factor = 0.5, .patience = 1, .cooldown = 2});
  // Reduced at epoch 1; epoch 2 cools; with epoch 3 the cooling is over and counts again, as in Keras.
  CHECK(run_through(reduce, model, "val_loss", {3, 3, 3, 3, 3}) == std::vector<double>{1, 0.5, 0.5, 0.25, 0.25});
}

TEST_CASE("ReduceLROnPlateau heeds min_delta and the way its number improves") {
  Sequential model = one_weight(1.0);
  ReduceLROnPlateau close({.factor = 0.5, .patience = 1});
  CHECK(run_through(close, model, "val_loss", {1.0, 0.99995, 0.9}) == std::vector<double>{1, 0.5, 0.5});
  model = one_weight(1.0);
  ReduceLROnPlateau accuracy({.monitor = "val_accuracy", .factor = 0.5, .patience = 1});
  CHECK(run_through(accuracy, model, "val_accuracy", {0.5, 0.6, 0.55}) == std::vector<double>{1, 1, 0.5});
  model = one_weight(1.0);
  ReduceLROnPlateau lacking({.monitor = "val_f1", .patience = 0});
  CHECK(run_through(lacking, model, "val_loss", {1, 2}) == std::vector<double>{1, 1});
  CHECK(lacking.warning() ==
        "The learning rate's reduction watches 'val_f1', which this run does not have (it has: loss, val_loss); the "
        "rate will stay as "
        "it is. Give validation_split or validation_data.");
}

TEST_CASE("Patterns are Python's for the epoch and the numbers of the logs") {
  const Logs logs{{"loss", 0.25}, {"val_loss", 1234.56789}, {"delta", -1.5}};
  const auto format = [&](const char* pattern) { return format_pattern(pattern, 7, logs); };
  CHECK(format("w-{epoch:02d}-{val_loss:.4f}.safetensors") == "w-07-1234.5679.safetensors");
  CHECK(format("{epoch}{epoch:4d}|{epoch:d}|{loss}|{loss:.0e}") == "7   7|7|0.25|2e-01");
  CHECK(format("{delta:06.2f}|{delta:8.1f}|{epoch:f}") == "-01.50|    -1.5|7.000000");
  CHECK(format("{{epoch}} plain") == "{epoch} plain");
  CHECK(format_pattern("{loss:99.99f}", 1, {{"loss", std::numeric_limits<double>::max()}}).size() == 309 + 1 + 99);
  CHECK_THROWS_WITH_AS(
      format("{val_acc}"),
      "'{val_acc}' names 'val_acc', which this run does not have. It has: epoch, loss, val_loss, delta.", ValueError);
  for (const char* broken : {"{", "a}", "{epoch", "{}", "{:d}", "{epoch:x}", "{epoch:.2d}", "{loss:d}", "{loss:.f}",
                             "{loss:.3}", "{loss:123d}"}) {
    INFO(broken);
    CHECK_THROWS_AS(format(broken), ValueError);
    CHECK_THROWS_AS(ModelCheckpoint({.filepath = broken}), ValueError);
  }
}

TEST_CASE("ModelCheckpoint writes a model that can be loaded after each epoch, by its pattern") {
  const test::TemporaryFolder folder;
  Sequential model = one_weight();
  ModelCheckpoint checkpoint({.filepath = (folder / "w-{epoch:02d}-{val_loss:.2f}.safetensors").string()});
  run_through(checkpoint, model, "val_loss", {3, 2, 4});
  CHECK(checkpoint.saved() == folder / "w-03-4.00.safetensors");
  CHECK(load(folder / "w-01-3.00.safetensors").get_weights()[0].at(0) == 0.0);
  CHECK(load(folder / "w-02-2.00.safetensors").get_weights()[0].at(0) == 1.0);
  CHECK(load(folder / "w-03-4.00.safetensors").get_weights()[0].at(0) == 2.0);
}

TEST_CASE("ModelCheckpoint keeps the best model when asked to, and says when it cannot know it") {
  const test::TemporaryFolder folder;
  Sequential model = one_weight();
  ModelCheckpoint best({.filepath = (folder / "best.safetensors").string(), .save_best_only = true});
  run_through(best, model, "val_loss", {3, 1, 2, 1});
  CHECK(load(folder / "best.safetensors").get_weights()[0].at(0) == 1.0);
  ModelCheckpoint highest(
      {.filepath = (folder / "highest.safetensors").string(), .monitor = "val_accuracy", .save_best_only = true});
  run_through(highest, model, "val_accuracy", {0.5, 0.9, 0.7});
  CHECK(load(folder / "highest.safetensors").get_weights()[0].at(0) == 1.0);
  ModelCheckpoint blind(
      {.filepath = (folder / "none.safetensors").string(), .monitor = "val_f1", .save_best_only = true});
  run_through(blind, model, "val_loss", {1, 2});
  CHECK(blind.saved().empty());
  CHECK(!std::filesystem::exists(folder / "none.safetensors"));
  CHECK(blind.warning().find("The checkpoint of the best model watches 'val_f1'") == 0);
}

TEST_CASE("ModelCheckpoint ends the run with its error when it cannot write, or misses a number") {
  const test::TemporaryFolder folder;
  Sequential model = one_weight();
  const Dataset data(Tensor({2, 1}), Tensor({2, 1}));
  CHECK_THROWS_AS(
      model.fit(data, {.callbacks = {ModelCheckpoint({.filepath = (folder / "no/such/folder.safetensors").string()})}}),
      IoError);
  CHECK_THROWS_WITH_AS(
      model.fit(data, {.callbacks = {ModelCheckpoint({.filepath = (folder / "{val_loss}").string()})}}),
      doctest::Contains("names 'val_loss', which this run does not have. It has: epoch, loss."), ValueError);
  CHECK_THROWS_AS(ModelCheckpoint({.filepath = ""}), ValueError);
}

TEST_CASE("CSVLogger writes Keras' table: epochs from 0, the numbers in the order of their names") {
  const test::TemporaryFolder folder;
  Sequential model = one_weight();
  TrainingContext context{model};
  const Logs first{{"loss", 0.1}, {"accuracy", 0.5}, {"val_loss", 1e-7}}, second{{"loss", kNan}, {"accuracy", 1.0}};
  const auto log = [&](CSVLogger logger) {
    logger.on_train_begin(context);
    logger.on_epoch_end(context, 0, first);
    logger.on_epoch_end(context, 1, second);
  };
  const std::string header = "epoch,accuracy,loss,val_loss\n", rows = "0,0.5,0.1,1e-07\n1,1,nan,NA\n";
  const std::filesystem::path file = folder / "log.csv";
  log(CSVLogger({.filename = file, .append = true}));  // to a file that is not there yet
  CHECK(text_of(file) == header + rows);
  log(CSVLogger({.filename = file, .append = true}));
  CHECK(text_of(file) == header + rows + rows);
  log(CSVLogger({.filename = file}));
  CHECK(text_of(file) == header + rows);
  log(CSVLogger({.filename = folder / "other.csv", .separator = ";"}));
  CHECK(text_of(folder / "other.csv") == "epoch;accuracy;loss;val_loss\n0;0.5;0.1;1e-07\n1;1;nan;NA\n");
  CSVLogger later({.filename = file, .append = true});
  later.on_train_begin(context);
  CHECK_THROWS_WITH_AS(later.on_epoch_end(context, 0, second),
                       doctest::Contains("begins with 'epoch,accuracy,loss,val_loss', this run has "
                                         "'epoch,accuracy,loss'."),
                       ValueError);
  CHECK_THROWS_AS(CSVLogger({.filename = folder / "no/log.csv"}).on_train_begin(context), IoError);
  CHECK_THROWS_AS(CSVLogger({.filename = ""}), ValueError);
  CHECK_THROWS_AS(CSVLogger({.filename = file, .separator = ""}), ValueError);
}

TEST_CASE("LambdaCallback calls what it was given, at the moments of a run") {
  Sequential model = one_weight();
  std::string told;
  const Dataset data(Tensor({3, 1}), Tensor({3, 1}));
  model.fit(
      data,
      {.epochs = 2,
       .batch_size = 2,
       .callbacks = {LambdaCallback({.on_train_begin = [&](TrainingContext&) { told += "("; },
                                     .on_epoch_begin = [&](TrainingContext&,
                                                           std::int64_t epoch) { told += std::to_string(epoch); },
                                     .on_batch_end = [&](TrainingContext&, std::int64_t batch,
                                                         const Logs&) { told += batch == 0 ? "a" : "b"; },
                                     .on_epoch_end = [&](TrainingContext&, std::int64_t, const Logs&) { told += ";"; },
                                     .on_train_end = [&](TrainingContext&) { told += ")"; }}),
                     LambdaCallback(LambdaCallbackOptions{})}});
  CHECK(told == "(0ab;1ab;)");
}

TEST_CASE("Callbacks refuse options out of range") {
  CHECK_THROWS_AS(EarlyStopping({.min_delta = -1.0}), ValueError);
  CHECK_THROWS_AS(EarlyStopping({.patience = -1}), ValueError);
  CHECK_THROWS_AS(EarlyStopping({.start_from_epoch = -1}), ValueError);
  CHECK_THROWS_WITH_AS(ReduceLROnPlateau({.factor = 1.0}),
                       "ReduceLROnPlateau: factor = 1.000000; it must be in [0, 1).", ValueError);
  CHECK_THROWS_AS(ReduceLROnPlateau({.patience = -1}), ValueError);
  CHECK_THROWS_AS(ReduceLROnPlateau({.min_delta = kNan}), ValueError);
  CHECK_THROWS_AS(ReduceLROnPlateau({.cooldown = -1}), ValueError);
  CHECK_THROWS_AS(ReduceLROnPlateau({.min_lr = -0.1}), ValueError);
}

TEST_CASE("Step and exponential decay are those of their formulas") {
  CHECK(step_decay(0.8, 0, 0.5, 10) == 0.8);
  CHECK(step_decay(0.8, 9, 0.5, 10) == 0.8);
  CHECK(step_decay(0.8, 10, 0.5, 10) == 0.4);
  CHECK(step_decay(0.8, 29, 0.5, 10) == 0.2);
  CHECK(exponential_decay(0.8, 0, 0.25) == 0.8);
  CHECK(exponential_decay(0.8, 2, 0.25) == doctest::Approx(0.05));
  CHECK(exponential_decay(0.8, 5, 0.25, 10) == doctest::Approx(0.4));
  CHECK_THROWS_AS(step_decay(0.8, 1, 0.5, 0), ValueError);
  CHECK_THROWS_AS(exponential_decay(0.8, 1, 0.5, 0), ValueError);
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

TEST_CASE("A progress line fits the columns that there are: the bar shrinks, then goes, then the time, then metrics") {
  const Logs logs{{"loss", 0.5}, {"accuracy", 0.25}};
  const std::string whole = progress_line(320, 3200, 1.0, logs);
  CHECK(whole == " 320/3200 [==>...........................] - ETA: 9s - loss: 0.5000 - accuracy: 0.2500");
  CHECK(progress_line(320, 3200, 1.0, logs, 200) == whole);
  CHECK(progress_line(320, 3200, 1.0, logs, 86) == whole);
  CHECK(progress_line(320, 3200, 1.0, logs, 70) == " 320/3200 [>.............] - ETA: 9s - loss: 0.5000 - accuracy: 0.2500");
  CHECK(progress_line(320, 3200, 1.0, logs, 56) == " 320/3200 - ETA: 9s - loss: 0.5000 - accuracy: 0.2500");
  CHECK(progress_line(320, 3200, 1.0, logs, 50) == " 320/3200 - loss: 0.5000 - accuracy: 0.2500");
  CHECK(progress_line(320, 3200, 1.0, logs, 30) == " 320/3200 - loss: 0.5000");
  CHECK(progress_line(320, 3200, 1.0, logs, 5) == " 320/");
  for (int columns = 1; columns < 100; ++columns) CHECK(std::ssize(progress_line(320, 3200, 1.0, logs, columns)) <= columns);
  // The last line of an epoch stays on the screen.
  CHECK(progress_line(3200, 3200, 2.0, logs, 50, true) == "3200/3200 [=====] - 2s 625us/sample - loss: 0.5000\n    - accuracy: 0.2500");
}
