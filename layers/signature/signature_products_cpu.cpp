// The products of a round are cut into items of a vector of pairs each, over
// all groups. Backward, every product writes the gradients of its two factors
// to memory of their own, and a node's gradient is the sum over its uses.
#include <algorithm>
#include <type_traits>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/scratch_gap.h"
#include "sigtape/framework/scratch_slots.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/layers/signature/signature_products_kernels.h"
#include "sigtape/layers/signature/signature_products_table.h"

namespace sigtape {

namespace {

using cpu::DualNumber;
using cpu::Levels;
using cpu::padded;
using cpu::ProductsTable;

constexpr std::int64_t kSlots = 16;
constexpr int kMostLanes = 16;
// Words of a signature up to which a vector of them stays in the nearest caches
// and is worth its transposes.
constexpr std::int64_t kMostWords = 512;

SIGTAPE_DEFINE_TABLE_OF(ProductsTable, products)

// Products of items of numbers E: one of the type's own, or over dual numbers,
// one pair at a time.
template <class E>
struct Kernels {
  using Element = E;
  const ProductsTable<E>& table = table_of<E>(active_isa());

  int lanes(std::int64_t words) const {
    return words > kMostWords ? 1 : table.lanes;
  }
  void product(const Levels& levels, int depth, int count, const E* const* a,
               const E* const* b, E* const* out, void* scratch) const {
    table.product(levels, depth, count, a, b, out, scratch);
  }
  void adjoint(const Levels& levels, int depth, int count, const E* const* a,
               const E* const* b, const E* const* dout, E* const* da,
               E* const* db, void* scratch) const {
    table.adjoint(levels, depth, count, a, b, dout, da, db, scratch);
  }
};

template <class T>
struct Kernels<DualNumber<T>> {
  using Element = DualNumber<T>;
  const ProductsTable<T>& table = table_of<T>(active_isa());

  int lanes(std::int64_t) const { return 1; }
  void product(const Levels& levels, int depth, int, const Element* const* a,
               const Element* const* b, Element* const* out, void*) const {
    table.dual_product(levels, depth, a[0], b[0], out[0]);
  }
  void adjoint(const Levels& levels, int depth, int, const Element* const* a,
               const Element* const* b, const Element* const* dout,
               Element* const* da, Element* const* db, void*) const {
    table.dual_adjoint(levels, depth, a[0], b[0], dout[0], da[0], db[0]);
  }
};

// One call: sizes, kernels and scratch memory.
template <class T>
struct Call {
  Call(const ProductsShape& shape, const ProductsPlan& plan, const T* leaves,
       const T* products)
      : shape(shape),
        plan(plan),
        leaves(leaves),
        products(products),
        levels(cpu::make_levels(shape.channels, shape.depth)),
        words(levels.up_to(shape.depth)),
        lanes(kernels.lanes(words)) {}

  static std::int64_t slot_bytes(std::int64_t words, int lanes) {
    return lanes > 1 ? padded(ProductsTable<T>::kScratch * words * lanes *
                              static_cast<std::int64_t>(sizeof(T))) +
                           kScratchGap
                     : 0;
  }

  const T* node(std::int64_t group, std::int64_t i) const {
    return i < shape.leaves
               ? leaves + (group * shape.leaves + i) * words
               : products + product_row(group, i - shape.leaves) * words;
  }
  std::int64_t product_row(std::int64_t group, std::int64_t p) const {
    return group * shape.products + p;
  }

  // Calls body(first, count, scratch) for the products of a round over all
  // groups, counted group by group, `lanes` at a time.
  template <class Body>
  void for_each_item(std::int64_t round, void* scratch,
                     const Body& body) const {
    const std::int64_t size =
        (plan.round_begin[round + 1] - plan.round_begin[round]) * shape.groups;
    const std::int64_t items = divide_up(size, lanes);
    const std::int64_t slots = std::min(items, kSlots);
    const std::int64_t bytes = slot_bytes(words, lanes);
    const auto run = [&](std::int64_t slot) {
      for (std::int64_t i = slot; i < items; i += slots)
        body(i * lanes,
             static_cast<int>(std::min<std::int64_t>(lanes, size - i * lanes)),
             static_cast<char*>(scratch) + slot * bytes);
    };
    if (size * words * shape.depth > 65536)
      parallel_for(slots, run);
    else
      for (std::int64_t slot = 0; slot < slots; ++slot) run(slot);
  }

  // Group and product of number i of a round.
  struct Place {
    std::int64_t group, product;
  };
  Place place(std::int64_t round, std::int64_t i) const {
    const std::int64_t begin = plan.round_begin[round];
    const std::int64_t count = plan.round_begin[round + 1] - begin;
    return {i / count, begin + i % count};
  }

  // The factors of product p in the order of multiplication.
  struct Factors {
    const T *first, *second;
  };
  Factors factors(const Place& at) const {
    const T* left = node(at.group, plan.left[at.product]);
    const T* right = node(at.group, plan.right[at.product]);
    return shape.swapped ? Factors{right, left} : Factors{left, right};
  }

  const ProductsShape& shape;
  const ProductsPlan& plan;
  const T* leaves;
  const T* products;
  Levels levels;
  Kernels<T> kernels;
  std::int64_t words;
  int lanes;
};

// The gradients that have arrived: of the results, and of the factors of every
// product, [G, P, 2, S].
template <class T>
struct Arrived {
  const Call<T>& call;
  const T* dresults;
  const T* dfactors;

  const T* row(std::int64_t group, std::int64_t use) const {
    const ProductsShape& s = call.shape;
    return use < 0 ? dresults + (group * s.results - use - 1) * call.words
                   : dfactors + (2 * group * s.products + use) * call.words;
  }
  // The sum over a node's uses: written to `to`, or the only one as it is.
  const T* sum(std::int64_t group, std::int64_t node, T* to,
               bool copy_single) const {
    const std::int64_t* use = call.plan.uses + call.plan.use_begin[node];
    const std::int64_t* end = call.plan.uses + call.plan.use_begin[node + 1];
    if (use == end) {
      std::fill_n(to, call.words, T{});
      return to;
    }
    const T* first = row(group, *use);
    if (end - use == 1 && !copy_single) return first;
    std::copy_n(first, call.words, to);
    while (++use < end) {
      const T* next = row(group, *use);
      for (std::int64_t w = 0; w < call.words; ++w) to[w] += next[w];
    }
    return to;
  }
};

std::int64_t row_grain(std::int64_t words) {
  return std::max<std::int64_t>(1, 65536 / words);
}

// All products of a call, then its results.
template <class T>
void multiply_all(const Call<T>& call, T* products, T* results,
                  void* workspace) {
  const ProductsShape& shape = call.shape;
  const std::int64_t words = call.words;
  for (std::int64_t round = 0; round < shape.rounds; ++round) {
    call.for_each_item(
        round, workspace, [&](std::int64_t first, int count, void* scratch) {
          const T *a[kMostLanes], *b[kMostLanes];
          T* out[kMostLanes];
          for (int i = 0; i < count; ++i) {
            const auto at = call.place(round, first + i);
            const auto factors = call.factors(at);
            a[i] = factors.first;
            b[i] = factors.second;
            out[i] = products + call.product_row(at.group, at.product) * words;
          }
          call.kernels.product(call.levels, shape.depth, count, a, b, out,
                               scratch);
        });
  }
  if (!results) return;
  parallel_ranges(
      shape.groups * shape.results, row_grain(words),
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          std::copy_n(
              call.node(i / shape.results, call.plan.result[i % shape.results]),
              words, results + i * words);
      });
}

// The leaves' gradients of all products.
template <class T>
void multiply_all_adjoint(const Call<T>& call, const T* dresults, T* dleaves,
                          void* workspace) {
  const ProductsShape& shape = call.shape;
  const std::int64_t words = call.words;
  char* const scratch = static_cast<char*>(workspace);
  T* const dfactors = reinterpret_cast<T*>(
      scratch + kSlots * Call<T>::slot_bytes(words, call.lanes));
  T* const dproducts = dfactors + 2 * shape.groups * shape.products * words;
  const Arrived<T> arrived{call, dresults, dfactors};
  for (std::int64_t round = shape.rounds; round-- > 0;) {
    call.for_each_item(
        round, scratch, [&](std::int64_t first, int count, void* memory) {
          const T *a[kMostLanes], *b[kMostLanes], *dout[kMostLanes];
          T *da[kMostLanes], *db[kMostLanes];
          for (int i = 0; i < count; ++i) {
            const auto at = call.place(round, first + i);
            const std::int64_t row = call.product_row(at.group, at.product);
            const auto factors = call.factors(at);
            a[i] = factors.first;
            b[i] = factors.second;
            dout[i] = arrived.sum(at.group, shape.leaves + at.product,
                                  dproducts + row * words, false);
            da[i] = dfactors + (2 * row + shape.swapped) * words;
            db[i] = dfactors + (2 * row + !shape.swapped) * words;
          }
          call.kernels.adjoint(call.levels, shape.depth, count, a, b, dout, da,
                               db, memory);
        });
  }
  parallel_ranges(shape.groups * shape.leaves, row_grain(words),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t i = begin; i < end; ++i)
                      arrived.sum(i / shape.leaves, i % shape.leaves,
                                  dleaves + i * words, true);
                  });
}

// Memory of second derivatives.
template <class T>
struct DualArrays {
  std::int64_t words, leaf_rows, result_rows, bytes = 0;
  DualNumber<T>*leaves, *dleaves, *products, *results;
  void* rest;  // what the gradients of products need

  DualArrays(const ProductsShape& s, void* memory)
      : words(cpu::make_levels(s.channels, s.depth).up_to(s.depth)),
        leaf_rows(s.groups * s.leaves),
        result_rows(s.groups * s.results) {
    const auto take = [&](std::int64_t rows) {
      auto* at = static_cast<char*>(memory) + bytes;
      bytes += padded(rows * words *
                      static_cast<std::int64_t>(sizeof(DualNumber<T>)));
      return reinterpret_cast<DualNumber<T>*>(at);
    };
    leaves = take(leaf_rows);
    dleaves = take(leaf_rows);
    products = take(s.groups * s.products);
    results = take(result_rows);
    rest = take(3 * s.groups * s.products);
  }
};

}  // namespace

template <class T>
std::size_t signature_products_workspace(Cpu, const ProductsShape& shape,
                                         bool adjoint) {
  const Levels levels = cpu::make_levels(shape.channels, shape.depth);
  const std::int64_t words = levels.up_to(shape.depth);
  const int lanes = words > kMostWords ? 1 : table_of<T>(active_isa()).lanes;
  const std::int64_t scratch = kSlots * Call<T>::slot_bytes(words, lanes);
  const std::int64_t gradients =
      adjoint ? 3 * shape.groups * shape.products * words : 0;
  return static_cast<std::size_t>(
      scratch + padded(gradients * static_cast<std::int64_t>(sizeof(T))));
}

template <class T>
void signature_products(Cpu, const ProductsShape& shape,
                        const ProductsPlan& plan, const T* leaves, T* products,
                        T* results, void* workspace) {
  multiply_all(Call<T>(shape, plan, leaves, products), products, results,
               workspace);
}

template <class T>
void signature_products_adjoint(Cpu, const ProductsShape& shape,
                                const ProductsPlan& plan, const T* leaves,
                                const T* products, const T* dresults,
                                T* dleaves, void* workspace) {
  multiply_all_adjoint(Call<T>(shape, plan, leaves, products), dresults,
                       dleaves, workspace);
}

template <class T>
std::size_t signature_products_second_bytes(Cpu, const ProductsShape& shape) {
  return static_cast<std::size_t>(DualArrays<T>(shape, nullptr).bytes);
}

template <class T>
void signature_products_second(Cpu, const ProductsShape& shape,
                               const ProductsPlan& plan, const T* leaves,
                               const T* direction, const T* dresults, T* slopes,
                               T* dleaves, void* workspace) {
  const DualArrays<T> a(shape, workspace);
  const auto take = [&](const DualNumber<T>* from, std::int64_t rows, T* to) {
    for (std::int64_t i = 0; i < rows * a.words; ++i) to[i] = from[i].slope;
  };
  for (std::int64_t i = 0; i < a.leaf_rows * a.words; ++i)
    a.leaves[i] = {leaves[i], direction[i]};
  const Call<DualNumber<T>> call(shape, plan, a.leaves, a.products);
  multiply_all(call, a.products, a.results, a.rest);
  if (slopes) take(a.results, a.result_rows, slopes);
  if (!dleaves) return;
  for (std::int64_t i = 0; i < a.result_rows * a.words; ++i)
    a.results[i] = {dresults[i], T(0)};
  multiply_all_adjoint(call, a.results, a.dleaves, a.rest);
  take(a.dleaves, a.leaf_rows, dleaves);
}

#define INSTANTIATE(T)                                                     \
  template std::size_t signature_products_workspace<T>(                    \
      Cpu, const ProductsShape&, bool);                                    \
  template void signature_products(Cpu, const ProductsShape&,              \
                                   const ProductsPlan&, const T*, T*, T*,  \
                                   void*);                                 \
  template void signature_products_adjoint(Cpu, const ProductsShape&,      \
                                           const ProductsPlan&, const T*,  \
                                           const T*, const T*, T*, void*); \
  template std::size_t signature_products_second_bytes<T>(                 \
      Cpu, const ProductsShape&);                                          \
  template void signature_products_second(Cpu, const ProductsShape&,       \
                                          const ProductsPlan&, const T*,   \
                                          const T*, const T*, T*, T*, void*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
