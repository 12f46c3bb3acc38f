// The plain signature: one path after another, one increment after another.
//
// Inverse: the antipode, which spells every word backwards and multiplies it
// by (-1)^length, turns products around, so
//   inverse(x) (x) initial = antipode(antipode(initial) (x) signature(x)).
// Everything between the two antipodes is the same walk for all flags.

#include <algorithm>
#include <cmath>

#include "sigtape/framework/divide_up.h"
#include "sigtape/layers/signature/channels.h"
#include "sigtape/layers/signature/signature_kernels.h"
#include "sigtape/layers/signature/signature_words.h"

namespace sigtape {

std::int64_t SignatureShape::words() const {
  return signature_channels(channels, depth);
}

namespace cpu::reference {
namespace {

// Steps between two stored prefix signatures of a backward pass: their
// number and the steps recomputed between two of them are about equal.
std::int64_t checkpoint_interval(std::int64_t increments) {
  const auto root = static_cast<std::int64_t>(
      std::ceil(std::sqrt(static_cast<double>(increments))));
  return std::max<std::int64_t>(root, 1);
}

// Scratch arrays of one path, carved from the workspace.
template <class T>
struct Scratch {
  std::int64_t words, low_words, interval, checkpoints;
  T* increment;      // [d]
  T* dincrement;     // [d]
  T* prefix;         // [words]
  T* dprefix;        // [words]
  T* partials;       // [low_words], Horner's partial sums of one level
  T* dpartials;      // [low_words]
  T* checkpoint;     // [checkpoints, low_words], prefixes of levels < depth
  T* block;          // [interval, low_words], the prefix before each step
  std::int64_t end;  // elements in all

  Scratch(const SignatureShape& shape, T* base)
      : words(shape.words()),
        low_words(level_offset(shape.channels, shape.depth)),
        interval(checkpoint_interval(shape.increments())),
        checkpoints(divide_up(shape.increments(), interval)),
        end(0) {
    auto take = [&](std::int64_t count) {
      T* at = base ? base + end : nullptr;
      end += count;
      return at;
    };
    increment = take(shape.channels);
    dincrement = take(shape.channels);
    prefix = take(words);
    dprefix = take(words);
    partials = take(low_words);
    dpartials = take(low_words);
    checkpoint = take(checkpoints * low_words);
    block = take(interval * low_words);
  }
};

template <class T>
struct Path {
  const SignatureShape& shape;
  const SignatureInputs<T>& inputs;
  std::int64_t index;

  std::int64_t channels() const { return shape.channels; }

  // Increments after this one are zero.
  std::int64_t true_increments() const {
    const std::int64_t unused =
        shape.lengths ? shape.length - inputs.lengths[index] : 0;
    return shape.increments() - unused;
  }

  // Point `row` of the path with its basepoint, which is row 0; null: origin.
  const T* point(std::int64_t row) const {
    if (shape.basepoint != BasepointKind::none && row-- == 0) {
      if (shape.basepoint == BasepointKind::zero) return nullptr;
      const bool own = shape.basepoint == BasepointKind::per_path;
      return inputs.basepoint + (own ? index * channels() : 0);
    }
    return inputs.path + (index * shape.length + row) * channels();
  }

  void increment(std::int64_t step, T* dx) const {
    const T* from = point(step);
    const T* to = point(step + 1);
    const bool real = step < true_increments();
    for (std::int64_t j = 0; j < channels(); ++j)
      dx[j] = real ? to[j] - (from ? from[j] : T(0)) : T(0);
  }
};

// Writes to `out` the antipode (or with `inverse` unset the copy) of `in`.
template <class T>
void convert(const SignatureShape& shape, const T* in, T* out) {
  std::int64_t offset = 0;
  for (int level = 1; level <= shape.depth; ++level) {
    const std::int64_t count = words_of_level(shape.channels, level);
    for (std::int64_t word = 0; word < count; ++word) {
      if (!shape.inverse) {
        out[offset + word] = in[offset + word];
        continue;
      }
      const T value = in[offset + reversed_word(word, shape.channels, level)];
      out[offset + word] = level % 2 ? -value : value;
    }
    offset += count;
  }
}

// partials: levels 1 to top - 1 of Horner's scheme for level `top`,
// g_1 = S_1 + dx/top, g_k = S_k + g_(k-1) (x) dx/(top - k + 1).
template <class T>
void horner_partials(const T* prefix, const T* dx, std::int64_t channels,
                     int top, T* partials) {
  for (std::int64_t j = 0; j < channels; ++j)
    partials[j] = prefix[j] + dx[j] / T(top);
  const T* below = partials;
  std::int64_t count = channels, offset = channels;
  for (int level = 2; level < top; ++level) {
    for (std::int64_t word = 0; word < count; ++word)
      for (std::int64_t j = 0; j < channels; ++j) {
        const std::int64_t at = offset + word * channels + j;
        partials[at] = prefix[at] + below[word] * (dx[j] / T(top - level + 1));
      }
    below = partials + offset;
    count *= channels;
    offset += count;
  }
}

// prefix <- prefix (x) exp(dx) in levels 1 to depth.
template <class T>
void multiply_exponential(T* prefix, const T* dx, std::int64_t channels,
                          int depth, T* partials) {
  for (int top = depth; top >= 2; --top) {
    horner_partials(prefix, dx, channels, top, partials);
    const T* below = partials + level_offset(channels, top - 1);
    T* level = prefix + level_offset(channels, top);
    const std::int64_t count = words_of_level(channels, top - 1);
    for (std::int64_t word = 0; word < count; ++word)
      for (std::int64_t j = 0; j < channels; ++j)
        level[word * channels + j] += below[word] * dx[j];
  }
  for (std::int64_t j = 0; j < channels; ++j) prefix[j] += dx[j];
}

// The adjoint of level <- level + below (x) dx / divisor: adds to dbelow and
// ddx.
template <class T>
void outer_product_adjoint(const T* dlevel, const T* below, const T* dx,
                           std::int64_t words_below, std::int64_t channels,
                           T divisor, T* dbelow, T* ddx) {
  for (std::int64_t word = 0; word < words_below; ++word) {
    T sum = 0;
    for (std::int64_t j = 0; j < channels; ++j) {
      const T d = dlevel[word * channels + j] / divisor;
      sum += d * dx[j];
      ddx[j] += d * below[word];
    }
    dbelow[word] += sum;
  }
}

// The adjoint of `multiply_exponential` from `prefix`, the levels below the
// depth before the step. dprefix: the cotangent after the step, changed into
// the one before it; its level n is read before any other level adds to it,
// because the level `top` of the product only adds to lower ones.
template <class T>
void multiply_exponential_adjoint(const T* prefix, const T* dx,
                                  std::int64_t channels, int depth, T* dprefix,
                                  T* ddx, T* partials, T* dpartials) {
  for (std::int64_t j = 0; j < channels; ++j) ddx[j] += dprefix[j];
  for (int top = 2; top <= depth; ++top) {
    horner_partials(prefix, dx, channels, top, partials);
    std::fill_n(dpartials, level_offset(channels, top), T(0));
    for (int level = top; level >= 2; --level) {
      const std::int64_t below = level_offset(channels, level - 1);
      const std::int64_t at = level_offset(channels, level);
      const T* dlevel = level == top ? dprefix + at : dpartials + at;
      outer_product_adjoint(dlevel, partials + below, dx,
                            words_of_level(channels, level - 1), channels,
                            T(top - level + 1), dpartials + below, ddx);
    }
    for (std::int64_t j = 0; j < channels; ++j) ddx[j] += dpartials[j] / T(top);
    for (std::int64_t k = 0; k < level_offset(channels, top); ++k)
      dprefix[k] += dpartials[k];
  }
}

template <class T>
void start_prefix(const Path<T>& path, const Scratch<T>& scratch) {
  const SignatureShape& shape = path.shape;
  if (!shape.initial) {
    std::fill_n(scratch.prefix, scratch.words, T(0));
    return;
  }
  const T* row = path.inputs.initial + path.index * shape.columns();
  convert(shape, row + shape.scalar_term, scratch.prefix);
}

template <class T>
void forward_path(const Path<T>& path, const Scratch<T>& scratch,
                  T* signature) {
  const SignatureShape& shape = path.shape;
  T* row = signature + path.index * shape.rows() * shape.columns();
  start_prefix(path, scratch);
  for (std::int64_t step = 0; step < shape.increments(); ++step) {
    path.increment(step, scratch.increment);
    multiply_exponential(scratch.prefix, scratch.increment, shape.channels,
                         shape.depth, scratch.partials);
    if (!shape.stream && step + 1 < shape.increments()) continue;
    if (shape.scalar_term) row[0] = T(1);
    convert(shape, scratch.prefix, row + shape.scalar_term);
    row += shape.columns();
  }
}

template <class T>
void store_checkpoints(const Path<T>& path, const Scratch<T>& scratch) {
  const SignatureShape& shape = path.shape;
  start_prefix(path, scratch);
  for (std::int64_t step = 0; step < shape.increments(); ++step) {
    if (step % scratch.interval == 0) {
      std::copy_n(
          scratch.prefix, scratch.low_words,
          scratch.checkpoint + step / scratch.interval * scratch.low_words);
    }
    path.increment(step, scratch.increment);
    if (shape.depth > 1)
      multiply_exponential(scratch.prefix, scratch.increment, shape.channels,
                           shape.depth - 1, scratch.partials);
  }
}

// The prefixes before each of the steps first .. end - 1.
template <class T>
void restore_block(const Path<T>& path, const Scratch<T>& scratch,
                   std::int64_t first, std::int64_t end) {
  const SignatureShape& shape = path.shape;
  std::copy_n(scratch.checkpoint + first / scratch.interval * scratch.low_words,
              scratch.low_words, scratch.block);
  for (std::int64_t step = first; step + 1 < end; ++step) {
    T* prefix = scratch.block + (step - first) * scratch.low_words;
    T* next = prefix + scratch.low_words;
    std::copy_n(prefix, scratch.low_words, next);
    path.increment(step, scratch.increment);
    if (shape.depth > 1)
      multiply_exponential(next, scratch.increment, shape.channels,
                           shape.depth - 1, scratch.partials);
  }
}

template <class T>
void add_cotangent(const Path<T>& path, const Scratch<T>& scratch,
                   const T* row) {
  // The antipode is a signed permutation that is its own transpose; prefix is
  // free here, as backward works on the checkpoints.
  convert(path.shape, row + path.shape.scalar_term, scratch.prefix);
  for (std::int64_t k = 0; k < scratch.words; ++k)
    scratch.dprefix[k] += scratch.prefix[k];
}

// dpoint: [L + 1, d] gradients of the points, the basepoint's row first; null
// rows are not wanted.
template <class T>
void scatter_increment(const Path<T>& path, const T* dincrement,
                       std::int64_t step, T* dpath, T* dbasepoint) {
  const bool based = path.shape.basepoint != BasepointKind::none;
  const std::int64_t channels = path.channels();
  T* to = dpath ? dpath + (step + (based ? 0 : 1)) * channels : nullptr;
  T* from = based && step == 0 ? dbasepoint : to ? to - channels : nullptr;
  for (std::int64_t j = 0; j < channels; ++j) {
    if (to) to[j] += dincrement[j];
    if (from) from[j] -= dincrement[j];
  }
}

template <class T>
void backward_path(const Path<T>& path, const Scratch<T>& scratch,
                   const T* dsignature, T* dpath, T* dbasepoint, T* dinitial) {
  const SignatureShape& shape = path.shape;
  const T* rows = dsignature + path.index * shape.rows() * shape.columns();
  if (dpath) std::fill_n(dpath, shape.length * shape.channels, T(0));
  if (dbasepoint) std::fill_n(dbasepoint, shape.channels, T(0));
  std::fill_n(scratch.dprefix, scratch.words, T(0));
  store_checkpoints(path, scratch);
  if (!shape.stream) add_cotangent(path, scratch, rows);
  for (std::int64_t block = scratch.checkpoints; block-- > 0;) {
    const std::int64_t first = block * scratch.interval;
    const std::int64_t end =
        std::min(first + scratch.interval, shape.increments());
    restore_block(path, scratch, first, end);
    for (std::int64_t step = end; step-- > first;) {
      if (shape.stream)
        add_cotangent(path, scratch, rows + step * shape.columns());
      path.increment(step, scratch.increment);
      std::fill_n(scratch.dincrement, shape.channels, T(0));
      multiply_exponential_adjoint(
          scratch.block + (step - first) * scratch.low_words, scratch.increment,
          shape.channels, shape.depth, scratch.dprefix, scratch.dincrement,
          scratch.partials, scratch.dpartials);
      if (step < path.true_increments())
        scatter_increment(path, scratch.dincrement, step, dpath, dbasepoint);
    }
  }
  if (!dinitial) return;
  if (shape.scalar_term) *dinitial++ = T(0);
  convert(shape, scratch.dprefix, dinitial);
}

}  // namespace

template <class T>
std::size_t signature_workspace_bytes(const SignatureShape& shape) {
  const Scratch<T> scratch(shape, nullptr);
  return (scratch.end + shape.channels) * sizeof(T);
}

template <class T>
void signature_forward(const SignatureShape& shape,
                       const SignatureInputs<T>& inputs, T* signature,
                       void* workspace) {
  const Scratch<T> scratch(shape, static_cast<T*>(workspace));
  for (std::int64_t b = 0; b < shape.batch; ++b)
    forward_path(Path<T>{shape, inputs, b}, scratch, signature);
}

template <class T>
void signature_backward(const SignatureShape& shape,
                        const SignatureInputs<T>& inputs, const T* dsignature,
                        const SignatureGradients<T>& gradients,
                        void* workspace) {
  const Scratch<T> scratch(shape, static_cast<T*>(workspace));
  const std::int64_t channels = shape.channels;
  T* row = static_cast<T*>(workspace) + scratch.end;  // [d]
  if (shape.basepoint == BasepointKind::shared && gradients.basepoint)
    std::fill_n(gradients.basepoint, channels, T(0));
  for (std::int64_t b = 0; b < shape.batch; ++b) {
    T* dpath =
        gradients.path ? gradients.path + b * shape.length * channels : nullptr;
    T* dinitial =
        gradients.initial ? gradients.initial + b * shape.columns() : nullptr;
    backward_path(Path<T>{shape, inputs, b}, scratch, dsignature, dpath, row,
                  dinitial);
    if (!gradients.basepoint) continue;
    for (std::int64_t j = 0; j < channels; ++j) {
      if (shape.basepoint == BasepointKind::per_path)
        gradients.basepoint[b * channels + j] = row[j];
      if (shape.basepoint == BasepointKind::shared)
        gradients.basepoint[j] += row[j];
    }
  }
}

#define SIGTAPE_INSTANTIATE(T)                                              \
  template std::size_t signature_workspace_bytes<T>(const SignatureShape&); \
  template void signature_forward(const SignatureShape&,                    \
                                  const SignatureInputs<T>&, T*, void*);    \
  template void signature_backward(const SignatureShape&,                   \
                                   const SignatureInputs<T>&, const T*,     \
                                   const SignatureGradients<T>&, void*);
SIGTAPE_INSTANTIATE(float)
SIGTAPE_INSTANTIATE(double)
#undef SIGTAPE_INSTANTIATE

}  // namespace cpu::reference
}  // namespace sigtape
