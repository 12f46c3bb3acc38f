// Second derivatives of signatures, compiled for every instruction set: a
// group of pairs at a time, one in each lane.

#include "sigtape/layers/signature/signature_second_walk_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {
namespace {

using Plan = cpu::SignatureSecondPlan;

// What a slot works in. Levels below the depth have `low` words of a pair, the
// highest `top`.
template <class T>
struct Memory {
  std::int64_t low, top;
  DualVec<T>*x, *first;             // [depth + 1, d], [depth + 1]
  DualVec<T>*partials, *dpartials;  // [low]
  DualVec<T>*prefix, *dprefix;      // [low]
  DualVec<T>* checkpoint;           // [checkpoints, low]
  DualVec<T>* block;                // [interval, low]
  Vec<T>*slopes, *dtop;             // [top]
  Vec<T>* dx;                       // [d]
  std::int64_t vectors;

  Memory(const Plan& plan, int depth, void* base)
      : low(plan.begin(depth)), top(plan.count(depth)), vectors(0) {
    const auto take = [&](std::int64_t count) {
      auto* at = static_cast<Vec<T>*>(base) + vectors;
      vectors += count;
      return at;
    };
    const auto duals = [&](std::int64_t count) {
      return reinterpret_cast<DualVec<T>*>(take(2 * count));
    };
    x = duals((depth + 1) * plan.channels);
    first = duals(depth + 1);
    partials = duals(low);
    dpartials = duals(low);
    prefix = duals(low);
    dprefix = duals(low);
    checkpoint = duals(plan.checkpoints * low);
    block = duals(plan.interval * low);
    slopes = take(top);
    dtop = take(top);
    dx = take(plan.channels);
  }
};

// One call.
template <class T>
struct Call {
  const SignatureShape& shape;
  const Plan& plan;
  const SignatureInputs<T>& inputs;
  const SignatureDirection<T>& direction;
  const T* dsignature;
  const SignatureSecond<T>& result;
  const std::int64_t* reversed;  // [words of a pair]
  T* sums;
};

// The pairs of one group.
template <class T, int D>
class Group {
 public:
  static constexpr int kLanes = lanes<T>();

  Group(const Call<T>& call, const Memory<T>& memory, std::int64_t index)
      : call_(call),
        shape_(call.shape),
        plan_(call.plan),
        m_(memory),
        walk_(call.plan, call.shape.depth, {memory.x, memory.first},
              memory.partials, memory.dpartials),
        used_(kLanes),
        sums_(call.sums +
              index * plan_.group_paths * plan_.increments * plan_.channels) {
    const std::int64_t first = index * kLanes;
    if (first + used_ > plan_.pairs)
      used_ = static_cast<int>(plan_.pairs - first);
    for (int lane = 0; lane < kLanes; ++lane) {
      // Lanes without a pair of their own repeat the last one.
      const std::int64_t pair = first + (lane < used_ ? lane : used_ - 1);
      path_[lane] = pair / plan_.channels;
      letter_[lane] = pair % plan_.channels;
      true_increments_[lane] = shape_.lengths
                                   ? plan_.increments - shape_.length +
                                         call_.inputs.lengths[path_[lane]]
                                   : plan_.increments;
    }
  }

  void run() {
    start();
    for (std::int64_t step = 0; step < plan_.increments; ++step) {
      if (step % plan_.interval == 0) copy(m_.prefix, checkpoint(step));
      set_increment(step);
      const bool last = step + 1 == plan_.increments;
      walk_.forward(m_.prefix, call_.result.signature ? m_.slopes : nullptr);
      if (call_.result.signature && (shape_.stream || last))
        write_slopes(shape_.stream ? step : 0);
    }
    if (call_.result.wants_gradient()) back();
  }

 private:
  DualVec<T>* checkpoint(std::int64_t step) const {
    return m_.checkpoint + step / plan_.interval * m_.low;
  }

  void copy(const DualVec<T>* from, DualVec<T>* to) const {
    __builtin_memcpy(to, from, m_.low * sizeof(*to));
  }

  // Calls body(level, word, column of the word in its lane's row, given the
  // first lane's, sign), for the words of levels first to last.
  template <class Body>
  SIGTAPE_INLINE void for_each_word(int first, int last,
                                    const Body& body) const {
    const std::int64_t d = plan_.channels;
    for (int level = first; level <= last; ++level) {
      const std::int64_t words = plan_.count(level), at = plan_.begin(level);
      std::int64_t columns[kLanes];
      for (int lane = 0; lane < kLanes; ++lane)
        columns[lane] =
            plan_.column(level) + letter_[lane] * (shape_.inverse ? 1 : words);
      const T sign = shape_.inverse && level % 2 ? T(-1) : T(1);
      for (std::int64_t w = 0; w < words; ++w)
        body(at + w, columns, shape_.inverse ? call_.reversed[at + w] * d : w,
             sign);
    }
  }

  // The lanes' rows of [B, R, S].
  template <class U>
  void rows_of(U* signatures, std::int64_t row, std::int64_t rows,
               U** to) const {
    for (int lane = 0; lane < kLanes; ++lane)
      to[lane] = signatures + (path_[lane] * rows + row) * plan_.row;
  }

  static SIGTAPE_INLINE Vec<T> gathered(const T* const* rows,
                                        const std::int64_t* columns,
                                        std::int64_t at) {
    Vec<T> v;
    for (int lane = 0; lane < kLanes; ++lane)
      v[lane] = rows[lane][columns[lane] + at];
    return v;
  }

  // The prefix before the first increment.
  void start() {
    __builtin_memset(m_.prefix, 0, m_.low * sizeof(*m_.prefix));
    __builtin_memset(m_.slopes, 0, m_.top * sizeof(*m_.slopes));
    const T *value = call_.inputs.initial, *slope = call_.direction.initial;
    const T* rows[kLanes];
    if (shape_.initial) {
      rows_of(value, 0, 1, rows);
      for_each_word(1, shape_.depth - 1,
                    [&](std::int64_t word, const std::int64_t* columns,
                        std::int64_t at, T sign) {
                      m_.prefix[word].value =
                          gathered(rows, columns, at) * sign;
                    });
    }
    if (!slope) return;
    rows_of(slope, 0, 1, rows);
    for_each_word(
        1, shape_.depth,
        [&](std::int64_t word, const std::int64_t* columns, std::int64_t at,
            T sign) { slope_at(word) = gathered(rows, columns, at) * sign; });
  }

  Vec<T>& slope_at(std::int64_t word) const {
    return word < m_.low ? m_.prefix[word].slope : m_.slopes[word - m_.low];
  }

  // Point `row` of a path with its basepoint, which is row 0; null: origin.
  const T* point(const T* path, const T* basepoint, std::int64_t index,
                 std::int64_t row) const {
    if (shape_.basepoint != BasepointKind::none && row-- == 0) {
      const bool own = shape_.basepoint == BasepointKind::per_path;
      return basepoint ? basepoint + (own ? index * plan_.channels : 0)
                       : nullptr;
    }
    return path ? path + (index * shape_.length + row) * plan_.channels
                : nullptr;
  }

  void set_increment(std::int64_t step) {
    const std::int64_t d = plan_.channels;
    const SignatureInputs<T>& in = call_.inputs;
    const SignatureDirection<T>& v = call_.direction;
    const bool based = shape_.basepoint == BasepointKind::shared ||
                       shape_.basepoint == BasepointKind::per_path;
    const bool moves = shape_.basepoint == BasepointKind::per_path;
    for (int lane = 0; lane < kLanes; ++lane) {
      const bool real = step < true_increments_[lane];
      const auto difference = [&](const T* path, const T* basepoint,
                                  std::int64_t j) {
        const T* from = point(path, basepoint, path_[lane], step);
        const T* to = point(path, basepoint, path_[lane], step + 1);
        return real ? (to ? to[j] : T(0)) - (from ? from[j] : T(0)) : T(0);
      };
      for (std::int64_t j = 0; j < d; ++j) {
        DualVec<T>& x = m_.x[d + j];
        x.value[lane] = difference(in.path, based ? in.basepoint : nullptr, j);
        x.slope[lane] = difference(v.path, moves ? v.basepoint : nullptr, j);
      }
      m_.first[1].value[lane] = m_.x[d + letter_[lane]].value[lane];
      m_.first[1].slope[lane] = m_.x[d + letter_[lane]].slope[lane];
    }
    for (int m = 2; m <= shape_.depth; ++m) {
      const T scale = T(1) / static_cast<T>(m);
      m_.first[m] = m_.first[1] * scale;
      for (std::int64_t j = 0; j < d; ++j)
        m_.x[m * d + j] = m_.x[d + j] * scale;
    }
  }

  void write_slopes(std::int64_t row) const {
    T* rows[kLanes];
    rows_of(call_.result.signature, row, shape_.rows(), rows);
    if (plan_.first_column)
      for (int lane = 0; lane < used_; ++lane) *rows[lane] = T(0);
    for_each_word(1, shape_.depth,
                  [&](std::int64_t word, const std::int64_t* columns,
                      std::int64_t at, T sign) {
                    const Vec<T> v = slope_at(word) * sign;
                    for (int lane = 0; lane < used_; ++lane)
                      rows[lane][columns[lane] + at] = v[lane];
                  });
  }

  // ---- The way back

  void back() {
    __builtin_memset(m_.dprefix, 0, m_.low * sizeof(*m_.dprefix));
    __builtin_memset(m_.dtop, 0, m_.top * sizeof(*m_.dtop));
    __builtin_memset(
        sums_, 0,
        plan_.group_paths * plan_.increments * plan_.channels * sizeof(T));
    if (!shape_.stream) add_cotangent(0);
    for (std::int64_t block = plan_.checkpoints; block-- > 0;) {
      const std::int64_t first = block * plan_.interval;
      std::int64_t end = first + plan_.interval;
      if (end > plan_.increments) end = plan_.increments;
      restore(first, end);
      for (std::int64_t step = end; step-- > first;) {
        if (shape_.stream) add_cotangent(step);
        set_increment(step);
        Vec<T> dfirst;
        walk_.backward(m_.block + (step - first) * m_.low, m_.dtop, m_.dprefix,
                       m_.dx, &dfirst);
        add_increment(step, dfirst);
      }
    }
    if (call_.result.initial) write_initial();
  }

  // The prefixes before each of the steps first .. end - 1.
  void restore(std::int64_t first, std::int64_t end) {
    copy(checkpoint(first), m_.block);
    for (std::int64_t step = first; step + 1 < end; ++step) {
      DualVec<T>* prefix = m_.block + (step - first) * m_.low;
      copy(prefix, prefix + m_.low);
      set_increment(step);
      walk_.forward(prefix + m_.low, nullptr);
    }
  }

  void add_cotangent(std::int64_t row) {
    const T* rows[kLanes];
    rows_of(call_.dsignature, row, shape_.rows(), rows);
    for_each_word(1, shape_.depth,
                  [&](std::int64_t word, const std::int64_t* columns,
                      std::int64_t at, T sign) {
                    Vec<T>& to = word < m_.low ? m_.dprefix[word].value
                                               : m_.dtop[word - m_.low];
                    to += gathered(rows, columns, at) * sign;
                  });
  }

  void add_increment(std::int64_t step, Vec<T> dfirst) {
    for (int lane = 0; lane < used_; ++lane) {
      if (step >= true_increments_[lane]) continue;
      T* row = sums_ + ((path_[lane] - path_[0]) * plan_.increments + step) *
                           plan_.channels;
      for (std::int64_t j = 0; j < plan_.channels; ++j)
        row[j] += m_.dx[j][lane];
      row[letter_[lane]] += dfirst[lane];
    }
  }

  void write_initial() const {
    T* rows[kLanes];
    rows_of(call_.result.initial, 0, 1, rows);
    if (plan_.first_column)
      for (int lane = 0; lane < used_; ++lane) *rows[lane] = T(0);
    for_each_word(1, shape_.depth,
                  [&](std::int64_t word, const std::int64_t* columns,
                      std::int64_t at, T sign) {
                    const Vec<T> v = word < m_.low
                                         ? m_.dprefix[word].slope * sign
                                         : Vec<T>{};
                    for (int lane = 0; lane < used_; ++lane)
                      rows[lane][columns[lane] + at] = v[lane];
                  });
  }

  const Call<T>& call_;
  const SignatureShape& shape_;
  const Plan& plan_;
  const Memory<T>& m_;
  SecondWalk<T, D> walk_;
  int used_;
  T* sums_;  // [group_paths, increments, d]
  std::int64_t path_[kLanes], letter_[kLanes], true_increments_[kLanes];
};

template <class T, int D>
void run_groups(const Call<T>& call, const Memory<T>& memory,
                std::int64_t slot) {
  for (std::int64_t g = slot; g < call.plan.groups; g += call.plan.slots)
    Group<T, D>(call, memory, g).run();
}

template <class T>
void run(const SignatureShape& shape, const Plan& plan,
         const SignatureInputs<T>& inputs,
         const SignatureDirection<T>& direction, const T* dsignature,
         const SignatureSecond<T>& result, void* workspace, std::int64_t slot) {
  auto* bytes = static_cast<unsigned char*>(workspace);
  const Call<T> call{
      shape,
      plan,
      inputs,
      direction,
      dsignature,
      result,
      reinterpret_cast<const std::int64_t*>(bytes + plan.reversed_byte),
      reinterpret_cast<T*>(bytes + plan.sums_byte)};
  const Memory<T> memory(plan, shape.depth,
                         bytes + plan.slots_byte + slot * plan.slot_bytes);
  switch (plan.channels) {
    case 2:
      return run_groups<T, 2>(call, memory, slot);
    case 3:
      return run_groups<T, 3>(call, memory, slot);
    case 4:
      return run_groups<T, 4>(call, memory, slot);
    case 5:
      return run_groups<T, 5>(call, memory, slot);
    default:
      return run_groups<T, 0>(call, memory, slot);
  }
}

template <class T>
std::int64_t slot_vectors(const Plan& plan, int depth) {
  return Memory<T>(plan, depth, nullptr).vectors;
}

}  // namespace

const cpu::SignatureSecondTable<float> signature_second_float32 = {
    lanes<float>(), slot_vectors<float>, run<float>};
const cpu::SignatureSecondTable<double> signature_second_float64 = {
    lanes<double>(), slot_vectors<double>, run<double>};

}  // namespace sigtape::SIGTAPE_ISA_NAME
