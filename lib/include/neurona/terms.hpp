// Where a number of a network comes from: the terms that it is made of, the factors of each, and the places those numbers stand in.
// Layers tell them through `Terms`; `Explainer` (explain.hpp) is whom to ask.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "neurona/activation.hpp"
#include "neurona/shape.hpp"

namespace neurona {

/// One value of a batch.
struct Element {
  std::int64_t sample = 0;  ///< its sample's number in the batch
  std::int64_t index = 0;   ///< in that sample, flattened in row-major order
};

/// Where a number stands.
struct Place {
  enum class Kind : std::uint8_t {
    constant,            ///< part of a formula; `text` says which
    input,               ///< value `index` of model input `number`
    output,              ///< value `index` that a layer gives
    sum,                 ///< z, what the layer's activation is applied to
    inner,               ///< one of the layer's inner values (Layer::inner_values), `number` says which
    slope,               ///< derivative of the layer's activation; of softmax: d output `index` / d sum `number`
    parameter,           ///< element `index` of the layer's parameter `number`
    input_gradient,      ///< dLoss/d(...) of the number at the same place
    output_gradient,
    sum_gradient,
    parameter_gradient,
  };
  Kind kind = Kind::constant;
  std::int64_t layer = -1;  ///< its number in the model; -1 for constants and for the model's inputs
  std::int64_t number = 0;
  std::int64_t sample = 0;  ///< its number in the batch; 0 for parameters
  std::int64_t index = 0;   ///< in one sample, or in the parameter, flattened in row-major order
  std::string_view text = {};  ///< of a constant, for display: "1 / samples"
  bool operator==(const Place&) const = default;
};

/// A number and where it stands.
struct Factor {
  double value = 0.0;
  Place place;
};

struct Term {
  double value = 0.0;  ///< the product of its factors, in double; for Combine::softmax e^(z - shift)
  std::vector<Factor> factors;
};

/// How the terms give the number.
enum class Combine : std::uint8_t {
  given,         ///< it was not computed: an input, a parameter, a constant. No terms
  copy,          ///< the one term, which is one number that stands elsewhere
  sum,           ///< their sum
  mean,          ///< their sum; one factor of each is 1 / count
  maximum,       ///< the largest; of equal ones the first
  softmax,       ///< the chosen one divided by their sum
  inverse_root,  ///< 1 / sqrt(their sum)
  derivative,    ///< the activation's derivative at the one term
  loss,          ///< their sum: how the loss moves with the network's output
};

/// Where one number comes from.
struct Explanation {
  Place place;
  double value = 0.0;  ///< the number, as the pass computed it
  Combine combine = Combine::given;
  /// What the terms give before `activation`: that is value = activation(z), z as the pass computed it. Not set for numbers that are
  /// no layer's output and where the activation is linear.
  std::optional<double> z;
  Activation activation = Activation::linear;
  /// The terms in the layer's own order, e.g. inputs first and the bias last. When there are more than were asked for: the largest by
  /// magnitude (of a maximum by value).
  std::vector<Term> terms;
  std::int64_t count = 0;  ///< of all terms
  double total = 0.0;      ///< of all terms, in double: their sum; for Combine::maximum the largest
  double rest = 0.0;       ///< sum of the terms left out
  std::optional<Term> chosen;  ///< for Combine::maximum the winner, for Combine::softmax the numerator
  double shift = 0.0;      ///< for Combine::softmax: the largest z, which is subtracted from each

  /// The number computed anew from all terms in double: it equals `value` but for the rounding of the pass.
  double result() const;
};

/// A quantity that a layer computes on the way from its input to its output.
struct InnerValue {
  std::string_view name;
  bool of_sample = false;  ///< has the shape of the layer's output; else there is one for each channel (last axis)
};

struct ExplainedLayer;  // the library's own

/// What a layer's explain functions see of a pass, and where they tell the terms of the number in question. Shapes have the batch first.
class Terms {
 public:
  static constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();
  /// Keeps the `most` largest terms.
  Terms(const ExplainedLayer& layer, std::int64_t most);

  std::size_t inputs() const;
  const Shape& input_shape(std::size_t input = 0) const;
  const Shape& output_shape() const;
  /// As in ForwardPass.
  bool training() const;
  std::uint64_t seed() const;
  /// Number `i` that forward kept on the layer's tape, taken as one of the model's type.
  double on_tape(std::int64_t i) const;

  // Numbers of the pass, each with its place.
  Factor input(Element at, std::size_t input = 0) const;
  Factor output(Element at) const;
  Factor parameter(std::size_t parameter, std::int64_t index) const;
  /// dLoss/dz of this layer, z being what its final activation is applied to.
  Factor sum_gradient(Element at) const;
  Factor parameter_gradient(std::size_t parameter, std::int64_t index) const;
  /// `value`: the number, which the layer knows.
  Factor inner(std::size_t inner, Element at, double value) const;
  /// `text` must live forever.
  static Factor constant(double value, std::string_view text);

  /// Goes on with the numbers of another layer.
  void turn_to(const ExplainedLayer& layer) { layer_ = &layer; }
  /// How the terms give the number, told before the first term; `sum` (and `copy` where the only term is one factor) when not told.
  void combine(Combine how) { told_.combine = how; }
  /// The next term: the product of these.
  void add(std::initializer_list<Factor> factors);
  /// The next term: `value`, some other function of these.
  void add(double value, std::initializer_list<Factor> factors);

  /// What was told.
  Explanation take();

 private:
  struct Kept {
    Term term;
    std::int64_t order;
  };
  void prune();
  // What the largest terms are chosen by.
  double size(double value) const;

  const ExplainedLayer* layer_;
  std::int64_t most_;
  std::optional<double> smallest_;  // the size that a term must exceed to be kept
  Explanation told_;
  std::size_t factors_ = 0;  // of all terms
  std::vector<Kept> kept_;
};

}  // namespace neurona
