#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sigtape/layers/signature/signature_kernels.h"

namespace sigtape::test {

/// Inputs of one signature call, its results and its gradients, as vectors.
template <class T>
struct SignatureCase {
  SignatureShape shape;
  std::vector<T> path, basepoint, initial, dsignature;
  std::vector<std::int64_t> lengths;

  std::vector<T> signature, dpath, dbasepoint, dinitial;

  SignatureInputs<T> inputs() const {
    return {path.data(), basepoint.data(), initial.data(), lengths.data()};
  }
};

/// Inputs from a fixed generator, with outputs still empty: a path that walks
/// at random, and lengths from 1 to the full length where shape.lengths.
template <class T>
SignatureCase<T> random_case(const SignatureShape& shape, std::uint32_t seed);

/// The same inputs in float64.
SignatureCase<double> to_double(const SignatureCase<float>& of);
inline SignatureCase<double> to_double(const SignatureCase<double>& of) {
  return of;
}

/// Sizes and options, for the message of a failed check.
std::string describe(const SignatureShape& shape);

/// Runs the dispatched kernels into outputs that were filled with NaN, each
/// pass with so many threads; 0: those that are set.
template <class T>
void run_kernels(SignatureCase<T>& c, int forward_threads = 0,
                 int backward_threads = 0);

/// Runs the plain implementation into outputs that were filled with NaN.
template <class T>
void run_reference(SignatureCase<T>& c);

/// Largest difference of two arrays over the largest entry of `expected`;
/// infinity where sizes differ or a value is not finite.
template <class T>
double relative_error(const std::vector<T>& got,
                      const std::vector<double>& expected);

}  // namespace sigtape::test
