#pragma once

// Which words of a signature a subtree's row holds, and the weights of these
// words in the order of the row, [O][word of the row][K].

#include "sigtape/layers/signature/signature_conv1d_lanes_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

/// Words that stand side by side both in a row and in a signature.
struct Segment {
  std::int64_t row, word, count;
  bool owned;  ///< whether the subtree answers for them
};

/// The segments of the subtree below `prefix`, those of the words below the
/// prefix first, then one for each letter of it.
struct Segments {
  Segment list[cpu::kMaxSignatureConv1dDepth + 1];
  int count;
  std::int64_t owned_words;  ///< of the row, all at its start
};

inline Segments segments_of(const SignatureConv1dShape& shape,
                            const SignatureConv1dPlan& plan,
                            std::int64_t prefix) {
  Segments segments;
  segments.count = shape.depth;
  const std::int64_t d = shape.channels;
  std::int64_t offset = 0, words = d;
  std::int64_t of_prefix = plan.subtrees;
  segments.owned_words = plan.level_at[0];
  for (int k = 1; k <= shape.depth; ++k, offset += words, words *= d) {
    Segment& segment = segments.list[k - 1];
    const int j = k - plan.prefix_letters;
    if (j <= 0) {
      of_prefix /= d;
      segment = {plan.level_at[0] - j, offset + prefix / of_prefix, 1,
                 prefix % of_prefix == 0};
      segments.owned_words += segment.owned;
    } else {
      const std::int64_t count = words / plan.subtrees;
      segment = {plan.level_at[j], offset + prefix * count, count, true};
    }
  }
  return segments;
}

/// The prefix that a lane of a unit holds, at least `subtrees` for none.
template <class T>
SIGTAPE_INLINE std::int64_t prefix_of(const Call<T>& call, std::int64_t unit,
                                      int replica) {
  return unit * call.plan.replicas + replica;
}

/// The weights of a unit of one subtree; returns the words it answers for.
template <class T>
std::int64_t pack_weights(const Call<T>& call, const Paths<T>&,
                          std::int64_t unit, T* to) {
  const Segments segments = segments_of(call.shape, call.plan, unit);
  const std::int64_t kernel = call.shape.kernel;
  for (std::int64_t o = 0; o < call.shape.outputs; ++o) {
    const T* from = call.inputs.weight + o * call.plan.words * kernel;
    T* row = to + o * call.plan.row_words * kernel;
    for (int k = 0; k < segments.count; ++k) {
      const Segment& s = segments.list[k];
      if (s.owned)
        __builtin_memcpy(row + s.row * kernel, from + s.word * kernel,
                         s.count * kernel * sizeof(T));
    }
  }
  return segments.owned_words;
}

/// The same with a subtree in each replica; 0 for words that a lane does not
/// answer for.
template <class T>
std::int64_t pack_weights(const Call<T>& call, const Paths<T>& paths,
                          std::int64_t unit, Vec<T>* to) {
  const std::int64_t kernel = call.shape.kernel;
  std::int64_t owned_words = call.plan.level_at[0];
  Segments segments[lanes<T>()];
  for (int lane = 0; lane < lanes<T>(); ++lane) {
    const std::int64_t prefix = prefix_of(call, unit, paths.replica[lane]);
    const bool exists = prefix < call.plan.subtrees && paths.real[lane];
    segments[lane] = segments_of(call.shape, call.plan,
                                 prefix < call.plan.subtrees ? prefix : 0);
    for (int k = 0; k < call.shape.depth; ++k)
      segments[lane].list[k].owned &= exists;
    if (exists && segments[lane].owned_words > owned_words)
      owned_words = segments[lane].owned_words;
  }
  for (std::int64_t o = 0; o < call.shape.outputs; ++o)
    for (int k = 0; k < call.shape.depth; ++k) {
      const T* from[lanes<T>()];
      Mask<T> owned = {};
      for (int lane = 0; lane < lanes<T>(); ++lane) {
        const Segment& s = segments[lane].list[k];
        from[lane] =
            call.inputs.weight + (o * call.plan.words + s.word) * kernel;
        owned[lane] = s.owned ? -1 : 0;
      }
      const Segment& s = segments[0].list[k];
      Vec<T>* row = to + (o * call.plan.row_words + s.row) * kernel;
      to_lanes<T>(from, s.count * kernel, row);
      for (std::int64_t w = 0; w < s.count * kernel; ++w)
        row[w] = owned ? row[w] : Vec<T>{};
    }
  return owned_words;
}

/// Writes the gradient of a unit's weights, [O, S, K], from the lanes' sums
/// [O][row][K]; `scratch` holds as many elements.
template <class T>
void unpack_gradients(const Call<T>& call, const Paths<T>&, std::int64_t unit,
                      const Vec<T>* sums, T* scratch, T* gradient) {
  const std::int64_t kernel = call.shape.kernel;
  const std::int64_t row = call.plan.row_words * kernel;
  const Segments segments = segments_of(call.shape, call.plan, unit);
  for (std::int64_t o = 0; o < call.shape.outputs; ++o) {
    sum_lanes<T>(sums + o * row, segments.owned_words * kernel, scratch);
    for (int k = 0; k < segments.count; ++k) {
      const Segment& s = segments.list[k];
      if (s.owned)
        __builtin_memcpy(gradient + (o * call.plan.words + s.word) * kernel,
                         scratch + s.row * kernel,
                         s.count * kernel * sizeof(T));
    }
  }
}

/// The same with a subtree in each replica, summed over the paths.
template <class T>
void unpack_replicas(const Call<T>& call, const Paths<T>& paths,
                     std::int64_t unit, const Vec<T>* sums, T* gradient) {
  const std::int64_t kernel = call.shape.kernel;
  for (int lane = 0; lane < lanes<T>(); ++lane) {
    const std::int64_t prefix = prefix_of(call, unit, paths.replica[lane]);
    if (!paths.real[lane] || prefix >= call.plan.subtrees) continue;
    const bool first = lane % paths.count == 0;
    const Segments segments = segments_of(call.shape, call.plan, prefix);
    for (std::int64_t o = 0; o < call.shape.outputs; ++o)
      for (int k = 0; k < segments.count; ++k) {
        const Segment& s = segments.list[k];
        if (!s.owned) continue;
        T* to = gradient + (o * call.plan.words + s.word) * kernel;
        const Vec<T>* from = sums + (o * call.plan.row_words + s.row) * kernel;
        for (std::int64_t w = 0; w < s.count * kernel; ++w)
          to[w] = first ? from[w][lane] : to[w] + from[w][lane];
      }
  }
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
