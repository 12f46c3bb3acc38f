// The tiled kernels of every instruction set against three plain loops.
#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/ops/gemm_kernels.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/random.h"
#include "sigtape/framework/simd/isa.h"

namespace sigtape::test {
namespace {

std::vector<Isa> runnable_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (isa_supported(isa)) isas.push_back(isa);
  }
  return isas;
}

template <class T>
std::vector<T> numbers(std::int64_t count, std::uint64_t seed) {
  std::vector<T> values(count);
  for (std::int64_t i = 0; i < count; ++i) {
    values[i] = static_cast<T>(philox_normal(seed, i));
  }
  return values;
}

struct Layout {
  bool a_transposed, b_transposed, accumulate;
};

// Largest difference from the plain sums in double, per sqrt(k).
template <class T, class Run>
double error_of(std::int64_t m, std::int64_t n, std::int64_t k, Layout layout,
                const Run& run) {
  const auto a = numbers<T>(m * k, 1), b = numbers<T>(k * n, 2);
  std::vector<T> c = numbers<T>(m * (n + 3), 3);
  const std::vector<T> before = c;
  Gemm<T> g{m, n, k, a.data(), k, 1, b.data(), n, 1, c.data(), n + 3};
  if (layout.a_transposed) g.a_row = 1, g.a_col = m;
  if (layout.b_transposed) g.b_row = 1, g.b_col = k;
  g.accumulate = layout.accumulate;
  run(g);
  double worst = 0;
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n + 3; ++j) {
      double sum = j < n && !layout.accumulate ? 0 : before[i * (n + 3) + j];
      for (std::int64_t l = 0; l < k && j < n; ++l) {
        sum += static_cast<double>(g.a[i * g.a_row + l * g.a_col]) *
               g.b[l * g.b_row + j * g.b_col];
      }
      worst = std::max(worst, std::abs(sum - c[i * (n + 3) + j]));
    }
  }
  return worst / std::sqrt(std::max<double>(1, k));
}

template <class T>
void check_sizes(const Layout& layout) {
  const double tolerance = sizeof(T) == 4 ? 4e-6 : 1e-14;
  for (const std::int64_t n : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 49}) {
    for (const std::int64_t m : {1, 2, 3, 7, 8, 9, 13}) {
      for (const std::int64_t k : {0, 1, 7, 16, 33, 67}) {
        const double error = error_of<T>(m, n, k, layout, [](const Gemm<T>& g) {
          gemm(Cpu{}, g, Strided<3>{});
        });
        ASSERT_LE(error, tolerance) << m << " " << n << " " << k;
      }
    }
  }
}

TEST(Gemm, OfEveryInstructionSetAgreesWithPlainLoops) {
  for (const Isa isa : runnable_isas()) {
    SCOPED_TRACE(isa_name(isa));
    const ScopedIsa forced(isa);
    for (const bool accumulate : {false, true}) {
      check_sizes<float>({false, false, accumulate});
      check_sizes<float>({true, false, accumulate});
      check_sizes<float>({false, true, accumulate});
      check_sizes<double>({false, false, accumulate});
      check_sizes<double>({false, true, accumulate});
    }
    check_sizes<float>({true, true, false});
  }
}

TEST(Gemm, ReferenceAgreesWithPlainLoops) {
  for (const bool accumulate : {false, true}) {
    const double error =
        error_of<double>(5, 6, 7, {true, true, accumulate},
                         [](const auto& g) { gemm_reference(Cpu{}, g); });
    EXPECT_LE(error, 1e-15);
  }
}

// Several tiles of rows and columns, and k that is cut into groups. Rounding is
// about eps sqrt(k) / 2 of a typical sum sqrt(k), times 5 for the worst of
// many; a missing term would be 1 / sqrt(k), hundreds of times more.
TEST(Gemm, CutsLargeProductsRight) {
  struct Size {
    std::int64_t m, n, k;
  };
  for (const Isa isa : runnable_isas()) {
    SCOPED_TRACE(isa_name(isa));
    const ScopedIsa forced(isa);
    for (const Size s :
         {Size{70, 1001, 90}, Size{3, 5, 40001}, Size{5000, 8, 24},
          Size{1, 1, 70000}, Size{130, 500, 1100}, Size{128, 10, 340},
          Size{32, 10, 529}}) {
      for (const bool transposed : {false, true}) {
        const double error = error_of<float>(
            s.m, s.n, s.k, {false, transposed, true},
            [](const auto& g) { gemm(Cpu{}, g, Strided<3>{}); });
        EXPECT_LE(error, 1e-5) << s.m << " " << s.n << " " << s.k;
      }
    }
  }
}

// The products of a linear layer and of its gradients: rows, a sum over the
// batch, columns.
TEST(Gemm, CutsInTheSameWayForAnyNumberOfThreads) {
  struct Case {
    std::int64_t m, n, k;
    Layout layout;
  };
  const int before = num_threads();
  for (const Case& c : {Case{128, 10, 1110, {false, true, false}},
                        Case{10, 1110, 128, {true, false, false}},
                        Case{10, 258, 700, {true, false, true}},
                        Case{128, 1110, 10, {false, false, false}},
                        Case{10, 300, 100, {true, false, false}}}) {
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2, 7}) {
      set_num_threads(threads);
      const double error =
          error_of<float>(c.m, c.n, c.k, c.layout, [&](const Gemm<float>& g) {
            gemm(Cpu{}, g, Strided<3>{});
            results.emplace_back(g.c, g.c + c.m * g.c_row);
          });
      EXPECT_LE(error, 4e-6) << c.m << " " << c.n << " " << c.k;
      EXPECT_EQ(results.back(), results.front());
    }
  }
  set_num_threads(before);
}

// The windows of a stream of 2 channels, 3 points each, as rows of A.
TEST(Gemm, TakesOverlappingRows) {
  const auto x = numbers<double>(2 * 12, 1), w = numbers<double>(6 * 5, 2);
  for (const Isa isa : runnable_isas()) {
    const ScopedIsa forced(isa);
    std::vector<double> y(10 * 5);
    gemm(Cpu{},
         Gemm<double>{10, 5, 6, x.data(), 2, 1, w.data(), 5, 1, y.data(), 5},
         Strided<3>{});
    for (int t = 0; t < 10; ++t) {
      for (int o = 0; o < 5; ++o) {
        double sum = 0;
        for (int l = 0; l < 6; ++l) sum += x[2 * t + l] * w[l * 5 + o];
        EXPECT_NEAR(y[t * 5 + o], sum, 1e-13);
      }
    }
  }
}

std::vector<float> sum_of_pieces(std::int64_t count, int threads) {
  const std::int64_t m = 8, n = 30, k = 50, last = 20;
  const auto a = numbers<float>(count * m * k, 1);
  const auto b = numbers<float>(count * k * n, 2);
  std::vector<float> c(m * n, 1);
  const int before = num_threads();
  set_num_threads(threads);
  gemm_sum(
      Cpu{},
      Gemm<float>{m, n, k, a.data(), k, 1, b.data(), n, 1, c.data(), n, true},
      {count, m * k, k * n, last});
  set_num_threads(before);
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 1;
      for (std::int64_t p = 0; p < count; ++p) {
        for (std::int64_t l = 0; l < (p == count - 1 ? last : k); ++l) {
          sum += static_cast<double>(a[p * m * k + i * k + l]) *
                 b[p * k * n + l * n + j];
        }
      }
      EXPECT_NEAR(c[i * n + j], sum, 2e-6 * std::sqrt(count * k));
    }
  }
  return c;
}

TEST(Gemm, SumsPiecesInTheSameOrderWithAnyNumberOfThreads) {
  for (const std::int64_t count : {1, 2, 100}) {
    const std::vector<float> one = sum_of_pieces(count, 1);
    EXPECT_EQ(one, sum_of_pieces(count, 2)) << count;
    EXPECT_EQ(one, sum_of_pieces(count, 5)) << count;
  }
}

TEST(Gemm, OfNothingLeavesMemoryAlone) {
  gemm(Cpu{}, Gemm<float>{0, 5, 3}, Strided<3>{});
  gemm(Cpu{}, Gemm<float>{5, 0, 3}, Strided<3>{});
  float c = 7;
  gemm_sum(Cpu{}, Gemm<float>{1, 1, 3, nullptr, 3, 1, nullptr, 1, 1, &c, 1},
           {0, 0, 0, 0});
  EXPECT_EQ(c, 0);  // the sum of no pieces
}

}  // namespace
}  // namespace sigtape::test
