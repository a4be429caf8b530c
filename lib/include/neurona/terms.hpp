// A number of a network, told by the terms it is made of. Layers add their terms through `Terms`; `Explainer`
// (explain.hpp) asks for them.
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

/// Where a number of a pass stands.
struct Place {
  enum class Kind : std::uint8_t {
    constant,        ///< in the formula itself; `text` says which number of it
    input,           ///< value `index` of model input `number`
    output,          ///< value `index` that a layer gives
    sum,             ///< z, what the layer's activation is applied to
    inner,           ///< value `index` of the layer's inner_values() `number`
    slope,           ///< derivative of the layer's activation; of softmax: d output `index` / d sum `number`
    parameter,       ///< element `index` of the layer's parameter `number`
    input_gradient,  ///< dLoss/d(input), and so on
    output_gradient,
    sum_gradient,
    parameter_gradient,
  };
  Kind kind = Kind::constant;
  std::int64_t layer = -1;  ///< its number in the model; -1 for constants and for the model's inputs
  std::int64_t number = 0;  ///< see `kind`
  std::int64_t sample = 0;     ///< its number in the batch; 0 for parameters
  std::int64_t index = 0;      ///< in one sample, or in the parameter, flattened in row-major order
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
  given,         ///< nothing was computed: an input or a parameter. There are no terms
  copy,          ///< the only term, which has only one factor
  sum,           ///< their sum
  mean,          ///< their sum; each has the factor 1 / count
  maximum,       ///< the largest; of equal ones the first
  softmax,       ///< the chosen one divided by their sum
  inverse_root,  ///< 1 / sqrt(their sum)
  derivative,    ///< the activation's derivative, computed from the only term
  loss,          ///< their sum; they come from the loss, not from a layer
};

/// Where one number comes from.
struct Explanation {
  Place place;
  double value = 0.0;  ///< the number, as the pass computed it
  Combine combine = Combine::given;
  /// Set where value = activation(z). The terms then give z, which stands here as the pass computed it.
  std::optional<double> z;
  Activation activation = Activation::linear;
  /// The terms, or the largest ones by magnitude (of a maximum by value) where there are more than were asked
  /// for. They stand in the layer's order: the bias comes last.
  std::vector<Term> terms;
  std::int64_t count = 0;      ///< of all terms
  double total = 0.0;          ///< of all terms, in double: their sum; for Combine::maximum the largest
  double rest = 0.0;           ///< sum of the terms that were left out; 0 for Combine::maximum
  std::optional<Term> chosen;  ///< for Combine::maximum the winner, for Combine::softmax the numerator
  double shift = 0.0;          ///< for Combine::softmax: the largest z, which is subtracted from each

  /// The number computed in double from `total`. It differs from `value` by the rounding of the pass.
  double result() const;
};

/// A quantity that a layer computes on the way from its input to its output.
struct InnerValue {
  std::string_view name;
  /// Whether it has the shape of the layer's output. Otherwise there is one for each channel (last axis).
  bool of_sample = false;
};

struct ExplainedLayer;  // the library's own

/// What a layer's explain functions read the numbers of a pass from, and where they write the terms of the
/// number that is explained. Shapes have the batch first.
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
  /// Number `i` of the layer's tape, which holds numbers of the model's type.
  double on_tape(std::int64_t i) const;

  // Numbers with their places.
  Factor input(Element at, std::size_t input = 0) const;
  Factor output(Element at) const;
  Factor parameter(std::size_t parameter, std::int64_t index) const;
  /// dLoss/dz, z being what the layer's final activation is applied to.
  Factor sum_gradient(Element at) const;
  Factor parameter_gradient(std::size_t parameter, std::int64_t index) const;
  /// The layer computes the value itself.
  Factor inner(std::size_t inner, Element at, double value) const;
  /// `text` must live forever.
  static Factor constant(double value, std::string_view text);

  /// From now on the numbers are those of another layer.
  void turn_to(const ExplainedLayer& layer) { layer_ = &layer; }
  /// To be called before the first term. Without it the terms are a sum, or a copy.
  void combine(Combine how) { told_.combine = how; }
  /// Adds a term, the product of these.
  void add(std::initializer_list<Factor> factors);
  /// Adds a term that is another function of these.
  void add(double value, std::initializer_list<Factor> factors);

  /// Ends the explanation. `value` and `place` are not set.
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
