// The fused convolution of signatures on a GPU against the CPU's in float64.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "sigtape/layers/signature/signature_conv1d_kernels.h"
#include "support/device_array.h"
#include "support/random_values.h"
#include "support/signature_runner.h"

namespace sigtape::test {
namespace {

struct Results {
  std::vector<double> y, dpath, dweight, dbias;
};

template <class T>
struct Case {
  SignatureConv1dShape shape;
  std::vector<T> path, basepoint, weight, bias, dy;
  std::vector<std::int64_t> lengths;

  Case(const SignatureConv1dShape& s, bool unequal, unsigned seed)
      : shape(s),
        path(random_values<T>(s.batch * s.length * s.channels, seed, .4)),
        basepoint(s.basepoint == BasepointKind::shared
                      ? random_values<T>(s.channels, seed + 1, .4)
                      : std::vector<T>()),
        weight(
            random_values<T>(s.outputs * s.words() * s.kernel, seed + 2, .4)),
        bias(random_values<T>(s.outputs, seed + 3, .4)),
        dy(random_values<T>(s.batch * s.rows() * s.outputs, seed + 4, .4)) {
    const std::int64_t least = s.length - s.rows() + 1;
    for (std::int64_t b = 0; unequal && b < s.batch; ++b)
      lengths.push_back(b == 1 ? s.length : least + b * 7 % s.rows());
  }
};

template <class T>
Results on_gpu(const Case<T>& c) {
  const DeviceArray<T> path(c.path), basepoint(c.basepoint), weight(c.weight),
      bias(c.bias), dy(c.dy);
  const DeviceArray<std::int64_t> lengths(c.lengths);
  const DeviceArray<T> y(c.dy.size()), dpath(c.path.size()),
      dweight(c.weight.size()), dbias(c.bias.size());
  const SignatureConv1dInputs<T> inputs{path.data(), basepoint.pointer(),
                                        lengths.pointer(), weight.data(),
                                        bias.data()};
  signature_conv1d_forward<T>(Cuda{}, c.shape, inputs, y.data(), nullptr);
  signature_conv1d_backward<T>(Cuda{}, c.shape, inputs, dy.data(),
                               {dpath.data(), dweight.data(), dbias.data()},
                               nullptr);
  return {to_double(y.values()), to_double(dpath.values()),
          to_double(dweight.values()), to_double(dbias.values())};
}

template <class T>
Results on_cpu(const Case<T>& c) {
  const auto path = to_double(c.path), basepoint = to_double(c.basepoint),
             weight = to_double(c.weight), bias = to_double(c.bias),
             dy = to_double(c.dy);
  const SignatureConv1dInputs<double> inputs{
      path.data(), basepoint.data(),
      c.lengths.empty() ? nullptr : c.lengths.data(), weight.data(),
      bias.data()};
  std::vector<double> room(
      (cpu::signature_conv1d_forward_bytes<double>(c.shape) +
       cpu::signature_conv1d_backward_bytes<double>(c.shape)) /
          8 +
      16);
  void* memory = room.data();
  std::size_t bytes = room.size() * 8;
  std::align(64, 8, memory, bytes);
  Results r{std::vector<double>(dy.size()), std::vector<double>(path.size()),
            std::vector<double>(weight.size()),
            std::vector<double>(bias.size())};
  cpu::signature_conv1d_forward(c.shape, inputs, r.y.data(), memory);
  cpu::signature_conv1d_backward(
      c.shape, inputs, dy.data(),
      {r.dpath.data(), r.dweight.data(), r.dbias.data()}, memory);
  return r;
}

template <class T>
void check(const SignatureConv1dShape& shape, bool unequal, unsigned seed) {
  const Case<T> c(shape, unequal, seed);
  const Results got = on_gpu(c), expected = on_cpu(c);
  const double forward = sizeof(T) == 4 ? 2e-5 : 1e-12;
  const double gradient = sizeof(T) == 4 ? 1e-4 : 1e-12;
  const std::string text = "B=" + std::to_string(shape.batch) +
                           " L=" + std::to_string(shape.length) +
                           " d=" + std::to_string(shape.channels) +
                           " N=" + std::to_string(shape.depth) +
                           " K=" + std::to_string(shape.kernel) +
                           " O=" + std::to_string(shape.outputs) +
                           (unequal ? " lengths" : "") +
                           (sizeof(T) == 4 ? " float32" : " float64");
  EXPECT_LE(relative_error(got.y, expected.y), forward) << text;
  EXPECT_LE(relative_error(got.dpath, expected.dpath), gradient) << text;
  EXPECT_LE(relative_error(got.dweight, expected.dweight), gradient) << text;
  EXPECT_LE(relative_error(got.dbias, expected.dbias), gradient) << text;
}

void check(const SignatureConv1dShape& shape, unsigned seed) {
  for (const bool unequal : {false, true}) {
    check<float>(shape, unequal, seed);
    check<double>(shape, unequal, seed);
  }
}

TEST(CudaSignatureConv1d, SizesAroundItsTiles) {
  const std::tuple<int, int, int, int, int, int> sizes[] = {
      {2, 6, 2, 1, 1, 1},  {3, 9, 3, 3, 4, 8},  {2, 40, 2, 4, 4, 9},
      {3, 33, 3, 2, 2, 3}, {2, 34, 2, 3, 5, 1}, {1, 70, 3, 3, 4, 2},
      {5, 12, 1, 3, 3, 4}, {2, 66, 4, 2, 7, 5}};
  for (const auto& [batch, length, channels, depth, kernel, outputs] : sizes) {
    for (const BasepointKind basepoint :
         {BasepointKind::none, BasepointKind::shared}) {
      check({.batch = batch,
             .length = length,
             .channels = channels,
             .depth = depth,
             .kernel = kernel,
             .outputs = outputs,
             .basepoint = basepoint},
            length);
    }
  }
}

// More words than fit with all paths in a piece.
TEST(CudaSignatureConv1d, SomePathsAtATime) {
  check<float>({.batch = 3,
                .length = 3,
                .channels = 56,
                .depth = 3,
                .kernel = 2,
                .outputs = 2,
                .basepoint = BasepointKind::zero},
               false, 1);
}

}  // namespace
}  // namespace sigtape::test
