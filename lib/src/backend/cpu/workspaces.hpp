// What operations need while they run, so that several may run at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "backend/cpu/images.hpp"
#include "backend/cpu/kernels.hpp"

namespace neurona::cpu {

/// The memory of one operation; it grows to the largest needed.
struct Workspace {
  explicit Workspace(const Kernels& kernels)
      : convolution(kernels), fused_convolution(kernels), winograd(kernels), normalization(kernels) {}

  Convolution convolution;
  FusedConvolution fused_convolution;
  Winograd winograd;
  Normalization normalization;
  std::vector<float> left;    // what pooling has still to give
  std::vector<float> values;  // terms of a sum, a transposed kernel, or a gradient nobody wants
  std::vector<PenaltySums> penalty_sums;  // of each piece
};

/// A backend's workspaces: as many as operations ran at a time. One thread always gets the same.
class Workspaces {
 public:
  explicit Workspaces(const Kernels& kernels) : kernels_(kernels) {}

  /// A workspace until the end of its scope.
  class Loan {
   public:
    Loan(Workspaces& of, std::unique_ptr<Workspace> workspace) : of_(of), workspace_(std::move(workspace)) {}
    ~Loan() { of_.take_back(std::move(workspace_)); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    Workspace* operator->() const { return workspace_.get(); }

   private:
    Workspaces& of_;
    std::unique_ptr<Workspace> workspace_;
  };

  [[nodiscard]] Loan borrow() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) {
      idle_.reserve(++made_);  // so that taking back cannot fail
      return {*this, std::make_unique<Workspace>(kernels_)};
    }
    std::unique_ptr<Workspace> workspace = std::move(idle_.back());
    idle_.pop_back();
    return {*this, std::move(workspace)};
  }

 private:
  void take_back(std::unique_ptr<Workspace> workspace) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(workspace));
  }

  const Kernels& kernels_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> idle_;
  std::size_t made_ = 0;
};

}  // namespace neurona::cpu
