// One prediction after another, at once: for drawing, cameras, servers.
#pragma once

#include <cstddef>
#include <memory>

#include "neurona/model.hpp"

namespace neurona {

struct PredictorOptions {
  std::int64_t max_batch = 1;
  /// The weights change no more, or refresh() is called when they did: kernels are kept in the form that is fastest. ResNet-50 then
  /// predicts in 40 ms in place of 51 (two cores with AVX-512) and takes 36 MB more.
  bool weights_are_final = false;
};

/// Keeps what a prediction needs, so that none allocates anything. The model must outlive it and keep its layers and its backend.
///   Predictor predictor(model);
///   fill(predictor.input().as<float>());
///   const float* probabilities = predictor.run().as<float>();
class Predictor {
 public:
  /// For up to max_batch samples at a time. Errors: ValueError for a batch below 1 and for a model without layers.
  explicit Predictor(Model& model, PredictorOptions options = {});
  ~Predictor();
  Predictor(Predictor&&) noexcept;
  Predictor& operator=(Predictor&&) noexcept;

  /// Chooses the number of samples n and gives the place of the model's input `i`: (n, ...), row-major; what it holds is not kept
  /// over run().
  TensorView input(std::int64_t n = 1, std::size_t i = 0);
  /// Predicts for what input() holds -> output `i` (n, ...), valid until the next call.
  ConstTensorView run(std::size_t i = 0);
  /// After a change of weights, where they were said to be final.
  void refresh();
  /// Bytes that it keeps besides the model's weights.
  std::size_t bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace neurona
