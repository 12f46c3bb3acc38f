// A padded batch of streams of unequal lengths against the streams one by one:
// outputs, losses, the gradients of inputs and of every weight.
#include <gtest/gtest.h>

#include <numeric>

#include "sigtape/training/config/load.h"
#include "sigtape/training/data/read_dataset.h"
#include "sigtape/training/trainer/fit.h"
#include "support/battery.h"

namespace sigtape {
namespace {

using Gradients = std::vector<std::vector<double>>;

struct Pass {
  std::vector<double> output;
  double loss = 0, weight = 0;
  std::vector<std::vector<double>> inputs;  // gradients, a row per stream
  Gradients weights;
};

Pass run(Fit& fit, std::span<const std::int64_t> indices) {
  Batch batch = fit.training_source().gather(indices);
  batch.inputs.data.set_requires_grad();
  const Tensor y = fit.model().forward(batch.inputs).data;
  const Tensor loss = fit.objective().loss(y, batch.targets);
  fit.model().clear_gradients();
  loss.backward();
  Pass pass{y.to_vector(),
            loss.item(),
            fit.objective().weight(batch.targets),
            {},
            {}};
  const std::vector<double> dx = batch.inputs.data.grad().to_vector();
  const auto row = dx.size() / indices.size();
  for (auto at = dx.begin(); at != dx.end(); at += row) {
    pass.inputs.emplace_back(at, at + row);
  }
  for (const Tensor& p : fit.model().parameters()) {
    pass.weights.push_back(p.grad().to_vector());
  }
  return pass;
}

void add(std::vector<double>& sum, const std::vector<double>& x, double scale) {
  sum.resize(std::max(sum.size(), x.size()));
  for (std::size_t i = 0; i < x.size(); ++i) sum[i] += scale * x[i];
}

// The pass over a batch, from passes over its streams.
Pass one_by_one(Fit& fit, const std::vector<std::int64_t>& indices,
                std::size_t row) {
  Pass sum;
  for (const std::int64_t i : indices) {
    sum.weight += run(fit, std::span(&i, 1)).weight;
  }
  for (const std::int64_t i : indices) {
    const Pass one = run(fit, std::span(&i, 1));
    const double share = one.weight / sum.weight;
    sum.output.insert(sum.output.end(), one.output.begin(), one.output.end());
    sum.loss += share * one.loss;
    sum.inputs.emplace_back();
    add(sum.inputs.back(), one.inputs[0], share);
    sum.inputs.back().resize(row);  // padded points: exactly 0
    sum.weights.resize(one.weights.size());
    for (std::size_t k = 0; k < one.weights.size(); ++k) {
      add(sum.weights[k], one.weights[k], share);
    }
  }
  return sum;
}

void expect_padding_without_gradient(const Pass& batch, const Pass& expected,
                                     const BatchSource& source,
                                     const std::vector<std::int64_t>& indices) {
  const std::int64_t channels = source.shape().channels;
  for (std::size_t b = 0; b < indices.size(); ++b) {
    const Batch one = source.gather(std::span(&indices[b], 1));
    const auto length = one.inputs.data.size(1);
    for (std::size_t i = length * channels; i < batch.inputs[b].size(); ++i) {
      ASSERT_EQ(batch.inputs[b][i], 0) << "stream " << b << ", entry " << i;
    }
  }
  EXPECT_EQ(batch.inputs.size(), expected.inputs.size());
}

std::vector<double> joined(const std::vector<std::vector<double>>& rows) {
  std::vector<double> all;
  for (const auto& row : rows) all.insert(all.end(), row.begin(), row.end());
  return all;
}

// JapaneseVowels with numbers in place of classes where `numbers`.
TrainingData vowels(const Config& config, bool numbers) {
  TrainingData data = load_training_data(config);
  if (!numbers) return data;
  Dataset& d = data.train;
  d.target = TargetKind::numbers;
  d.outputs = 2;
  for (const std::int64_t label : d.labels) {
    d.numbers.push_back(static_cast<double>(label % 2));
    d.numbers.push_back(static_cast<double>(label) / 9);
  }
  d.labels.clear();
  d.class_names.clear();
  return data;
}

struct Loss {
  const char* settings;
  bool numbers;
};

constexpr Loss losses[] = {
    {"loss: cross_entropy", false},
    {"loss: cross_entropy, class_weights: [1, 2, 3, 4, 5, 6, 7, 8, 9], "
     "label_smoothing: 0.1",
     false},
    {"loss: bce", false},
    {"loss: bce", true},
    {"loss: mse", true},
    {"loss: mae", true},
    {"loss: huber", true}};

class Unequal : public testing::TestWithParam<const char*> {};

TEST_P(Unequal, ABatchIsItsStreamsOneByOne) {
  // Among them the shortest, of 7 points, and the longest.
  std::vector<std::int64_t> indices = {5, 269, 0, 77, 131};
  for (const char* dtype : {"float64", "float32"}) {
    const double tolerance = dtype[5] == '6' ? 1e-12 : 1e-5;
    for (const Loss& loss : losses) {
      SCOPED_TRACE(std::string(dtype) + ", " + loss.settings);
      const Config config = parse_config(
          std::string("data: {train: examples/data/JapaneseVowels_TEST.ts, "
                      "short: pad}\ndtype: ") +
              dtype + "\nmodel: " + GetParam() + "\ntrain: {" + loss.settings +
              "}\n",
          "test.yaml");
      TrainingData data = vowels(config, loss.numbers);
      const auto& lengths = data.train.lengths;
      const auto [least, most] =
          std::minmax_element(lengths.begin(), lengths.end());
      EXPECT_EQ(*least, 7);
      indices[1] = least - lengths.begin();
      indices[3] = most - lengths.begin();
      Fit fit(config, std::move(data));
      const Pass batch = run(fit, indices);
      const Pass expected = one_by_one(fit, indices, batch.inputs[0].size());
      const auto close = [&](const std::vector<double>& got,
                             const std::vector<double>& wanted) {
        return test::relative_error(got, wanted) <= tolerance;
      };
      EXPECT_TRUE(close(batch.output, expected.output));
      EXPECT_TRUE(close({batch.loss}, {expected.loss}));
      EXPECT_TRUE(close(joined(batch.inputs), joined(expected.inputs)));
      ASSERT_EQ(batch.weights.size(), expected.weights.size());
      for (std::size_t k = 0; k < batch.weights.size(); ++k) {
        EXPECT_TRUE(close(batch.weights[k], expected.weights[k]))
            << fit.model().named_parameters()[k].name << " "
            << test::relative_error(batch.weights[k], expected.weights[k]);
      }
      expect_padding_without_gradient(batch, expected, fit.training_source(),
                                      indices);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Unequal,
                         testing::Values("{type: signet, depth: 2}",
                                         "{type: signet2, depth: 2}",
                                         "{type: signet3, depth: 2}"));

// `short: pad` lengthens the one stream of 7 points to the 8 that SigNet3
// needs; `short: error` names it.
TEST(ShortStreams, ArePaddedOrRefused) {
  const std::string text =
      "data: {train: examples/data/JapaneseVowels_TEST.ts, short: pad}\n"
      "model: {type: signet3, depth: 2}\n";
  const Config pad = parse_config(text, "test.yaml");
  Dataset data = load_training_data(pad).train;
  const Dataset before = data;
  lengthen_streams(data, 8, ShortChoice::pad);
  EXPECT_EQ(data.min_length(), 8);
  EXPECT_EQ(data.cases, before.cases);
  EXPECT_EQ(data.labels, before.labels);
  for (std::int64_t i = 0; i < data.cases; ++i) {
    const auto longer = data.stream(i), shorter = before.stream(i);
    ASSERT_TRUE(std::equal(shorter.begin(), shorter.end(), longer.begin()));
    if (longer.size() == shorter.size()) continue;
    EXPECT_TRUE(std::equal(longer.end() - data.channels, longer.end(),
                           shorter.end() - data.channels));
  }
  const Config error = parse_config(text, "test.yaml", {"data.short=error"});
  test::expect_error(
      [&] { Fit(error, load_training_data(error)); },
      {"JapaneseVowels_TEST.ts", "case ", "7 points", "8", "data.short: pad"});
}

}  // namespace
}  // namespace sigtape
