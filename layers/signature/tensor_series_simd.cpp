// Power series in the tensor algebra and their derivatives, compiled for every
// instruction set: a group of rows at a time, one in each lane.

#include "sigtape/layers/signature/dual_simd.h"
#include "sigtape/layers/signature/tensor_series_item_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {
namespace {

using cpu::SeriesPlan;

// Calls body(rows, scratch) for every item of a slot.
template <class T, class Body>
void for_each_item(const SeriesShape& shape, const SeriesPlan& plan,
                   void* workspace, std::int64_t slot, const Body& body) {
  auto* scratch = static_cast<Vec<T>*>(workspace) + slot * plan.slot_vectors;
  for (std::int64_t i = slot; i < plan.items; i += plan.slots) {
    if (i < plan.groups) {
      body(Rows<T, Vec<T>>(i * lanes<T>(), shape.rows), scratch);
    } else {
      body(Rows<T, T>(plan.groups * lanes<T>() + i - plan.groups, shape.rows),
           reinterpret_cast<T*>(scratch));
    }
  }
}

template <class T>
void forward(const SeriesShape& shape, const SeriesPlan& plan, const T* x,
             T* out, void* workspace, std::int64_t slot) {
  for_each_item<T>(shape, plan, workspace, slot,
                   [&]<class V>(const Rows<T, V>& rows, V* scratch) {
                     Item<T, V> item(shape, plan, scratch);
                     rows.read(x, shape.columns(shape.argument),
                               shape.argument_scalar_term, item.argument());
                     item.forward();
                     rows.write(item.result(), shape.columns(shape.result),
                                shape.result_scalar_term, 1, out);
                   });
}

template <class T>
void backward(const SeriesShape& shape, const SeriesPlan& plan, const T* x,
              const T* dout, T* dx, void* workspace, std::int64_t slot) {
  for_each_item<T>(shape, plan, workspace, slot,
                   [&]<class V>(const Rows<T, V>& rows, V* scratch) {
                     Item<T, V> item(shape, plan, scratch);
                     rows.read(x, shape.columns(shape.argument),
                               shape.argument_scalar_term, item.argument());
                     rows.read(dout, shape.columns(shape.result),
                               shape.result_scalar_term, item.result());
                     item.backward();
                     rows.write(item.gradient(), shape.columns(shape.argument),
                                shape.argument_scalar_term, 0, dx);
                   });
}

// Arrays of dual numbers from and to those of their parts; `buffer` holds one
// part.
template <class T, class V>
struct DualRows {
  const Rows<T, V>& rows;
  V* buffer;

  // x + e v, v being 0 where it is null.
  void read(const T* x, const T* v, std::int64_t columns, bool scalar_term,
            Dual<V>* to) const {
    rows.read(x, columns, scalar_term, buffer);
    for (std::int64_t k = 0; k < columns; ++k) to[k] = {buffer[k], V{}};
    if (!v) return;
    rows.read(v, columns, scalar_term, buffer);
    for (std::int64_t k = 0; k < columns; ++k) to[k].slope = buffer[k];
  }

  void write_slopes(const Dual<V>* from, std::int64_t columns, bool scalar_term,
                    T* to) const {
    for (std::int64_t k = 0; k < columns; ++k) buffer[k] = from[k].slope;
    rows.write(buffer, columns, scalar_term, 0, to);
  }
};

template <class T>
void second(const SeriesShape& shape, const SeriesPlan& plan, const T* x,
            const T* v, const T* dout, T* slope, T* dx, void* workspace,
            std::int64_t slot) {
  const std::int64_t argument = shape.columns(shape.argument);
  const std::int64_t result = shape.columns(shape.result);
  const bool scalar = shape.argument_scalar_term;
  for_each_item<T>(
      shape, plan, workspace, slot,
      [&]<class V>(const Rows<T, V>& lanes, V* scratch) {
        const std::int64_t most = argument > result ? argument : result;
        const DualRows<T, V> rows{lanes, scratch};
        Item<T, Dual<V>> item(shape, plan,
                              reinterpret_cast<Dual<V>*>(scratch + most));
        if (slope) {
          rows.read(x, v, argument, scalar, item.argument());
          item.forward();
          rows.write_slopes(item.result(), result, shape.result_scalar_term,
                            slope);
        }
        if (!dx) return;
        rows.read(x, v, argument, scalar, item.argument());
        rows.read(dout, nullptr, result, shape.result_scalar_term,
                  item.result());
        item.backward();
        rows.write_slopes(item.gradient(), argument, scalar, dx);
      });
}

}  // namespace

const cpu::SeriesTable<float> series_float32 = {lanes<float>(), forward<float>,
                                                backward<float>, second<float>};
const cpu::SeriesTable<double> series_float64 = {
    lanes<double>(), forward<double>, backward<double>, second<double>};

}  // namespace sigtape::SIGTAPE_ISA_NAME
