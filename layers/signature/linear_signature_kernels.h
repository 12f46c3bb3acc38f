#pragma once

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops/row_runs.h"

/// The signature of depth 2 of y = W x + b, and its derivative, from what one
/// reading of the points x_0 .. x_T leaves. Close the path to a loop, whose
/// point before x_0 is x_T and after x_T is x_0. Its areas are those of the
/// path, and
///
///   K = sum_t W (x_(t+1) - x_(t-1)) x_t'                   ([out, in])
///
/// holds them: with s = W (x_T - x_0), level 1, and A = (W K' - K W') / 4,
///
///   level 2 = s s' / 2 + A.
///
/// K is linear in W, so with cotangents g of level 1 and G of level 2
///
///   dW = (G - G') K / 2 + (g + (G + G') s / 2) (x_T - x_0)',
///
/// which reads no point. b moves the path and changes nothing.
namespace sigtape::cpu {

/// Whether the functions below take a map of `in` to `out` numbers.
bool linear_signature2_fits(std::int64_t in, std::int64_t out);

/// For each run of points, 2 at least, the rows of K and x_T - x_0, `moments`
/// [runs, out + 1, width], `mapped` = moments W' [runs, out + 1, out], and the
/// signature [runs, out + out^2]. `weight` is [out, width].
template <class T>
void linear_signature2_forward(const RowRuns<T>& x, std::int64_t out,
                               const T* weight, T* moments, T* mapped,
                               T* signature);

/// dweight [out, width], overwritten, from what forward wrote and `dsignature`
/// [runs, out + out^2]. Sums follow from the shape alone.
template <class T>
void linear_signature2_backward(std::int64_t runs, std::int64_t width,
                                std::int64_t out, const T* moments,
                                const T* mapped, const T* dsignature,
                                T* dweight);

}  // namespace sigtape::cpu
