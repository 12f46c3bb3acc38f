#pragma once

#include <cstdint>
#include <span>

#include "sigtape/layers/module.h"
#include "sigtape/layers/signature/signature.h"

/// What is done to streams before their signature is taken (Chevyrev and
/// Kormilitzin 2016, arXiv:1603.03788; Morrill, Fermanian, Kidger and Lyons
/// 2020, arXiv:2006.00873). A Value has streams (batch, length, channels) and,
/// where they are of unequal length, their lengths; the result's points beyond
/// a stream's own repeat its last one. x_1 .. x_n are the points of a stream.
/// All are differentiable, twice too, and throw UsageError naming the
/// transform and what does not fit.
namespace sigtape {

struct TimeOptions {
  double start = 0;
  double end = 1;
  /// The time stands before the other channels, else after them.
  bool first = false;
};

/// One channel more, that runs from start to end in equal steps along the true
/// points of each stream; start where a stream has a single point.
Value add_time(const Value& x, const TimeOptions& options = {});
/// One channel more, with these time stamps (batch, length).
Value add_time(const Value& x, const Tensor& stamps, bool first = false);

struct LeadLagOptions {
  /// The channels of the lag stand before those of the lead, else after them.
  bool lag_first = false;
};

/// 2 n - 1 points of 2 channels each: (x_1, x_1), (x_2, x_1), (x_2, x_2), ..
/// (x_n, x_n), the lead first. The area between lead and lag is the quadratic
/// variation.
Value lead_lag(const Value& x, const LeadLagOptions& options = {});

/// n + 2 points with one channel more: (x_1, 1), .. (x_n, 1), (x_n, 0), (0, 0).
/// The signature then knows where the stream ended, and of a closing point.
Value invisibility_reset(const Value& x);

/// x_1, x_1 + x_2, .. x_1 + .. + x_n.
Value cumulative_sum(const Value& x);

/// n + 1 points: the basepoint, then the stream. x itself without one.
Value prepend_basepoint(const Value& x, const Basepoint& basepoint);

/// Every channel times its factor, or all times the only one.
Value scale(const Value& x, std::span<const double> factors);

/// The listed channels, in that order.
Value keep_channels(const Value& x, std::span<const std::int64_t> channels);
/// All but the listed channels.
Value drop_channels(const Value& x, std::span<const std::int64_t> channels);

/// A missing value (NaN) becomes the last known one of its channel, and the
/// first known one where nothing came before. Throws DataError for a channel
/// of a stream without any value.
Value fill_forward(const Value& x);

/// The rectilinear interpolation of irregular data: time moves first, then the
/// values jump. 2 n - 1 points (t_1, x_1), (t_2, x_1), (t_2, x_2), .. (t_n,
/// x_n), where t is channel `time_channel` and x the others, missing values
/// filled forward. No point looks ahead.
Value rectilinear(const Value& x, std::int64_t time_channel = 0);

}  // namespace sigtape
