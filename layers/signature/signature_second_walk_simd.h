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

/// An increment in every lane: x[m][j] = dx_j / m for 1 <= m <= depth, and
/// first[m], the same for each lane's own letter.
template <class T>
struct Increment {
  DualVec<T>* x;      // [depth + 1, channels]
  DualVec<T>* first;  // [depth + 1]
};

/// The scheme for D channels, or for any number where D is 0.
template <class T, int D>
class SecondWalk {
 public:
  using Plan = cpu::SignatureSecondPlan;

  SIGTAPE_INLINE SecondWalk(const Plan& plan, int depth,
                            const Increment<T>& increment, DualVec<T>* partials,
                            DualVec<T>* dpartials)
      : plan_(plan),
        depth_(depth),
        d_(D ? D : plan.channels),
        x_(increment),
        partials_(partials),
        dpartials_(dpartials) {}

  /// low <- low (x) exp(dx) in levels 1 to depth - 1, and with `top` its
  /// slopes of level depth.
  SIGTAPE_KERNEL void forward(DualVec<T>* low, Vec<T>* top) const {
    if (top) forward_top(low, top);
    for (int level = depth_ - 1; level >= 2; --level) {
      horner(low, level);
      append(low + plan_.begin(level), partials_ + plan_.begin(level - 1),
             level, 1, low + plan_.begin(level));
    }
    if (depth_ > 1) low[0] += x_.first[1];
  }

  /// The adjoint of `forward` at `low`, the levels below the depth before it.
  /// dlow: the cotangent, changed into the one before. Writes to dx [channels]
  /// and dfirst the slopes of the increment's gradient.
  SIGTAPE_KERNEL void backward(const DualVec<T>* low, const Vec<T>* dtop,
                               DualVec<T>* dlow, Vec<T>* dx,
                               Vec<T>* dfirst) const {
    for (std::int64_t j = 0; j < d_; ++j) dx[j] = Vec<T>{};
    *dfirst = Vec<T>{};
    if (depth_ == 1) return;
    *dfirst = dlow[0].slope;
    for (int top = 2; top <= depth_; ++top) {
      horner(low, top);
      const DualVec<T>* dlevel = dlow + plan_.begin(top);
      if (top == depth_) {
        top_adjoint(dtop, dlow, dx);
      } else {
        adjoint(dlevel, top, 1, dlow, dx);
      }
      for (int level = top - 1; level >= 2; --level)
        adjoint(dpartials_ + plan_.begin(level), level, top - level + 1, dlow,
                dx);
      *dfirst += dpartials_[0].slope * (T(1) / static_cast<T>(top));
    }
  }

 private:
  static constexpr int kRegisters = D ? D : 1;

  SIGTAPE_INLINE std::int64_t channels() const { return D ? D : d_; }

  // Levels 1 to top - 1 of Horner's scheme for level `top`.
  SIGTAPE_INLINE void horner(const DualVec<T>* low, int top) const {
    partials_[0] = low[0] + x_.first[top];
    for (int level = 2; level < top; ++level)
      append(low + plan_.begin(level), partials_ + plan_.begin(level - 1),
             level, top - level + 1, partials_ + plan_.begin(level));
  }

  // dx / divisor, where D is known in registers.
  SIGTAPE_INLINE const DualVec<T>* letters(int divisor,
                                           DualVec<T>* registers) const {
    const DualVec<T>* x = x_.x + divisor * d_;
    if constexpr (D == 0) return x;
    SIGTAPE_UNROLL for (int j = 0; j < D; ++j) registers[j] = x[j];
    return registers;
  }

  // Calls add(sums), sums being those of dx, where D is known in registers.
  template <class Add>
  SIGTAPE_INLINE void with_sums(Vec<T>* dx, const Add& add) const {
    if constexpr (D == 0) {
      add(dx);
    } else {
      Vec<T> sums[D];
      SIGTAPE_UNROLL for (int j = 0; j < D; ++j) sums[j] = dx[j];
      add(sums);
      SIGTAPE_UNROLL for (int j = 0; j < D; ++j) dx[j] = sums[j];
    }
  }

  // out = from + below (x) dx / divisor, words of `level`.
  SIGTAPE_INLINE void append(const DualVec<T>* from, const DualVec<T>* below,
                             int level, int divisor, DualVec<T>* out) const {
    DualVec<T> registers[kRegisters];
    const DualVec<T>* x = letters(divisor, registers);
    const std::int64_t words = plan_.count(level - 1);
    for (std::int64_t w = 0; w < words; ++w) {
      const DualVec<T> b = below[w];
      for (std::int64_t j = 0; j < channels(); ++j)
        out[w * channels() + j] = from[w * channels() + j] + b * x[j];
    }
  }

  SIGTAPE_INLINE void forward_top(const DualVec<T>* low, Vec<T>* top) const {
    if (depth_ == 1) {
      top[0] += x_.first[1].slope;
      return;
    }
    horner(low, depth_);
    const DualVec<T>* below = partials_ + plan_.begin(depth_ - 1);
    DualVec<T> registers[kRegisters];
    const DualVec<T>* x = letters(1, registers);
    const std::int64_t words = plan_.count(depth_ - 1);
    for (std::int64_t w = 0; w < words; ++w) {
      const DualVec<T> b = below[w];
      for (std::int64_t j = 0; j < channels(); ++j)
        top[w * channels() + j] += b.value * x[j].slope + b.slope * x[j].value;
    }
  }

  // The adjoint of `append`: writes the cotangent of the level below, which is
  // added to dlow too, and adds to dx.
  SIGTAPE_INLINE void adjoint(const DualVec<T>* dlevel, int level, int divisor,
                              DualVec<T>* dlow, Vec<T>* dx) const {
    const std::int64_t at = plan_.begin(level - 1);
    DualVec<T> registers[kRegisters];
    const DualVec<T>* x = letters(divisor, registers);
    const std::int64_t words = plan_.count(level - 1);
    const T scale = T(1) / static_cast<T>(divisor);
    with_sums(dx, [&](Vec<T>* sums) {
      for (std::int64_t w = 0; w < words; ++w) {
        const DualVec<T> b = partials_[at + w] * scale;
        DualVec<T> sum = {};
        for (std::int64_t j = 0; j < channels(); ++j) {
          const DualVec<T> d = dlevel[w * channels() + j];
          sum += d * x[j];
          sums[j] += d.value * b.slope + d.slope * b.value;
        }
        dpartials_[at + w] = sum;
        dlow[at + w] += sum;
      }
    });
  }

  SIGTAPE_INLINE void top_adjoint(const Vec<T>* dtop, DualVec<T>* dlow,
                                  Vec<T>* dx) const {
    const std::int64_t at = plan_.begin(depth_ - 1);
    DualVec<T> registers[kRegisters];
    const DualVec<T>* x = letters(1, registers);
    const std::int64_t words = plan_.count(depth_ - 1);
    with_sums(dx, [&](Vec<T>* sums) {
      for (std::int64_t w = 0; w < words; ++w) {
        const Vec<T> b = partials_[at + w].slope;
        DualVec<T> sum = {};
        for (std::int64_t j = 0; j < channels(); ++j) {
          const Vec<T> d = dtop[w * channels() + j];
          sum += x[j] * d;
          sums[j] += d * b;
        }
        dpartials_[at + w] = sum;
        dlow[at + w] += sum;
      }
    });
  }

  const Plan& plan_;
  int depth_;
  std::int64_t d_;
  Increment<T> x_;
  DualVec<T>*partials_, *dpartials_;
};

}  // namespace sigtape::SIGTAPE_ISA_NAME
