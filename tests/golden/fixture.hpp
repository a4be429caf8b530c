// Reads what generate/generate.mjs wrote: safetensors files whose metadata describe cases.
#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "neurona/dataset.hpp"
#include "neurona/model.hpp"

namespace neurona::test {

/// One file of fixtures. Tensors are named "case/tensor".
class Fixture {
 public:
  /// `file` lies in the folder of fixtures. Errors: std::runtime_error.
  explicit Fixture(const std::string& file);
  const nlohmann::json& cases() const { return cases_; }
  bool has(const std::string& name) const { return header_.contains(name); }
  Shape shape(const std::string& name) const;
  /// The elements of any type, exactly. Errors: std::runtime_error when the file lacks it or was cut short.
  std::vector<double> values(const std::string& name) const;
  /// The same as float32, each times `unit`.
  Tensor tensor(const std::string& name, double unit = 1.0) const;

 private:
  nlohmann::json header_, cases_;
  std::vector<char> data_;
};

Shape to_shape(const nlohmann::json& extents);
/// The layer of a case's `type`, `config` (Keras' names) and, where it has one, `name`.
std::unique_ptr<Layer> make_layer(const nlohmann::json& spec, const Shape& input_shape = {});

/// The network of a case with its initial weights, compiled with its loss and optimizer, and with accuracy
/// where there are labels.
Sequential make_model(const Fixture& fixture, const nlohmann::json& spec, const std::string& backend);
/// The samples of a case in order.
Dataset make_dataset(const Fixture& fixture, const nlohmann::json& spec);

}  // namespace neurona::test
