// The products of a round are cut into items of a vector of pairs each, over
// all groups. Backward, every product writes the gradients of its two factors
// to memory of their own, and a node's gradient is the sum over its uses.
#include <algorithm>
#include <type_traits>

#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/layers/signature/scratch_slots.h"
#include "sigtape/layers/signature/signature_products_kernels.h"
#include "sigtape/layers/signature/signature_products_table.h"

namespace sigtape {

namespace {

using cpu::Levels;
using cpu::padded;
using cpu::ProductsTable;

constexpr std::int64_t kSlots = 16;
constexpr int kMostLanes = 16;
// Words of a signature up to which a vector of them stays in the nearest caches
// and is worth its transposes.
constexpr std::int64_t kMostWords = 512;

SIGTAPE_DEFINE_TABLE_OF(ProductsTable, products)

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
        table(table_of<T>(active_isa())),
        words(levels.up_to(shape.depth)),
        lanes(words > kMostWords ? 1 : table.lanes) {}

  static std::int64_t slot_bytes(std::int64_t words, int lanes) {
    return lanes > 1 ? padded(ProductsTable<T>::kScratch * words * lanes *
                              static_cast<std::int64_t>(sizeof(T)))
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
    const std::int64_t items = (size + lanes - 1) / lanes;
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
  const ProductsTable<T>& table;
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
      std::fill_n(to, call.words, T(0));
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
  const Call<T> call(shape, plan, leaves, products);
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
          call.table.product(call.levels, shape.depth, count, a, b, out,
                             scratch);
        });
  }
  if (!results) return;
  parallel_ranges(shape.groups * shape.results, row_grain(words),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t i = begin; i < end; ++i)
                      std::copy_n(call.node(i / shape.results,
                                            plan.result[i % shape.results]),
                                  words, results + i * words);
                  });
}

template <class T>
void signature_products_adjoint(Cpu, const ProductsShape& shape,
                                const ProductsPlan& plan, const T* leaves,
                                const T* products, const T* dresults,
                                T* dleaves, void* workspace) {
  const Call<T> call(shape, plan, leaves, products);
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
          call.table.adjoint(call.levels, shape.depth, count, a, b, dout, da,
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

#define INSTANTIATE(T)                                                    \
  template std::size_t signature_products_workspace<T>(                   \
      Cpu, const ProductsShape&, bool);                                   \
  template void signature_products(Cpu, const ProductsShape&,             \
                                   const ProductsPlan&, const T*, T*, T*, \
                                   void*);                                \
  template void signature_products_adjoint(Cpu, const ProductsShape&,     \
                                           const ProductsPlan&, const T*, \
                                           const T*, const T*, T*, void*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
