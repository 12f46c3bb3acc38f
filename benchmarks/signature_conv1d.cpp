// A stream of signatures and the convolution that reads it, as one operation,
// on one thread, beside the peak of multiply-adds measured at the same time.
//
//   benchmark_signature_conv1d [options of Google Benchmark]
//
// Arguments: batch, length, channels, depth, kernel, outputs. Counters are of
// the fastest iteration: its milliseconds, its rate, and that over the peak.
// Multiply-adds for each increment: with S words, K taps, O outputs, and F and
// A of the signature itself (signature_kernels.cpp), S K O + F forward and
// 2 S K O + F + A backward.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <vector>

#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/fma_peak.h"
#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/signature_conv1d_kernels.h"

namespace {

using sigtape::SignatureConv1dShape;
using sigtape::Tensor;

// Processor time of this thread: what others take of the processor is left
// out.
double seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         1e-9 * static_cast<double>(now.tv_nsec);
}

struct Work {
  double forward = 0, backward = 0;

  explicit Work(const SignatureConv1dShape& s) {
    double horner = 0, words = 0, level = 1;
    for (int k = 1; k <= s.depth; ++k) {
      level *= static_cast<double>(s.channels);
      words += level;
      horner += (s.depth - k + 1) * level;
    }
    const double steps = 1e-9 * static_cast<double>(s.batch * s.increments());
    const double products = words * static_cast<double>(s.kernel * s.outputs);
    forward = steps * (products + horner);
    backward = steps * (2 * products + 5 * horner - level - words);
  }
};

template <class T>
struct Arrays {
  const sigtape::TensorOptions options{sigtape::dtype_of<T>(), {}};
  Tensor path, weight, bias, y, dpath, dweight, dbias, workspace;

  explicit Arrays(const SignatureConv1dShape& s)
      : path(sigtape::randn({s.batch, s.length, s.channels}, options)),
        weight(sigtape::randn({s.outputs, s.words(), s.kernel}, options)),
        bias(sigtape::randn({s.outputs}, options)),
        y(sigtape::randn({s.batch, s.rows(), s.outputs}, options)),
        dpath(sigtape::empty_like(path)),
        dweight(sigtape::empty_like(weight)),
        dbias(sigtape::empty_like(bias)) {
    const std::size_t bytes =
        std::max(sigtape::cpu::signature_conv1d_forward_bytes<T>(s),
                 sigtape::cpu::signature_conv1d_backward_bytes<T>(s));
    workspace = sigtape::empty({static_cast<std::int64_t>(bytes / 8 + 1)},
                               {sigtape::DType::float64, {}});
    path.mul_(0.1);
  }

  void run(const SignatureConv1dShape& s, bool backward) {
    const sigtape::SignatureConv1dInputs<T> in = {
        path.data<T>(), nullptr, nullptr, weight.data<T>(), bias.data<T>()};
    void* scratch = workspace.mutable_data<double>();
    if (!backward) {
      sigtape::cpu::signature_conv1d_forward(s, in, y.mutable_data<T>(),
                                             scratch);
    } else {
      sigtape::cpu::signature_conv1d_backward<T>(
          s, in, y.data<T>(),
          {dpath.mutable_data<T>(), dweight.mutable_data<T>(),
           dbias.mutable_data<T>()},
          scratch);
    }
  }
};

template <class T, bool backward>
void run(benchmark::State& state) {
  sigtape::set_num_threads(1);
  SignatureConv1dShape s;
  s.batch = state.range(0);
  s.length = state.range(1);
  s.channels = state.range(2);
  s.depth = static_cast<int>(state.range(3));
  s.kernel = state.range(4);
  s.outputs = state.range(5);
  s.basepoint = sigtape::BasepointKind::zero;
  Arrays<T> arrays(s);
  double best = 1e9;
  for (auto _ : state) {
    const double start = seconds();
    arrays.run(s, backward);
    best = std::min(best, seconds() - start);
  }
  const Work work(s);
  const double rate = (backward ? work.backward : work.forward) / best;
  state.counters["best_ms"] = best * 1e3;
  state.counters["GFMA/s"] = rate;
  state.counters["of_peak"] = rate / sigtape::measure_fma_peak<T>();
}

void cases(benchmark::internal::Benchmark* b) {
  b->Unit(benchmark::kMillisecond);
  b->Args({32, 100, 8, 2, 4, 8});
  b->Args({32, 100, 8, 3, 4, 8});
  b->Args({32, 500, 8, 3, 4, 8});
  b->Args({16, 500, 8, 4, 4, 8});
  b->Args({20, 100, 8, 3, 4, 8});
  b->Args({4, 500, 8, 3, 4, 8});
  b->Args({1, 500, 8, 3, 4, 8});
  b->Args({32, 100, 4, 5, 4, 8});
  b->Args({32, 100, 5, 4, 3, 12});
  b->Args({32, 100, 3, 6, 1, 8});
}

BENCHMARK(run<float, false>)->Name("forward_float32")->Apply(cases);
BENCHMARK(run<float, true>)->Name("backward_float32")->Apply(cases);
BENCHMARK(run<double, false>)->Name("forward_float64")->Apply(cases);
BENCHMARK(run<double, true>)->Name("backward_float64")->Apply(cases);

}  // namespace

BENCHMARK_MAIN();
