// 30 steps of SigNet, SigNet2 and SigNet3 from given weights, as PyTorch and
// Signatory have made them, through the program: YAML, .npz data, --init.
#include "support/golden.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>

#include "sigtape/training/data/npz.h"
#include "sigtape/training/io/safetensors.h"
#include "sigtape/training/io/tensor_array.h"
#include "support/battery.h"
#include "support/sigtrain.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

using test::GoldenArray;
using test::GoldenCase;

NpyArray floats(const GoldenArray& a) {
  return npy_array<double>(a.shape, a.values);
}

NpyArray integers(const GoldenArray& a) {
  const std::vector<std::int64_t> values(a.values.begin(), a.values.end());
  return npy_array<std::int64_t>(a.shape, values);
}

void write_inputs(const GoldenCase& c, const TemporaryFolder& folder,
                  const std::string& device) {
  const bool classes = c.arguments["loss"] == "cross_entropy";
  write_npz((folder / "data.npz").string(),
            {{"x", floats(c.at("x"))},
             {"y", classes ? integers(c.at("y")) : floats(c.at("y"))}});
  NpzArrays weights;
  for (const auto& [name, array] : c.arrays) {
    if (name.starts_with("init.")) weights[name.substr(5)] = floats(array);
  }
  write_npz((folder / "init.npz").string(), weights);
  const double lr = c.arguments["lr"];
  test::write_text(
      folder / "config.yaml",
      fmt::format("device: {4}\n"
                  "dtype: float64\n"
                  "data: {{train: {0}/data.npz, normalise: none, shuffle: "
                  "false}}\n"
                  "model: {{type: {1}, depth: {2}}}\n"
                  "train:\n"
                  "  epochs: 10\n"
                  "  batch_size: 16\n"
                  "  log_every: 1\n"
                  "  checkpoint_every: 10\n"
                  "  optimizer: {3}\n",
                  folder.path().string(),
                  c.arguments["model"].get<std::string>(),
                  c.arguments["depth"].get<int>(),
                  c.arguments["optimizer"] == "sgd"
                      ? fmt::format("{{sgd: {{lr: {}, momentum: 0.9}}}}", lr)
                      : fmt::format("{{adam: {{lr: {}}}}}", lr),
                  device));
}

// The column train_loss of a metrics.csv.
std::vector<double> losses_of(const std::string& csv) {
  std::istringstream lines(csv);
  std::vector<double> losses;
  std::string line, cell;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream cells(line);
    for (int i = 0; i < 3; ++i) std::getline(cells, cell, ',');
    losses.push_back(std::stod(cell));
  }
  return losses;
}

void check_golden_cases(const std::string& device) {
  const auto cases = test::golden_cases("training");
  ASSERT_EQ(cases.size(), 12u);
  for (const GoldenCase& c : cases) {
    SCOPED_TRACE(c.arguments["case"].get<std::string>());
    const TemporaryFolder folder;
    write_inputs(c, folder, device);
    const auto result =
        test::run_sigtrain({"train", folder / "config.yaml", "--init",
                            folder / "init.npz", "--run-dir", folder / "run"});
    ASSERT_EQ(result.code, 0) << result.err;
    const auto losses = losses_of(test::file_text(folder / "run/metrics.csv"));
    const auto& expected = c.at("losses").values;
    ASSERT_EQ(losses.size(), 30u);
    for (std::size_t i = 0; i < 30; ++i) {
      EXPECT_NEAR(losses[i], expected[i], 1e-8 * expected[i]) << "step " << i;
    }
    const auto last = read_safetensors(folder / "run/last/model.safetensors");
    std::size_t compared = 0;
    for (const auto& [name, array] : c.arrays) {
      if (!name.starts_with("final.")) continue;
      const NamedArray* got = find_array(last, name.substr(6));
      ASSERT_NE(got, nullptr) << name;
      EXPECT_EQ(got->shape, array.shape) << name;
      EXPECT_LE(test::relative_error(to_tensor(*got).to_vector(), array.values),
                1e-7)
          << name;
      ++compared;
    }
    EXPECT_EQ(compared, last.arrays.size());
  }
}

TEST(GoldenTraining, LossesAndFinalWeights) { check_golden_cases("cpu"); }

TEST(GoldenTraining, OnAGpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  check_golden_cases("cuda");
}

}  // namespace
}  // namespace sigtape
