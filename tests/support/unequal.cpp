#include "support/unequal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sigtape/framework/ops.h"
#include "support/battery.h"

namespace sigtape::test {

namespace {

using Rows = std::vector<double>;

// A padded batch, (batch, longest, channels).
struct Batch {
  std::vector<std::int64_t> lengths;
  std::int64_t longest, channels;
  Rows values;

  Rows stream(std::size_t b) const {
    const auto first = values.begin() + b * longest * channels;
    return Rows(first, first + lengths[b] * channels);
  }
};

Batch random_batch(const std::vector<std::int64_t>& lengths,
                   std::int64_t channels, bool repeat) {
  Batch batch{lengths,
              *std::max_element(lengths.begin(), lengths.end()) + 2,
              channels,
              {}};
  const auto count = static_cast<std::int64_t>(lengths.size());
  batch.values = random_tensor({count, batch.longest, channels}).to_vector();
  for (std::int64_t b = 0; repeat && b < count; ++b) {
    for (std::int64_t t = lengths[b]; t < batch.longest; ++t) {
      const auto row =
          batch.values.begin() + (b * batch.longest + t) * channels;
      std::copy_n(row - channels, channels, row);
    }
  }
  return batch;
}

Tensor leaf(const Rows& values, const Shape& shape, DType dtype) {
  return from_values(values, shape, {dtype, {}}).set_requires_grad();
}

// What one run gives: the true outputs and input gradients of each stream, and
// the parameters' gradients.
struct Run {
  std::vector<Rows> outputs, inputs, parameters;
};

Rows rows(const Tensor& t, std::int64_t b, std::int64_t points) {
  const Tensor stream = slice(t, 0, b, b + 1);
  return (t.rank() == 2 ? stream : slice(stream, 1, 0, points)).to_vector();
}

// Cotangent of stream b's output: some function of its place and b.
double weight(std::int64_t b, std::size_t i) {
  return std::sin(1. + 3. * static_cast<double>(b) + static_cast<double>(i));
}

void take_parameters(Module& module, Run& run) {
  for (const Tensor& p : module.parameters()) {
    run.parameters.push_back(p.grad().to_vector());
  }
  module.clear_gradients();
}

Run run_padded(Module& module, const Batch& batch, DType dtype) {
  const auto count = static_cast<std::int64_t>(batch.lengths.size());
  Tensor x = leaf(batch.values, {count, batch.longest, batch.channels}, dtype);
  const Value y = module.forward({x, from_indices(batch.lengths)});
  Run run;
  EXPECT_EQ(y.is_stream(), y.lengths.defined());
  const std::size_t row = y.data.numel() / count;
  Rows cotangent;
  for (std::int64_t b = 0; b < count; ++b) {
    const std::int64_t points =
        y.is_stream() ? y.lengths.data<std::int64_t>()[b] : 1;
    run.outputs.push_back(rows(y.data, b, points));
    for (std::size_t i = 0; i < row; ++i) {
      cotangent.push_back(i < run.outputs[b].size() ? weight(b, i) : 0);
    }
  }
  for (const double v : y.data.to_vector()) EXPECT_TRUE(std::isfinite(v));
  y.data.backward(from_values(cotangent, y.data.shape(), {dtype, {}}));
  for (std::int64_t b = 0; b < count; ++b) {
    Rows all = rows(x.grad(), b, batch.longest);
    const std::size_t own = batch.lengths[b] * batch.channels;
    for (std::size_t i = own; i < all.size(); ++i) EXPECT_EQ(all[i], 0.0);
    all.resize(own);
    run.inputs.push_back(all);
  }
  take_parameters(module, run);
  return run;
}

Run run_one_by_one(Module& module, const Batch& batch, DType dtype) {
  Run run;
  for (std::size_t b = 0; b < batch.lengths.size(); ++b) {
    Tensor x =
        leaf(batch.stream(b), {1, batch.lengths[b], batch.channels}, dtype);
    const Tensor y = module(x);
    run.outputs.push_back(y.to_vector());
    Rows cotangent;
    for (std::int64_t i = 0; i < y.numel(); ++i) {
      cotangent.push_back(weight(static_cast<std::int64_t>(b), i));
    }
    y.backward(from_values(cotangent, y.shape(), {dtype, {}}));
    run.inputs.push_back(x.grad().to_vector());
  }
  take_parameters(module, run);
  return run;
}

// All parts of one tensor are compared on one scale, that of the whole.
void expect_equal(const std::vector<Rows>& got,
                  const std::vector<Rows>& expected, double tolerance,
                  const char* what) {
  ASSERT_EQ(got.size(), expected.size());
  Rows all_got, all_expected;
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].size(), expected[i].size()) << what << " " << i;
    all_got.insert(all_got.end(), got[i].begin(), got[i].end());
    all_expected.insert(all_expected.end(), expected[i].begin(),
                        expected[i].end());
  }
  EXPECT_LE(relative_error(all_got, all_expected), tolerance) << what;
}

}  // namespace

void check_unequal(Module& module, const std::vector<std::int64_t>& lengths,
                   std::int64_t channels, DType dtype) {
  const double tolerance = dtype == DType::float64 ? 1e-12 : 1e-5;
  for (const bool repeat : {true, false}) {
    SCOPED_TRACE(repeat ? "the last point repeated" : "arbitrary padding");
    const Batch batch = random_batch(lengths, channels, repeat);
    const Run got = run_padded(module, batch, dtype);
    const Run expected = run_one_by_one(module, batch, dtype);
    expect_equal(got.outputs, expected.outputs, tolerance, "outputs");
    expect_equal(got.inputs, expected.inputs, tolerance, "input gradients");
    for (std::size_t i = 0; i < expected.parameters.size(); ++i) {
      EXPECT_LE(relative_error(got.parameters[i], expected.parameters[i]),
                tolerance)
          << module.named_parameters()[i].name;
    }
  }
}

}  // namespace sigtape::test
