#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/layers.hpp"
#include "neurona/train.hpp"
#include "support/files.hpp"
#include "support/samples.hpp"
#include "support/snapshots.hpp"

using namespace neurona;
using test::End;
using test::end_of;
using test::equal_ends;
using test::run_to_end;

namespace {

const Dataset& images() {
  static const Dataset data(test::easy_images(50, 9));
  return data;
}

Sequential network(Handle<Optimizer> optimizer = Adam()) {
  Sequential model({.seed = 3});
  model.add(Flatten({.input_shape = {28, 28}}));
  model.add(Dense({.units = 6, .activation = Activation::tanh}));
  model.add(BatchNormalization());
  model.add(Dropout({.rate = 0.3}));
  model.add(Dense({.units = 10, .activation = Activation::softmax}));
  model.compile({.optimizer = std::move(optimizer), .metrics = {Accuracy()}});
  return model;
}

FitOptions options_of_run() {
  return {.epochs = 3,
          .batch_size = 16,
          .validation_split = 0.3,
          .callbacks = {EarlyStopping({.patience = 1, .restore_best_weights = true}),
                        ReduceLROnPlateau({.patience = 1})},
          .seed = 5};
}

// A dense network so small that every byte of its file can be tried.
Snapshot tiny_snapshot() {
  Sequential model({.seed = 2});
  model.add(Dense({.units = 1, .input_shape = {2}}));
  model.compile({.loss = MeanSquaredError(), .optimizer = SGD({.learning_rate = 0.1, .momentum = 0.9})});
  FitJob job(model, Dataset(Tensor({6, 2}), Tensor({6, 1})),
             {.epochs = 2,
              .batch_size = 4,
              .callbacks = {EarlyStopping({.monitor = "loss", .restore_best_weights = true})}});
  for (int i = 0; i < 3; ++i) job.step();
  return job.snapshot();
}

// The file with another header: `change` works on the JSON of "neurona.snapshot" and on the whole header.
std::vector<std::byte> changed(
    const Snapshot& snapshot,
    const std::function<void(nlohmann::json& run, nlohmann::json& header)>& change) {
  const std::vector<std::byte> bytes = to_safetensors(snapshot);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + sizeof length,
                              static_cast<std::size_t>(length));
  nlohmann::json header = nlohmann::json::parse(text);
  nlohmann::json run = nlohmann::json::parse(header["__metadata__"]["neurona.snapshot"].get<std::string>());
  change(run, header);
  header["__metadata__"]["neurona.snapshot"] = run.dump();
  const std::string dumped = header.dump();
  std::vector<std::byte> result(sizeof length + dumped.size());
  const std::uint64_t new_length = dumped.size();
  std::memcpy(result.data(), &new_length, sizeof new_length);
  std::memcpy(result.data() + sizeof new_length, dumped.data(), dumped.size());
  result.insert(result.end(), bytes.begin() + static_cast<std::ptrdiff_t>(sizeof length + length),
                bytes.end());
  return result;
}

}  // namespace

TEST_CASE(
    "A snapshot that went through a file at any step continues to the same bits, and again to the same "
    "file") {
  Sequential model = network();
  FitJob job(model, images(), options_of_run());
  std::vector<std::vector<std::byte>> files{to_safetensors(job.snapshot())};
  while (job.step()) files.push_back(to_safetensors(job.snapshot()));
  const End expected = end_of(model, job);
  for (std::size_t i = 0; i < files.size(); ++i) {
    INFO("file ", i);
    const Snapshot snapshot = snapshot_from_safetensors(files[i]);
    CHECK(to_safetensors(snapshot) == files[i]);
    Sequential other = network();
    other.reset(99);
    FitJob continued(other, images(), options_of_run());
    continued.restore(snapshot);
    run_to_end(continued);
    CHECK(equal_ends(end_of(other, continued), expected));
  }
}

TEST_CASE(
    "The file of a snapshot is a model's file, too: its weights of that moment, its optimizer, its texts") {
  const test::TemporaryFolder folder;
  Sequential model = network();
  model.metadata()["note"] = "digits";
  FitJob job(model, images(), options_of_run());
  for (int i = 0; i < 2; ++i) job.step();
  Snapshot snapshot = job.snapshot();
  snapshot.metadata()["settings"] = "of a program";
  const std::vector<Tensor> weights = model.get_weights();
  const OptimizerState optimizer = model.compile_options().optimizer->state();
  save(snapshot, folder / "run.safetensors");
  job.step();
  const Model loaded = load(folder / "run.safetensors");
  CHECK(test::equal_tensors(loaded.get_weights(), weights));
  CHECK(loaded.metadata() ==
        std::map<std::string, std::string>{{"note", "digits"}, {"settings", "of a program"}});
  CHECK(loaded.compile_options().optimizer->iterations() == 2);
  CHECK(test::equal_tensors(loaded.compile_options().optimizer->state().slots, optimizer.slots));
  const Snapshot again = load_snapshot(folder / "run.safetensors");
  CHECK(again.metadata() == loaded.metadata());
  CHECK(again.state().batch == 2);
}

TEST_CASE("An optimizer of a user's own goes through a snapshot's file; as a model the file has plain SGD") {
  class Halving : public Optimizer {
   public:
    Halving() : Optimizer("Halving", 0.5, 1) {}
    Handle<Optimizer> clone() const override { return Halving(); }

   private:
    void step(Backend&, ConstTensorView, std::span<Tensor> slots, TensorView weights) override {
      for (std::int64_t i = 0; i < weights.elements(); ++i)
        weights.as<float>()[i] *= 1.0f - 0.5f / (1.0f + slots[0].values()[static_cast<std::size_t>(i)]++);
    }
  };
  Sequential model = network(Halving()), other = network(Halving());
  FitJob job(model, images(), options_of_run());
  job.step();
  const std::vector<std::byte> file = to_safetensors(job.snapshot());
  run_to_end(job);
  FitJob continued(other, images(), options_of_run());
  continued.restore(snapshot_from_safetensors(file));
  run_to_end(continued);
  CHECK(equal_ends(end_of(other, continued), end_of(model, job)));
  CHECK(from_safetensors(file).compile_options().optimizer->name() == "SGD");
}

TEST_CASE("Numbers that JSON has not, infinite and NaN, survive in a snapshot's file") {
  Sequential model = network(SGD({.learning_rate = 1e30}));
  FitJob job(model, images(),
             {.epochs = 1,
              .batch_size = 16,
              .callbacks = {EarlyStopping({.monitor = "loss"})}});  // its best is infinite at first
  CHECK_THROWS_AS(run_to_end(job), NotFiniteError);
  const Snapshot snapshot = job.snapshot();
  CHECK(!std::isfinite(snapshot.state().batch_loss));
  const Snapshot again = snapshot_from_safetensors(to_safetensors(snapshot));
  CHECK(std::isfinite(again.state().batch_loss) == std::isfinite(snapshot.state().batch_loss));
  CHECK(again.state().failed);
  Sequential other = network(SGD({.learning_rate = 1e30}));
  FitJob continued(other, images(),
                   {.epochs = 1, .batch_size = 16, .callbacks = {EarlyStopping({.monitor = "loss"})}});
  continued.restore(again);
  CHECK(!continued.step());
  CHECK_THROWS_WITH_AS(continued.extend(1), "FitJob::extend: the run failed; start a new one.", ValueError);
}

TEST_CASE("Files that hold no run are told by what they are") {
  const test::TemporaryFolder folder;
  save(network(), folder / "model.safetensors");
  CHECK_THROWS_WITH_AS(
      load_snapshot(folder / "model.safetensors"),
      doctest::Contains("model.safetensors': Snapshot: the file holds a network, but no run"), FormatError);
  test::write_file(folder / "picture.safetensors", "\x89PNG\r\n\x1a\n and more");
  CHECK_THROWS_WITH_AS(load_snapshot(folder / "picture.safetensors"), doctest::Contains("a PNG image"),
                       FormatError);
  CHECK_THROWS_WITH_AS(load_snapshot(folder / "missing"), doctest::Contains("Cannot read"), IoError);
  CHECK_THROWS_AS(to_safetensors(Snapshot()), ValueError);
}

TEST_CASE("Every truncation of a snapshot's file is refused with a FormatError") {
  const std::vector<std::byte> bytes = to_safetensors(tiny_snapshot());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK_THROWS_AS(snapshot_from_safetensors(std::span(bytes).first(size)), FormatError);
  }
}

TEST_CASE(
    "A snapshot's file with any one bit changed loads or is refused; what loads is restored or refused, and "
    "never harms") {
  std::vector<std::byte> bytes = to_safetensors(tiny_snapshot());
  Sequential model({.seed = 2});
  model.add(Dense({.units = 1, .input_shape = {2}}));
  model.compile({.loss = MeanSquaredError(), .optimizer = SGD({.learning_rate = 0.1, .momentum = 0.9})});
  int refused = 0, not_taken = 0, restored = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (const int bit : {0, 1, 2, 4}) {
      bytes[i] ^= static_cast<std::byte>(1 << bit);
      try {
        const Snapshot snapshot = snapshot_from_safetensors(bytes);
        FitJob job(model, Dataset(Tensor({6, 2}), Tensor({6, 1})),
                   {.epochs = 2,
                    .batch_size = 4,
                    .callbacks = {EarlyStopping({.monitor = "loss", .restore_best_weights = true})}});
        job.restore(snapshot);
        ++restored;
        for (int step = 0; step < 4 && job.step(); ++step) {
        }
      } catch (const FormatError&) {
        ++refused;
      } catch (const ValueError&) {
        ++not_taken;
      } catch (const NotFiniteError&) {
      }
      bytes[i] ^= static_cast<std::byte>(1 << bit);
    }
  CHECK(refused > 0);
  CHECK(not_taken > 0);
  CHECK(restored > 0);
}

TEST_CASE(
    "A snapshot's file that contradicts itself, or would fill the memory, is refused with what is wrong") {
  const Snapshot snapshot = tiny_snapshot();
  using Json = nlohmann::json;
  const auto reject = [&](const std::string& text, const std::function<void(Json&, Json&)>& change) {
    INFO(text);
    CHECK_THROWS_WITH_AS(snapshot_from_safetensors(changed(snapshot, change)),
                         doctest::Contains(text.c_str()), FormatError);
  };
  CHECK_NOTHROW(snapshot_from_safetensors(changed(snapshot, [](Json&, Json&) {})));
  reject("its version is 2; this program reads version 1", [](Json& run, Json&) { run["version"] = 2; });
  reject("Unknown phase of a run 'sleeping'", [](Json& run, Json&) { run["phase"] = "sleeping"; });
  reject("epoch is -1", [](Json& run, Json&) { run["epoch"] = -1; });
  reject("its place among the batches", [](Json& run, Json&) { run["batch"] = 9; });
  reject("its place among the batches", [](Json& run, Json&) { run["samples_done"] = 3; });
  reject("its place among the batches", [](Json& run, Json&) { run["phase"] = "validating"; });
  reject("its numbers of samples and batches", [](Json& run, Json&) { run["batches"] = 7; });
  reject("its epoch", [](Json& run, Json&) { run["epochs"] = 1; });
  reject("it runs, but has not begun", [](Json& run, Json&) { run["has_begun"] = false; });
  reject("its history", [](Json& run, Json&) { run["seconds"].push_back(1.0); });
  reject("it names a weight twice", [](Json& run, Json&) { run["weights"].push_back("dense/bias"); });
  reject("tensor 'dense/nothing' is missing",
         [](Json& run, Json&) { run["weights"].push_back("dense/nothing"); });
  reject("run is described wrongly", [](Json& run, Json&) { run.erase("sums"); });
  reject("stands for a number", [](Json& run, Json&) { run["batch_loss"] = {{"number", "many"}}; });
  reject("is missing", [](Json& run, Json&) { run["callbacks"][0]["tensors"] = 1000000000; });
  reject("last good weights", [](Json&, Json& header) {
    header["neurona.snapshot.good/dense/bias"]["shape"] = Json::array({1, 1});
  });
  reject("its tensors overlap", [](Json&, Json& header) {
    header["dense/bias"]["data_offsets"] = header["dense/kernel"]["data_offsets"],
    header["neurona.optimizer/0"]["data_offsets"] = {0, 40};
  });
  reject("the file has no optimizer",
         [](Json&, Json& header) { header["__metadata__"].erase("neurona.optimizer"); });
  reject("neurona.snapshot' is not a JSON object", [](Json& run, Json&) { run = Json::array(); });
}

TEST_CASE(
    "The log of a run that goes on from a snapshot is that of a run that never stopped, what earlier runs "
    "wrote included") {
  for (const bool append : {false, true}) {
    INFO("append ", append);
    const test::TemporaryFolder folder;
    const auto log = [&](const char* name) {
      FitOptions options = options_of_run();
      options.callbacks = {CSVLogger({.filename = folder / name, .append = append})};
      return options;
    };
    const std::string earlier =
        append ? "epoch,accuracy,loss,val_accuracy,val_loss\n7,0.5,1,0.5,1\n" : "something else\n";
    for (const char* name : {"whole.csv", "broken.csv"}) test::write_file(folder / name, earlier);
    Sequential model = network(), other = network();
    FitJob whole(model, images(), log("whole.csv"));
    run_to_end(whole);
    const test::Bytes expected = test::read_file(folder / "whole.csv");
    std::vector<Snapshot> snapshots;
    {
      FitJob broken(other, images(), log("broken.csv"));
      while (broken.step()) snapshots.push_back(broken.snapshot());
    }
    for (const std::size_t i :
         {std::size_t{1}, std::size_t{5}, snapshots.size() - 1}) {  // the file has later lines, too
      INFO("snapshot ", i);
      Sequential third = network();
      FitJob continued(third, images(), log("broken.csv"));
      continued.restore(snapshots[i]);
      run_to_end(continued);
      CHECK(test::read_file(folder / "broken.csv") == expected);
    }
    std::filesystem::remove(folder / "broken.csv");
    FitJob without(other, images(), log("broken.csv"));
    without.restore(snapshots[5]);  // the lines of this run are written anew
    run_to_end(without);
    const std::string text = append ? "" : std::string(expected.begin(), expected.end());
    const test::Bytes written = test::read_file(folder / "broken.csv");
    if (!append) CHECK(std::string(written.begin(), written.end()) == text);
  }
}

TEST_CASE("A checkpoint of the best model alone is kept over a break: a worse epoch does not replace it") {
  const test::TemporaryFolder folder;
  const auto options = [&] {
    return FitOptions{.epochs = 3,
                      .batch_size = 16,
                      .callbacks = {ModelCheckpoint({.filepath = (folder / "best.safetensors").string(),
                                                     .monitor = "loss",
                                                     .save_best_only = true})}};
  };
  Sequential model = network(), other = network();
  FitJob job(model, images(), options());
  while (job.history().epochs.size() < 2) job.step();
  const Snapshot snapshot = job.snapshot();
  run_to_end(job);
  const test::Bytes best = test::read_file(folder / "best.safetensors");
  std::filesystem::remove(folder / "best.safetensors");
  FitJob continued(other, images(), options());
  continued.restore(snapshot);
  run_to_end(continued);
  CHECK(test::read_file(folder / "best.safetensors") == best);
}

TEST_CASE("A progress bar that goes on in mid-epoch prints the epoch's line again") {
  std::string first, second;
  const auto options = [](std::string& text) {
    return FitOptions{
        .epochs = 2,
        .batch_size = 16,
        .callbacks = {ProgressBar([&](std::string_view part) { text += part; }, {.redraw = false})}};
  };
  Sequential model = network(), other = network();
  FitJob job(model, images(), options(first));
  for (int i = 0; i < 6; ++i) job.step();
  FitJob continued(other, images(), options(second));
  continued.restore(job.snapshot());
  CHECK(second == "Train on 50 samples\nEpoch 2/2\n");
  run_to_end(continued);
  CHECK(second.find("50/50 [==============================] - ") != std::string::npos);
  const std::size_t length = second.size();
  continued.restore(continued.snapshot());
  CHECK(second.size() == length);  // at the end there is no epoch to show
}
