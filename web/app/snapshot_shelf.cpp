#include "snapshot_shelf.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace neurona::app {
namespace {

// A fall of the loss by one counts as much as this share of all that is kept so far.
constexpr double kLossWeight = 0.5;
// Batches up to here are taken at powers of two: at the beginning most happens.
constexpr std::int64_t kBeginning = 64;
// Of the snapshots that fit, so many times as many are taken: enough to choose from.
constexpr std::int64_t kOffered = 2;

}  // namespace

void SnapshotShelf::clear() {
  kept_.clear();
  size_bytes_ = 0;
}

bool SnapshotShelf::wants(std::int64_t batch, std::int64_t batches) const {
  if (kept_.empty()) return true;
  if (batch <= kept_.back().batch) return false;
  if (batch <= kBeginning) return std::has_single_bit(static_cast<std::uint64_t>(batch));
  const std::size_t one = std::max<std::size_t>(1, size_bytes_ / kept_.size());
  const auto fit = std::max<std::int64_t>(2, std::int64_t(memory_bytes_ / one));
  const std::int64_t interval = std::max<std::int64_t>(1, batches / (kOffered * fit));
  return batch - kept_.back().batch >= interval;
}

double SnapshotShelf::gap(std::size_t from, std::size_t to) const {
  const double whole = double(std::max<std::int64_t>(1, kept_.back().batch));
  return double(kept_[to].batch - kept_[from].batch) / whole +
         kLossWeight * std::fabs(kept_[to].loss - kept_[from].loss);
}

void SnapshotShelf::keep(std::int64_t batch, double loss, Snapshot snapshot) {
  size_bytes_ += snapshot.size_bytes();
  kept_.push_back({batch, std::isfinite(loss) ? loss : 0, std::move(snapshot)});
  // The first stays (the way back to the beginning), and the one just taken.
  while (size_bytes_ > memory_bytes_ && kept_.size() > 2) {
    std::size_t least = 1;
    for (std::size_t i = 2; i + 1 < kept_.size(); ++i)
      if (gap(i - 1, i + 1) < gap(least - 1, least + 1)) least = i;
    size_bytes_ -= kept_[least].snapshot.size_bytes();
    kept_.erase(kept_.begin() + std::ptrdiff_t(least));
  }
}

const SnapshotShelf::Kept* SnapshotShelf::before(std::int64_t batch) const {
  const auto behind =
      std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.batch > batch; });
  return behind == kept_.begin() ? nullptr : &*std::prev(behind);
}

void SnapshotShelf::cut(std::int64_t batch) {
  while (!kept_.empty() && kept_.back().batch > batch) {
    size_bytes_ -= kept_.back().snapshot.size_bytes();
    kept_.pop_back();
  }
}

}  // namespace neurona::app
