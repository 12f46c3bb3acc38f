// A few cases of the kernels of the chosen instruction set, for processors that
// the tests cannot run on: a program without a test framework. Prints what it
// checked and fails if anything is off.
#include <cmath>
#include <cstdio>
#include <vector>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/signature.h"

namespace {

using namespace sigtape;
using Numbers = std::vector<double>;

int failures = 0;

void expect_near(const char* what, double error, double tolerance) {
  const bool good = error <= tolerance;
  std::printf("%-44s %.1e %s\n", what, error, good ? "ok" : "WRONG");
  failures += !good;
}

// Chen's identity with exponentials of the increments, level by level.
Numbers signature_of(const double* path, std::int64_t length, std::int64_t d,
                     int depth) {
  std::vector<Numbers> s(depth + 1), e(depth + 1);
  s[0] = {1};
  for (int k = 1; k <= depth; ++k) s[k].assign(std::pow(d, k), 0.0);
  for (std::int64_t t = 1; t < length; ++t) {
    e[0] = {1};
    for (int k = 1; k <= depth; ++k) {
      e[k].clear();
      for (const double head : e[k - 1]) {
        for (std::int64_t i = 0; i < d; ++i) {
          e[k].push_back(head * (path[t * d + i] - path[(t - 1) * d + i]) / k);
        }
      }
    }
    for (int k = depth; k >= 1; --k) {
      Numbers sum(s[k].size(), 0.0);
      for (int j = 0; j <= k; ++j) {
        const std::size_t width = e[k - j].size();
        for (std::size_t i = 0; i < sum.size(); ++i) {
          sum[i] += s[j][i / width] * e[k - j][i % width];
        }
      }
      s[k] = sum;
    }
  }
  Numbers flat;
  for (int k = 1; k <= depth; ++k) {
    flat.insert(flat.end(), s[k].begin(), s[k].end());
  }
  return flat;
}

double largest_error(const Numbers& a, const Numbers& b) {
  double worst = 0, size = 1e-30;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(a[i] - b[i]));
    size = std::max(size, std::abs(b[i]));
  }
  return worst / size;
}

void check_signature(std::int64_t batch, std::int64_t length, std::int64_t d,
                     int depth, DType dtype) {
  Tensor path = mul(randn({batch, length, d}, {dtype, {}}), 0.3);
  path = path.detach();
  const double tolerance = dtype == DType::float32 ? 1e-5 : 1e-12;
  Numbers expected;
  const Numbers x = path.to_vector();
  for (std::int64_t b = 0; b < batch; ++b) {
    const Numbers one =
        signature_of(x.data() + b * length * d, length, d, depth);
    expected.insert(expected.end(), one.begin(), one.end());
  }
  path.set_requires_grad();
  const Tensor y = signature(path, depth);
  char name[80];
  std::snprintf(name, sizeof name, "signature %dx%dx%d, depth %d, float%d",
                static_cast<int>(batch), static_cast<int>(length),
                static_cast<int>(d), depth, dtype == DType::float32 ? 32 : 64);
  expect_near(name, largest_error(y.detach().to_vector(), expected), tolerance);
  // The signature moves by <gradient, change> to first order.
  y.backward(ones(y.shape(), {dtype, {}}));
  const Numbers gradient = path.grad().to_vector();
  double forward = 0, slope = 0;
  Numbers moved = x;
  const double h = 1e-6;
  for (std::size_t i = 0; i < moved.size(); ++i) {
    const double change = std::sin(static_cast<double>(7 * i));
    moved[i] += h * change;
    slope += gradient[i] * change;
  }
  for (std::int64_t b = 0; b < batch; ++b) {
    const Numbers after =
        signature_of(moved.data() + b * length * d, length, d, depth);
    for (std::size_t i = 0; i < after.size(); ++i) {
      forward += (after[i] - expected[b * after.size() + i]) / h;
    }
  }
  expect_near("  its gradient",
              std::abs(forward - slope) / (1 + std::abs(slope)),
              dtype == DType::float32 ? 1e-3 : 1e-4);
}

void check_linear() {
  const Tensor x = randn({300, 20}), w = randn({3, 20}), b = randn({3});
  const Numbers xs = x.to_vector(), ws = w.to_vector(), bs = b.to_vector();
  Numbers expected;
  for (int r = 0; r < 300; ++r) {
    for (int o = 0; o < 3; ++o) {
      double sum = bs[o];
      for (int c = 0; c < 20; ++c) sum += xs[r * 20 + c] * ws[o * 20 + c];
      expected.push_back(sum);
    }
  }
  expect_near("linear 300x20 to 3",
              largest_error(linear(x, w, b).to_vector(), expected), 1e-6);
}

}  // namespace

int main() {
  std::printf("%s\n", isa_name(active_isa()));
  manual_seed(1);
  check_signature(5, 12, 3, 4, DType::float32);
  check_signature(5, 12, 3, 4, DType::float64);
  check_signature(1, 20, 4, 5, DType::float32);
  check_signature(4, 9, 2, 6, DType::float64);
  check_signature(3, 8, 10, 3, DType::float32);
  check_signature(9, 30, 5, 2, DType::float32);
  check_linear();
  return failures != 0;
}
