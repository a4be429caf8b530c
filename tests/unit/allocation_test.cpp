// Counts every call of malloc and its kin, the library's and those of what it uses.
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

#include "neurona/applications.hpp"
#include "neurona/layers.hpp"
#include "neurona/train.hpp"
#include "support/samples.hpp"

namespace {

std::atomic<long> allocations{0};

}  // namespace

extern "C" {

void* __libc_malloc(std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_calloc(std::size_t, std::size_t);

void* malloc(std::size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* realloc(void* old, std::size_t size) {
  ++allocations;
  return __libc_realloc(old, size);
}
void* calloc(std::size_t count, std::size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  ++allocations;
  *out = __libc_memalign(alignment, size);
  return *out == nullptr ? 12 : 0;
}
}

using namespace neurona;

TEST_CASE("The counter sees allocations") {
  const long before = allocations;
  Tensor tensor({1000});
  CHECK(allocations > before);
  CHECK(tensor.elements() == 1000);
}

TEST_CASE("After the first batch, training and validation allocate nothing") {
  const int kept = num_threads();
  const Dataset data(test::easy_images(330, 1));
  for (int threads : {1, 2}) {
    std::vector<std::string> names = network_names();
    names.push_back("wide");
    for (const std::string& name : names) {
      INFO(name, ", threads ", threads);
      set_num_threads(threads);
      Model model = name == "wide" ? test::wide_network(1) : make_network(name, 1);
      FitJob job(model, data, {.epochs = 2, .batch_size = 64, .validation_split = 0.2});
      job.step();
      const long before = allocations;
      const std::int64_t steps = 4 + 2;  // the rest of 264 images in batches of 64 (the last one partial), 66 of validation
      for (std::int64_t i = 0; i + 1 < steps; ++i) job.step();
      CHECK(job.state().phase == TrainingState::Phase::validating);
      CHECK(allocations - before == 0);
    }
  }
  set_num_threads(kept);
}

TEST_CASE("Optimizers, regularizers, losses and metrics allocate nothing after the first batch either") {
  const int kept = num_threads();
  const Dataset data(test::easy_images(330, 1));
  for (int threads : {1, 2})
    for (const std::string& optimizer : optimizer_names())
      for (const std::string& loss : loss_names()) {
        INFO(optimizer, ", ", loss, ", threads ", threads);
        set_num_threads(threads);
        Sequential model;
        model.add(Flatten({.input_shape = {28, 28}}));
        model.add(Dense({.units = 720, .activation = Activation::relu, .kernel_regularizer = L1L2(1e-6, 1e-5)}));
        model.add(Dense({.units = 10, .activation = Activation::softmax, .kernel_regularizer = L2(1e-4)}));
        model.compile({.loss = make_loss(loss),
                       .optimizer = make_optimizer(optimizer),
                       .metrics = {Accuracy(), TopKCategoricalAccuracy()}});
        FitJob job(model, data.slice(0, 120), {.epochs = 1, .batch_size = 16, .validation_split = 0.2});
        job.step();
        const long before = allocations;
        for (int i = 0; i < 6; ++i) job.step();  // the rest of 96 images, the first 16 of 24 of validation
        CHECK(job.state().phase == TrainingState::Phase::validating);
        CHECK(allocations - before == 0);
      }
  set_num_threads(kept);
}
