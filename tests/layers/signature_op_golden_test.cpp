// Signatory's signatures and their gradients, through the operation and the
// tape.
#include <gtest/gtest.h>

#include <algorithm>

#include "sigtape/layers/signature/signature.h"
#include "support/battery.h"
#include "support/golden.h"
#include "support/warnings.h"

namespace sigtape::test {
namespace {

struct Leaves {
  Tensor path, basepoint, initial;
};

Tensor leaf(const GoldenCase& golden, const char* name, DType dtype,
            Device device) {
  if (!golden.has(name)) return {};
  Tensor values = golden_tensor(golden.at(name), dtype).to(device);
  return values.set_requires_grad();
}

SignatureOptions options_of(const GoldenCase& golden, const Leaves& leaves) {
  SignatureOptions options;
  options.stream = golden.arguments.at("stream");
  options.inverse = golden.arguments.at("inverse");
  options.scalar_term = golden.arguments.at("scalar_term");
  options.initial = leaves.initial;
  const std::string basepoint = golden.arguments.at("basepoint");
  if (basepoint == "zero") options.basepoint = true;
  if (basepoint == "tensor") options.basepoint = leaves.basepoint;
  return options;
}

void check(const GoldenCase& golden, DType dtype, double tolerance,
           Device device) {
  SCOPED_TRACE(golden.arguments.dump());
  Leaves leaves{leaf(golden, "path", dtype, device),
                leaf(golden, "basepoint", dtype, device),
                leaf(golden, "initial", dtype, device)};
  const Tensor y = signature(leaves.path, golden.arguments.at("depth"),
                             options_of(golden, leaves));
  const GoldenArray& expected = golden.at("signature");
  EXPECT_TRUE(std::equal(y.shape().begin(), y.shape().end(),
                         expected.shape.begin(), expected.shape.end()))
      << y.shape();
  EXPECT_LE(relative_error(y.to_vector(), expected.values), tolerance);
  y.backward(golden_tensor(golden.at("g_signature"), dtype).to(device));
  const auto gradient = [&](const char* name, const Tensor& of) {
    if (!golden.has(name)) return;
    ASSERT_TRUE(of.grad().defined()) << name;
    EXPECT_LE(relative_error(of.grad().to_vector(), golden.at(name).values),
              tolerance)
        << name;
  };
  gradient("d_path", leaves.path);
  gradient("d_basepoint", leaves.basepoint);
  gradient("d_initial", leaves.initial);
}

void check_all(DType dtype, double tolerance, Device device = {}) {
  const CollectWarnings initial_without_basepoint;
  const auto cases = golden_cases("signature");
  ASSERT_EQ(cases.size(), 125u);
  for (const GoldenCase& golden : cases)
    check(golden, dtype, tolerance, device);
  EXPECT_EQ(initial_without_basepoint.texts().size(), 1u);
}

TEST(SignatureOpGolden, Float64) { check_all(DType::float64, 1e-10); }
TEST(SignatureOpGolden, Float32) { check_all(DType::float32, 1e-5); }

TEST(SignatureOpGolden, OnAGpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no CUDA device";
  const Device device{Device::Type::cuda, 0};
  check_all(DType::float64, 1e-10, device);
  check_all(DType::float32, 1e-5, device);
}

}  // namespace
}  // namespace sigtape::test
