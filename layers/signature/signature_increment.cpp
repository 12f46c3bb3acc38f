#include "sigtape/layers/signature/signature_increment.h"

#include <algorithm>
#include <array>

namespace sigtape::cpu {

namespace {

// Beyond these the kernels for vectors are faster.
constexpr std::int64_t kMaxWords = 512, kMaxBatch = 8, kMaxAll = 1024;
constexpr std::int64_t kMaxChannels = 16;

// words [count * d] = below (x) dx.
template <class T>
void outer_product(const T* below, std::int64_t count, const T* dx,
                   std::int64_t d, T* words) {
  for (std::int64_t w = 0; w < count; ++w)
    for (std::int64_t j = 0; j < d; ++j) words[w * d + j] = below[w] * dx[j];
}

template <class T>
void divided(const T* dx, std::int64_t d, int level, T* out) {
  for (std::int64_t j = 0; j < d; ++j) out[j] = dx[j] / T(level);
}

// Levels 1 to `top` of exp(dx).
template <class T>
void exponential(const T* dx, std::int64_t d, int top, T* words) {
  std::copy_n(dx, d, words);
  T step[kMaxChannels];
  std::int64_t count = d;
  for (int level = 2; level <= top; ++level, count *= d) {
    divided(dx, d, level, step);
    outer_product(words, count, step, d, words + count);
    words += count;
  }
}

// The cotangent of dx from that of exp(dx); `words` are levels 1 to depth - 1,
// `dwords` takes as many.
template <class T>
void exponential_adjoint(const T* dx, std::int64_t d, int depth, const T* words,
                         const T* dsignature, T* dwords, T* ddx) {
  // Words of a level, and the place of the first of the level above.
  std::int64_t count = 1, start = 0;
  for (int level = 1; level < depth; ++level) start += count *= d;
  const T* dlevel = dsignature + start;
  std::copy_n(dsignature, start, dwords);
  std::fill_n(ddx, d, T(0));
  T step[kMaxChannels];
  for (int level = depth; level >= 2; --level, count /= d) {
    start -= count;
    divided(dx, d, level, step);
    T sums[kMaxChannels] = {};
    for (std::int64_t w = 0; w < count; ++w) {
      T sum = 0;
      for (std::int64_t j = 0; j < d; ++j) {
        sum += dlevel[w * d + j] * step[j];
        sums[j] += dlevel[w * d + j] * words[start + w];
      }
      dwords[start + w] += sum;
    }
    for (std::int64_t j = 0; j < d; ++j) ddx[j] += sums[j] / T(level);
    dlevel = dwords + start;
  }
  for (std::int64_t j = 0; j < d; ++j) ddx[j] += dlevel[j];
}

template <class T>
std::array<T, kMaxChannels> increment_of(const T* points, std::int64_t d) {
  std::array<T, kMaxChannels> dx;
  for (std::int64_t j = 0; j < d; ++j) dx[j] = points[d + j] - points[j];
  return dx;
}

}  // namespace

bool is_small_increment(const SignatureShape& shape) {
  if (shape.length != 2 || shape.basepoint != BasepointKind::none ||
      shape.batch > kMaxBatch || shape.channels > kMaxChannels ||
      shape.inverse || shape.scalar_term || shape.initial || shape.lengths ||
      shape.depth < 2 || shape.depth > kMaxWords)
    return false;
  std::int64_t words = 0, level_words = 1;
  for (int level = 1; level <= shape.depth && words <= kMaxWords; ++level)
    words += level_words *= shape.channels;
  return words <= kMaxWords && shape.batch * words <= kMaxAll;
}

template <class T>
void increment_forward(const SignatureShape& shape, const T* path,
                       T* signature) {
  const std::int64_t d = shape.channels, words = shape.words();
  for (std::int64_t b = 0; b < shape.batch; ++b) {
    const auto dx = increment_of(path + 2 * b * d, d);
    exponential(dx.data(), d, shape.depth, signature + b * words);
  }
}

template <class T>
void increment_backward(const SignatureShape& shape, const T* path,
                        const T* dsignature, T* dpath) {
  const std::int64_t d = shape.channels, all = shape.words();
  T words[kMaxWords], dwords[kMaxWords], ddx[kMaxChannels];
  for (std::int64_t b = 0; b < shape.batch; ++b) {
    const auto dx = increment_of(path + 2 * b * d, d);
    exponential(dx.data(), d, shape.depth - 1, words);
    exponential_adjoint(dx.data(), d, shape.depth, words, dsignature + b * all,
                        dwords, ddx);
    for (std::int64_t j = 0; j < d; ++j) {
      dpath[2 * b * d + j] = -ddx[j];
      dpath[(2 * b + 1) * d + j] = ddx[j];
    }
  }
}

#define SIGTAPE_INSTANTIATE(T)                                                \
  template void increment_forward(const SignatureShape&, const T*, T*);       \
  template void increment_backward(const SignatureShape&, const T*, const T*, \
                                   T*);
SIGTAPE_INSTANTIATE(float)
SIGTAPE_INSTANTIATE(double)
#undef SIGTAPE_INSTANTIATE

}  // namespace sigtape::cpu
