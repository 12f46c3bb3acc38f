// Signatory's signatures and gradients in float64, against the plain kernels
// and those of every instruction set this processor has.

#include <gtest/gtest.h>

#include "sigtape/framework/simd/isa.h"
#include "support/golden.h"
#include "support/signature_runner.h"

namespace sigtape::test {
namespace {

constexpr double kTolerance = 1e-10;

SignatureCase<double> to_case(const GoldenCase& golden) {
  const auto& arguments = golden.arguments;
  const auto& size = golden.at("path").shape;
  SignatureCase<double> c;
  c.shape = {.batch = size[0],
             .length = size[1],
             .channels = size[2],
             .depth = arguments.at("depth"),
             .stream = arguments.at("stream"),
             .inverse = arguments.at("inverse"),
             .scalar_term = arguments.at("scalar_term"),
             .initial = arguments.at("initial")};
  const std::string basepoint = arguments.at("basepoint");
  c.shape.basepoint = basepoint == "none"   ? BasepointKind::none
                      : basepoint == "zero" ? BasepointKind::zero
                                            : BasepointKind::per_path;
  c.path = golden.at("path").values;
  if (golden.has("basepoint")) c.basepoint = golden.at("basepoint").values;
  if (golden.has("initial")) c.initial = golden.at("initial").values;
  c.dsignature = golden.at("g_signature").values;
  return c;
}

void expect_equal(const SignatureCase<double>& c, const GoldenCase& golden) {
  auto expect = [&](const char* name, const std::vector<double>& got) {
    if (!golden.has(name)) return;
    EXPECT_LE(relative_error(got, golden.at(name).values), kTolerance)
        << name << " of " << golden.arguments.dump();
  };
  expect("signature", c.signature);
  expect("d_path", c.dpath);
  expect("d_basepoint", c.dbasepoint);
  expect("d_initial", c.dinitial);
}

TEST(SignatureGolden, PlainKernels) {
  const auto cases = golden_cases("signature");
  ASSERT_EQ(cases.size(), 125u);
  for (const GoldenCase& golden : cases) {
    SignatureCase<double> c = to_case(golden);
    run_reference(c);
    expect_equal(c, golden);
  }
}

TEST(SignatureGolden, EveryInstructionSet) {
  const auto cases = golden_cases("signature");
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    SCOPED_TRACE(isa_name(isa));
    const ScopedIsa forced(isa);
    for (const GoldenCase& golden : cases) {
      SignatureCase<double> c = to_case(golden);
      run_kernels(c);
      expect_equal(c, golden);
    }
  }
}

}  // namespace
}  // namespace sigtape::test
