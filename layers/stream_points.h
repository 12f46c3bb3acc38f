#pragma once

#include <cstdint>

#include "sigtape/framework/tensor.h"

namespace sigtape {

/// The points of a batch of streams (batch, length, channels), one after
/// another, for a network that walks along them. Slices would each hand a
/// gradient of the whole stream back; here a point's gradient is written where
/// it belongs, so that a walk costs what its points cost. Differentiable once.
class StreamPoints {
 public:
  /// Throws UsageError for another rank.
  explicit StreamPoints(const Tensor& x);
  std::int64_t length() const { return x_.size(1); }
  /// Point t of every stream, (batch, channels): a view.
  Tensor at(std::int64_t t) const;

 private:
  Tensor x_;
  Tensor gradient_;  // of x; defined where one is wanted
  Tensor link_;      // one element, between the points and x in the graph
};

}  // namespace sigtape
