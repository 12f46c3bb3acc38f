// Where oneDNN's matrix product overtakes ours: float32, one thread, the
// shapes of this library's models and square ones, in multiply-adds per
// second. The choice that follows from it is in framework/ops/gemm.cpp.
#include <benchmark/benchmark.h>
#ifdef SIGTAPE_ONEDNN
#include <dnnl.h>
#endif

#include <cstdlib>
#include <string>

#include "sigtape/framework/node.h"
#include "sigtape/framework/ops/gemm_kernels.h"
#include "sigtape/framework/simd/isa.h"

namespace {

using sigtape::Cpu;
using sigtape::Gemm;

/// One product: sizes, and how A and B are stored. a_step and b_step are the
/// steps from row to row, 0 for the whole row.
struct Product {
  const char* name;
  std::int64_t m, n, k;
  bool a_transposed = false, b_transposed = false;
  std::int64_t a_step = 0, b_step = 0;
};

const Product kProducts[] = {
    {"linear/small", 32, 8, 120, false, true},
    {"linear/wide", 128, 8, 20000, false, true},
    {"linear/very_wide", 32, 16, 240000, false, true},
    {"linear/input_gradient", 128, 20000, 8},
    {"linear/weight_gradient", 8, 20000, 128, true},
    {"linear/hidden", 128, 128, 128, false, true},
    {"conv/6_channels", 10000, 8, 24, false, true, 6},
    {"conv/84_channels", 4000, 8, 336, false, true, 84},
    {"conv/400_channels", 1000, 8, 1600, false, true, 400},
    {"conv/84_channels_rows", 4000, 8, 336, false, false, 84},
    {"conv/400_channels_rows", 1000, 8, 1600, false, false, 400},
    {"conv/input_gradient_84", 4000, 84, 32, false, false, 8},
    {"conv/input_gradient_400", 1000, 400, 32, false, false, 8},
    {"conv/weight_gradient_84", 8, 336, 4000, true, false, 0, 84},
    {"conv/weight_gradient_400", 8, 1600, 1000, true, false, 0, 400},
    {"pointwise/8", 20000, 8, 8},
    {"pointwise/8_weight_gradient", 8, 8, 20000, true},
    {"square/32", 32, 32, 32},
    {"square/64", 64, 64, 64},
    {"square/128", 128, 128, 128},
    {"square/256", 256, 256, 256},
    {"square/512", 512, 512, 512},
    {"square/512_transposed", 512, 512, 512, false, true},
};

struct Data {
  explicit Data(const Product& p)
      : a(p.m * p.k, 0.5f), b(p.k * p.n, 0.25f), c(p.m * p.n) {}
  sigtape::CacheVector<float> a, b, c;  // aligned as tensors are
};

void count(benchmark::State& state, const Product& p) {
  state.counters["GFMA/s"] =
      benchmark::Counter(1e-9 * static_cast<double>(p.m * p.n * p.k),
                         benchmark::Counter::kIsIterationInvariantRate);
}

void ours(benchmark::State& state, const Product& p) {
  Data data(p);
  Gemm<float> g{p.m, p.n, p.k};
  g.a = data.a.data();
  g.b = data.b.data();
  g.c = data.c.data();
  g.a_row = p.a_transposed ? 1 : p.a_step ? p.a_step : p.k;
  g.a_col = p.a_transposed ? p.m : 1;
  g.b_row = p.b_transposed ? 1 : p.b_step ? p.b_step : p.n;
  g.b_col = p.b_transposed ? p.k : 1;
  g.c_row = p.n;
  for (auto _ : state) {
    sigtape::gemm(Cpu{}, g, sigtape::Strided<3>{});
    benchmark::ClobberMemory();
  }
  count(state, p);
}

#ifdef SIGTAPE_ONEDNN
// Overlapping rows are stored one after another: oneDNN takes no others.
void onednn(benchmark::State& state, const Product& p) {
  Data data(p);
  for (auto _ : state) {
    dnnl_sgemm(p.a_transposed ? 'T' : 'N', p.b_transposed ? 'T' : 'N', p.m, p.n,
               p.k, 1, data.a.data(), p.a_transposed ? p.m : p.k, data.b.data(),
               p.b_transposed ? p.k : p.n, 0, data.c.data(), p.n);
    benchmark::ClobberMemory();
  }
  count(state, p);
}
#endif

}  // namespace

int main(int argc, char** argv) {
  setenv("OMP_NUM_THREADS", "1", 1);
  sigtape::set_num_threads(1);
  for (const Product& p : kProducts) {
    const std::string name = p.name;
    benchmark::RegisterBenchmark((name + "/ours").c_str(), ours, p);
#ifdef SIGTAPE_ONEDNN
    benchmark::RegisterBenchmark((name + "/onednn").c_str(), onednn, p);
#endif
  }
  benchmark::AddCustomContext("isa", isa_name(sigtape::active_isa()));
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
