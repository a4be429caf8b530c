#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "neurona/train.hpp"

namespace neurona::app {

/// Snapshots along a run within a stated memory. When it is full, the one goes that is missed least: they end up evenly
/// spread, closer where much happens.
class SnapshotShelf {
 public:
  explicit SnapshotShelf(std::size_t memory_bytes) : memory_bytes_(memory_bytes) {}

  struct Kept {
    std::int64_t batch = 0;  ///< batches done
    double loss = 0;         ///< there: what happens between two is how far apart these are
    Snapshot snapshot;
  };
  void clear();
  /// Whether it is worth taking one at that batch of `batches` in all.
  bool wants(std::int64_t batch, std::int64_t batches) const;
  /// `batch` is behind those that are kept.
  void keep(std::int64_t batch, double loss, Snapshot snapshot);
  /// The last one at or before that batch. Null when there is none.
  const Kept* before(std::int64_t batch) const;
  /// Forgets those behind that batch.
  void cut(std::int64_t batch);
  const std::vector<Kept>& all() const { return kept_; }
  std::size_t size_bytes() const { return size_bytes_; }
  std::size_t memory_bytes() const { return memory_bytes_; }

 private:
  double gap(std::size_t from, std::size_t to) const;
  std::size_t memory_bytes_, size_bytes_ = 0;
  std::vector<Kept> kept_;
};

}  // namespace neurona::app
