#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sigtape/layers/module.h"

namespace sigtape {

struct RecurOptions {
  /// Features (channels + memory) -> (out + memory), out at least 1.
  ModulePtr network = {};
  /// Numbers handed from one point to the next, from 0 at the first; at least
  /// 1.
  std::int64_t memory = 0;
  /// The layer's name; empty: by its place.
  std::string name = {};
};

/// A network that walks along a stream with a memory (the recurrence of
/// DeeperSigNet, Kidger et al. 2019, arXiv:1905.08494): (y_t, m_t) =
/// network(x_t, m_{t-1}), the memory last in both. (batch, length, channels)
/// -> (batch, length, out). Parameters network.NAME. Padding stands after the
/// true points and never reaches them. Differentiable once.
class Recur : public Module {
 public:
  /// Throws UsageError without a network or memory.
  explicit Recur(RecurOptions options);
  const char* type() const override { return "recur"; }

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions options) override;
  Value on_forward(const Value& x) override;

 private:
  RecurOptions options_;
  std::vector<Tensor> outputs_;  // room for one per point, empty between calls
};

ModulePtr recur(RecurOptions options);

}  // namespace sigtape
