#include "sigtape/layers/signature/signature_depth2.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/layers/signature/signature_depth2_table.h"

namespace sigtape::cpu {

namespace {

// Points of a path that one thread takes at a time, paths that it takes at
// least, and the work (elements times channels) below which it stays alone.
constexpr std::int64_t kPiecePoints = 4096, kTilePaths = 8;
constexpr double kSerialWork = 4e4;

SIGTAPE_DEFINE_TABLE_OF(Depth2Table, depth2)

// One path: its points, and the cotangent of its signature. kChannels: 0 where
// their number is not known to the compiler.
template <class T, int kChannels>
class Depth2Path {
 public:
  Depth2Path(const SignatureShape& shape, const SignatureInputs<T>& inputs,
             const T* dsignature, std::int64_t path);

  // The gradients of the points first .. end - 1 of the array, [L, d].
  void write_points(const Depth2Table<T>& table, std::int64_t first,
                    std::int64_t end, T* dpath) const;
  void write_basepoint(T* dbasepoint) const { write_start(dbasepoint); }
  // Of the initial value, [S].
  void write_initial(T* dinitial) const;

 private:
  static constexpr std::int64_t kMost = kDepth2Channels;

  std::int64_t d() const { return kChannels ? kChannels : given_; }
  // body(j) for all channels j, one after another without a loop where their
  // number is known.
  template <class Body>
  __attribute__((always_inline)) void each(const Body& body) const {
    [&]<std::int64_t... j>(std::integer_sequence<std::int64_t, j...>) {
      (body(j), ...);
    }
    (std::make_integer_sequence<std::int64_t, kChannels>());
    if constexpr (kChannels == 0)
      for (std::int64_t j = 0; j < given_; ++j) body(j);
  }
  const T* point(std::int64_t k) const {
    return k == 0 && based_ ? basepoint_ : path_ + (k - based_) * d();
  }
  void read_cotangent(const T* dsignature, const T* initial);
  void write_increment(std::int64_t k, T sign, T* out) const;
  void write_start(T* out) const;
  void write_point(std::int64_t index, T* out) const;

  const SignatureShape& shape_;
  std::int64_t given_, based_, points_, increments_;
  const T* path_;
  const T* basepoint_;
  const T* cotangent_;  // of the result, [d] and [d, d]
  T zeros_[kMost] = {};
  T level1_[kMost];          // g
  T level2_[kMost * kMost];  // G
  T area_[kMost * kMost];    // (G - G') / 2
};

template <class T, int kChannels>
Depth2Path<T, kChannels>::Depth2Path(const SignatureShape& shape,
                                     const SignatureInputs<T>& inputs,
                                     const T* dsignature, std::int64_t path)
    : shape_(shape),
      given_(shape.channels),
      based_(shape.basepoint != BasepointKind::none),
      points_(shape.lengths ? inputs.lengths[path] : shape.length),
      increments_(points_ - 1 + based_),
      path_(inputs.path + path * shape.length * d()),
      basepoint_(shape.basepoint == BasepointKind::shared ? inputs.basepoint
                 : shape.basepoint == BasepointKind::per_path
                     ? inputs.basepoint + path * d()
                     : zeros_) {
  const std::int64_t row = path * shape.columns() + shape.scalar_term;
  cotangent_ = dsignature + row;
  read_cotangent(cotangent_, shape.initial ? inputs.initial + row : nullptr);
  each([&](std::int64_t i) {
    each([&](std::int64_t j) {
      area_[i * d() + j] = (level2_[i * d() + j] - level2_[j * d() + i]) / 2;
    });
  });
}

// The path's own cotangent from the result's: of A S level 1 gets G' a_1 more;
// of S^-1 A it gets G a_1 more, and S^-1 has words reversed, odd levels
// negated.
template <class T, int kChannels>
void Depth2Path<T, kChannels>::read_cotangent(const T* dsignature,
                                              const T* initial) {
  const T* of_level2 = dsignature + d();
  const std::int64_t row = shape_.inverse ? 1 : d();
  const std::int64_t column = shape_.inverse ? d() : 1;
  each([&](std::int64_t i) {
    each([&](std::int64_t j) {
      level2_[i * d() + j] = of_level2[i * row + j * column];
    });
  });
  each([&](std::int64_t j) {
    T sum = dsignature[j];
    if (initial)
      each([&](std::int64_t i) { sum += initial[i] * level2_[i * d() + j]; });
    level1_[j] = shape_.inverse ? -sum : sum;
  });
}

// The gradient of increment k = 1 .. T, times a sign.
template <class T, int kChannels>
void Depth2Path<T, kChannels>::write_increment(std::int64_t k, T sign,
                                               T* out) const {
  T before[kMost], after[kMost];
  const T *first = point(0), *last = point(increments_);
  const T *from = point(k - 1), *to = point(k);
  each([&](std::int64_t i) {
    before[i] = ((from[i] - first[i]) + (to[i] - first[i])) / 2;
    after[i] = ((last[i] - from[i]) + (last[i] - to[i])) / 2;
  });
  each([&](std::int64_t j) {
    T sum = level1_[j];
    each([&](std::int64_t i) {
      sum += level2_[i * d() + j] * before[i] + level2_[j * d() + i] * after[i];
    });
    out[j] = sign * sum;
  });
}

template <class T, int kChannels>
void Depth2Path<T, kChannels>::write_start(T* out) const {
  if (increments_ == 0) {
    std::fill_n(out, d(), T(0));
  } else {
    write_increment(1, T(-1), out);
  }
}

// A point at an end of the path, or next to its basepoint.
template <class T, int kChannels>
void Depth2Path<T, kChannels>::write_point(std::int64_t index, T* out) const {
  const std::int64_t k = index + based_;
  if (k == 0) return write_start(out);
  if (k == increments_) return write_increment(k, T(1), out);
  const T *before = point(k - 1), *after = point(k + 1);
  each([&](std::int64_t j) {
    T sum = 0;
    each([&](std::int64_t i) {
      sum += (before[i] - after[i]) * area_[i * d() + j];
    });
    out[j] = sum;
  });
}

template <class T, int kChannels>
void Depth2Path<T, kChannels>::write_points(const Depth2Table<T>& table,
                                            std::int64_t first,
                                            std::int64_t end, T* dpath) const {
  const std::int64_t last = std::min(end, points_);
  if (last < end) {
    const std::int64_t padding = std::max(first, points_);
    std::fill_n(dpath + padding * d(), (end - padding) * d(), T(0));
  }
  const std::int64_t inner = std::max<std::int64_t>(first, 1);
  const std::int64_t inner_end = std::min(last, points_ - 1);
  if (inner < inner_end)
    table.interior(path_ + inner * d(), inner_end - inner, d(), area_,
                   dpath + inner * d());
  if (first == 0) write_point(0, dpath);
  if (last == points_ && last > 1 && first < last)
    write_point(last - 1, dpath + (last - 1) * d());
}

// Level 1 of A gets G s_1 (of S^-1 A: G' times level 1 of S^-1) beside its own
// cotangent.
template <class T, int kChannels>
void Depth2Path<T, kChannels>::write_initial(T* dinitial) const {
  if (shape_.scalar_term) *dinitial++ = T(0);
  const T *first = point(0), *last = point(increments_);
  for (std::int64_t i = 0; i < d(); ++i) {
    T sum = 0;
    for (std::int64_t j = 0; j < d(); ++j)
      sum += level2_[i * d() + j] * (last[j] - first[j]);
    dinitial[i] = cotangent_[i] + (shape_.inverse ? -sum : sum);
  }
  std::copy_n(cotangent_ + d(), d() * d(), dinitial + d());
}

template <class T>
struct Call {
  const SignatureShape& shape;
  const SignatureInputs<T>& inputs;
  const T* dsignature;
  const SignatureGradients<T>& gradients;
  T* basepoints;
  const Depth2Table<T>& table;
  std::int64_t pieces;  // of a path
};

// Paths and pieces begin .. end - 1.
template <class T, int kChannels>
void run_pieces(const Call<T>& call, std::int64_t begin, std::int64_t end) {
  const SignatureShape& shape = call.shape;
  const std::int64_t d = shape.channels, length = shape.length;
  for (std::int64_t item = begin; item < end; ++item) {
    const std::int64_t b = item / call.pieces;
    const std::int64_t first = item % call.pieces * kPiecePoints;
    const Depth2Path<T, kChannels> path(shape, call.inputs, call.dsignature, b);
    if (call.gradients.path)
      path.write_points(call.table, first,
                        std::min(length, first + kPiecePoints),
                        call.gradients.path + b * length * d);
    if (first > 0) continue;
    if (call.basepoints) path.write_basepoint(call.basepoints + b * d);
    if (call.gradients.initial)
      path.write_initial(call.gradients.initial + b * shape.columns());
  }
}

template <class T>
auto* run_pieces_of(std::int64_t channels) {
  return channels == 2   ? run_pieces<T, 2>
         : channels == 3 ? run_pieces<T, 3>
         : channels == 4 ? run_pieces<T, 4>
                         : run_pieces<T, 0>;
}

}  // namespace

bool has_depth2_backward(const SignatureShape& shape) {
  return shape.depth == 2 && !shape.stream && shape.channels > 1 &&
         shape.channels <= kDepth2Channels;
}

template <class T>
void signature_depth2_backward(const SignatureShape& shape,
                               const SignatureInputs<T>& inputs,
                               const T* dsignature,
                               const SignatureGradients<T>& gradients,
                               T* basepoints) {
  const std::int64_t pieces = divide_up(shape.length, kPiecePoints);
  const Call<T> call{shape,     inputs,     dsignature,
                     gradients, basepoints, table_of<T>(active_isa()),
                     pieces};
  const auto run = run_pieces_of<T>(shape.channels);
  const std::int64_t items = shape.batch * pieces;
  const double elements =
      static_cast<double>(shape.batch * shape.length * shape.channels);
  if (elements * (shape.channels + 4) < kSerialWork) return run(call, 0, items);
  parallel_ranges(
      items, pieces > 1 ? 1 : kTilePaths,
      [&](std::int64_t begin, std::int64_t end) { run(call, begin, end); });
}

#define SIGTAPE_INSTANTIATE(T)                                                 \
  template void signature_depth2_backward(const SignatureShape&,               \
                                          const SignatureInputs<T>&, const T*, \
                                          const SignatureGradients<T>&, T*);
SIGTAPE_INSTANTIATE(float)
SIGTAPE_INSTANTIATE(double)
#undef SIGTAPE_INSTANTIATE

}  // namespace sigtape::cpu
