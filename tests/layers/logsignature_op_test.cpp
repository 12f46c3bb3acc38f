// Logarithms of signatures and the way back, against the definitions: sums of
// tensor powers, and brackets multiplied out.
#include <gtest/gtest.h>

#include "sigtape/framework/random.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/logsignature.h"
#include "support/battery.h"
#include "support/tensor_algebra.h"

namespace sigtape::test {
namespace {

using Mode = LogSignatureMode;
using Row = std::vector<double>;

struct Sizes {
  std::int64_t batch, channels;
  int depth;
};

Series add(Series a, double factor, const Series& b) {
  for (std::size_t n = 0; n < a.levels.size(); ++n)
    for (std::size_t w = 0; w < a.levels[n].size(); ++w)
      a.levels[n][w] += factor * b.levels[n][w];
  return a;
}

Series zero(std::int64_t channels, int depth) {
  const Series one = unit(channels, depth);
  return add(one, -1, one);
}

// The bracket, multiplied out.
Series expanded(const LyndonBracket& bracket, std::int64_t channels,
                int depth) {
  if (bracket.parts.empty()) {
    Series letter = zero(channels, depth);
    letter.levels[1][bracket.letter] = 1;
    return letter;
  }
  const Series left = expanded(bracket.parts[0], channels, depth),
               right = expanded(bracket.parts[1], channels, depth);
  return add(product(left, right), -1, product(right, left));
}

double at(const Series& series, const Word& word) {
  return series.at(std::vector<int>(word.begin(), word.end()));
}

// The element of the Lie algebra with these coordinates; the coefficients of
// its brackets into `brackets`.
Series lie_element(const double* coordinates, Mode mode, std::int64_t channels,
                   int depth, Row* brackets = nullptr) {
  const auto words = lyndon_words(channels, depth);
  const auto basis = lyndon_brackets(channels, depth);
  Series element = zero(channels, depth);
  for (std::size_t i = 0; i < words.size(); ++i) {
    // A bracket has its own word once, and else larger words only.
    const double known = mode == Mode::words ? at(element, words[i]) : 0;
    const double coefficient = coordinates[i] - known;
    element = add(element, coefficient, expanded(basis[i], channels, depth));
    if (brackets) brackets->push_back(coefficient);
  }
  return element;
}

Row naive_logarithm(const double* row, const Sizes& s, Mode mode,
                    bool scalar_term) {
  const Series log =
      logarithm(unflatten(row, s.channels, s.depth, scalar_term));
  if (mode == Mode::expand) return flatten(log);
  Row words, brackets;
  for (const Word& word : lyndon_words(s.channels, s.depth))
    words.push_back(at(log, word));
  lie_element(words.data(), Mode::words, s.channels, s.depth, &brackets);
  return mode == Mode::words ? words : brackets;
}

Row naive_exponential(const double* row, const Sizes& s, Mode mode,
                      bool scalar_term) {
  Series x = zero(s.channels, s.depth);
  if (mode == Mode::expand)
    x = add(unflatten(row, s.channels, s.depth), -1, unit(s.channels, s.depth));
  else
    x = lie_element(row, mode, s.channels, s.depth);
  Series sum = unit(s.channels, s.depth), power = sum;
  double factorial = 1;
  for (int k = 1; k <= s.depth; ++k) {
    power = product(power, x);
    sum = add(sum, 1 / (factorial *= k), power);
  }
  return flatten(sum, scalar_term);
}

// f of every row of a tensor.
template <class F>
Row of_rows(const Tensor& x, const F& f) {
  Row all;
  const std::int64_t columns = x.size(-1);
  for (std::int64_t r = 0; r < x.numel() / columns; ++r) {
    const Row row = f(x.data<double>() + r * columns);
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

std::string describe(const Sizes& s, Mode mode, bool scalar_term) {
  return "batch " + std::to_string(s.batch) + " channels " +
         std::to_string(s.channels) + " depth " + std::to_string(s.depth) +
         " " + name_of(mode) + (scalar_term ? " scalar_term" : "");
}

const std::vector<Sizes> sizes = {{1, 1, 1},  {2, 3, 1},  {3, 1, 4},
                                  {1, 2, 5},  {5, 3, 3},  {9, 2, 4},
                                  {17, 2, 3}, {34, 3, 2}, {2, 5, 2}};
const std::vector<Mode> modes = {Mode::expand, Mode::words, Mode::brackets};

TEST(SignatureToLogSignature, Battery) {
  std::vector<OpCase> cases;
  for (const Sizes& s : sizes)
    for (const Mode mode : modes) {
      const bool scalar = s.batch % 2 == 0;
      cases.push_back(
          {describe(s, mode, scalar),
           {random_tensor(
               {s.batch, signature_channels(s.channels, s.depth, scalar)})},
           [=](const std::vector<Tensor>& in) {
             return signature_to_logsignature(
                 in[0], s.channels, s.depth,
                 {.mode = mode, .scalar_term = scalar});
           },
           [=](const std::vector<Tensor>& in) {
             return of_rows(in[0], [&](const double* row) {
               return naive_logarithm(row, s, mode, scalar);
             });
           }});
    }
  battery("signature_to_logsignature", cases);
}

TEST(LogSignatureToSignature, Battery) {
  std::vector<OpCase> cases;
  for (const Sizes& s : sizes)
    for (const Mode mode : modes) {
      const bool scalar = s.batch % 2 == 1;
      cases.push_back(
          {describe(s, mode, scalar),
           {random_tensor(
               {s.batch, logsignature_columns(s.channels, s.depth, mode)})},
           [=](const std::vector<Tensor>& in) {
             return logsignature_to_signature(
                 in[0], s.channels, s.depth,
                 {.mode = mode, .scalar_term = scalar});
           },
           [=](const std::vector<Tensor>& in) {
             return of_rows(in[0], [&](const double* row) {
               return naive_exponential(row, s, mode, scalar);
             });
           }});
    }
  battery("logsignature_to_signature", cases);
}

TEST(LogSignature, Battery) {
  const Tensor path = random_tensor({3, 5, 2}),
               start = random_tensor({3, 2}, 2);
  std::vector<OpCase> cases;
  for (const Mode mode : modes)
    for (const bool stream : {false, true})
      for (const bool inverse : {false, true})
        cases.push_back(
            {std::string(name_of(mode)) + (stream ? " stream" : "") +
                 (inverse ? " inverse" : ""),
             {path, start},
             [=](const std::vector<Tensor>& in) {
               return logsignature(in[0], 4,
                                   {.stream = stream,
                                    .basepoint = in[1],
                                    .inverse = inverse,
                                    .mode = mode});
             },
             [=](const std::vector<Tensor>& in) {
               const Row s = naive_signature(
                   in[0], 4,
                   {.stream = stream, .basepoint = in[1], .inverse = inverse});
               const Tensor rows = from_values(s, {std::ssize(s) / 30, 30},
                                               {DType::float64, {}});
               return of_rows(rows, [&](const double* row) {
                 return naive_logarithm(row, {1, 2, 4}, mode, false);
               });
             }});
  battery("logsignature", cases);
}

TEST(LogSignature, OfRaggedPathsIsThatOfEachAlone) {
  const Tensor path = random_tensor({3, 6, 2});
  const std::vector<std::int64_t> lengths = {6, 2, 4};
  Tensor all = path.detach().set_requires_grad();
  const Tensor y = logsignature(all, 3, {.lengths = from_indices(lengths)});
  const Tensor g = random_tensor(y.shape(), 3);
  y.backward(g);
  for (std::int64_t b = 0; b < 3; ++b) {
    Tensor alone =
        contiguous(alias(path, {1, lengths[b], 2}, {12, 2, 1}, b * 12))
            .set_requires_grad();
    const Tensor expected = logsignature(alone, 3);
    expected.backward(contiguous(alias(g, {1, 5}, {5, 1}, b * 5)));
    const Row got = y.to_vector(), gradient = all.grad().to_vector();
    EXPECT_LE(relative_error(Row(got.begin() + b * 5, got.begin() + b * 5 + 5),
                             expected.to_vector()),
              1e-12);
    Row padded = alone.grad().to_vector();
    EXPECT_LE(
        relative_error(Row(gradient.begin() + b * 12,
                           gradient.begin() + b * 12 + std::ssize(padded)),
                       padded),
        1e-12);
    for (std::int64_t k = lengths[b] * 2; k < 12; ++k)
      EXPECT_EQ(gradient[b * 12 + k], 0);
  }
}

// exp(log(s)) = s and log(exp(l)) = l, 1000 times.
TEST(LogSignature, ThereAndBackAgain) {
  int count = 0;
  for (std::uint64_t seed = 0; count < 1000; ++seed) {
    const std::int64_t channels = 1 + seed % 4, depth = 1 + seed / 4 % 5;
    const Mode mode = modes[seed % 3];
    const std::int64_t batch = 1 + seed % 11;
    const Tensor path = random_tensor({batch, 4, channels}, seed);
    const Tensor s = signature(path, depth, {.basepoint = true});
    const Tensor log =
        signature_to_logsignature(s, channels, depth, {.mode = mode});
    const Tensor back =
        logsignature_to_signature(log, channels, depth, {.mode = mode});
    EXPECT_LE(relative_error(back.to_vector(), s.to_vector()), 1e-12)
        << describe({batch, channels, static_cast<int>(depth)}, mode, false);
    const Tensor l = random_tensor(log.shape(), seed + 7);
    if (mode != Mode::expand) {
      const Tensor again = signature_to_logsignature(
          logsignature_to_signature(l, channels, depth, {.mode = mode}),
          channels, depth, {.mode = mode});
      EXPECT_LE(relative_error(again.to_vector(), l.to_vector()), 1e-10);
    }
    count += static_cast<int>(batch);
  }
}

// Column [2] of depth 2: the signed area between path and chord (Levy).
TEST(LogSignature, HasTheAreaOfATriangle) {
  const Tensor path =
      from_values({0, 0, 1, 0, 1, 1}, {1, 3, 2}, {DType::float64, {}});
  for (const Mode mode : {Mode::words, Mode::brackets})
    EXPECT_EQ(logsignature(path, 2, {.mode = mode}).to_vector(),
              (Row{1, 1, 0.5}));
  EXPECT_EQ(logsignature(path, 2, {.mode = Mode::expand}).to_vector(),
            (Row{1, 1, 0, 0.5, -0.5, 0}));
}

}  // namespace
}  // namespace sigtape::test
