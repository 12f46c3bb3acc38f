// Products of signatures and their derivatives, compiled for every instruction
// set: one pair in each lane, or one pair alone.

#include "sigtape/layers/signature/dual_simd.h"
#include "sigtape/layers/signature/signature_products_table.h"
#include "sigtape/layers/signature/signature_rows_simd.h"
#include "sigtape/layers/signature/tensor_series_walk_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {
namespace {

using cpu::Levels;

// a (x) b = a (x) (1 + b) + b.
template <class T, class V>
SIGTAPE_INLINE void multiply(const Levels& levels, int depth,
                             std::int64_t words, const V* a, const V* b,
                             V* out) {
  shifted_product<T>(levels, depth, a, T(1), b, out);
  for (std::int64_t w = 0; w < words; ++w) out[w] += b[w];
}

template <class T, class V>
SIGTAPE_INLINE void multiply_adjoint(const Levels& levels, int depth,
                                     std::int64_t words, const V* a, const V* b,
                                     const V* dout, V* da, V* db) {
  __builtin_memset(static_cast<void*>(da), 0, words * sizeof(V));
  shifted_product_adjoint<T>(levels, depth, a, T(1), b, dout, da, db);
  const std::int64_t inner = depth > 1 ? levels.up_to(depth - 1) : 0;
  for (std::int64_t w = 0; w < inner; ++w) db[w] += dout[w];
  for (std::int64_t w = inner; w < words; ++w) db[w] = dout[w];
}

// Lanes without a row of their own repeat the first.
template <class Pointer>
struct LaneRows {
  Pointer row[SIGTAPE_VECTOR_BYTES / 4];

  LaneRows(int lanes, int count, const Pointer* rows) {
    for (int i = 0; i < lanes; ++i) row[i] = rows[i < count ? i : 0];
  }
};

template <class T>
SIGTAPE_INLINE void read(int count, const T* const* rows, std::int64_t words,
                         Vec<T>* to) {
  const LaneRows<const T*> all(lanes<T>(), count, rows);
  to_lanes<T>(all.row, words, to);
}

template <class T>
SIGTAPE_INLINE void write(const Vec<T>* from, int count, T* const* rows,
                          std::int64_t words) {
  const LaneRows<T*> all(lanes<T>(), count, rows);
  to_rows<T>(from, words, all.row);
}

template <class T>
void product(const Levels& levels, int depth, int count, const T* const* a,
             const T* const* b, T* const* out, void* scratch) {
  const std::int64_t words = levels.up_to(depth);
  if (count == 1)
    return multiply<T, T>(levels, depth, words, a[0], b[0], out[0]);
  auto* const left = static_cast<Vec<T>*>(scratch);
  Vec<T>* const right = left + words;
  Vec<T>* const to = right + words;
  read<T>(count, a, words, left);
  read<T>(count, b, words, right);
  multiply<T, Vec<T>>(levels, depth, words, left, right, to);
  write<T>(to, count, out, words);
}

template <class T>
void adjoint(const Levels& levels, int depth, int count, const T* const* a,
             const T* const* b, const T* const* dout, T* const* da,
             T* const* db, void* scratch) {
  const std::int64_t words = levels.up_to(depth);
  if (count == 1) {
    return multiply_adjoint<T, T>(levels, depth, words, a[0], b[0], dout[0],
                                  da[0], db[0]);
  }
  auto* const left = static_cast<Vec<T>*>(scratch);
  Vec<T>* const right = left + words;
  Vec<T>* const from = right + words;
  Vec<T>* const dleft = from + words;
  Vec<T>* const dright = dleft + words;
  read<T>(count, a, words, left);
  read<T>(count, b, words, right);
  read<T>(count, dout, words, from);
  multiply_adjoint<T, Vec<T>>(levels, depth, words, left, right, from, dleft,
                              dright);
  write<T>(dleft, count, da, words);
  write<T>(dright, count, db, words);
}

template <class T>
const Dual<T>* duals(const cpu::DualNumber<T>* numbers) {
  return reinterpret_cast<const Dual<T>*>(numbers);
}
template <class T>
Dual<T>* duals(cpu::DualNumber<T>* numbers) {
  return reinterpret_cast<Dual<T>*>(numbers);
}

template <class T>
void dual_product(const Levels& levels, int depth, const cpu::DualNumber<T>* a,
                  const cpu::DualNumber<T>* b, cpu::DualNumber<T>* out) {
  multiply<T>(levels, depth, levels.up_to(depth), duals(a), duals(b),
              duals(out));
}

template <class T>
void dual_adjoint(const Levels& levels, int depth, const cpu::DualNumber<T>* a,
                  const cpu::DualNumber<T>* b, const cpu::DualNumber<T>* dout,
                  cpu::DualNumber<T>* da, cpu::DualNumber<T>* db) {
  multiply_adjoint<T>(levels, depth, levels.up_to(depth), duals(a), duals(b),
                      duals(dout), duals(da), duals(db));
}

}  // namespace

const cpu::ProductsTable<float> products_float32 = {
    lanes<float>(), product<float>, adjoint<float>, dual_product<float>,
    dual_adjoint<float>};
const cpu::ProductsTable<double> products_float64 = {
    lanes<double>(), product<double>, adjoint<double>, dual_product<double>,
    dual_adjoint<double>};

}  // namespace sigtape::SIGTAPE_ISA_NAME
