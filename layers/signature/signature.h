#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/channels.h"

namespace sigtape {

/// Where a path starts: a point put before its first one, without which a
/// signature does not see where the path lies.
class Basepoint {
 public:
  enum class Kind { none, zero, values, tensor };

  /// No basepoint.
  Basepoint() = default;
  /// The origin, or no basepoint.
  Basepoint(std::same_as<bool> auto zero)
      : kind_(zero ? Kind::zero : Kind::none) {}
  /// The same point for all paths: one number per channel. Throws UsageError
  /// for none.
  Basepoint(const std::vector<double>& values);
  template <std::same_as<double> Number>
  Basepoint(std::initializer_list<Number> values)
      : Basepoint(std::vector<double>(values)) {}
  /// A point for each path, (batch, channels), differentiable. An undefined
  /// tensor means no basepoint.
  Basepoint(Tensor points);

  Kind kind() const { return kind_; }
  bool is_none() const { return kind_ == Kind::none; }
  /// Kind values: float64 (channels); kind tensor: (batch, channels).
  const Tensor& points() const { return points_; }
  /// The same with its points on `device`.
  Basepoint to(Device device) const;

 private:
  Kind kind_ = Kind::none;
  Tensor points_;
};

struct SignatureOptions {
  /// The signatures of all initial pieces of the path in place of the last.
  bool stream = false;
  Basepoint basepoint = {};
  /// The group inverse: the signature of the path run backwards.
  bool inverse = false;
  /// (batch, S): what came before. The result is initial (x) signature; with
  /// `inverse` an inverse signature, and signature^-1 (x) initial. It is worth
  /// something only where the path starts where the earlier one ended, by its
  /// basepoint: without one a warning is given.
  Tensor initial = {};
  /// A constant 1 before the first word, also in `initial`.
  bool scalar_term = false;
  /// int64 (batch): the number of true points of each path, for padded
  /// batches. What stands beyond is never used: its gradient is exactly 0, and
  /// results of a stream beyond the last true one repeat that. Undefined: all.
  Tensor lengths = {};
};

/// The signature of each path (batch, length, channels) up to words of
/// `depth` letters: the iterated integrals of the piecewise linear path (Chen
/// 1957; Lyons 1998). Result (batch, S) with S = signature_channels(channels,
/// depth, scalar_term); with stream (batch, length - 1, S), one row more with
/// a basepoint. Words are ordered by length, then lexicographically, the
/// earliest letter first. Differentiable in path, a basepoint tensor and
/// initial; what is kept for backward does not grow with the length times S
/// unless the result does. Throws UsageError for wrong shapes, types and
/// sizes, and MemoryError, before anything is allocated, where the result or
/// its gradient would not fit: it names the largest depth that does.
Tensor signature(const Tensor& path, std::int64_t depth,
                 const SignatureOptions& options = {});

}  // namespace sigtape
