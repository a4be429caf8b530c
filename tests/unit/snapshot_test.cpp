#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>

#include "neurona/data/image_augment.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/train.hpp"
#include "support/samples.hpp"
#include "support/snapshots.hpp"

using namespace neurona;
using test::End;
using test::end_of;
using test::equal_ends;
using test::run_to_end;

namespace {

const Dataset& images() {
  static const Dataset data(test::easy_images(70, 9));
  return data;
}

using MakeModel = std::function<Sequential()>;

// Dropout, moving statistics and a penalty: all that a run has beside weights.
Sequential network(Handle<Optimizer> optimizer, std::int64_t units = 9) {
  Sequential model({.seed = 3});
  model.add(Flatten({.input_shape = {28, 28}}));
  model.add(Dense({.units = units, .activation = Activation::tanh, .kernel_regularizer = L2(1e-3)}));
  model.add(BatchNormalization());
  model.add(Dropout({.rate = 0.3}));
  model.add(Dense({.units = 10, .activation = Activation::softmax}));
  model.compile({.optimizer = std::move(optimizer), .metrics = {Accuracy()}});
  return model;
}

Sequential small_cnn(Handle<Optimizer> optimizer) {
  Sequential model({.seed = 4});
  model.add(Reshape({.target_shape = {28, 28, 1}, .input_shape = {28, 28}}));
  model.add(Conv2D({.filters = 4, .kernel_size = 3, .activation = Activation::relu}));
  model.add(MaxPooling2D());
  model.add(Flatten());
  model.add(Dense({.units = 10, .activation = Activation::softmax}));
  model.compile({.optimizer = std::move(optimizer), .metrics = {Accuracy()}});
  return model;
}

// Takes a snapshot after each step; from each of them another run, of another model, must end in the same
// bits.
void check_every_place(const MakeModel& make, const Dataset& data, const FitOptions& options,
                       const std::function<std::vector<Handle<Callback>>()>& callbacks = {}) {
  const auto options_of_run = [&] {
    FitOptions own = options;
    if (callbacks) own.callbacks = callbacks();
    return own;
  };
  Sequential model = make();
  FitJob job(model, data, options_of_run());
  std::vector<Snapshot> snapshots{job.snapshot()};
  while (job.step()) snapshots.push_back(job.snapshot());
  snapshots.push_back(job.snapshot());
  const End expected = end_of(model, job);
  for (std::size_t i = 0; i < snapshots.size(); ++i) {
    INFO("snapshot ", i, " of ", snapshots.size());
    Sequential other = make();
    other.reset(99);
    FitJob continued(other, data, options_of_run());
    continued.restore(snapshots[i]);
    run_to_end(continued);
    CHECK(equal_ends(end_of(other, continued), expected));
  }
}

std::vector<Handle<Optimizer>> optimizers() {
  return {SGD({.learning_rate = 0.1}), SGD({.learning_rate = 0.05, .momentum = 0.9, .nesterov = true}),
          Adam({.amsgrad = true}), AdamW(), RMSprop({.momentum = 0.5, .centered = true})};
}

}  // namespace

TEST_CASE(
    "From a snapshot at any step, in training or validation, a run goes on to the same bits, with every "
    "optimizer") {
  for (const Handle<Optimizer>& optimizer : optimizers()) {
    INFO(optimizer->name(), ", slots ", optimizer->slots_per_parameter());
    check_every_place([&] { return network(optimizer->clone()); }, images(),
                      {.epochs = 3, .batch_size = 16, .validation_split = 0.3, .seed = 5});
  }
}

TEST_CASE(
    "Batches of one, of a part and of all samples, in their order or shuffled, go on from a snapshot to the "
    "same bits") {
  for (const std::int64_t batch_size : {1, 7, 70, 1000})
    for (const bool shuffle : {false, true}) {
      INFO("batch_size ", batch_size, ", shuffle ", shuffle);
      check_every_place([] { return network(Adam()); }, images().slice(0, batch_size == 1 ? 12 : 70),
                        {.epochs = 2, .batch_size = batch_size, .shuffle = shuffle, .seed = 6});
    }
}

TEST_CASE(
    "Augmented images and kernels that move in the backward pass go on from a snapshot to the same bits, "
    "whatever the threads") {
  const int kept = num_threads();
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    check_every_place([] { return small_cnn(SGD({.learning_rate = 0.1})); },
                      images().augmented(data::augmentation()),
                      {.epochs = 2, .batch_size = 16, .validation_data = images().slice(0, 20), .seed = 7});
  }
  set_num_threads(kept);
}

TEST_CASE(
    "Early stopping, rates that fall and a rate on a plateau go on from a snapshot as they would have") {
  const auto callbacks = [] {
    return std::vector<Handle<Callback>>{
        LearningRateScheduler([](std::int64_t epoch, double rate) { return epoch == 2 ? 0.3 * rate : rate; }),
        ReduceLROnPlateau({.factor = 0.5, .patience = 1, .min_delta = 0.05, .cooldown = 1}),
        EarlyStopping({.min_delta = 0.01, .patience = 2, .restore_best_weights = true})};
  };
  Sequential model = network(Adam({.learning_rate = 0.03}));
  FitJob job(model, images(),
             {.epochs = 40, .batch_size = 16, .validation_split = 0.3, .callbacks = callbacks(), .seed = 8});
  run_to_end(job);
  REQUIRE(job.state().stopped_early);  // else this test would show little
  REQUIRE(model.compile_options().optimizer->learning_rate() < 0.3 * 0.03);
  check_every_place([] { return network(Adam({.learning_rate = 0.03})); }, images(),
                    {.epochs = 40, .batch_size = 16, .validation_split = 0.3, .seed = 8}, callbacks);
}

TEST_CASE("A run goes back to any of its own snapshots, in any order, also after its end") {
  Sequential model = network(Adam());
  FitJob job(model, images(),
             {.epochs = 3,
              .batch_size = 16,
              .validation_split = 0.3,
              .callbacks = {EarlyStopping({.patience = 1, .restore_best_weights = true})},
              .seed = 9});
  std::vector<Snapshot> snapshots{job.snapshot()};
  while (job.step()) snapshots.push_back(job.snapshot());
  const End expected = end_of(model, job);
  for (const std::size_t i : {snapshots.size() - 1, std::size_t{0}, snapshots.size() / 2, std::size_t{3}}) {
    INFO("snapshot ", i);
    job.restore(snapshots[i]);
    CHECK(job.state().batch == snapshots[i].state().batch);
    run_to_end(job);
    CHECK(equal_ends(end_of(model, job), expected));
  }
}

TEST_CASE("A finished run is restored as finished and can be extended; so can one in its middle") {
  const auto make = [] { return network(RMSprop()); };
  const FitOptions options{.epochs = 2, .batch_size = 16, .validation_split = 0.3, .seed = 10};
  Sequential once = make();
  FitJob whole(once, images(), options);
  whole.step();
  const Snapshot early = whole.snapshot();
  run_to_end(whole);
  const Snapshot finished = whole.snapshot();
  whole.extend(2);
  whole.step();
  const Snapshot extended = whole.snapshot();
  run_to_end(whole);
  const End expected = end_of(once, whole);
  CHECK(whole.history().epochs.size() == 4);

  for (const Snapshot* snapshot : {&early, &finished, &extended}) {
    Sequential model = make();
    FitJob job(model, images(), options);
    job.restore(*snapshot);
    CHECK(job.state().epochs == (snapshot == &extended ? 4 : 2));
    CHECK((job.state().phase == TrainingState::Phase::finished) == (snapshot == &finished));
    if (snapshot == &finished) CHECK(!job.step());
    if (snapshot != &extended) job.extend(2);
    run_to_end(job);
    CHECK(equal_ends(end_of(model, job), expected));
  }
}

TEST_CASE(
    "A run that failed goes back to before its failure, and fails again with the same words at a restored "
    "place") {
  const auto make = [] { return network(SGD({.learning_rate = 1e30, .momentum = 0.9})); };
  const auto fails = [](FitJob& job) -> std::string {
    try {
      run_to_end(job);
    } catch (const NotFiniteError& e) {
      return e.what();
    }
    return "no error";
  };
  Sequential model = make(), other = make();
  FitJob job(model, images(), {.epochs = 3, .batch_size = 16});
  job.step();
  const Snapshot before = job.snapshot();
  const std::string words = fails(job);
  CHECK(words.find("Training stopped at epoch 1, batch ") == 0);
  const std::vector<Tensor> kept = model.get_weights();
  FitJob again(other, images(), {.epochs = 3, .batch_size = 16});
  again.restore(before);
  CHECK(fails(again) == words);
  CHECK(test::equal_tensors(other.get_weights(), kept));
  job.restore(before);
  CHECK(job.state().phase == TrainingState::Phase::training);
  CHECK(!job.state().failed);
  CHECK(fails(job) == words);
  CHECK(test::equal_tensors(model.get_weights(), kept));
}

TEST_CASE("A snapshot does not change with its run, and says how large it is") {
  Sequential model = network(Adam());
  FitJob job(model, images(), {.epochs = 2, .batch_size = 16});
  job.step();
  const Snapshot snapshot = job.snapshot();
  const std::size_t weights = static_cast<std::size_t>(model.count_params()) * sizeof(float);
  const std::size_t slots = 2 * static_cast<std::size_t>(model.count_trainable_params()) * sizeof(float);
  CHECK(snapshot.size_bytes() >= 2 * weights + slots);
  CHECK(snapshot.size_bytes() < 2 * weights + slots + 8192);
  run_to_end(job);
  CHECK(snapshot.state().batch == 1);
  CHECK(snapshot.state().epoch == 0);
  CHECK(snapshot.history().epochs.empty());
  CHECK(Snapshot().empty());
  CHECK(Snapshot().size_bytes() > 0);
  CHECK_THROWS_WITH_AS(job.restore(Snapshot()),
                       "Snapshot: it is empty. FitJob::snapshot() or load_snapshot() gives one.", ValueError);
}

namespace {

FitOptions options_of_run() {
  return {.epochs = 2,
          .batch_size = 16,
          .validation_split = 0.3,
          .callbacks = {EarlyStopping({.patience = 2})},
          .seed = 1};
}

// A run of `other` refuses a snapshot of a run of network(Adam()) with options_of_run(), and stays as it is.
void check_refusal(Sequential other, const std::string& text, const Dataset& data = images(),
                   FitOptions others = options_of_run()) {
  INFO(text);
  Sequential model = network(Adam());
  FitJob job(model, images(), options_of_run()), run(other, data, std::move(others));
  job.step();
  run.step();
  const End before = end_of(other, run);
  CHECK_THROWS_WITH_AS(run.restore(job.snapshot()), doctest::Contains(text.c_str()), ValueError);
  CHECK(equal_ends(end_of(other, run), before));
}

}  // namespace

TEST_CASE(
    "A snapshot of a run on other data or with other options is refused with what differs, and nothing "
    "changes") {
  const auto reject = [](const std::string& text, auto change) {
    FitOptions changed = options_of_run();
    change(changed);
    check_refusal(network(Adam()), text, images(), changed);
  };
  check_refusal(network(Adam()), "number of training samples is 49 in the snapshot, 42 here",
                images().slice(0, 60));
  check_refusal(network(Adam()), "augmentation is false in the snapshot, true here",
                images().augmented(data::augmentation()));
  reject("batch_size is 16 in the snapshot, 8 here", [](FitOptions& o) { o.batch_size = 8; });
  reject("seed is 1 in the snapshot, 2 here", [](FitOptions& o) { o.seed = 2; });
  reject("shuffle is true in the snapshot, false here", [](FitOptions& o) { o.shuffle = false; });
  reject("number of training samples is 49 in the snapshot, 70 here",
         [](FitOptions& o) { o.validation_data = images().slice(0, 5); });
  reject("the number of callbacks is 1 in the snapshot, 0 here", [](FitOptions& o) { o.callbacks.clear(); });
  reject("callback 0 is EarlyStopping in the snapshot, ReduceLROnPlateau here",
         [](FitOptions& o) { o.callbacks = {ReduceLROnPlateau()}; });
  reject("callback 0, EarlyStopping: patience is 2 in the snapshot, 3 here",
         [](FitOptions& o) { o.callbacks = {EarlyStopping({.patience = 3})}; });
}

TEST_CASE(
    "A snapshot of a run of another network or optimizer is refused with what differs, and nothing changes") {
  check_refusal(network(SGD()), "the optimizer is Adam in the snapshot, SGD here");
  check_refusal(network(Adam({.beta_1 = 0.8})), "Adam's beta_1 is 0.9 in the snapshot, 0.8 here");
  check_refusal(network(Adam({.learning_rate = 0.5})),
                "Adam's learning_rate is 0.001 in the snapshot, 0.5 here");
  check_refusal(small_cnn(Adam()),
                "layer 0, Flatten 'flatten': type \"Flatten\" in the snapshot, \"Reshape\" here");
  check_refusal(network(Adam(), 11), "layer 1, Dense 'dense': units 9 in the snapshot, 11 here");
  Sequential frozen = network(Adam());
  frozen.layer("dense").set_trainable(false);
  check_refusal(std::move(frozen), "layer 1, Dense 'dense': trainable missing in the snapshot, false here");
  Sequential one_weight = network(Adam());
  one_weight.parameters()[0]->trainable = false;
  check_refusal(std::move(one_weight), "weights that are trained is [1, 1");
  Sequential other_loss = network(Adam());
  other_loss.compile({.loss = CategoricalCrossentropy(), .optimizer = Adam(), .metrics = {Accuracy()}});
  check_refusal(std::move(other_loss), "the network: loss");
}

TEST_CASE("No snapshot is taken or restored while a callback is at work") {
  Sequential model = network(SGD());
  FitJob* job = nullptr;
  int refused = 0;
  const Handle<Callback> asks = LambdaCallback(
      [&](TrainingContext&, std::int64_t, const Logs&) {
        CHECK_THROWS_WITH_AS(static_cast<void>(job->snapshot()),
                             doctest::Contains("FitJob::snapshot: a callback is at work"), ValueError);
        CHECK_THROWS_WITH_AS(job->restore(Snapshot()),
                             doctest::Contains("FitJob::restore: a callback is at work"), ValueError);
        ++refused;
      },
      {});
  FitJob run(model, images(), {.epochs = 1, .callbacks = {asks}});
  job = &run;
  run.step();
  CHECK(refused == 1);
  run.restore(run.snapshot());
}

namespace {

// A callback of a user's: counts batches, and refuses what is above a limit.
class Counter : public Callback {
 public:
  explicit Counter(std::int64_t limit = 1000) : limit_(limit) {}
  void on_train_begin(TrainingContext& context) override {
    ++begins;
    continued = continued || context.continues;
    count = 0;
  }
  void on_batch_end(TrainingContext&, std::int64_t, const Logs&) override { ++count; }
  CallbackState save_state() const override {
    CallbackState state{.kind = "Counter"};
    state.values.set("count", count);
    return state;
  }
  void restore_state(TrainingContext&, const CallbackState& state) override {
    if (state.values.integer("count") > limit_) throw ValueError("Counter: too many");
    count = state.values.integer("count");
  }
  std::int64_t count = 0;
  int begins = 0;
  bool continued = false;

 private:
  std::int64_t limit_;
};

}  // namespace

TEST_CASE(
    "A user's callback keeps its state through its own functions, and sees the beginning of a run that goes "
    "on") {
  Sequential model = network(SGD()), other = network(SGD());
  const auto counter = std::make_shared<Counter>(), again = std::make_shared<Counter>();
  int begins = 0;
  FitJob job(model, images(), {.epochs = 2, .batch_size = 16, .callbacks = {counter, LambdaCallback({})}});
  const Snapshot ready = job.snapshot();
  for (int i = 0; i < 7; ++i) job.step();
  const Snapshot snapshot = job.snapshot();
  const Handle<Callback> plain =
      LambdaCallback(LambdaCallbackOptions{.on_train_begin = [&](TrainingContext&) { ++begins; }});
  FitJob continued(other, images(), {.epochs = 2, .batch_size = 16, .callbacks = {again, plain}});
  continued.restore(ready);
  CHECK(again->begins == 0);
  continued.restore(snapshot);
  CHECK(again->count == 7);
  CHECK(again->begins == 1);
  CHECK(again->continued);
  CHECK(begins == 1);
  run_to_end(continued);
  CHECK(again->count == 10);
  continued.restore(snapshot);  // a run that has begun does not begin again
  CHECK(again->begins == 1);
  CHECK(again->count == 7);
}

TEST_CASE("A callback that refuses its state leaves everything as it was") {
  Sequential model = network(Adam()), other = network(Adam());
  const auto first = std::make_shared<Counter>(), limited = std::make_shared<Counter>(3);
  FitJob job(model, images(), {.epochs = 2, .batch_size = 16, .callbacks = {Counter(), Counter()}});
  for (int i = 0; i < 4; ++i) job.step();
  const Snapshot snapshot = job.snapshot();
  FitJob refuses(other, images(), {.epochs = 2, .batch_size = 16, .callbacks = {first, limited}});
  refuses.step();
  const End before = end_of(other, refuses);
  const OptimizerState optimizer = other.compile_options().optimizer->state();
  CHECK_THROWS_WITH_AS(refuses.restore(snapshot), "Counter: too many", ValueError);
  CHECK(first->count == 1);
  CHECK(limited->count == 1);
  CHECK(equal_ends(end_of(other, refuses), before));
  CHECK(other.compile_options().optimizer->iterations() == 1);
  CHECK(test::equal_tensors(other.compile_options().optimizer->state().slots, optimizer.slots));
}

TEST_CASE("float64 models on plain loops go on from a snapshot to the same bits, too") {
  const auto make = [] {
    Sequential model({.seed = 2, .dtype = DType::float64});
    model.add(Dense({.units = 5, .activation = Activation::tanh, .input_shape = {3}}));
    model.add(Dense({.units = 1}));
    model.compile({.loss = MeanSquaredError(), .optimizer = Adam()});
    return model;
  };
  Rng rng(11);
  const Tensor x = test::random_tensor({20, 3}, rng), y = test::random_tensor({20, 1}, rng);
  check_every_place(make, Dataset(x, y), {.epochs = 2, .batch_size = 6, .validation_split = 0.2});
}
