#include "backend/backend.hpp"
#include "neurona/backend.hpp"
#include "neurona/error.hpp"

namespace neurona {

namespace {

struct Entry {
  std::string_view name;
  std::shared_ptr<Backend> (*make)();
};

constexpr Entry kBackends[] = {
    {"cpu", make_cpu_backend},
    {"reference", make_reference_backend},
};

}  // namespace

namespace {

[[noreturn]] void refuse(const Backend& backend, const char* operation) {
  throw BackendError("Backend '" + backend.describe() + "' has no fused operations; " + operation + " was asked of it.");
}

}  // namespace

void Backend::fused_conv2d_forward(const FusedConv2D&, ConstTensorView, ConstTensorView, TensorView, std::uint8_t*) {
  refuse(*this, "fused_conv2d_forward");
}

void Backend::fused_conv2d_backward_parameters(const FusedConv2D&, ConstTensorView, ConstTensorView, const std::uint8_t*,
                                               ConstTensorView, TensorView, TensorView) {
  refuse(*this, "fused_conv2d_backward_parameters");
}

void Backend::dense_backward_step(ConstTensorView, ConstTensorView, double, TensorView, TensorView) {
  refuse(*this, "dense_backward_step");
}

std::shared_ptr<Backend> make_backend(std::string_view name) {
  std::string known;
  for (const Entry& entry : kBackends) {
    if (entry.name == name) return entry.make();
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw BackendError("Unknown backend '" + std::string(name) + "'. In this build: " + known + ".");
}

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kBackends) names.emplace_back(entry.name);
  return names;
}

std::string describe(const Backend& backend) { return backend.describe(); }

}  // namespace neurona
