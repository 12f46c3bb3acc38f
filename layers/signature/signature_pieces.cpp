#include "sigtape/layers/signature/signature_pieces.h"

#include <algorithm>
#include <type_traits>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/scratch_gap.h"
#include "sigtape/framework/scratch_slots.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/layers/signature/signature_products_table.h"
#include "sigtape/layers/signature/signature_words.h"

namespace sigtape::cpu {

namespace {

constexpr std::int64_t kMostSlots = 16;
constexpr int kMostLanes = 16;
// Elements of results that other threads are woken for.
constexpr std::int64_t kSerialElements = 8192;

SIGTAPE_DEFINE_TABLE_OF(ProductsTable, products)

// Of one slot.
std::int64_t scratch_bytes(std::int64_t words, int lanes, int element_bytes) {
  return ProductsTable<float>::kScratch * words * lanes * element_bytes +
         kScratchGap;
}

// The products of one path. Node i is piece i, then the initial value if there
// is one, then the products in order; the last is the signature.
struct Tree {
  static constexpr int kMostFactors = SignaturePlan::kMaxPieces + 1;
  int factors = 0;
  int left[kMostFactors], right[kMostFactors];
  int rounds = 0;
  int round_begin[16];

  Tree(int pieces, bool initial) : factors(pieces + initial) {
    int row[kMostFactors], count = 0, products = 0;
    if (initial) row[count++] = pieces;
    for (int i = 0; i < pieces; ++i) row[count++] = i;
    for (; count > 1; count = (count + 1) / 2) {
      round_begin[rounds++] = products;
      for (int i = 0; i + 1 < count; i += 2) {
        left[products] = row[i];
        right[products] = row[i + 1];
        row[i / 2] = factors + products++;
      }
      if (count % 2) row[count / 2] = row[count - 1];
    }
    round_begin[rounds] = products;
  }
  int root() const { return 2 * factors - 2; }
};

template <class T>
struct Products {
  Products(const SignatureShape& shape, const SignaturePlan& plan,
           void* workspace)
      : shape(shape),
        plan(plan),
        table(table_of<T>(active_isa())),
        levels(make_levels(shape.channels, shape.depth)),
        words(shape.words()),
        tree(static_cast<int>(plan.pieces), shape.initial),
        lanes(pieces_in_lanes(static_cast<double>(words), plan.lanes)
                  ? plan.lanes
                  : 1),
        scratch(at_byte<T>(
            workspace,
            plan.pieces_byte + padded(node_rows() * words * sizeof(T)))) {}

  std::int64_t node_rows() const {
    return shape.batch * (2 * tree.factors - 1);
  }

  // Row of a node of path b.
  std::int64_t row(std::int64_t b, int node) const {
    if (node < plan.pieces) return b * plan.pieces + node;
    if (node < tree.factors) return shape.batch * plan.pieces + b;
    return shape.batch * tree.factors + b * (tree.factors - 1) + node -
           tree.factors;
  }

  // Column of a result's first word.
  T* first_word(T* results, std::int64_t b) const {
    return results + b * shape.columns() + shape.scalar_term;
  }
  const T* first_word(const T* results, std::int64_t b) const {
    return results + b * shape.columns() + shape.scalar_term;
  }

  // Whether the last product is the result as it stands.
  bool ends_in_result() const { return tree.rounds > 0 && !shape.inverse; }

  // Calls body(b, p, i) for the products of a round, filling items of
  // `lanes` pairs, i counting within one, and then run(count, scratch).
  template <class Make>
  void for_each_item(int round, const Make& make) const {
    const std::int64_t begin = tree.round_begin[round];
    const std::int64_t of_path = tree.round_begin[round + 1] - begin;
    const std::int64_t size = of_path * shape.batch;
    const std::int64_t items = divide_up(size, lanes);
    Slots slots(std::min(items, kMostSlots));
    const auto run = [&](std::int64_t item) {
      const std::int64_t slot = slots.take();
      std::int64_t path[kMostLanes];
      int product[kMostLanes];
      int count = 0;
      for (std::int64_t i = item * lanes; i < size && count < lanes; ++i) {
        path[count] = i / of_path;
        product[count++] = static_cast<int>(begin + i % of_path);
      }
      make(path, product, count,
           at_byte<T>(scratch, slot * scratch_bytes(words, lanes, sizeof(T))));
      slots.give_back(slot);
    };
    if (size * words > kSerialElements)
      parallel_for(items, run);
    else
      for (std::int64_t item = 0; item < items; ++item) run(item);
  }

  // Writes to `out` the antipode of `in`, or with `inverse` unset a copy.
  void convert(const T* in, T* out) const {
    if (!shape.inverse) {
      std::copy_n(in, words, out);
      return;
    }
    for (int level = 1; level <= shape.depth; ++level) {
      const std::int64_t count = words_of_level(shape.channels, level);
      for (std::int64_t word = 0; word < count; ++word) {
        const T value = in[reversed_word(word, shape.channels, level)];
        *out++ = level % 2 ? -value : value;
      }
      in += count;
    }
  }

  const SignatureShape& shape;
  const SignaturePlan& plan;
  const ProductsTable<T>& table;
  Levels levels;
  std::int64_t words;
  Tree tree;
  int lanes;
  T* scratch;
};

}  // namespace

bool pieces_in_lanes(double words, int lanes) {
  return words * lanes <= 16384 && lanes > 1 && lanes <= kMostLanes;
}

void plan_pieces_memory(const SignatureShape& shape, int element_bytes,
                        SignaturePlan& plan) {
  const std::int64_t words = shape.words();
  const std::int64_t factors = plan.pieces + shape.initial;
  const std::int64_t nodes =
      shape.batch * (2 * factors - 1) * words * element_bytes;
  const bool in_lanes = pieces_in_lanes(static_cast<double>(words), plan.lanes);
  const std::int64_t scratch =
      kMostSlots * scratch_bytes(words, plan.lanes, element_bytes);
  plan.pieces_byte = padded(plan.workspace_bytes);
  plan.workspace_bytes =
      plan.pieces_byte + padded(nodes) + (in_lanes ? padded(scratch) : 0);
  plan.saved_pieces_byte = padded(plan.saved_bytes);
  plan.saved_bytes = plan.saved_pieces_byte + padded(nodes);
}

SignatureShape shape_of_pieces(const SignatureShape& shape,
                               const SignaturePlan& plan) {
  SignatureShape inner = shape;
  if (plan.pieces > 1)
    inner.initial = inner.inverse = inner.scalar_term = false;
  return inner;
}

template <class T>
void multiply_pieces(const SignatureShape& shape, const SignaturePlan& plan,
                     const T* initial, T* nodes, T* signature,
                     void* workspace) {
  const Products<T> all(shape, plan, workspace);
  const Tree& tree = all.tree;
  for (std::int64_t b = 0; shape.initial && b < shape.batch; ++b)
    all.convert(all.first_word(initial, b),
                nodes + all.row(b, tree.factors - 1) * all.words);
  const auto node = [&](std::int64_t b, int i) {
    return all.ends_in_result() && i == tree.root()
               ? all.first_word(signature, b)
               : nodes + all.row(b, i) * all.words;
  };
  for (int round = 0; round < tree.rounds; ++round) {
    all.for_each_item(round, [&](const std::int64_t* path, const int* product,
                                 int count, T* scratch) {
      const T *a[kMostLanes], *b[kMostLanes];
      T* out[kMostLanes];
      for (int i = 0; i < count; ++i) {
        const int p = product[i];
        a[i] = node(path[i], tree.left[p]);
        b[i] = node(path[i], tree.right[p]);
        out[i] = node(path[i], tree.factors + p);
      }
      all.table.product(all.levels, shape.depth, count, a, b, out, scratch);
    });
  }
  for (std::int64_t b = 0; b < shape.batch; ++b) {
    if (!all.ends_in_result())
      all.convert(node(b, tree.root()), all.first_word(signature, b));
    if (shape.scalar_term) signature[b * shape.columns()] = T(1);
  }
}

template <class T>
void multiply_pieces_adjoint(const SignatureShape& shape,
                             const SignaturePlan& plan, const T* nodes,
                             const T* dsignature, T* dnodes, T* dinitial,
                             void* workspace) {
  const Products<T> all(shape, plan, workspace);
  const Tree& tree = all.tree;
  for (std::int64_t b = 0; b < shape.batch && !all.ends_in_result(); ++b)
    all.convert(all.first_word(dsignature, b),
                dnodes + all.row(b, tree.root()) * all.words);
  for (int round = tree.rounds; round-- > 0;) {
    all.for_each_item(round, [&](const std::int64_t* path, const int* product,
                                 int count, T* scratch) {
      const T *a[kMostLanes], *b[kMostLanes], *dout[kMostLanes];
      T *da[kMostLanes], *db[kMostLanes];
      for (int i = 0; i < count; ++i) {
        const int p = product[i];
        const std::int64_t left = all.row(path[i], tree.left[p]) * all.words;
        const std::int64_t right = all.row(path[i], tree.right[p]) * all.words;
        a[i] = nodes + left;
        b[i] = nodes + right;
        da[i] = dnodes + left;
        db[i] = dnodes + right;
        const int node = tree.factors + p;
        dout[i] = all.ends_in_result() && node == tree.root()
                      ? all.first_word(dsignature, path[i])
                      : dnodes + all.row(path[i], node) * all.words;
      }
      all.table.adjoint(all.levels, shape.depth, count, a, b, dout, da, db,
                        scratch);
    });
  }
  for (std::int64_t b = 0; dinitial && b < shape.batch; ++b) {
    all.convert(dnodes + all.row(b, tree.factors - 1) * all.words,
                all.first_word(dinitial, b));
    if (shape.scalar_term) dinitial[b * shape.columns()] = T(0);
  }
}

#define SIGTAPE_INSTANTIATE(T)                                               \
  template void multiply_pieces(const SignatureShape&, const SignaturePlan&, \
                                const T*, T*, T*, void*);                    \
  template void multiply_pieces_adjoint(const SignatureShape&,               \
                                        const SignaturePlan&, const T*,      \
                                        const T*, T*, T*, void*);
SIGTAPE_INSTANTIATE(float)
SIGTAPE_INSTANTIATE(double)
#undef SIGTAPE_INSTANTIATE

}  // namespace sigtape::cpu
