#pragma once

// Random graphs of operations, forward and backward, in float64 and in the
// instruction set of this processor, against one number after another on the
// plain tape of scalar_tape.h.

#include <algorithm>
#include <array>

#include "fuzz/fuzz.h"
#include "fuzz/scalar_tape.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/layers/signature/signature.h"

namespace sigtape::fuzz {

using Id = ScalarTape::Id;
constexpr std::size_t most_elements = 128;
constexpr std::size_t most_numbers = 60000;
constexpr int most_operations = 12;

/// A tensor (batch, length, channels) and the same numbers on the plain tape.
struct Pair {
  std::array<std::int64_t, 3> size;
  Tensor tensor;
  std::vector<Id> ids;

  std::int64_t batch() const { return size[0]; }
  std::int64_t length() const { return size[1]; }
  std::int64_t channels() const { return size[2]; }
  std::size_t at(std::int64_t b, std::int64_t t, std::int64_t c) const {
    return static_cast<std::size_t>((b * size[1] + t) * size[2] + c);
  }
  Id id(std::int64_t b, std::int64_t t, std::int64_t c) const {
    return ids[at(b, t, c)];
  }
};

/// Builds a graph from the bytes of an input, and compares every value and the
/// gradients of a sum of all of them.
class RandomGraph {
 public:
  RandomGraph(const std::uint8_t* data, std::size_t size)
      : bytes_(data, size) {}

  void run() {
    for (auto count = 1 + bytes_.below(3); count > 0; --count) {
      const auto b = 1 + bytes_.below(3), t = 2 + bytes_.below(4),
                 c = 1 + bytes_.below(3);
      add_leaf(static_cast<std::int64_t>(b), static_cast<std::int64_t>(t),
               static_cast<std::int64_t>(c));
    }
    for (int i = 0; i < most_operations && !bytes_.empty(); ++i) operation();
    compare();
  }

 private:
  double number() { return (bytes_.byte() - 127.5) / 100; }
  const Pair& any() { return pairs_[bytes_.below(pairs_.size())]; }

  Pair& add_leaf(std::int64_t b, std::int64_t t, std::int64_t c) {
    Pair pair{{b, t, c}, {}, {}};
    std::vector<double> values(static_cast<std::size_t>(b * t * c));
    for (double& value : values) {
      value = number();
      pair.ids.push_back(tape_.make(value));
    }
    pair.tensor = from_values(values, {b, t, c}, {DType::float64, {}});
    pair.tensor.set_requires_grad();
    leaves_.push_back(pair);
    pairs_.push_back(pair);
    return leaves_.back();
  }

  // Keeps a result of which both sides have been computed, unless it is too
  // large a thing to go on with.
  void keep(Tensor tensor, std::array<std::int64_t, 3> size,
            std::vector<Id> ids) {
    expect(tensor.shape() == Shape({size[0], size[1], size[2]}),
           "the shape of a result");
    pairs_.push_back({size, std::move(tensor), std::move(ids)});
  }

  template <class F>
  void elementwise(const Pair& a, Tensor tensor, F f) {
    std::vector<Id> ids;
    for (const Id id : a.ids) ids.push_back(f(id));
    keep(std::move(tensor), a.size, std::move(ids));
  }

  // a op row, the second one broadcast from one point of its first path where
  // the sizes differ.
  template <class F>
  void binary(Tensor (*op)(const Tensor&, const Tensor&), F f) {
    const Pair a = any(), b = any();
    if (a.channels() != b.channels()) return;
    const bool same = a.size == b.size;
    const Tensor other =
        same ? b.tensor : slice(slice(b.tensor, 0, 0, 1), 1, 0, 1);
    std::vector<Id> ids;
    for (std::int64_t i = 0; i < a.batch(); ++i)
      for (std::int64_t t = 0; t < a.length(); ++t)
        for (std::int64_t c = 0; c < a.channels(); ++c)
          ids.push_back(f(a.id(i, t, c), same ? b.id(i, t, c) : b.id(0, 0, c)));
    keep(op(a.tensor, other), a.size, std::move(ids));
  }

  void operation() {
    if (tape_.size() > most_numbers) return;
    switch (bytes_.below(20)) {
      case 0:
        return binary(add, [&](Id x, Id y) { return tape_.add(x, y); });
      case 1:
        return binary(sub, [&](Id x, Id y) { return tape_.sub(x, y); });
      case 2:
        return binary(mul, [&](Id x, Id y) { return tape_.mul(x, y); });
      case 3: {
        const Pair a = any();
        return elementwise(a, tanh(a.tensor),
                           [&](Id x) { return tape_.tanh(x); });
      }
      case 4: {
        const Pair a = any();
        return elementwise(a, sigmoid(a.tensor),
                           [&](Id x) { return tape_.sigmoid(x); });
      }
      case 5: {
        const Pair a = any();
        // At the kink the last bit would decide.
        for (const Id id : a.ids)
          if (std::abs(tape_.value(id)) < 1e-6) return;
        return elementwise(a, relu(a.tensor),
                           [&](Id x) { return tape_.relu(x); });
      }
      case 6: {
        const Pair a = any();
        const double s = number();
        return elementwise(a, s * a.tensor,
                           [&](Id x) { return tape_.scale(x, s); });
      }
      case 7: {
        const Pair a = any();
        return elementwise(a, exp(tanh(a.tensor)),
                           [&](Id x) { return tape_.exp(tape_.tanh(x)); });
      }
      case 8:
        return products();
      case 9:
        return sums();
      case 10:
        return joined();
      case 11:
        return cut();
      case 12:
        return turned();
      case 13:
        return shares(false);
      case 14:
        return shares(true);
      case 15:
        return convolution();
      case 16:
        return normalised();
      default:
        return path_signature();
    }
  }

  // (batch, t, c) x (batch, c, u).
  void products() {
    const Pair a = any(), b = any();
    if (a.batch() != b.batch() || a.channels() != b.channels()) return;
    if (a.ids.size() * b.ids.size() > 16 * most_elements) return;
    std::vector<Id> ids;
    for (std::int64_t i = 0; i < a.batch(); ++i)
      for (std::int64_t t = 0; t < a.length(); ++t)
        for (std::int64_t u = 0; u < b.length(); ++u) {
          std::vector<Id> terms;
          for (std::int64_t c = 0; c < a.channels(); ++c)
            terms.push_back(tape_.mul(a.id(i, t, c), b.id(i, u, c)));
          ids.push_back(tape_.sum(terms));
        }
    keep(matmul(a.tensor, transpose(b.tensor, 1, 2)),
         {a.batch(), a.length(), b.length()}, std::move(ids));
  }

  void sums() {
    const Pair a = any();
    const bool mean_of = bytes_.one_in(2);
    std::vector<Id> ids;
    for (std::int64_t i = 0; i < a.batch(); ++i)
      for (std::int64_t c = 0; c < a.channels(); ++c) {
        std::vector<Id> terms;
        for (std::int64_t t = 0; t < a.length(); ++t)
          terms.push_back(a.id(i, t, c));
        const Id total = tape_.sum(terms);
        ids.push_back(
            mean_of ? tape_.scale(total, 1 / static_cast<double>(a.length()))
                    : total);
      }
    keep(mean_of ? mean(a.tensor, {1}, true) : sum(a.tensor, {1}, true),
         {a.batch(), 1, a.channels()}, std::move(ids));
  }

  void joined() {
    const Pair a = any(), b = any();
    if (a.batch() != b.batch() || a.length() != b.length()) return;
    if (a.ids.size() + b.ids.size() > most_elements) return;
    std::vector<Id> ids;
    for (std::int64_t i = 0; i < a.batch(); ++i)
      for (std::int64_t t = 0; t < a.length(); ++t) {
        for (std::int64_t c = 0; c < a.channels(); ++c)
          ids.push_back(a.id(i, t, c));
        for (std::int64_t c = 0; c < b.channels(); ++c)
          ids.push_back(b.id(i, t, c));
      }
    keep(concat({a.tensor, b.tensor}, 2),
         {a.batch(), a.length(), a.channels() + b.channels()}, std::move(ids));
  }

  void cut() {
    const Pair a = any();
    const std::int64_t step = 1 + static_cast<std::int64_t>(bytes_.below(2));
    if (a.length() < 3) return;
    std::vector<Id> ids;
    const std::int64_t count = (a.length() - 2) / step + 1;
    for (std::int64_t i = 0; i < a.batch(); ++i)
      for (std::int64_t k = 0; k < count; ++k)
        for (std::int64_t c = 0; c < a.channels(); ++c)
          ids.push_back(a.id(i, 1 + k * step, c));
    keep(slice(a.tensor, 1, 1, a.length(), step),
         {a.batch(), count, a.channels()}, std::move(ids));
  }

  void turned() {
    const Pair a = any();
    std::vector<Id> ids;
    for (std::int64_t i = 0; i < a.batch(); ++i)
      for (std::int64_t c = 0; c < a.channels(); ++c)
        for (std::int64_t t = 0; t < a.length(); ++t)
          ids.push_back(a.id(i, t, c));
    keep(transpose(a.tensor, 1, 2), {a.batch(), a.channels(), a.length()},
         std::move(ids));
  }

  // softmax or its logarithm along the channels.
  void shares(bool logarithm) {
    const Pair a = any();
    std::vector<Id> ids;
    for (std::size_t row = 0; row < a.ids.size();
         row += static_cast<std::size_t>(a.channels())) {
      std::vector<Id> terms;
      double most = -1e300;
      for (std::int64_t c = 0; c < a.channels(); ++c)
        most = std::max(most,
                        tape_.value(a.ids[row + static_cast<std::size_t>(c)]));
      const Id shift = tape_.make(most);
      for (std::int64_t c = 0; c < a.channels(); ++c)
        terms.push_back(tape_.exp(
            tape_.sub(a.ids[row + static_cast<std::size_t>(c)], shift)));
      const Id total = tape_.sum(terms);
      for (const Id term : terms) {
        ids.push_back(tape_.div(term, total));
        if (logarithm) ids.back() = tape_.log(ids.back());
      }
    }
    keep(logarithm ? log_softmax(a.tensor) : softmax(a.tensor), a.size,
         std::move(ids));
  }

  void convolution() {
    const Pair a = any();
    const auto kernel = static_cast<std::int64_t>(1 + bytes_.below(3));
    const auto out = static_cast<std::int64_t>(1 + bytes_.below(3));
    Conv1dOptions o;
    o.stride = static_cast<std::int64_t>(1 + bytes_.below(2));
    o.padding = static_cast<std::int64_t>(bytes_.below(3));
    o.dilation = static_cast<std::int64_t>(1 + bytes_.below(2));
    const std::int64_t taps = o.dilation * (kernel - 1) + 1;
    if (a.length() + 2 * o.padding < taps || a.channels() > 8) return;
    const std::int64_t rows =
        (a.length() + 2 * o.padding - taps) / o.stride + 1;
    const Pair w = add_leaf(out, a.channels(), kernel);
    std::vector<Id> ids;
    for (std::int64_t i = 0; i < a.batch(); ++i)
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t u = 0; u < out; ++u) {
          std::vector<Id> terms;
          for (std::int64_t k = 0; k < kernel; ++k) {
            const std::int64_t t = r * o.stride + k * o.dilation - o.padding;
            if (t < 0 || t >= a.length()) continue;
            for (std::int64_t c = 0; c < a.channels(); ++c)
              terms.push_back(tape_.mul(a.id(i, t, c), w.id(u, c, k)));
          }
          ids.push_back(tape_.sum(terms));
        }
    keep(conv1d(a.tensor, w.tensor, {}, o), {a.batch(), rows, out},
         std::move(ids));
  }

  void normalised() {
    const Pair a = any();
    const double n = static_cast<double>(a.channels()), eps = 0.1;
    const auto width = static_cast<std::size_t>(a.channels());
    std::vector<Id> ids;
    for (std::size_t row = 0; row < a.ids.size(); row += width) {
      const std::vector<Id> line(
          a.ids.begin() + static_cast<std::ptrdiff_t>(row),
          a.ids.begin() + static_cast<std::ptrdiff_t>(row + width));
      const Id centre = tape_.scale(tape_.sum(line), 1 / n);
      std::vector<Id> away, squares;
      for (const Id x : line) {
        away.push_back(tape_.sub(x, centre));
        squares.push_back(tape_.mul(away.back(), away.back()));
      }
      const Id variance = tape_.scale(tape_.sum(squares), 1 / n);
      const Id deviation = tape_.sqrt(tape_.add(variance, tape_.make(eps)));
      for (const Id x : away) ids.push_back(tape_.div(x, deviation));
    }
    keep(layer_norm(a.tensor, {}, {}, eps), a.size, std::move(ids));
  }

  // The product of the exponentials of the increments, level by level.
  void path_signature() {
    const Pair a = any();
    const auto depth = static_cast<std::int64_t>(1 + bytes_.below(4));
    SignatureOptions o;
    o.stream = bytes_.one_in(2);
    o.basepoint = bytes_.one_in(2) ? Basepoint(true) : Basepoint();
    const bool based = !o.basepoint.is_none();
    const std::int64_t d = a.channels();
    const std::int64_t increments = a.length() - (based ? 0 : 1);
    const std::int64_t words = signature_channels(d, depth);
    const std::int64_t rows = o.stream ? increments : 1;
    if (increments < 1 || words * rows * a.batch() > 2 * 128) return;
    std::vector<Id> ids;
    for (std::int64_t i = 0; i < a.batch(); ++i) {
      std::vector<std::vector<Id>> levels = unit(d, depth);
      for (std::int64_t s = 0; s < increments; ++s) {
        std::vector<Id> dx;
        for (std::int64_t c = 0; c < d; ++c) {
          const std::int64_t to = based ? s : s + 1;
          dx.push_back(to == 0 ? a.id(i, 0, c)
                               : tape_.sub(a.id(i, to, c), a.id(i, to - 1, c)));
        }
        levels = times_exponential(levels, dx);
        if (!o.stream && s + 1 < increments) continue;
        for (std::size_t n = 1; n < levels.size(); ++n)
          ids.insert(ids.end(), levels[n].begin(), levels[n].end());
      }
    }
    const Tensor result = signature(a.tensor, depth, o);
    keep(reshape(result, {a.batch(), rows, words}), {a.batch(), rows, words},
         std::move(ids));
  }

  std::vector<std::vector<Id>> unit(std::int64_t d, std::int64_t depth) {
    std::vector<std::vector<Id>> levels;
    std::size_t words = 1;
    for (std::int64_t n = 0; n <= depth; ++n) {
      levels.emplace_back();
      for (std::size_t w = 0; w < words; ++w)
        levels.back().push_back(tape_.make(n == 0 ? 1 : 0));
      words *= static_cast<std::size_t>(d);
    }
    return levels;
  }

  // result_n[uv] = sum over |v| = k of a_(n-k)[u] dx_v / k!
  std::vector<std::vector<Id>> times_exponential(
      const std::vector<std::vector<Id>>& a, const std::vector<Id>& dx) {
    std::vector<std::vector<Id>> powers{{tape_.make(1)}};
    for (std::size_t k = 1; k < a.size(); ++k) {
      powers.emplace_back();
      for (const Id word : powers[k - 1])
        for (const Id x : dx)
          powers[k].push_back(
              tape_.scale(tape_.mul(word, x), 1 / static_cast<double>(k)));
    }
    std::vector<std::vector<Id>> result;
    for (std::size_t n = 0; n < a.size(); ++n) {
      result.emplace_back();
      for (std::size_t w = 0; w < a[n].size(); ++w) {
        std::vector<Id> terms;
        for (std::size_t k = 0; k <= n; ++k) {
          const std::size_t tail = powers[k].size();
          terms.push_back(tape_.mul(a[n - k][w / tail], powers[k][w % tail]));
        }
        result[n].push_back(tape_.sum(terms));
      }
    }
    return result;
  }

  void compare() {
    std::vector<Id> all;
    Tensor total = zeros({}, {DType::float64, {}});
    double factor = 0.3, size = 1;
    for (const Pair& pair : pairs_) {
      const std::vector<double> values = pair.tensor.to_vector();
      for (std::size_t i = 0; i < values.size(); ++i) {
        expect_close(values[i], tape_.value(pair.ids[i]), 1, "a value",
                     2 * tape_.error(pair.ids[i]));
        size = std::max(size, std::abs(values[i]));
      }
      for (const Id id : pair.ids) all.push_back(tape_.scale(id, factor));
      total = total + factor * sum(pair.tensor);
      factor = -0.9 * factor + 0.05;
    }
    if (!(size < 1e6)) return;
    const Id output = tape_.sum(all);
    tape_.backward(output);
    total.backward();
    double largest = 1;
    for (const Pair& leaf : leaves_)
      for (const Id id : leaf.ids)
        largest = std::max(largest, std::abs(tape_.gradient(id)));
    if (!(largest < 1e9)) return;
    for (const Pair& leaf : leaves_) {
      const std::vector<double> got = leaf.tensor.grad().to_vector();
      for (std::size_t i = 0; i < got.size(); ++i)
        expect_close(got[i], tape_.gradient(leaf.ids[i]), size * largest,
                     "a gradient");
    }
  }

  // `rounding`: what both sides may have made of the number by rounding.
  static void expect_close(double got, double expected, double size,
                           const char* what, double rounding = 0) {
    if (!std::isfinite(expected)) return;
    const double error = std::abs(got - expected);
    if (error <= 1e-9 * std::max({1., size, std::abs(expected)})) return;
    if (error <= rounding) return;
    std::fprintf(stderr, "%s: expected %.17g, got %.17g (rounding: %.3g)\n",
                 what, expected, got, rounding);
    expect(false, "the plain reference's numbers");
  }

  Bytes bytes_;
  ScalarTape tape_;
  std::vector<Pair> pairs_, leaves_;
};

}  // namespace sigtape::fuzz
