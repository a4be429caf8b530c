#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "neurona/applications.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/train.hpp"
#include "support/samples.hpp"

using namespace neurona;

namespace {

Sequential small_network(double learning_rate = 0.5, std::uint64_t seed = 1) {
  Sequential model({.seed = seed});
  model.add(Flatten({.input_shape = {28, 28}}));
  model.add(Dense({.units = 12, .activation = Activation::tanh}));
  model.add(Dense({.units = 10, .activation = Activation::softmax}));
  model.compile({.optimizer = SGD({.learning_rate = learning_rate}), .metrics = {Accuracy()}});
  return model;
}

bool same_weights(const Model& a, const Model& b) {
  const auto x = a.get_weights(), y = b.get_weights();
  for (std::size_t i = 0; i < x.size(); ++i)
    if (std::memcmp(x[i].view().data, y[i].view().data, x[i].size_bytes()) != 0) return false;
  return true;
}

const Dataset& images() {
  static const Dataset data(test::easy_images(330, 9));
  return data;
}

// What a run that breaks says.
std::string error_of(FitJob& job) {
  try {
    while (job.step()) {
    }
  } catch (const NotFiniteError& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("fit learns: the loss falls and the accuracy rises, on training and held-out images") {
  Sequential model = small_network();
  const History history = model.fit(images(), {.epochs = 8, .validation_split = 0.1});
  CHECK(history["loss"].back() < 0.3 * history["loss"].front());
  CHECK(history["accuracy"].back() > 0.98);
  CHECK(history["val_accuracy"].back() > 0.95);
  CHECK(history.epochs.size() == 8);
  CHECK_THROWS_WITH_AS(history["val_f1"], "History has no 'val_f1'. It has: loss, accuracy, val_loss, val_accuracy.", ValueError);
}

TEST_CASE("validation_split holds out the tail, keeps int(n*(1-s)) samples and the last partial batch") {
  Sequential model = small_network();
  FitJob job(model, images(), {.epochs = 1, .batch_size = 32, .validation_split = 0.1});
  CHECK(job.state().samples == 297);
  CHECK(job.state().validation_samples == 33);
  CHECK(job.state().batches == 10);
  while (job.step()) {
  }
  // After training, val_loss is the loss of exactly the last 33 images.
  const Evaluation tail = model.evaluate(images().slice(297, 33));
  CHECK(*find_log(job.history().epochs[0], "val_loss") == doctest::Approx(tail.loss).epsilon(1e-6));
  CHECK(*find_log(job.history().epochs[0], "val_accuracy") == doctest::Approx(tail.accuracy()));
}

TEST_CASE("The batch counts of the tutorial: 1782, 1688 and 1875 steps an epoch") {
  for (const auto& [split, steps] : {std::pair{0.05, 1782}, {0.1, 1688}, {0.0, 1875}}) {
    Sequential model({.seed = 1});
    model.add(Dense({.units = 10, .activation = Activation::softmax, .input_shape = {1}}));
    model.compile({});
    FitJob job(model, Dataset(Tensor({60000, 1}), std::vector<std::int32_t>(60000)), {.validation_split = split});
    CHECK(job.state().batches == steps);
  }
}

TEST_CASE("The training loss of an epoch is the sample-weighted mean of its batches' losses") {
  Sequential model = small_network();
  FitJob job(model, images(), {.epochs = 1, .batch_size = 32});
  double sum = 0.0;
  while (job.state().phase != TrainingState::Phase::finished) {
    const std::int64_t before = job.state().samples_done;
    job.step();
    sum += job.state().batch_loss * static_cast<double>(job.state().samples_done - before);
  }
  CHECK(job.history()["loss"][0] == doctest::Approx(sum / 330.0).epsilon(1e-12));
}

TEST_CASE("The same seed gives the same weights, bit for bit, with any number of threads and any slicing") {
  const int kept = num_threads();
  Sequential one = test::wide_network(3), two = test::wide_network(3), other = test::wide_network(3);
  set_num_threads(1);
  one.fit(images(), {.epochs = 2, .batch_size = 64, .seed = 3});
  set_num_threads(2);
  FitJob job(two, images(), {.epochs = 2, .batch_size = 64, .seed = 3});
  while (job.step()) {
  }
  set_num_threads(kept);
  CHECK(same_weights(one, two));
  other.fit(images(), {.epochs = 2, .batch_size = 64, .seed = 4});
  CHECK(!same_weights(one, other));
}

TEST_CASE("Each epoch has another order; without shuffling the order is that of the data") {
  Sequential a = small_network(), b = small_network();
  a.fit(images().slice(0, 64), {.epochs = 1, .shuffle = false});
  FitJob job(b, images().slice(0, 64), {.epochs = 1, .shuffle = false});
  job.step();
  // The first batch by hand: one step of SGD on the first 32 images.
  Sequential c = small_network();
  c.fit(images().slice(0, 32), {.epochs = 1, .shuffle = false});
  CHECK(same_weights(b, c));
  Sequential d = small_network();
  d.fit(images().slice(0, 64), {.epochs = 1, .seed = 1});
  CHECK(!same_weights(a, d));
}

TEST_CASE("The second epoch is shuffled otherwise than the first") {
  // A rate of 0 keeps the weights: the batches' losses tell which samples they held.
  Sequential model = small_network(0.0);
  FitJob job(model, images(), {.epochs = 2, .seed = 5});
  std::vector<double> losses[2];
  while (job.state().phase != TrainingState::Phase::finished) {
    job.step();
    losses[losses[0].size() < 11 ? 0 : 1].push_back(job.state().batch_loss);
  }
  REQUIRE(losses[0].size() == 11);
  REQUIRE(losses[1].size() == 11);
  int equal = 0;
  for (std::size_t i = 0; i < 11; ++i) equal += losses[0][i] == losses[1][i] ? 1 : 0;
  CHECK(equal < 2);
  CHECK(job.history()["loss"][0] == doctest::Approx(job.history()["loss"][1]).epsilon(1e-6));
}

TEST_CASE("Two fits of one epoch are one fit of two, momentum included; reset starts anew") {
  const auto network = [] {
    Sequential model = small_network();
    model.compile({.optimizer = SGD({.learning_rate = 0.05, .momentum = 0.9}), .metrics = {Accuracy()}});
    return model;
  };
  const FitOptions plain{.epochs = 1, .shuffle = false};
  Sequential once = network(), twice = network(), again = network();
  once.fit(images(), {.epochs = 2, .shuffle = false});
  twice.fit(images(), plain);
  twice.fit(images(), plain);
  CHECK(same_weights(once, twice));
  Sequential first = network();
  first.reset(9);
  first.fit(images(), plain);
  again.fit(images(), plain);
  again.compile_options().optimizer->set_learning_rate(0.5);
  again.reset(9);  // weights, velocities and learning rate as at first
  again.fit(images(), plain);
  CHECK(same_weights(first, again));
}

TEST_CASE("Parameters that are not trainable stay as they are, one by one") {
  for (std::size_t frozen : {0u, 1u, 2u, 3u}) {
    INFO("parameter ", frozen);
    Sequential model = small_network();
    model.parameters()[frozen]->trainable = false;
    const std::vector<Tensor> before = model.get_weights();
    model.fit(images(), {.epochs = 1});
    const std::vector<Tensor> after = model.get_weights();
    for (std::size_t i = 0; i < before.size(); ++i)
      CHECK((test::normalized_error(after[i].view(), before[i].view()) == 0.0) == (i == frozen));
  }
}

TEST_CASE("A network of nothing but a reshaping layer is trained without harm") {
  Sequential model;
  model.add(Flatten({.input_shape = {2, 2}}));
  model.compile({.loss = MeanSquaredError()});
  const History history = model.fit(Dataset(Tensor({3, 2, 2}), Tensor({3, 4})), {.epochs = 2});
  CHECK(history["loss"][1] == 0.0);
}

TEST_CASE("Early stopping ends a fit, and the run says so") {
  Sequential model = small_network(0.0);  // nothing improves
  const auto stopping = std::make_shared<EarlyStopping>(EarlyStoppingOptions{.patience = 2});
  FitJob job(model, images(), {.epochs = 10, .validation_split = 0.1, .callbacks = {stopping}});
  while (job.step()) {
  }
  CHECK(job.history().epochs.size() == 3);
  CHECK(job.state().stopped_early);
  CHECK(stopping->stopped_epoch() == 2);
}

TEST_CASE("A loss that becomes NaN stops training at that batch and puts the last good weights back") {
  Sequential model = small_network(3e38);
  FitJob job(model, images(), {.epochs = 3});
  const std::string message = error_of(job);
  INFO(message);
  CHECK(message.find("Training stopped at epoch 1, batch ") == 0);
  CHECK(message.find("A smaller learning_rate is the usual cure.") != std::string::npos);
  CHECK(job.state().phase == TrainingState::Phase::finished);
  CHECK(std::isfinite(model.evaluate(images()).loss));
  CHECK(!job.step());
}

TEST_CASE("What the last step breaks is found, with validation and without, and the weights go back") {
  for (double held_out : {0.0, 0.1}) {
    INFO("validation_split ", held_out);
    Sequential model;
    model.add(Dense({.units = 1, .input_shape = {1}}));
    model.compile({.loss = MeanSquaredError(), .optimizer = SGD({.learning_rate = 1e38})});
    const std::vector<Tensor> before = model.get_weights();
    const Tensor x({20, 1}, std::vector<float>(20, 1.0f)), y({20, 1}, std::vector<float>(20, 50.0f));
    FitJob job(model, Dataset(x, y), {.epochs = 1, .validation_split = held_out});
    const std::string message = error_of(job);
    INFO(message);
    CHECK(message.find("Training stopped at epoch 1, batch 1: ") == 0);
    const std::vector<Tensor> after = model.get_weights();
    for (std::size_t i = 0; i < before.size(); ++i) CHECK(test::normalized_error(after[i].view(), before[i].view()) == 0.0);
  }
}

TEST_CASE("The weights that come back are at most 64 batches old") {
  Sequential model;
  model.add(Dense({.units = 1, .input_shape = {1}}));
  model.compile({.loss = MeanSquaredError(), .optimizer = SGD({.learning_rate = 0.001})});
  Tensor x({100, 1}), y({100, 1});
  for (std::int64_t i = 0; i < 100; ++i) x.set(i, 1.0), y.set(i, 5.0);
  x.set(90, std::numeric_limits<double>::quiet_NaN());
  std::vector<double> weights;  // before each batch
  FitJob job(model, Dataset(x, y), {.batch_size = 1, .shuffle = false});
  CHECK_THROWS_WITH_AS(
      for (;;) {
        weights.push_back(model.get_weights()[0].at(0));
        job.step();
      },
      doctest::Contains("epoch 1, batch 91: the loss became nan. The weights from before batch 65 of epoch 1"), NotFiniteError);
  CHECK(model.get_weights()[0].at(0) == weights.at(64));
}

TEST_CASE("A NaN among the training data is found at its batch") {
  Tensor x({40, 4});
  x.set(37 * 4, std::numeric_limits<double>::quiet_NaN());
  Sequential model;
  model.add(Dense({.units = 2, .activation = Activation::softmax, .input_shape = {4}}));
  model.compile({});
  CHECK_THROWS_WITH_AS(model.fit(Dataset(x, std::vector<std::int32_t>(40)), {.batch_size = 8, .shuffle = false}),
                       doctest::Contains("epoch 1, batch 5: the loss became nan"), NotFiniteError);
}

TEST_CASE("A NaN or infinity in the data is told as that, by its sample, and not cured by a smaller rate") {
  struct Case {
    double value;
    std::int64_t sample;
    bool in_target;
    const char* says;
  };
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();
  for (const Case& c : {Case{kNaN, 37, false, "Sample 37 of the training data (counted from 0) has nan among its values."},
                        Case{-kInfinity, 5, false, "Sample 5 of the training data (counted from 0) has infinite among its values."},
                        Case{kNaN, 0, true, "Sample 0 of the training data (counted from 0) has nan as its target."},
                        Case{kNaN, 79, false, "Sample 15 of the validation data (counted from 0) has nan among its values."}}) {
    INFO(c.says);
    Sequential model;
    model.add(Dense({.units = 6, .activation = Activation::relu, .input_shape = {4}}));
    model.add(Dense({.units = 1}));
    model.compile({.loss = MeanSquaredError()});
    Rng rng(3);
    Tensor x = test::random_tensor({80, 4}, rng), y({80, 1});
    (c.in_target ? y : x).set(c.in_target ? c.sample : c.sample * 4 + 2, c.value);
    FitJob job(model, Dataset(x, y), {.validation_split = 0.2});
    const std::string message = error_of(job);
    CHECK(message.find(c.says) != std::string::npos);
    CHECK(message.find("another learning_rate is no cure") != std::string::npos);
    CHECK(message.find("usual cure") == std::string::npos);
    CHECK(job.state().failed);
  }
}

TEST_CASE("A NaN in one pixel is found behind ReLU and max-pooling, whichever pixel it is") {
  for (const std::int64_t pixel : {0, 13, 14, 27, 400, 783}) {
    INFO("pixel ", pixel);
    Tensor x({40, 28, 28, 1});
    x.set(9 * 784 + pixel, std::numeric_limits<double>::quiet_NaN());
    Sequential model;
    model.add(Conv2D({.filters = 16, .kernel_size = 3, .padding = Padding::same, .activation = Activation::relu, .input_shape = {28, 28, 1}}));
    model.add(MaxPooling2D());
    model.add(Flatten());
    model.add(Dense({.units = 3, .activation = Activation::softmax}));
    model.compile({});
    CHECK_THROWS_WITH_AS(model.fit(Dataset(x, std::vector<std::int32_t>(40)), {.batch_size = 8, .shuffle = false}),
                         doctest::Contains("epoch 1, batch 2: the loss became nan"), NotFiniteError);
  }
}

TEST_CASE("Weights that are not finite end the training at the check that sees them, though the loss is finite") {
  const auto saturated = [](double bias) {
    Sequential model;
    model.add(Dense({.units = 3, .activation = Activation::sigmoid, .input_shape = {2}}));
    model.add(Dense({.units = 1}));
    model.compile({.loss = MeanSquaredError(), .optimizer = SGD({.learning_rate = 0.01})});
    model.layer(0).parameters()[1].value.set(1, bias);  // an infinite bias gives a sigmoid of 1
    return model;
  };
  const Tensor x({200, 2}), y({200, 1});
  Sequential from_the_start = saturated(std::numeric_limits<double>::infinity());
  CHECK_THROWS_WITH_AS(from_the_start.fit(Dataset(x, y), {.batch_size = 1}), doctest::Contains("The model's weights were not finite when the run began"),
                       NotFiniteError);

  Sequential on_the_way = saturated(0.0);
  const Handle<Callback> breaks = LambdaCallback([&](TrainingContext& context, std::int64_t batch, const Logs&) {
    if (batch == 70) context.model.layer(0).parameters()[1].value.set(1, std::numeric_limits<double>::infinity());
  }, {});
  CHECK_THROWS_WITH_AS(on_the_way.fit(Dataset(x, y), {.batch_size = 1, .callbacks = {breaks}}),
                       doctest::Contains("epoch 1, batch 129: its weights are no longer finite, though the loss is. The weights from before batch 65"),
                       NotFiniteError);
  CHECK(std::isfinite(on_the_way.layer(0).parameters()[1].value.at(1)));
}

TEST_CASE("A loss that becomes NaN leaves the best weights where these were to be restored, and says so") {
  Sequential model = small_network(0.5);
  const auto stopping = std::make_shared<EarlyStopping>(EarlyStoppingOptions{.patience = 9, .restore_best_weights = true});
  std::vector<Tensor> after_first;
  const Handle<Callback> explodes = LambdaCallback({}, [&](TrainingContext& context, std::int64_t epoch, const Logs&) {
    if (epoch == 0) after_first = context.model.get_weights();
    if (epoch == 0) context.model.compile_options().optimizer->set_learning_rate(3e38);
  });
  FitJob job(model, images(), {.epochs = 3, .validation_split = 0.1, .callbacks = {stopping, explodes}});
  const std::string message = error_of(job);
  INFO(message);
  CHECK(message.find("A callback then put weights of its own there") != std::string::npos);
  CHECK(stopping->restored_epoch() == 0);
  const std::vector<Tensor> after = model.get_weights();
  for (std::size_t i = 0; i < after.size(); ++i) CHECK(test::normalized_error(after[i].view(), after_first[i].view()) == 0.0);
}

TEST_CASE("A callback that throws ends the run there: weights and history stay, nothing runs twice, no other callback is called") {
  // 330 images: 11 batches an epoch.
  enum Event { train_begin, epoch_begin, batch_end, last_batch_end, epoch_end, train_end };
  for (const Event event : {train_begin, epoch_begin, batch_end, last_batch_end, epoch_end, train_end}) {
    INFO("event ", event);
    Sequential model = small_network();
    const auto throws_at = [&](Event now) {
      if (now == event) throw std::runtime_error("no room for the log");
    };
    int calls_behind = 0, ends = 0;
    std::vector<Tensor> weights = model.get_weights();  // when it threw
    const Handle<Callback> breaks = LambdaCallback(LambdaCallbackOptions{
        .on_train_begin = [&](TrainingContext&) { throws_at(train_begin); },
        .on_epoch_begin = [&](TrainingContext&, std::int64_t epoch) { if (epoch == 1) throws_at(epoch_begin); },
        .on_batch_end =
            [&](TrainingContext& context, std::int64_t batch, const Logs&) {
              weights = context.model.get_weights();
              if (batch == 4) throws_at(batch_end);
              if (batch == 10) throws_at(last_batch_end);
            },
        .on_epoch_end = [&](TrainingContext&, std::int64_t, const Logs&) { throws_at(epoch_end); },
        .on_train_end = [&](TrainingContext&) { ++ends, throws_at(train_end); }});
    const Handle<Callback> behind = LambdaCallback(LambdaCallbackOptions{.on_train_end = [&](TrainingContext&) { ++calls_behind; }});
    FitJob job(model, images(), {.epochs = 2, .callbacks = {breaks, behind}});
    CHECK_THROWS_WITH_AS(while (job.step()) {}, "no room for the log", std::runtime_error);
    CHECK(job.state().phase == TrainingState::Phase::finished);
    CHECK(job.state().failed);
    const std::size_t complete = event == train_end ? 2 : event == epoch_end || event == epoch_begin ? 1 : 0;
    CHECK(job.history().epochs.size() == complete);
    CHECK(job.history().seconds.size() == complete);
    for (int i = 0; i < 3; ++i) CHECK(!job.step());
    job.request_stop();
    CHECK(job.history().epochs.size() == complete);
    CHECK(ends == (event == train_end ? 1 : 0));
    CHECK(calls_behind == 0);
    CHECK_THROWS_WITH_AS(job.extend(1), "FitJob::extend: the run failed; start a new one.", ValueError);
    const std::vector<Tensor> after = model.get_weights();
    for (std::size_t i = 0; i < after.size(); ++i) CHECK(test::normalized_error(after[i].view(), weights[i].view()) == 0.0);
  }
}

TEST_CASE("What an augmentation throws ends the run: no step is taken on the batch that was cut short") {
  Sequential model = small_network();
  std::atomic<int> calls = 0;
  const Dataset breaks = images().augmented([&](std::span<const std::uint8_t> image, std::span<std::uint8_t> varied, Rng&) {
    if (++calls == 100) throw ValueError("no ink");
    std::copy(image.begin(), image.end(), varied.begin());
  });
  FitJob job(model, breaks, {.epochs = 2, .batch_size = 32});
  CHECK_THROWS_WITH_AS(while (job.step()) {}, "no ink", ValueError);
  CHECK(job.state().batch == 3);
  const std::vector<Tensor> before = model.get_weights();
  CHECK(!job.step());
  const std::vector<Tensor> after = model.get_weights();
  for (std::size_t i = 0; i < after.size(); ++i) CHECK(test::normalized_error(after[i].view(), before[i].view()) == 0.0);
}

TEST_CASE("A request to stop ends what was begun, and only that") {
  int begins = 0, ends = 0;
  const Handle<Callback> counts = LambdaCallback(LambdaCallbackOptions{.on_train_begin = [&](TrainingContext&) { ++begins; },
                                                    .on_train_end = [&](TrainingContext&) { ++ends; }});
  Sequential model = small_network();
  FitJob never_begun(model, images(), {.epochs = 2, .callbacks = {counts}});
  never_begun.request_stop();
  CHECK(!never_begun.step());
  CHECK(never_begun.state().stopped_early);
  CHECK(begins == 0);
  CHECK(ends == 0);

  FitJob begun(model, images(), {.epochs = 2, .callbacks = {counts}});
  begun.step();
  begun.request_stop();
  begun.request_stop();
  CHECK(!begun.step());
  CHECK(begins == 1);
  CHECK(ends == 1);

  // From a callback: at a batch within the epoch, and at its last one, behind which the validation is still done.
  for (const std::int64_t at : {3, 9}) {
    INFO("asked at batch ", at);
    FitJob* job = nullptr;
    begins = ends = 0;
    const Handle<Callback> asks = LambdaCallback([&](TrainingContext&, std::int64_t batch, const Logs&) {
      if (batch == at) job->request_stop();
    }, {});
    FitJob asked(model, images(), {.epochs = 3, .validation_split = 0.1, .callbacks = {counts, asks}});
    job = &asked;
    while (asked.step()) {
    }
    CHECK(asked.state().stopped_early);
    CHECK(!asked.state().failed);
    CHECK(asked.history().epochs.size() == (at == 9 ? 1 : 0));
    CHECK(ends == 1);
  }
}

TEST_CASE("Batch normalization of batches of one sample is warned of: nothing before it learns") {
  const auto warnings_of = [](std::int64_t batch_size, bool on_images, bool trainable) {
    Sequential model;
    if (on_images) {
      model.add(Conv2D({.filters = 3, .kernel_size = 3, .input_shape = {6, 6, 1}}));
      model.add(BatchNormalization());
      model.add(Flatten());
    } else {
      model.add(Flatten({.input_shape = {6, 6, 1}}));
      model.add(Dense({.units = 5}));
      model.add(BatchNormalization());
    }
    model.layer("batch_normalization").set_trainable(trainable);
    model.add(Dense({.units = 2, .activation = Activation::softmax}));
    model.compile({});
    Rng rng(4);
    FitJob job(model, Dataset(test::random_tensor({8, 6, 6, 1}, rng), std::vector<std::int32_t>(8)), {.batch_size = batch_size});
    const Tensor before = on_images ? Tensor() : model.layer(1).parameters()[0].value;
    while (job.step()) {
    }
    if (!on_images) {  // What the warning says is so, but for rounding: the terms of the gradient cancel.
      constexpr double kRounding = 1e-6;
      const Tensor& kernel = model.layer(1).parameters()[0].value;
      CHECK((test::normalized_error(kernel.view(), before.view()) < kRounding) == (batch_size == 1 && trainable));
    }
    return job.warnings();
  };
  REQUIRE(warnings_of(1, false, true).size() == 1);
  CHECK(warnings_of(1, false, true)[0].find("BatchNormalization 'batch_normalization' learns nothing from batches of one sample") == 0);
  CHECK(warnings_of(2, false, true).empty());
  CHECK(warnings_of(1, true, true).empty());    // of an image it has many values a channel
  CHECK(warnings_of(1, false, false).empty());  // it uses the statistics that it has
}

TEST_CASE("fit refuses options out of range with a message") {
  Sequential model = small_network();
  CHECK_THROWS_WITH_AS(model.fit(images(), {.epochs = -1}), "fit: epochs = -1; it must be 0 or more.", ValueError);
  CHECK_THROWS_AS(model.fit(images(), {.batch_size = 0}), ValueError);
  CHECK_THROWS_AS(model.fit(images(), {.validation_split = 1.0}), ValueError);
  CHECK_THROWS_AS(model.fit(images().slice(0, 1), {.validation_split = 0.5}), ValueError);
  CHECK_THROWS_WITH_AS(model.fit(images().slice(0, 0), {.validation_data = images()}),
                       "fit: received no samples to train on; it needs at least 1.", ValueError);
  CHECK_THROWS_WITH_AS(model.fit(images(), {.callbacks = {Handle<Callback>()}}), "fit: one of the callbacks is empty.", ValueError);
  CHECK_THROWS_AS(model.compile({.metrics = {Handle<Metric>()}}), ValueError);
  CHECK_THROWS_AS(model.fit(Dataset(Tensor({2, 3}), std::vector<std::int32_t>{0, 1})), ShapeError);
}

TEST_CASE("A run can be stopped between batches and another can be extended") {
  Sequential model = small_network();
  FitJob job(model, images(), {.epochs = 5});
  job.step();
  job.request_stop();
  CHECK(!job.step());
  CHECK(job.state().stopped_early);
  CHECK(job.history().epochs.empty());

  Sequential once = small_network(), twice = small_network();
  once.fit(images(), {.epochs = 3});
  FitJob extended(twice, images(), {.epochs = 1});
  while (extended.step()) {
  }
  extended.extend(2);
  while (extended.step()) {
  }
  CHECK(extended.history().epochs.size() == 3);
  CHECK(same_weights(once, twice));
}

TEST_CASE("A run whose last epoch was the one that early stopping waited for can be extended") {
  Sequential model = small_network(0.0);  // nothing improves: patience 1 is used up after the second epoch
  FitJob job(model, images(), {.epochs = 2, .validation_split = 0.1, .callbacks = {EarlyStopping({.patience = 1})}});
  while (job.step()) {
  }
  CHECK(!job.state().stopped_early);
  job.extend(1);
  while (job.step()) {
  }
  CHECK(job.history().epochs.size() == 3);
}

TEST_CASE("A run does not mind that its model is compiled anew") {
  Sequential once = small_network(), twice = small_network();
  once.fit(images(), {.epochs = 1});
  FitJob job(twice, images(), {.epochs = 1});
  job.step();
  twice.compile({.loss = MeanSquaredError(), .metrics = {Accuracy(), Accuracy()}});
  while (job.step()) {
  }
  CHECK(same_weights(once, twice));
}

TEST_CASE("A batch larger than the data set is one batch") {
  Sequential model = small_network();
  FitJob job(model, images().slice(0, 5), {.epochs = 1, .batch_size = 512});
  CHECK(job.state().batches == 1);
  CHECK(!job.step());
}

TEST_CASE("Regression with values as targets learns a line") {
  Rng rng(2);
  Tensor x = test::random_tensor({64, 1}, rng), y({64, 1});
  for (std::int64_t i = 0; i < 64; ++i) y.set(i, 3.0 * x.at(i) - 0.5);
  Sequential model;
  model.add(Dense({.units = 1, .input_shape = {1}}));
  model.compile({.loss = MeanSquaredError(), .optimizer = SGD({.learning_rate = 0.2})});
  model.fit(Dataset(x, y), {.epochs = 100, .batch_size = 16});
  CHECK(model.get_weights()[0].at(0) == doctest::Approx(3.0).epsilon(1e-3));
  CHECK(model.get_weights()[1].at(0) == doctest::Approx(-0.5).epsilon(1e-3));
}

TEST_CASE("An augmentation that throws ends the step with its error, whatever the number of threads") {
  const int kept = num_threads();
  for (int threads : {1, 2}) {
    set_num_threads(threads);
    Sequential model = small_network();
    const Dataset broken = images().augmented([](std::span<const std::uint8_t>, std::span<std::uint8_t>, Rng&) { throw ValueError("no ink"); });
    CHECK_THROWS_WITH_AS(model.fit(broken), "no ink", ValueError);
  }
  set_num_threads(kept);
}

TEST_CASE("Evaluation refuses what it cannot judge, and takes any batch size") {
  Sequential model = small_network();
  CHECK_THROWS_WITH_AS(model.evaluate(images().slice(0, 0)), "evaluate: received no samples; it needs at least 1.", ValueError);
  CHECK(model.evaluate(images(), std::int64_t{1} << 60).loss == doctest::Approx(model.evaluate(images()).loss));
  model.compile({.loss = MeanSquaredError(), .metrics = {Accuracy()}});
  CHECK(model.evaluate(Dataset(Tensor({2, 28, 28}), Tensor({2, 10}))).metrics.size() == 1);  // one-hot targets will do
  CHECK_THROWS_AS(model.evaluate(Dataset(Tensor({2, 28, 28}), Tensor({2, 9}))), ShapeError);
  CHECK_THROWS_WITH_AS(model.evaluate(Dataset(Tensor({1, 28, 28}), std::vector<std::int32_t>{10})), doctest::Contains("label 10"), ValueError);
}

TEST_CASE("EvaluateJob tells each sample's class and runs in slices") {
  Sequential model = small_network();
  model.fit(images(), {.epochs = 5});
  EvaluateJob job(model, images(), 50);
  Progress progress;
  CHECK(job.advance(0.0, progress));
  CHECK(progress.done == 50);
  CHECK(progress.total == 330);
  while (job.advance(0.0, progress)) {
  }
  std::int64_t hits = 0;
  for (std::int64_t i = 0; i < 330; ++i) hits += job.predicted()[static_cast<std::size_t>(i)] == images().label(i) ? 1 : 0;
  CHECK(job.result().accuracy() == doctest::Approx(static_cast<double>(hits) / 330));
}

TEST_CASE("Augmented images are varied in training, each epoch anew, and left alone in validation") {
  const Augmentation flatten_to_random = [](std::span<const std::uint8_t> image, std::span<std::uint8_t> varied, Rng& rng) {
    CHECK_UNARY(image.size() == varied.size());
    std::fill(varied.begin(), varied.end(), static_cast<std::uint8_t>(rng.below(200)));
  };
  const Dataset varied = images().augmented(flatten_to_random);
  // Uniform images say nothing of their label: training cannot beat the most frequent class by much.
  Sequential model = small_network(0.1);
  const History history = model.fit(varied, {.epochs = 4, .validation_data = images()});
  CHECK(history["accuracy"].back() < 0.25);
  Tensor x({2, 28, 28}), again({2, 28, 28}), plain({2, 28, 28});
  std::vector<std::int32_t> labels(2);
  const std::vector<std::int32_t> indices{0, 1};
  const Rng rng(1), other(2);
  varied.gather(indices, x.view(), labels, {}, &rng);
  varied.gather(indices, again.view(), labels, {}, &rng);
  varied.gather(indices, plain.view(), labels, {});
  CHECK(test::normalized_error(x.view(), again.view()) == 0.0);
  CHECK(x.at(0) == x.at(783));
  CHECK(x.at(0) != x.at(784));
  CHECK(test::normalized_error(plain.view(), x.view()) > 0.1);
  varied.gather(indices, again.view(), labels, {}, &other);
  CHECK(test::normalized_error(x.view(), again.view()) > 0.0);
  CHECK_THROWS_AS(Dataset(Tensor({1, 2}), std::vector<std::int32_t>{0}).augmented(flatten_to_random), ValueError);
}
