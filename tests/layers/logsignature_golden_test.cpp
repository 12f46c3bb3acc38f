// Signatory's log-signatures and their gradients.
#include <gtest/gtest.h>

#include "sigtape/layers/signature/logsignature.h"
#include "support/battery.h"
#include "support/golden.h"

namespace sigtape::test {
namespace {

LogSignatureMode mode_of(const std::string& name) {
  if (name == "expand") return LogSignatureMode::expand;
  return name == "words" ? LogSignatureMode::words : LogSignatureMode::brackets;
}

void check(const GoldenCase& golden, DType dtype, double tolerance) {
  const auto& a = golden.arguments;
  SCOPED_TRACE(a.dump());
  Tensor path = golden_tensor(golden.at("path"), dtype).set_requires_grad();
  const Tensor y =
      logsignature(path, a.at("depth"),
                   {.stream = a.at("stream"),
                    .basepoint = Basepoint(a.at("basepoint").get<bool>()),
                    .inverse = a.at("inverse"),
                    .mode = mode_of(a.at("mode"))});
  const GoldenArray& expected = golden.at("logsignature");
  EXPECT_TRUE(std::equal(y.shape().begin(), y.shape().end(),
                         expected.shape.begin(), expected.shape.end()))
      << y.shape();
  EXPECT_LE(relative_error(y.to_vector(), expected.values), tolerance);
  y.backward(golden_tensor(golden.at("g_logsignature"), dtype));
  EXPECT_LE(relative_error(path.grad().to_vector(), golden.at("d_path").values),
            tolerance);
}

void check_all(DType dtype, double tolerance) {
  const auto cases = golden_cases("logsignature");
  ASSERT_EQ(cases.size(), 64u);
  for (const GoldenCase& golden : cases) check(golden, dtype, tolerance);
}

TEST(LogSignatureGolden, Float64) { check_all(DType::float64, 1e-10); }
TEST(LogSignatureGolden, Float32) { check_all(DType::float32, 1e-5); }

}  // namespace
}  // namespace sigtape::test
