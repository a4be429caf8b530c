#include <doctest/doctest.h>

#include <atomic>
#include <string>

#include "neurona/error.hpp"
#include "neurona/job.hpp"
#include "neurona/train.hpp"
#include "neurona/applications.hpp"
#include "support/samples.hpp"

using namespace neurona;

namespace {

// Counts its slices; throws at one of them when asked to.
class Counting : public Job {
 public:
  explicit Counting(std::int64_t slices, std::int64_t throw_at = -1) : slices_(slices), throw_at_(throw_at) {}
  bool advance(double, Progress& progress) override {
    if (done == throw_at_) throw ValueError("slice " + std::to_string(done));
    progress.done = ++done;
    progress.total = slices_;
    return done < slices_;
  }
  std::atomic<std::int64_t> done{0};

 private:
  std::int64_t slices_, throw_at_;
};

}  // namespace

TEST_CASE("A job run inline comes to its end, or stops when it is told to") {
  Counting all(5);
  CHECK(run_inline(all));
  CHECK(all.done == 5);
  Counting some(5);
  CHECK(!run_inline(some, [](const Progress& progress) { return progress.done < 2; }));
  CHECK(some.done == 2);
}

#ifndef __wasm__  // these need threads
TEST_CASE("A job on a thread of its own comes to its end and tells how far it is") {
  Counting job(1000);
  ThreadRunner runner(job);
  runner.wait();
  CHECK(runner.state() == ThreadRunner::State::finished);
  CHECK(runner.progress().done == 1000);
  CHECK(!runner.error());
}

TEST_CASE("A job on a thread stops between two slices when it is told to, and when its runner goes") {
  Counting endless(std::int64_t{1} << 60);
  {
    ThreadRunner runner(endless);
    while (runner.progress().done < 10) {
    }
    CHECK(runner.state() == ThreadRunner::State::running);
    runner.request_stop();
    runner.wait();
    CHECK(runner.state() == ThreadRunner::State::stopped);
  }
  Counting other(std::int64_t{1} << 60);
  { ThreadRunner runner(other); }
  const std::int64_t done = other.done;
  CHECK(done >= 1);
  CHECK(other.done == done);
}

TEST_CASE("What a job throws on its thread is kept for its owner") {
  Counting job(10, 3);
  ThreadRunner runner(job);
  runner.wait();
  CHECK(runner.state() == ThreadRunner::State::failed);
  REQUIRE(runner.error());
  CHECK_THROWS_WITH_AS(std::rethrow_exception(runner.error()), "slice 3", ValueError);
}

TEST_CASE("Training on a thread gives the weights of training inline") {
  const Dataset data(test::easy_images(200, 1));
  Model here = make_network("mlp", 1), there = make_network("mlp", 1);
  here.fit(data, {.epochs = 2, .seed = 1});
  FitJob job(there, data, {.epochs = 2, .seed = 1});
  ThreadRunner runner(job, 1.0);
  runner.wait();
  CHECK(runner.state() == ThreadRunner::State::finished);
  CHECK(test::normalized_error(here.get_weights()[0].view(), there.get_weights()[0].view()) == 0.0);
}
#endif

TEST_CASE("Prediction in slices gives what prediction in one go gives") {
  const Dataset data(test::easy_images(70, 1));
  Model model = make_network("mlp", 1);
  PredictJob job(model, data, 16);
  Progress progress;
  CHECK(job.advance(0.0, progress));
  CHECK(progress.done == 16);
  CHECK(progress.total == 70);
  while (job.advance(0.0, progress)) {
  }
  const Tensor sliced = job.take_result(), whole = model.predict(data);
  CHECK(sliced.shape() == Shape({70, 10}));
  CHECK(test::normalized_error(sliced.view(), whole.view()) == 0.0);
}
