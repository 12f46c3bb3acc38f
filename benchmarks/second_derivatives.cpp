// What a gradient of a gradient costs against a gradient, one thread, float32
// and float64: for f = <c, op(x)> the time of f and df/dx, and of those with
// create_graph followed by the derivative of <w, df/dx> by x and c.
//
//   benchmark_second_derivatives
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "sigtape/framework/simd/fma_peak.h"
#include "sigtape/sigtape.h"

namespace {

using namespace sigtape;
using Clock = std::chrono::steady_clock;
using Function = std::function<Tensor(const Tensor&)>;

// Shortest time of a call, over 0.5 seconds, in milliseconds.
double best_ms(const std::function<void()>& body) {
  body();
  double best = 1e9;
  const auto end = Clock::now() + std::chrono::milliseconds(500);
  do {
    const auto start = Clock::now();
    body();
    const std::chrono::duration<double, std::milli> ms = Clock::now() - start;
    best = std::min(best, ms.count());
  } while (Clock::now() < end);
  return best;
}

void measure(const std::string& name, const Shape& shape, DType type,
             const Function& op) {
  const TensorOptions options = {type, {}};
  const Tensor x = (randn(shape, options) * 0.2).detach().set_requires_grad();
  const Tensor w = randn(shape, options);
  const Tensor c = randn(op(x).shape(), options).set_requires_grad();
  const double first = best_ms([&] { gradients(op(x), {x}, c); });
  const double second = best_ms([&] {
    const Tensor g = gradients(op(x), {x}, c,
                               {.retain_graph = true, .create_graph = true})[0];
    gradients(g, {x, c}, w);
  });
  std::printf("%-44s %-8s %10.3f %10.3f %8.2f\n", name.c_str(),
              type == DType::float32 ? "float32" : "float64", first, second,
              second / first);
  std::fflush(stdout);
}

void measure_signature(const Shape& shape, std::int64_t depth, DType type,
                       bool stream) {
  measure("signature " + shape.to_string() + " depth " + std::to_string(depth) +
              (stream ? " stream" : ""),
          shape, type, [=](const Tensor& x) {
            return signature(x, depth, {.stream = stream});
          });
}

void measure_all(DType type) {
  measure_signature({32, 128, 4}, 4, type, false);
  measure_signature({32, 128, 4}, 4, type, true);
  measure_signature({32, 128, 3}, 6, type, false);
  measure_signature({32, 128, 7}, 4, type, false);
  measure_signature({32, 128, 2}, 8, type, false);
  measure_signature({1, 1000, 4}, 5, type, false);
  measure_signature({128, 32, 10}, 3, type, false);
  measure("logsignature (32, 128, 4) depth 4", {32, 128, 4}, type,
          [](const Tensor& x) { return logsignature(x, 4); });
  const std::int64_t words = signature_channels(5, 4);
  measure("signature_to_logsignature (128, 780)", {128, words}, type,
          [](const Tensor& x) { return signature_to_logsignature(x, 5, 4); });
  measure("signature_combine (128, 780)", {128, words}, type,
          [](const Tensor& x) { return signature_combine(x, x, 5, 4); });
  const Tensor weight = randn({8, signature_channels(4, 4), 4}, {type, {}});
  measure("signature_conv1d (16, 64, 4) depth 4", {16, 64, 4}, type,
          [=](const Tensor& x) { return signature_conv1d(x, 4, weight); });
  for (const auto& [name, model] :
       {std::pair{"SigNet2 (32, 64, 4) depth 4", signet2(4, 4, 4)},
        std::pair{"SigNet3 (16, 64, 4) depth 3", signet3(4, 4, 3)}}) {
    model->build({64, 4}, {type, {}});
    measure(name, {name[6] == '2' ? 32 : 16, 64, 4}, type,
            [m = model](const Tensor& x) { return (*m)(x); });
  }
}

}  // namespace

int main() {
  set_num_threads(1);
  manual_seed(1);
  std::printf("peak: %.1f GFMA/s float32, %.1f float64\n",
              measure_fma_peak<float>(), measure_fma_peak<double>());
  std::printf("%-44s %-8s %10s %10s %8s\n", "", "", "first/ms", "second/ms",
              "ratio");
  for (const DType type : {DType::float32, DType::float64}) measure_all(type);
}
