// Products of signatures and series of tensors on a GPU against the CPU.
#include <gtest/gtest.h>

#include <string>

#include "sigtape/layers/signature/channels.h"
#include "sigtape/layers/signature/lyndon.h"
#include "sigtape/layers/signature/signature_combine_kernels.h"
#include "sigtape/layers/signature/tensor_series_kernels.h"
#include "support/device_array.h"
#include "support/random_values.h"
#include "support/signature_runner.h"

namespace sigtape::test {
namespace {

template <class T>
constexpr double kTolerance = sizeof(T) == 4 ? 2e-5 : 1e-12;
template <class T>
constexpr double kGradientTolerance = sizeof(T) == 4 ? 1e-4 : 1e-12;

template <class T>
void check_product(const ProductShape& s, unsigned seed) {
  const std::int64_t columns =
      signature_channels(s.channels, s.depth, s.scalar_term);
  const std::int64_t size = s.batch * columns;
  const auto a = random_values<T>(size, seed, .5),
             b = random_values<T>(size, ~seed, .5);
  const auto dout = random_values<T>(size, seed + 99, .5);
  const auto a64 = to_double(a), b64 = to_double(b), dout64 = to_double(dout);
  std::vector<double> out(size), da(size), db(size);
  signature_product(Cpu{}, s, a64.data(), b64.data(), out.data());
  signature_product_adjoint(Cpu{}, s, a64.data(), b64.data(), dout64.data(),
                            da.data(), db.data());
  const DeviceArray<T> ga(a), gb(b), gdout(dout), gout(size), gda(size),
      gdb(size);
  signature_product(Cuda{}, s, ga.data(), gb.data(), gout.data());
  signature_product_adjoint<T>(Cuda{}, s, nullptr, gb.data(), gdout.data(),
                               gda.data(), nullptr);
  signature_product_adjoint<T>(Cuda{}, s, ga.data(), nullptr, gdout.data(),
                               nullptr, gdb.data());
  const std::string text = "B=" + std::to_string(s.batch) +
                           " d=" + std::to_string(s.channels) +
                           " N=" + std::to_string(s.depth);
  EXPECT_LE(relative_error(gout.values(), out), kTolerance<T>) << text;
  EXPECT_LE(relative_error(gda.values(), da), kGradientTolerance<T>) << text;
  EXPECT_LE(relative_error(gdb.values(), db), kGradientTolerance<T>) << text;
}

TEST(CudaProduct, EqualsTheCpu) {
  for (const auto& [batch, channels, depth] : {std::tuple{1, 1, 5},
                                               {3, 2, 1},
                                               {3, 2, 6},
                                               {2, 3, 4},
                                               {1, 7, 3},
                                               {40, 3, 2}}) {
    for (int flags = 0; flags < 8; ++flags) {
      const ProductShape s{
          batch,           channels, depth, (flags & 1) != 0, (flags & 2) != 0,
          (flags & 4) != 0};
      check_product<float>(s, flags);
      check_product<double>(s, flags);
    }
  }
}

template <class T>
void check_series(const SeriesShape& s, unsigned seed) {
  const auto x = random_values<T>(s.rows * s.argument_columns(), seed, .5);
  const auto dout = random_values<T>(s.rows * s.result_columns(), seed + 1, .5);
  const auto x64 = to_double(x), dout64 = to_double(dout);
  std::vector<double> out(dout.size()), dx(x.size());
  const auto bytes = static_cast<std::size_t>(cpu::series_workspace_bytes(
      s, sizeof(double), cpu::SeriesCall::backward));
  std::vector<double> workspace(bytes / 8 + 16);
  void* aligned = workspace.data();
  std::size_t room = workspace.size() * 8;
  std::align(64, bytes, aligned, room);
  cpu::series_forward(s, x64.data(), out.data(), aligned);
  cpu::series_backward(s, x64.data(), dout64.data(), dx.data(), aligned);
  const DeviceArray<T> gx(x), gdout(dout), gout(dout.size()), gdx(x.size());
  series_forward<T>(Cuda{}, s, gx.data(), gout.data(), nullptr);
  series_backward<T>(Cuda{}, s, gx.data(), gdout.data(), gdx.data(), nullptr);
  const std::string text =
      "series " + std::to_string(static_cast<int>(s.series)) +
      " d=" + std::to_string(s.channels) + " N=" + std::to_string(s.depth) +
      " argument " + std::to_string(static_cast<int>(s.argument)) + " result " +
      std::to_string(static_cast<int>(s.result));
  EXPECT_LE(relative_error(gout.values(), out), kTolerance<T>) << text;
  EXPECT_LE(relative_error(gdx.values(), dx), kGradientTolerance<T>) << text;
}

void check_series(SeriesShape s, unsigned seed) {
  const bool lie = s.argument != Coordinates::signature ||
                   s.result != Coordinates::signature;
  if (lie) {
    s.lyndon = &lyndon_table(s.channels, s.depth, LyndonMaps::expansion);
    s.lyndon_words = s.lyndon->count;
  }
  check_series<float>(s, seed);
  check_series<double>(s, seed);
}

constexpr std::tuple<int, int, int> kSizes[] = {
    {1, 1, 6}, {3, 2, 1}, {5, 2, 7}, {2, 3, 4}, {2, 5, 3}, {40, 2, 2}};

TEST(CudaSeries, SignaturesToSignatures) {
  for (const auto& [rows, channels, depth] : kSizes) {
    for (const TensorSeries series :
         {TensorSeries::logarithm, TensorSeries::exponential,
          TensorSeries::inverse}) {
      for (int flags = 0; flags < 4; ++flags) {
        check_series({.series = series,
                      .rows = rows,
                      .channels = channels,
                      .depth = depth,
                      .argument_scalar_term = (flags & 1) != 0,
                      .result_scalar_term = (flags & 2) != 0},
                     flags + rows);
      }
    }
  }
}

TEST(CudaSeries, LyndonCoordinates) {
  for (const auto& [rows, channels, depth] : kSizes) {
    for (const Coordinates lie : {Coordinates::words, Coordinates::brackets}) {
      for (const bool scalar_term : {false, true}) {
        check_series({.series = TensorSeries::logarithm,
                      .rows = rows,
                      .channels = channels,
                      .depth = depth,
                      .result = lie,
                      .argument_scalar_term = scalar_term},
                     rows);
        check_series({.series = TensorSeries::exponential,
                      .rows = rows,
                      .channels = channels,
                      .depth = depth,
                      .argument = lie,
                      .result_scalar_term = scalar_term},
                     rows);
      }
    }
  }
}

}  // namespace
}  // namespace sigtape::test
