#include "support/signature_runner.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <random>

#include "sigtape/framework/parallel.h"

namespace sigtape::test {

namespace {

struct Free {
  void operator()(void* p) const { std::free(p); }
};

// Scratch memory full of NaN, so that a kernel that reads what it has not
// written shows it.
std::unique_ptr<void, Free> poisoned(std::size_t bytes) {
  const std::size_t rounded = (bytes + 64) / 64 * 64;
  std::unique_ptr<void, Free> memory(std::aligned_alloc(64, rounded));
  std::fill_n(static_cast<unsigned char*>(memory.get()), rounded, 0xff);
  return memory;
}

template <class T>
std::vector<T> poisoned_vector(std::int64_t count) {
  return std::vector<T>(count, std::numeric_limits<T>::quiet_NaN());
}

std::int64_t basepoint_size(const SignatureShape& shape) {
  if (shape.basepoint == BasepointKind::shared) return shape.channels;
  if (shape.basepoint == BasepointKind::per_path)
    return shape.batch * shape.channels;
  return 0;
}

template <class T>
SignatureGradients<T> poisoned_outputs(SignatureCase<T>& c) {
  const SignatureShape& s = c.shape;
  c.signature = poisoned_vector<T>(s.batch * s.rows() * s.columns());
  c.dpath = poisoned_vector<T>(s.batch * s.length * s.channels);
  c.dbasepoint = poisoned_vector<T>(basepoint_size(s));
  c.dinitial = poisoned_vector<T>(s.initial ? s.batch * s.columns() : 0);
  return {c.dpath.data(), c.dbasepoint.empty() ? nullptr : c.dbasepoint.data(),
          c.dinitial.empty() ? nullptr : c.dinitial.data()};
}

}  // namespace

template <class T>
SignatureCase<T> random_case(const SignatureShape& shape, std::uint32_t seed) {
  std::mt19937 bits(seed);
  std::normal_distribution<double> normal;
  auto fill = [&](std::vector<T>& v, std::int64_t count, double scale) {
    v.resize(count);
    for (T& x : v) x = static_cast<T>(scale * normal(bits));
  };
  SignatureCase<T> c;
  c.shape = shape;
  const std::int64_t d = shape.channels;
  fill(c.path, shape.batch * shape.length * d,
       1 / std::sqrt(static_cast<double>(shape.length)));
  for (std::int64_t b = 0; b < shape.batch; ++b)
    for (std::int64_t k = d; k < shape.length * d; ++k)
      c.path[b * shape.length * d + k] += c.path[b * shape.length * d + k - d];
  fill(c.basepoint, basepoint_size(shape), .5);
  if (shape.initial) {
    fill(c.initial, shape.batch * shape.columns(), .5);
    if (shape.scalar_term)
      for (std::int64_t b = 0; b < shape.batch; ++b)
        c.initial[b * shape.columns()] = 1;
  }
  if (shape.lengths)
    for (std::int64_t b = 0; b < shape.batch; ++b)
      c.lengths.push_back(b % 3 == 2 ? shape.length
                                     : 1 + bits() % shape.length);
  fill(c.dsignature, shape.batch * shape.rows() * shape.columns(), 1);
  return c;
}

SignatureCase<double> to_double(const SignatureCase<float>& of) {
  auto convert = [](const std::vector<float>& v) {
    return std::vector<double>(v.begin(), v.end());
  };
  SignatureCase<double> c;
  c.shape = of.shape;
  c.path = convert(of.path);
  c.basepoint = convert(of.basepoint);
  c.initial = convert(of.initial);
  c.dsignature = convert(of.dsignature);
  c.lengths = of.lengths;
  return c;
}

template <class T>
void run_kernels(SignatureCase<T>& c, int forward_threads,
                 int backward_threads) {
  const int before = num_threads();
  if (forward_threads > 0) set_num_threads(forward_threads);
  const SignatureGradients<T> gradients = poisoned_outputs(c);
  const auto saved = poisoned(cpu::signature_saved_bytes<T>(c.shape));
  const auto workspace = poisoned(cpu::signature_workspace_bytes<T>(c.shape));
  cpu::signature_forward(c.shape, c.inputs(), c.signature.data(), saved.get(),
                         workspace.get());
  if (backward_threads > 0) set_num_threads(backward_threads);
  const auto other = poisoned(cpu::signature_workspace_bytes<T>(c.shape));
  cpu::signature_backward(c.shape, c.inputs(), saved.get(), c.dsignature.data(),
                          gradients, other.get());
  set_num_threads(before);
}

template <class T>
void run_reference(SignatureCase<T>& c) {
  const SignatureGradients<T> gradients = poisoned_outputs(c);
  const auto workspace =
      poisoned(cpu::reference::signature_workspace_bytes<T>(c.shape));
  cpu::reference::signature_forward(c.shape, c.inputs(), c.signature.data(),
                                    workspace.get());
  cpu::reference::signature_backward(c.shape, c.inputs(), c.dsignature.data(),
                                     gradients, workspace.get());
}

std::string describe(const SignatureShape& s) {
  std::string text =
      "B=" + std::to_string(s.batch) + " L=" + std::to_string(s.length) +
      " d=" + std::to_string(s.channels) + " N=" + std::to_string(s.depth) +
      " basepoint " + std::to_string(static_cast<int>(s.basepoint));
  if (s.stream) text += " stream";
  if (s.inverse) text += " inverse";
  if (s.scalar_term) text += " scalar_term";
  if (s.initial) text += " initial";
  if (s.lengths) text += " lengths";
  return text;
}

template <class T>
double relative_error(const std::vector<T>& got,
                      const std::vector<double>& expected) {
  const double infinity = std::numeric_limits<double>::infinity();
  if (got.size() != expected.size()) return infinity;
  double largest = 0, error = 0;
  for (std::size_t k = 0; k < got.size(); ++k) {
    if (!std::isfinite(got[k])) return infinity;
    largest = std::max(largest, std::abs(expected[k]));
    error = std::max(error, std::abs(got[k] - expected[k]));
  }
  return largest > 0 ? error / largest : error;
}

#define SIGTAPE_INSTANTIATE(T)                                                 \
  template SignatureCase<T> random_case(const SignatureShape&, std::uint32_t); \
  template void run_kernels(SignatureCase<T>&, int, int);                      \
  template void run_reference(SignatureCase<T>&);                              \
  template double relative_error(const std::vector<T>&,                        \
                                 const std::vector<double>&);
SIGTAPE_INSTANTIATE(float)
SIGTAPE_INSTANTIATE(double)
#undef SIGTAPE_INSTANTIATE

}  // namespace sigtape::test
