#pragma once

#include <cstdint>
#include <vector>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/signature_products_kernels.h"
#include "sigtape/layers/signature/windows.h"

namespace sigtape {

template <class T>
using PlanList = std::vector<T, CacheAllocator<T>>;

/// Pieces of a path of about the same number of increments, whose signatures
/// are taken in one call.
struct PieceBucket {
  std::int64_t count = 0;
  /// Points of the longest.
  std::int64_t points = 0;
  /// Int64 (1, count * points): the rows of each piece's points.
  Tensor rows;
  /// Int64 (count), points of each; undefined where all have `points`.
  Tensor lengths;
};

/// How the signatures of windows are made up of those of pieces that no window
/// cuts in two: which rows of points make a piece, and which pieces are
/// multiplied. The products of two pieces are shared as far as windows are.
struct WindowPlan {
  /// The leaves, bucket after bucket.
  PlanList<PieceBucket> buckets;
  std::int64_t leaves = 0, products = 0, results = 0, rounds = 0;
  /// Whether the results are the leaves as they are.
  bool results_are_leaves = false;
  /// Else, int64: the arrays of a ProductsPlan, one after another; and the same
  /// where kernels read them.
  Tensor arrays, placed_arrays;
};

/// The arrays of a ProductsPlan in `arrays`, for its sizes.
ProductsPlan products_plan(const ProductsShape& shape, const Tensor& arrays);

/// Makes a WindowPlan. An interval [a, b) of pieces is cut at the multiple m
/// of the largest power of two in a + 1 .. b - 1, and is the product of [a, m)
/// and [m, b): both are chains from m outwards that all intervals cut at m
/// share, and the links of a chain are intervals of their own (a disjoint
/// sparse table, of which only what is asked for is made). Sliding windows
/// take about three products each, dyadic ones one, expanding ones two. Where
/// windows share so little that products cost more than walking over shared
/// increments again, every window is a piece of its own.
class WindowPlanner {
 public:
  /// For signatures of this size.
  WindowPlanner(std::int64_t channels, std::int64_t depth);
  /// Adds the windows of a stream of `points` points, the first at row
  /// `first_row`; where `base_row` is not negative each window starts with the
  /// point of that row. Intervals must lie in the stream and have two points,
  /// the base included.
  void add_stream(const PlanList<PointInterval>& windows, std::int64_t points,
                  std::int64_t first_row, std::int64_t base_row);
  /// The last window once more as the results up to `results`.
  void repeat_last(std::int64_t results);
  std::int64_t results() const {
    return static_cast<std::int64_t>(results_.size());
  }
  WindowPlan finish();

 private:
  // A piece: row `first`, then `increments` rows from `next` on.
  struct Piece {
    std::int64_t first, next, increments;
  };
  // The product of pieces first .. last - 1, wanted in slots_[slot].
  struct Request {
    std::int64_t first, last, slot;
  };
  // Requests of one level that are cut at the same piece, and where the slots
  // of the chains' links begin.
  struct Group {
    std::size_t begin, end;
    std::int64_t middle, links;
  };
  // Leaf i is node i, product p is node -(p + 1) until the end.
  struct Product {
    std::int64_t left, right, round;
  };

  void cut(const PlanList<PointInterval>& windows, std::int64_t points,
           std::int64_t first_row);
  bool shares_little(const PlanList<PointInterval>& windows, bool based) const;
  void add_whole(const PlanList<PointInterval>& windows, std::int64_t first_row,
                 std::int64_t base_row);
  void request(std::int64_t first, std::int64_t last, std::int64_t slot);
  void split(int level);
  void ends_of(const Group& group, const PlanList<Request>& requests);
  void multiply(int level);
  void multiply_group(const Group& group, PlanList<Request>& requests);
  std::int64_t product(std::int64_t left, std::int64_t right);
  std::int64_t round_of(std::int64_t node) const;

  void fill_buckets(WindowPlan& plan);
  void fill_arrays(WindowPlan& plan);

  double increment_cost_ = 0, product_cost_ = 0;
  PlanList<Piece> pieces_;
  PlanList<Product> products_;
  PlanList<std::int64_t> results_;  // nodes
  PlanList<std::int64_t> leaf_;     // final number of each piece

  // Of the stream that is being added.
  PlanList<std::int64_t> piece_at_, base_leaf_;
  PlanList<PlanList<Request>> levels_;
  PlanList<PlanList<Group>> groups_;
  PlanList<std::int64_t> slots_;
  PlanList<std::int64_t> firsts_, lasts_, suffix_, prefix_;
  std::int64_t first_piece_ = 0;
};

}  // namespace sigtape
