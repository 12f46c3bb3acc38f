// Projected signatures against the words of full signatures.
#include "sigtape/layers/signature/projected_signature.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/random.h"
#include "sigtape/layers/signature/extract_signature_term.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

std::vector<Word> random_words(std::int64_t channels, std::int64_t depth,
                               std::int64_t count, std::uint64_t seed) {
  std::vector<Word> words;
  std::uint64_t at = 0;
  const auto number = [&](std::int64_t below) {
    return static_cast<std::int64_t>(philox_uniform(seed, at++, 6) *
                                     static_cast<double>(below));
  };
  for (std::int64_t i = 0; i < count; ++i) {
    Word word(1 + number(depth));
    for (std::int64_t& letter : word) letter = number(channels);
    words.push_back(word);
  }
  return words;
}

// The same words of the full signature.
Tensor extracted(const Tensor& path, const WordSet& words,
                 const ProjectionOptions& options) {
  return extract_signature_words(signature(path, words.depth(),
                                           {.basepoint = options.basepoint,
                                            .inverse = options.inverse,
                                            .lengths = options.lengths}),
                                 words.depth(), words);
}

void check(const WordSet& words, std::int64_t batch, std::int64_t length,
           const ProjectionOptions& options = {}) {
  const Tensor x = random_tensor({batch, length, words.channels()});
  for (const DType dtype : {DType::float64, DType::float32}) {
    const bool wide = dtype == DType::float64;
    Tensor a = cast(x, dtype).detach().set_requires_grad();
    Tensor b = x.detach().set_requires_grad();
    const Tensor got = projected_signature(a, words, options);
    const Tensor expected = extracted(b, words, options);
    EXPECT_LE(relative_error(got.to_vector(), expected.to_vector()),
              wide ? 1e-12 : 1e-4);
    const Tensor g = random_tensor(got.shape(), 3);
    got.backward(cast(g, dtype));
    expected.backward(g);
    EXPECT_LE(relative_error(a.grad().to_vector(), b.grad().to_vector()),
              wide ? 1e-12 : 1e-4);
    if (!options.lengths.defined()) continue;
    const auto grad = a.grad().to_vector();
    const auto n = options.lengths.to_vector<std::int64_t>();
    for (std::size_t i = 0; i < grad.size(); ++i) {
      const auto t = static_cast<std::int64_t>(i) / words.channels();
      EXPECT_TRUE(t % length < n[t / length] || grad[i] == 0) << i;
    }
  }
}

TEST(ProjectedSignature, IsTheFullSignaturesWords) {
  check(WordSet(3, all_words(3, 4)), 5, 9);
  check(WordSet(2, all_words(2, 7)), 17, 40);
  check(WordSet(1, {{0, 0, 0}}), 2, 70);
  check(WordSet(4, lyndon_words(4, 4)), 33, 5);
  check(WordSet(6, {{0, 1, 2, 3, 4, 5}, {5}, {5}, {0, 1}}), 3, 100);
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const auto s = static_cast<std::int64_t>(seed);
    check(WordSet(1 + s % 4, random_words(1 + s % 4, 1 + s % 7, 1 + s, seed)),
          1 + (7 * s) % 20, 2 + (13 * s) % 75);
  }
}

// Words of three prefixes: behind each `twins` letters from 1 on after any of
// them, `own` more letters, and one more twig whose leaves are those of the
// bits of `extra`, its letter before the twins' or after them.
WordSet squares(std::int64_t twins, std::int64_t own, unsigned extra,
                std::int64_t extra_letter) {
  std::vector<Word> words;
  const auto add = [&](Word word, std::initializer_list<std::int64_t> letters) {
    word.insert(word.end(), letters);
    words.push_back(word);
  };
  for (const Word& prefix : {Word{1}, Word{0, 2}, Word{0, 5}}) {
    for (std::int64_t i = 1; i <= twins; ++i) {
      for (std::int64_t j = 1; j <= twins; ++j) add(prefix, {i, j});
      if (extra >> (i - 1) & 1) add(prefix, {extra_letter, i});
    }
    for (std::int64_t k = 0; k < own; ++k) add(prefix, {5 - k});
  }
  return {6, words};
}

TEST(ProjectedSignature, SquaresOfLetters) {
  for (std::int64_t twins = 2; twins <= 4; ++twins) {
    for (std::int64_t own = 0; own <= (twins == 4 ? 1 : 3); ++own)
      check(squares(twins, own, 0, 0), 19, 51);
    for (unsigned extra = 1; extra < 1U << twins; ++extra)
      for (const std::int64_t letter : {0, 5})
        check(squares(twins, 0, extra, letter), 3, 30);
    check(squares(twins, 1, 1, 0), 3, 30);
  }
  check(WordSet::weighted({1, 1, 2, 2}, 6), 17, 60);
  check(WordSet(4, lyndon_words(4, 5)), 33, 40);
}

TEST(ProjectedSignature, StalksOfLetters) {
  for (std::int64_t stalks = 1; stalks <= 5; ++stalks)
    for (std::int64_t length = 3; length <= 5; ++length) {
      std::vector<Word> words;
      for (std::int64_t i = 0; i < stalks; ++i) {
        Word word(length);
        for (std::int64_t k = 1; k < length; ++k) word[k] = (i + k * k) % 5;
        word[0] = 2;
        word[1] = i;
        words.push_back(word);
      }
      check(WordSet(5, words), 18, 45);
    }
}

TEST(ProjectedSignature, TakesEveryOption) {
  const WordSet words(3, random_words(3, 4, 9, 1));
  const Tensor lengths = from_values({7, 2, 12, 9, 3}, {5}, {DType::int64});
  check(words, 5, 12, {.basepoint = Basepoint(true)});
  check(words, 5, 12, {.basepoint = Basepoint({1., 2., 3.})});
  check(words, 5, 12, {.inverse = true});
  check(words, 5, 12, {.lengths = lengths});
  check(words, 5, 12,
        {.basepoint = Basepoint(true), .inverse = true, .lengths = lengths});
  check(words, 5, 1, {.basepoint = Basepoint(true)});
}

OpCase battery_case(
    const char* name, const WordSet& words, std::vector<Tensor> inputs,
    const std::function<ProjectionOptions(const std::vector<Tensor>&)>&
        options) {
  return {name, std::move(inputs),
          [=](const std::vector<Tensor>& in) {
            return projected_signature(in[0], words, options(in));
          },
          [=](const std::vector<Tensor>& in) {
            return extracted(in[0], words, options(in)).to_vector();
          }};
}

TEST(ProjectedSignature, PassesTheBattery) {
  using Tensors = std::vector<Tensor>;
  const WordSet words(2, {{1}, {0, 1, 1}, {1, 0}, {0, 1, 0, 0}, {1, 0}});
  const WordSet all(3, all_words(3, 3));
  const Tensor lengths = from_values({5, 2, 18}, {3}, {DType::int64});
  const auto plain = [](const Tensors&) { return ProjectionOptions(); };
  battery(
      "projected_signature",
      {battery_case("basepoint", words,
                    {random_tensor({3, 6, 2}), random_tensor({3, 2}, 2)},
                    [](const Tensors& in) {
                      return ProjectionOptions{.basepoint = in[1]};
                    }),
       battery_case("all words", all, {random_tensor({2, 5, 3})}, plain),
       battery_case("one letter", WordSet(2, {{1}}), {random_tensor({2, 5, 2})},
                    plain),
       battery_case("one channel", WordSet(1, {{0, 0, 0}}),
                    {random_tensor({1, 40, 1})}, plain),
       battery_case("sparse", WordSet(5, random_words(5, 6, 9, 4)),
                    {random_tensor({2, 35, 5})}, plain),
       battery_case(
           "inverse", words, {random_tensor({2, 20, 2})},
           [](const Tensors&) { return ProjectionOptions{.inverse = true}; }),
       battery_case("lengths", words, {random_tensor({3, 18, 2}), lengths},
                    [](const Tensors& in) {
                      return ProjectionOptions{.lengths = in[1]};
                    }),
       battery_case(
           "inverse lengths basepoint", words,
           {random_tensor({3, 18, 2}), lengths, random_tensor({3, 2}, 2)},
           [](const Tensors& in) {
             return ProjectionOptions{
                 .basepoint = in[2], .inverse = true, .lengths = in[1]};
           }),
       battery_case("zero basepoint, one point", words,
                    {random_tensor({2, 1, 2})}, [](const Tensors&) {
                      return ProjectionOptions{.basepoint = Basepoint(true)};
                    })});
}

TEST(ProjectedSignature, WeightedTruncation) {
  const WordSet words = WordSet::weighted({1, 2}, 3);
  EXPECT_EQ(words.words(),
            (std::vector<Word>{{0}, {1}, {0, 0}, {0, 1}, {1, 0}, {0, 0, 0}}));
  EXPECT_EQ(words.prefixes(), 6);
  check(words, 4, 11);
  // Equal weights: the usual truncation.
  EXPECT_EQ(WordSet::weighted({1, 1, 1}, 3).words(), all_words(3, 3));
}

TEST(ProjectedSignature, CountsTheMultiplyAddsOfItsPrefixes) {
  // The full signature takes sum_k (N - k + 1) d^k.
  EXPECT_EQ(WordSet(3, all_words(3, 4)).multiply_adds(), 174);
  EXPECT_EQ(WordSet(3, all_words(3, 4)).backward_multiply_adds(), 495);
  // A single word of 4 letters: 4 + 3 + 2 + 1.
  EXPECT_EQ(WordSet(3, {{0, 1, 2, 0}}).multiply_adds(), 10);
}

TEST(ProjectedSignature, SaysWhatDoesNotFit) {
  expect_error([] { WordSet(2, {{0, 2}}); }, {"word set", "0..1", "2"});
  expect_error([] { WordSet(2, {{}}); }, {"word set", "1 to 64", "0"});
  expect_error([] { WordSet(2, {}); }, {"at least one word"});
  expect_error([] { WordSet::weighted({1, 0}, 2); }, {"above 0"});
  const WordSet words(2, {{0, 1}});
  expect_error(
      [&] {
        projected_signature(zeros({2, 3, 3}), words);
      },
      {"projected_signature", "2 channels", "(2, 3, 3)"});
  expect_error(
      [&] {
        projected_signature(zeros({3, 2}), words);
      },
      {"projected_signature", "add a batch dimension"});
  expect_error(
      [&] {
        projected_signature(zeros({2, 1, 2}), words);
      },
      {"at least 2 points"});
  expect_error(
      [&] {
        extract_signature_words(zeros({2, 2}), 1, words);
      },
      {"extract_signature_words", "at most 1", "2"});
}

}  // namespace
}  // namespace sigtape::test
