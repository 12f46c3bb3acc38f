#pragma once

#include <cstdint>
#include <span>

#include "sigtape/training/config/config.h"
#include "sigtape/training/data/dataset.h"

/// Random paths with known laws. The path functions are linear (fractional
/// Brownian motion, Ornstein-Uhlenbeck) or exact (geometric Brownian motion)
/// in standard normal numbers that the caller draws.
namespace sigtape {

/// Standard normal numbers that fractional_brownian_path uses for `steps`.
std::int64_t fractional_brownian_normals(std::int64_t steps);

/// Fractional Brownian motion from 0 over path.size() - 1 equal steps of
/// `duration` in all: Gaussian of covariance (s^2H + t^2H - |t - s|^2H) / 2 at
/// times s and t, exactly, by Davies and Harte (1987): the increments'
/// covariance is a corner of a circulant matrix, whose root a Fourier
/// transform applies. hurst H in (0, 1).
void fractional_brownian_path(double hurst, double duration,
                              std::span<const double> normals,
                              std::span<double> path);

/// dX = speed (level - X) dt + volatility dW at equal steps from path[0],
/// exactly: one normal number per step. speed > 0.
void ornstein_uhlenbeck_path(double speed, double level, double volatility,
                             double duration, std::span<const double> normals,
                             std::span<double> path);

/// dX = drift X dt + volatility X dW, likewise, from path[0].
void geometric_brownian_path(double drift, double volatility, double duration,
                             std::span<const double> normals,
                             std::span<double> path);

/// Streams (cases, length, 1) of a configuration's generator, drawn by `seed`.
/// The target of a case is its own parameter, drawn uniformly from the list:
/// hurst, speed or volatility. Throws UsageError for an empty list.
Dataset make_generated(const GeneratorSource& source, std::uint64_t seed);

}  // namespace sigtape
