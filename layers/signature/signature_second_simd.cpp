// Second derivatives of signatures, compiled for every instruction set: a
// group of pairs at a time, one in each lane.

#include "sigtape/layers/signature/signature_rows_simd.h"
#include "sigtape/layers/signature/signature_second_walk_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {
namespace {

using Plan = cpu::SignatureSecondPlan;

// What a slot works in. Levels below the depth have `low` words of a pair, the
// highest `top`.
template <class T>
struct Memory {
  std::int64_t low, top;
  DualVec<T>*partials, *dpartials;  // [low]
  DualVec<T>*prefix, *dprefix;      // [low]
  DualVec<T>* checkpoint;           // [checkpoints, low]
  DualVec<T>* block;                // [interval, low]
  DualVec<T>* x;                    // [interval, d + 1]
  Vec<T>*slopes, *dtop;             // [top]
  Vec<T>* dx;                       // [d + 1]
  Vec<T>*point, *next_point;        // [2, d]
  Mask<T>* is_letter;               // [d]
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
    partials = duals(low);
    dpartials = duals(low);
    prefix = duals(low);
    dprefix = duals(low);
    checkpoint = duals(plan.checkpoints * low);
    block = duals(plan.interval * low);
    x = duals(plan.interval * (plan.channels + 1));
    slopes = take(top);
    dtop = take(top);
    dx = take(plan.channels + 1);
    point = take(2 * plan.channels);
    next_point = take(2 * plan.channels);
    is_letter = reinterpret_cast<Mask<T>*>(take(plan.channels));
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
template <class T>
class Group {
 public:
  static constexpr int kLanes = lanes<T>();

  Group(const Call<T>& call, const Memory<T>& memory, std::int64_t index)
      : call_(call),
        shape_(call.shape),
        plan_(call.plan),
        m_(memory),
        walk_(choose_walk<T>(call.plan, call.shape.depth, memory.partials,
                             memory.dpartials)),
        point_(memory.point),
        next_point_(memory.next_point),
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
      for (std::int64_t j = 0; j < plan_.channels; ++j)
        m_.is_letter[j][lane] = letter_[lane] == j ? -1 : 0;
    }
  }

  void run() {
    start();
    read_dual_point(0, point_);
    for (std::int64_t step = 0; step < plan_.increments; ++step) {
      if (step % plan_.interval == 0) copy(m_.prefix, checkpoint(step));
      read_increment(step, m_.x);
      const bool last = step + 1 == plan_.increments;
      walk_.forward(walk_, m_.x, m_.prefix,
                    call_.result.signature ? m_.slopes : nullptr);
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
    Vec<T> v = {};
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

  // Point `row` of each lane's path, or of their directions: the basepoint, if
  // there is one, is row 0, and the last true point is repeated. Null is 0.
  void read_point(const T* path, const T* basepoint, std::int64_t row,
                  Vec<T>* to) const {
    const std::int64_t d = plan_.channels;
    const bool based = shape_.basepoint != BasepointKind::none;
    const bool own = shape_.basepoint == BasepointKind::per_path;
    const T* rows[kLanes];
    const bool first = based && row == 0;
    if (!(first ? basepoint : path)) {
      __builtin_memset(to, 0, d * sizeof(*to));
      return;
    }
    for (int lane = 0; lane < kLanes; ++lane) {
      const std::int64_t last = true_increments_[lane];
      const std::int64_t at = (row < last ? row : last) - based;
      rows[lane] = first ? basepoint + (own ? path_[lane] * d : 0)
                         : path + (path_[lane] * shape_.length + at) * d;
    }
    to_lanes<T>(rows, d, to);
  }

  // The same over dual numbers, their parts one after the other.
  void read_dual_point(std::int64_t row, Vec<T>* to) const {
    const BasepointKind kind = shape_.basepoint;
    const bool moves = kind == BasepointKind::per_path;
    const bool given = moves || kind == BasepointKind::shared;
    const SignatureInputs<T>& in = call_.inputs;
    const SignatureDirection<T>& v = call_.direction;
    read_point(in.path, given ? in.basepoint : nullptr, row, to);
    read_point(v.path, moves ? v.basepoint : nullptr, row, to + plan_.channels);
  }

  // The increment from the point read last to the one of row step + 1, and
  // after it that of each lane's own letter.
  void read_increment(std::int64_t step, DualVec<T>* x) {
    const std::int64_t d = plan_.channels;
    read_dual_point(step + 1, next_point_);
    for (std::int64_t j = 0; j < d; ++j)
      x[j] = {next_point_[j] - point_[j], next_point_[d + j] - point_[d + j]};
    x[d] = DualVec<T>{};
    for (std::int64_t j = 0; j < d; ++j) {
      x[d].value = m_.is_letter[j] ? x[j].value : x[d].value;
      x[d].slope = m_.is_letter[j] ? x[j].slope : x[d].slope;
    }
    Vec<T>* const read = next_point_;
    next_point_ = point_;
    point_ = read;
  }

  // By one of a path's letters: the others may be another thread's.
  void write_scalar_terms(T* const* rows) const {
    if (!plan_.first_column) return;
    for (int lane = 0; lane < used_; ++lane)
      if (letter_[lane] == 0) *rows[lane] = T(0);
  }

  void write_slopes(std::int64_t row) const {
    T* rows[kLanes];
    rows_of(call_.result.signature, row, shape_.rows(), rows);
    write_scalar_terms(rows);
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
        walk_.backward(walk_, increment(step),
                       m_.block + (step - first) * m_.low, m_.dtop, m_.dprefix,
                       m_.dx);
        add_increment(step);
      }
    }
    if (call_.result.initial) write_initial();
  }

  DualVec<T>* increment(std::int64_t step) const {
    return m_.x + step % plan_.interval * (plan_.channels + 1);
  }

  // The increments of the steps first .. end - 1, and the prefixes before each.
  void restore(std::int64_t first, std::int64_t end) {
    copy(checkpoint(first), m_.block);
    read_dual_point(first, point_);
    for (std::int64_t step = first; step < end; ++step) {
      read_increment(step, increment(step));
      if (step + 1 == end) break;
      DualVec<T>* prefix = m_.block + (step - first) * m_.low;
      copy(prefix, prefix + m_.low);
      walk_.forward(walk_, increment(step), prefix + m_.low, nullptr);
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

  void add_increment(std::int64_t step) {
    const std::int64_t d = plan_.channels;
    for (std::int64_t j = 0; j < d; ++j)
      m_.dx[j] += m_.is_letter[j] ? m_.dx[d] : Vec<T>{};
    T* rows[kLanes];
    auto* moved = reinterpret_cast<T*>(next_point_);  // [lanes, d]
    for (int lane = 0; lane < kLanes; ++lane) rows[lane] = moved + lane * d;
    to_rows<T>(m_.dx, d, rows);
    for (int lane = 0; lane < used_; ++lane) {
      if (step >= true_increments_[lane]) continue;
      T* to = sums_ + ((path_[lane] - path_[0]) * plan_.increments + step) * d;
      for (std::int64_t j = 0; j < d; ++j) to[j] += rows[lane][j];
    }
  }

  void write_initial() const {
    T* rows[kLanes];
    rows_of(call_.result.initial, 0, 1, rows);
    write_scalar_terms(rows);
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
  ChosenWalk<T> walk_;
  Vec<T>*point_, *next_point_;
  int used_;
  T* sums_;  // [group_paths, increments, d]
  std::int64_t path_[kLanes], letter_[kLanes], true_increments_[kLanes];
};

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
  for (std::int64_t g = slot; g < plan.groups; g += plan.slots)
    Group<T>(call, memory, g).run();
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
