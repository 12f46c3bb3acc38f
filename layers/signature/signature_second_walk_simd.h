#pragma once

// One increment of the words of a pair, there and back, over dual numbers; a
// pair in each lane. See signature_kernels.h for the scheme and
// signature_second_kernels.h for what it is for.
//
// Of the highest level only what can differ is kept: going there the slopes,
// as no other word needs its values; going back the values, as its cotangent
// is the caller's and has no slope.

#include "sigtape/layers/signature/dual_simd.h"
#include "sigtape/layers/signature/signature_second_table.h"

namespace sigtape::SIGTAPE_ISA_NAME {

template <class T>
using DualVec = Dual<Vec<T>>;

/// The scheme for D channels, or for any number where D is 0.
template <class T, int D>
class SecondWalk {
 public:
  using Plan = cpu::SignatureSecondPlan;

  SIGTAPE_INLINE SecondWalk(const Plan& plan, int depth, DualVec<T>* partials,
                            DualVec<T>* dpartials)
      : plan_(plan),
        depth_(depth),
        d_(D ? D : plan.channels),
        partials_(partials),
        dpartials_(dpartials) {}

  /// low <- low (x) exp(dx) in levels 1 to depth - 1, and with `top` its
  /// slopes of level depth. x: the increment, [channels], and after it that of
  /// each lane's own letter.
  SIGTAPE_INLINE void forward(const DualVec<T>* x, DualVec<T>* low,
                              Vec<T>* top) const {
    if (top) forward_top(x, low, top);
    for (int level = depth_ - 1; level >= 2; --level) {
      horner(x, low, level);
      append(x, low + plan_.begin(level), partials_ + plan_.begin(level - 1),
             level, 1, low + plan_.begin(level));
    }
    if (depth_ > 1) low[0] += x[d_];
  }

  /// The adjoint of `forward` at `low`, the levels below the depth before it.
  /// dlow: the cotangent, changed into the one before. Writes to dx, shaped
  /// like x, the slopes of the increment's gradient.
  SIGTAPE_INLINE void backward(const DualVec<T>* x, const DualVec<T>* low,
                               const Vec<T>* dtop, DualVec<T>* dlow,
                               Vec<T>* dx) const {
    for (std::int64_t j = 0; j <= d_; ++j) dx[j] = Vec<T>{};
    if (depth_ == 1) return;
    Vec<T> first = dlow[0].slope;
    for (int top = 2; top <= depth_; ++top) {
      horner(x, low, top);
      if (top == depth_) {
        top_adjoint(x, dtop, dlow, dx);
      } else {
        adjoint(x, dlow + plan_.begin(top), top, 1, dlow, dx);
      }
      for (int level = top - 1; level >= 2; --level)
        adjoint(x, dpartials_ + plan_.begin(level), level, top - level + 1,
                dlow, dx);
      first += dpartials_[0].slope * reciprocal(top);
    }
    dx[d_] = first;
  }

 private:
  /// W letters from `first` on.
  template <int W>
  struct Letters {
    std::int64_t first;
  };

  static SIGTAPE_INLINE T reciprocal(int divisor) {
    return T(1) / static_cast<T>(divisor);
  }

  // Calls body(letters) for letters that together are all, as many at a time
  // as registers hold.
  template <class Body>
  SIGTAPE_INLINE void for_letters(const Body& body) const {
    if constexpr (D > 0) {
      body(Letters<D>{0});
    } else {
      std::int64_t first = 0;
      for (; first + 4 <= d_; first += 4) body(Letters<4>{first});
      for (; first + 2 <= d_; first += 2) body(Letters<2>{first});
      if (first < d_) body(Letters<1>{first});
    }
  }

  // dx / divisor of those letters.
  template <int W>
  SIGTAPE_INLINE void read(const DualVec<T>* x, Letters<W> letters, T scale,
                           DualVec<T>* to) const {
    for (int j = 0; j < W; ++j) to[j] = x[letters.first + j] * scale;
  }

  // Levels 1 to top - 1 of Horner's scheme for level `top`.
  SIGTAPE_INLINE void horner(const DualVec<T>* x, const DualVec<T>* low,
                             int top) const {
    partials_[0] = low[0] + x[d_] * reciprocal(top);
    for (int level = 2; level < top; ++level)
      append(x, low + plan_.begin(level), partials_ + plan_.begin(level - 1),
             level, top - level + 1, partials_ + plan_.begin(level));
  }

  // out = from + below (x) dx / divisor, words of `level`.
  SIGTAPE_INLINE void append(const DualVec<T>* x, const DualVec<T>* from,
                             const DualVec<T>* below, int level, int divisor,
                             DualVec<T>* out) const {
    const std::int64_t words = plan_.count(level - 1);
    for_letters([&]<int W>(Letters<W> letters) {
      DualVec<T> dx[W];
      read(x, letters, reciprocal(divisor), dx);
      for (std::int64_t w = 0; w < words; ++w) {
        const DualVec<T> b = below[w];
        const std::int64_t at = w * d_ + letters.first;
        for (int j = 0; j < W; ++j) out[at + j] = from[at + j] + b * dx[j];
      }
    });
  }

  SIGTAPE_INLINE void forward_top(const DualVec<T>* x, const DualVec<T>* low,
                                  Vec<T>* top) const {
    if (depth_ == 1) {
      top[0] += x[d_].slope;
      return;
    }
    horner(x, low, depth_);
    const DualVec<T>* below = partials_ + plan_.begin(depth_ - 1);
    const std::int64_t words = plan_.count(depth_ - 1);
    for_letters([&]<int W>(Letters<W> letters) {
      DualVec<T> dx[W];
      read(x, letters, 1, dx);
      for (std::int64_t w = 0; w < words; ++w) {
        const DualVec<T> b = below[w];
        Vec<T>* to = top + w * d_ + letters.first;
        for (int j = 0; j < W; ++j)
          to[j] += b.value * dx[j].slope + b.slope * dx[j].value;
      }
    });
  }

  // The cotangent of word `at` of the level below gets `sum`, of letters of
  // which these may be the first ones.
  SIGTAPE_INLINE void add_below(std::int64_t at, bool is_first,
                                const DualVec<T>& sum, DualVec<T>* dlow) const {
    dpartials_[at] = is_first ? sum : dpartials_[at] + sum;
    dlow[at] += sum;
  }

  // The adjoint of `append`: writes the cotangent of the level below, which is
  // added to dlow too, and adds to dx.
  SIGTAPE_INLINE void adjoint(const DualVec<T>* x, const DualVec<T>* dlevel,
                              int level, int divisor, DualVec<T>* dlow,
                              Vec<T>* dx) const {
    const std::int64_t begin = plan_.begin(level - 1);
    const std::int64_t words = plan_.count(level - 1);
    const T scale = reciprocal(divisor);
    for_letters([&]<int W>(Letters<W> letters) {
      DualVec<T> step[W];
      Vec<T> sums[W] = {};
      read(x, letters, scale, step);
      for (std::int64_t w = 0; w < words; ++w) {
        const DualVec<T> b = partials_[begin + w];
        const DualVec<T>* from = dlevel + w * d_ + letters.first;
        DualVec<T> sum = {};
        for (int j = 0; j < W; ++j) {
          const DualVec<T> d = from[j];
          sum += d * step[j];
          sums[j] += d.value * b.slope + d.slope * b.value;
        }
        add_below(begin + w, D > 0 || letters.first == 0, sum, dlow);
      }
      for (int j = 0; j < W; ++j) dx[letters.first + j] += sums[j] * scale;
    });
  }

  SIGTAPE_INLINE void top_adjoint(const DualVec<T>* x, const Vec<T>* dtop,
                                  DualVec<T>* dlow, Vec<T>* dx) const {
    const std::int64_t begin = plan_.begin(depth_ - 1);
    const std::int64_t words = plan_.count(depth_ - 1);
    for_letters([&]<int W>(Letters<W> letters) {
      DualVec<T> step[W];
      Vec<T> sums[W] = {};
      read(x, letters, 1, step);
      for (std::int64_t w = 0; w < words; ++w) {
        const Vec<T> b = partials_[begin + w].slope;
        const Vec<T>* from = dtop + w * d_ + letters.first;
        DualVec<T> sum = {};
        for (int j = 0; j < W; ++j) {
          const Vec<T> d = from[j];
          sum += step[j] * d;
          sums[j] += d * b;
        }
        add_below(begin + w, D > 0 || letters.first == 0, sum, dlow);
      }
      for (int j = 0; j < W; ++j) dx[letters.first + j] += sums[j];
    });
  }

  const Plan& plan_;
  int depth_;
  std::int64_t d_;
  DualVec<T>*partials_, *dpartials_;
};

template <int D>
struct Channels {};

/// The walk for the plan's number of channels, chosen once.
template <class T>
struct ChosenWalk {
  void (*forward)(const ChosenWalk&, const DualVec<T>* x, DualVec<T>* low,
                  Vec<T>* top);
  void (*backward)(const ChosenWalk&, const DualVec<T>* x,
                   const DualVec<T>* low, const Vec<T>* dtop, DualVec<T>* dlow,
                   Vec<T>* dx);
  const cpu::SignatureSecondPlan& plan;
  int depth;
  DualVec<T>*partials, *dpartials;
};

template <class T, int D>
void walk_forward(const ChosenWalk<T>& w, const DualVec<T>* x, DualVec<T>* low,
                  Vec<T>* top) {
  SecondWalk<T, D>(w.plan, w.depth, w.partials, w.dpartials)
      .forward(x, low, top);
}

template <class T, int D>
void walk_backward(const ChosenWalk<T>& w, const DualVec<T>* x,
                   const DualVec<T>* low, const Vec<T>* dtop, DualVec<T>* dlow,
                   Vec<T>* dx) {
  SecondWalk<T, D>(w.plan, w.depth, w.partials, w.dpartials)
      .backward(x, low, dtop, dlow, dx);
}

template <class T>
ChosenWalk<T> choose_walk(const cpu::SignatureSecondPlan& plan, int depth,
                          DualVec<T>* partials, DualVec<T>* dpartials) {
  const auto of = [&]<int D>(Channels<D>) {
    return ChosenWalk<T>{
        walk_forward<T, D>, walk_backward<T, D>, plan, depth, partials,
        dpartials};
  };
  switch (plan.channels) {
#define SIGTAPE_CASE(d) \
  case d:               \
    return of(Channels<d>());
    SIGTAPE_CASE(2)
    SIGTAPE_CASE(3)
    SIGTAPE_CASE(4)
    SIGTAPE_CASE(5)
    SIGTAPE_CASE(6)
    SIGTAPE_CASE(7)
    SIGTAPE_CASE(8)
#undef SIGTAPE_CASE
    default:
      return of(Channels<0>());
  }
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
