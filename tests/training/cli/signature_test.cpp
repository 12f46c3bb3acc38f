// `sigtrain signature` against Signatory's values and gradients.
#include <gtest/gtest.h>

#include "sigtape/layers/path_transforms.h"
#include "sigtape/layers/signature/extract_signature_term.h"
#include "sigtape/layers/signature/logsignature.h"
#include "sigtape/layers/signature/projected_signature.h"
#include "sigtape/layers/signature/signature_combine.h"
#include "sigtape/layers/signature/signature_group.h"
#include "sigtape/layers/signature/signature_inversion.h"
#include "sigtape/layers/signature/signature_normalise.h"
#include "sigtape/layers/signature/window_signature.h"
#include "sigtape/training/data/npy.h"
#include "support/battery.h"
#include "support/golden.h"
#include "support/sigtrain.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

using test::GoldenArray;
using test::run_sigtrain;

std::string write_array(const std::string& path, const GoldenArray& array) {
  write_npy(path, npy_array<double>(array.shape, array.values));
  return path;
}

double error_of(const std::string& path, const GoldenArray& expected) {
  const NpyArray got = read_npy(path);
  EXPECT_EQ(got.type, NpyType::float64);
  EXPECT_EQ(got.shape, expected.shape);
  return test::relative_error(to_doubles(got), expected.values);
}

// Runs `sigtrain signature` on a case whose result has the family's name.
void check_case(const std::string& family, const test::GoldenCase& c,
                const std::vector<std::string>& more) {
  const auto& a = c.arguments;
  SCOPED_TRACE(family + " " + a["case"].get<std::string>());
  const TemporaryFolder folder;
  std::vector<std::string> arguments = {
      "signature",
      "--input",
      write_array(folder / "x.npy", c.at("path")),
      "--depth",
      std::to_string(a["depth"].get<int>()),
      "--output",
      folder / "y.npy",
      "--cotangent",
      write_array(folder / "g.npy", c.at("g_" + family)),
      "--gradient",
      folder / "dx.npy"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  if (a["stream"].get<bool>()) arguments.push_back("--stream");
  if (a["inverse"].get<bool>()) arguments.push_back("--inverse");
  const auto result = run_sigtrain(arguments);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_LE(error_of(folder / "y.npy", c.at(family)), 1e-10);
  EXPECT_LE(error_of(folder / "dx.npy", c.at("d_path")), 1e-10);
}

TEST(SignatureCommand, GoldenValuesAndGradients) {
  int count = 0;
  for (const test::GoldenCase& c : test::golden_cases("signature")) {
    const auto& a = c.arguments;
    if (a["basepoint"] == "tensor" || a["initial"].get<bool>()) continue;
    ++count;
    std::vector<std::string> more;
    if (a["basepoint"] == "zero") more.push_back("--basepoint");
    if (a["scalar_term"].get<bool>()) more.push_back("--scalar-term");
    check_case("signature", c, more);
  }
  EXPECT_EQ(count, 41);
}

TEST(SignatureCommand, GoldenLogSignaturesAndGradients) {
  const auto cases = test::golden_cases("logsignature");
  EXPECT_EQ(cases.size(), 64u);
  for (const test::GoldenCase& c : cases) {
    std::vector<std::string> more = {"--logsignature", c.arguments["mode"]};
    if (c.arguments["basepoint"].get<bool>()) more.push_back("--basepoint");
    check_case("logsignature", c, more);
  }
}

// The path and the result of one call.
struct Called {
  Tensor path;
  NpyArray result;
};

Called call(const std::vector<std::string>& options) {
  const TemporaryFolder folder;
  const Tensor path = test::random_tensor({2, 9, 2});
  const GoldenArray array{{2, 9, 2}, path.to_vector()};
  std::vector<std::string> arguments = {
      "signature",     "--input", write_array(folder / "x.npy", array),
      "--depth",       "3",       "--output",
      folder / "y.npy"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  const auto result = run_sigtrain(arguments);
  EXPECT_EQ(result.code, 0) << result.err;
  return {path, read_npy(folder / "y.npy")};
}

void expect_equal(const Called& called, const Tensor& expected) {
  EXPECT_EQ(called.result.shape,
            std::vector<std::int64_t>(expected.shape().begin(),
                                      expected.shape().end()));
  EXPECT_EQ(to_doubles(called.result), expected.to_vector());
}

TEST(SignatureCommand, WindowsWordsAndTransforms) {
  Called c = call({"--window", "4,2", "--basepoint"});
  expect_equal(c, window_signature(c.path, 3, Windows::sliding(4, 2),
                                   {.basepoint = true}));
  c = call({"--dyadic", "2", "--logsignature", "words"});
  expect_equal(c, window_logsignature(c.path, 3, Windows::dyadic(2)));
  c = call({"--expanding", "2,3", "--scalar-term"});
  expect_equal(c, window_signature(c.path, 3, Windows::expanding(2, 3),
                                   {.scalar_term = true}));
  c = call({"--words", "0.1 1  1.1.0", "--inverse"});
  expect_equal(c,
               projected_signature(c.path, WordSet(2, {{0, 1}, {1}, {1, 1, 0}}),
                                   {.inverse = true}));
  c = call({"--time", "--lead-lag"});
  expect_equal(c, signature(lead_lag(add_time({c.path, {}})).data, 3));
}

Called call_with_lengths(std::vector<std::string> options,
                         const std::vector<std::int64_t>& lengths) {
  const TemporaryFolder folder;
  write_npy(folder / "n.npy",
            npy_array<std::int64_t>({std::ssize(lengths)}, lengths));
  options.insert(options.end(), {"--lengths", folder / "n.npy"});
  return call(options);
}

TEST(SignatureCommand, LengthsIntervalsWeightsAndMoreTransforms) {
  const std::vector<std::int64_t> lengths = {9, 4};
  const Tensor n = from_values({9, 4}, {2}, {DType::int64});
  Called c = call_with_lengths({}, lengths);
  expect_equal(c, signature(c.path, 3, {.lengths = n}));
  c = call_with_lengths({"--logsignature", "brackets"}, lengths);
  expect_equal(
      c, logsignature(c.path, 3,
                      {.mode = LogSignatureMode::brackets, .lengths = n}));
  c = call_with_lengths({"--window", "3,2", "--lead-lag"}, lengths);
  const Value v = lead_lag(Value{c.path, n});
  expect_equal(c, window_signature(v.data, 3, Windows::sliding(3, 2),
                                   {.lengths = v.lengths}));
  c = call_with_lengths({"--weights", "1,2", "--bound", "3.5"}, lengths);
  expect_equal(c, projected_signature(c.path, WordSet::weighted({1, 2}, 3.5),
                                      {.lengths = n}));
  c = call({"--intervals", "0,4  2,9 3,5"});
  expect_equal(c, window_signature(
                      c.path, 3, Windows::intervals({{0, 4}, {2, 9}, {3, 5}})));
  c = call({"--scale", "2,0.5", "--cumulative-sum", "--time",
            "--invisibility-reset"});
  const std::vector<double> factors = {2, 0.5};
  expect_equal(c, signature(invisibility_reset(add_time(cumulative_sum(scale(
                                                   {c.path, {}}, factors))))
                                .data,
                            3));
}

TEST(SignatureCommand, ChangesSignatures) {
  const TemporaryFolder folder;
  const Tensor other = test::random_tensor({2, 14}, 5),
               step = test::random_tensor({2, 2}, 6);
  const std::string s2 = write_array(folder / "s.npy",
                                     {{2, 14}, other.to_vector()}),
                    dx = write_array(folder / "d.npy",
                                     {{2, 2}, step.to_vector()});
  const std::vector<double> factors = {2, 0.5};
  Called c = call(
      {"--combine", s2, "--join", dx, "--dilate", "2,0.5", "--normalise", "2"});
  const Tensor s = signature(c.path, 3);
  Tensor y = signature_join(signature_combine(s, other, 2, 3), step, 3);
  y = signature_normalise(signature_dilate(y, 2, 3, factors), 2, 3, 2);
  expect_equal(c, y);
  expect_equal(call({"--join", dx, "--front"}),
               signature_join(s, step, 3, true));
  expect_equal(call({"--level", "2"}), extract_signature_term(s, 2, 2));
  expect_equal(call({"--invert"}), invert_signature(s, 3, 2));
  expect_equal(
      call({"--combine", s2, "--logsignature", "words"}),
      signature_to_logsignature(signature_combine(s, other, 2, 3), 2, 3, {}));
}

TEST(SignatureCommand, ReadsSignaturesAndLogSignatures) {
  const TemporaryFolder folder;
  const auto call_from = [&](const Tensor& input,
                             std::vector<std::string> options) {
    const GoldenArray array{{input.size(0), input.size(1)}, input.to_vector()};
    std::vector<std::string> arguments = {
        "signature", "--input",  write_array(folder / "x.npy", array),
        "--depth",   "3",        "--channels",
        "2",         "--output", folder / "y.npy"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const auto result = run_sigtrain(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return Called{input, read_npy(folder / "y.npy")};
  };
  const Tensor s = signature(test::random_tensor({2, 9, 2}), 3);
  expect_equal(call_from(s, {"--from", "signatures", "--inverse"}),
               signature_inverse(s, 2, 3));
  expect_equal(call_from(s, {"--from", "signatures", "--words", "0.1 1.1.0"}),
               extract_signature_words(s, 3, WordSet(2, {{0, 1}, {1, 1, 0}})));
  for (const LogSignatureMode mode :
       {LogSignatureMode::expand, LogSignatureMode::words,
        LogSignatureMode::brackets}) {
    const std::string name = mode == LogSignatureMode::expand  ? "expand"
                             : mode == LogSignatureMode::words ? "words"
                                                               : "brackets";
    const Tensor l = signature_to_logsignature(s, 2, 3, {.mode = mode});
    expect_equal(call_from(s, {"--from", "signatures", "--logsignature", name}),
                 l);
    expect_equal(call_from(l, {"--from", name}),
                 logsignature_to_signature(l, 2, 3, {.mode = mode}));
  }
}

TEST(SignatureCommand, OutputsHaveTheInputsType) {
  const TemporaryFolder folder;
  const std::vector<float> x = {0, 1, 2, 4, 0, 3}, g(2, 1.f);
  write_npy(folder / "x.npy", npy_array<float>({1, 3, 2}, x));
  write_npy(folder / "g.npy", npy_array<float>({1, 2}, g));
  ASSERT_EQ(run_sigtrain({"signature", "--input", folder / "x.npy", "--depth",
                          "1", "--output", folder / "y.npy", "--cotangent",
                          folder / "g.npy", "--gradient", folder / "dx.npy"})
                .code,
            0);
  const NpyArray y = read_npy(folder / "y.npy");
  EXPECT_EQ(y.type, NpyType::float32);
  EXPECT_EQ(to_doubles(y), (std::vector<double>{0, 2}));
  const NpyArray dx = read_npy(folder / "dx.npy");
  EXPECT_EQ(dx.type, NpyType::float32);
  EXPECT_EQ(to_doubles(dx), (std::vector<double>{-1, -1, 0, 0, 1, 1}));
}

}  // namespace
}  // namespace sigtape
