#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace sigtape::fuzz {

/// The plain reference: reverse-mode differentiation of single numbers, with
/// nothing of the library's. A number is a place on the tape.
class ScalarTape {
 public:
  using Id = std::int32_t;
  using Inputs = std::vector<std::pair<Id, double>>;

  /// A number made of `inputs`, each with its partial derivative.
  Id make(double value, Inputs inputs = {}) {
    constexpr double half_unit = std::numeric_limits<double>::epsilon() / 2;
    double error = half_unit * std::abs(value), terms = 0;
    for (const auto& [input, slope] : inputs) {
      error += std::abs(slope) * numbers_[at(input)].error;
      terms += std::abs(slope * numbers_[at(input)].value);
    }
    // Of a sum in any order, and of whatever has fewer terms.
    error += half_unit * static_cast<double>(inputs.size()) * terms;
    numbers_.push_back({value, 0, error, std::move(inputs)});
    return static_cast<Id>(numbers_.size()) - 1;
  }
  double value(Id id) const { return numbers_[at(id)].value; }
  /// A bound, to first order, of what rounding may have done to the number;
  /// large where large numbers cancel.
  double error(Id id) const { return numbers_[at(id)].error; }
  double gradient(Id id) const { return numbers_[at(id)].gradient; }
  std::size_t size() const { return numbers_.size(); }

  Id add(Id a, Id b) { return make(value(a) + value(b), {{a, 1}, {b, 1}}); }
  Id sub(Id a, Id b) { return make(value(a) - value(b), {{a, 1}, {b, -1}}); }
  Id mul(Id a, Id b) {
    return make(value(a) * value(b), {{a, value(b)}, {b, value(a)}});
  }
  Id div(Id a, Id b) {
    const double q = value(a) / value(b);
    return make(q, {{a, 1 / value(b)}, {b, -q / value(b)}});
  }
  Id scale(Id a, double s) { return make(s * value(a), {{a, s}}); }
  Id exp(Id a) {
    const double e = std::exp(value(a));
    return make(e, {{a, e}});
  }
  Id log(Id a) { return make(std::log(value(a)), {{a, 1 / value(a)}}); }
  Id sqrt(Id a) {
    const double r = std::sqrt(value(a));
    return make(r, {{a, 0.5 / r}});
  }
  Id tanh(Id a) {
    const double t = std::tanh(value(a));
    return make(t, {{a, 1 - t * t}});
  }
  Id sigmoid(Id a) {
    const double s = 1 / (1 + std::exp(-value(a)));
    return make(s, {{a, s * (1 - s)}});
  }
  Id relu(Id a) {
    const bool on = value(a) > 0;
    return make(on ? value(a) : 0, {{a, on ? 1. : 0.}});
  }
  Id sum(const std::vector<Id>& terms) {
    double total = 0;
    Inputs inputs;
    for (const Id term : terms) {
      total += value(term);
      inputs.push_back({term, 1});
    }
    return make(total, std::move(inputs));
  }

  /// d(`output`)/d(every number).
  void backward(Id output) {
    numbers_[at(output)].gradient = 1;
    for (auto i = at(output) + 1; i-- > 0;)
      for (const auto& [input, slope] : numbers_[i].inputs)
        numbers_[at(input)].gradient += slope * numbers_[i].gradient;
  }

 private:
  struct Number {
    double value, gradient, error;
    Inputs inputs;
  };
  static std::size_t at(Id id) { return static_cast<std::size_t>(id); }

  std::vector<Number> numbers_;
};

}  // namespace sigtape::fuzz
