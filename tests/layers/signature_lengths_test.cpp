// A padded batch is the paths one by one: values and gradients, and gradients
// of the padding exactly 0 whatever stands there.
#include <gtest/gtest.h>

#include <limits>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/signature.h"
#include "support/battery.h"
#include "support/warnings.h"

namespace sigtape::test {
namespace {

constexpr std::int64_t channels = 3, longest = 9;
constexpr int depth = 3;

struct Batch {
  Tensor path, basepoint, initial, lengths;
};

Batch padded_batch(const std::vector<std::int64_t>& lengths, bool based,
                   bool initial, DType dtype) {
  const auto batch = static_cast<std::int64_t>(lengths.size());
  Tensor path = cast(random_tensor({batch, longest, channels}), dtype);
  for (std::int64_t b = 0; b < batch; ++b)
    slice(slice(path, 0, b, b + 1), 1, lengths[b], longest)
        .fill_(std::numeric_limits<double>::quiet_NaN());
  Batch all{path.set_requires_grad(), {}, {}, from_indices(lengths)};
  if (based)
    all.basepoint =
        cast(random_tensor({batch, channels}, 2), dtype).set_requires_grad();
  if (initial)
    all.initial =
        cast(random_tensor({batch, signature_channels(channels, depth)}, 3),
             dtype)
            .set_requires_grad();
  return all;
}

// Path b of the batch without its padding, as leaves of its own.
Batch one_of(const Batch& all, std::int64_t b) {
  const auto row = [b](const Tensor& t) {
    if (!t.defined()) return Tensor();
    return clone(slice(t.detach(), 0, b, b + 1)).set_requires_grad();
  };
  const std::int64_t length = all.lengths.data<std::int64_t>()[b];
  const Tensor path =
      slice(slice(all.path.detach(), 0, b, b + 1), 1, 0, length);
  return {clone(path).set_requires_grad(),
          row(all.basepoint),
          row(all.initial),
          {}};
}

Tensor apply(const Batch& batch, bool stream, bool inverse) {
  return signature(batch.path, depth,
                   {.stream = stream,
                    .basepoint = batch.basepoint,
                    .inverse = inverse,
                    .initial = batch.initial,
                    .lengths = batch.lengths});
}

std::vector<double> row(const Tensor& t, std::int64_t b) {
  return slice(t, 0, b, b + 1).to_vector();
}

void expect_padding_is_zero(const Tensor& gradient, std::int64_t b,
                            std::int64_t length) {
  const Tensor padding =
      slice(slice(gradient, 0, b, b + 1), 1, length, longest);
  for (const double g : padding.to_vector()) EXPECT_EQ(g, 0);
}

void check(bool stream, bool inverse, bool based, bool initial, DType dtype) {
  SCOPED_TRACE(std::string(stream ? "stream " : "") +
               (inverse ? "inverse " : "") + (based ? "basepoint " : "") +
               (initial ? "initial " : "") + name_of(dtype));
  const double tolerance = dtype == DType::float64 ? 1e-12 : 1e-5;
  const std::vector<std::int64_t> lengths = {longest, 2, 5, based ? 1 : 3, 8};
  const Batch all = padded_batch(lengths, based, initial, dtype);
  const Tensor y = apply(all, stream, inverse);
  const Tensor cotangent = cast(random_tensor(y.shape(), 4), dtype);
  // Rows of a stream beyond a path's own end are padding as well.
  Tensor masked = clone(cotangent);
  if (stream)
    for (std::size_t b = 0; b < lengths.size(); ++b)
      slice(slice(masked, 0, b, b + 1), 1, lengths[b] - !based, y.size(1))
          .fill_(0);
  y.backward(masked);
  for (std::size_t b = 0; b < lengths.size(); ++b) {
    const Batch one = one_of(all, b);
    const Tensor expected = apply(one, stream, inverse);
    Tensor got = slice(y.detach(), 0, b, b + 1);
    Tensor g = slice(cotangent, 0, b, b + 1);
    if (stream) {
      got = slice(got, 1, 0, expected.size(1));
      g = slice(g, 1, 0, expected.size(1));
    }
    expected.backward(g);
    EXPECT_LE(relative_error(got.to_vector(), expected.to_vector()), tolerance);
    const Tensor true_points =
        slice(slice(all.path.grad(), 0, b, b + 1), 1, 0, lengths[b]);
    EXPECT_LE(
        relative_error(true_points.to_vector(), one.path.grad().to_vector()),
        tolerance);
    expect_padding_is_zero(all.path.grad(), b, lengths[b]);
    const auto compare = [&](const Tensor& whole, const Tensor& alone) {
      if (!whole.defined()) return;
      EXPECT_LE(relative_error(row(whole.grad(), b), alone.grad().to_vector()),
                tolerance);
    };
    compare(all.basepoint, one.basepoint);
    compare(all.initial, one.initial);
  }
}

TEST(SignatureLengths, PaddedBatchIsThePathsOneByOne) {
  const CollectWarnings initial_without_basepoint;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    SCOPED_TRACE(isa_name(isa));
    const ScopedIsa forced(isa);
    for (const DType dtype : {DType::float64, DType::float32})
      for (int bits = 0; bits < 16; ++bits)
        check((bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0,
              (bits & 8) != 0, dtype);
  }
}

TEST(SignatureLengths, StreamRepeatsTheLastTrueResult) {
  const Batch all = padded_batch({4, longest}, true, false, DType::float64);
  const Tensor y = apply(all, true, false);
  const auto at = [&](std::int64_t t) {
    return slice(slice(y.detach(), 0, 0, 1), 1, t, t + 1).to_vector();
  };
  for (std::int64_t t = 4; t < longest; ++t) EXPECT_EQ(at(t), at(3)) << t;
}

}  // namespace
}  // namespace sigtape::test
