#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <string>

namespace sigtape {

/// Sizes (or strides, in elements) of up to 8 dimensions, held in place: a
/// copy allocates nothing.
class Shape {
 public:
  static constexpr int max_rank = 8;

  Shape() = default;
  /// Throws UsageError for more than 8 dimensions.
  Shape(std::initializer_list<std::int64_t> dims);
  Shape(const std::int64_t* dims, int rank);
  /// `rank` times `value`.
  static Shape filled(int rank, std::int64_t value);

  int rank() const { return rank_; }
  std::int64_t operator[](int i) const { return dims_[i]; }
  std::int64_t& operator[](int i) { return dims_[i]; }
  const std::int64_t* begin() const { return dims_.data(); }
  const std::int64_t* end() const { return dims_.data() + rank_; }
  std::int64_t back() const { return dims_[rank_ - 1]; }
  void push_back(std::int64_t dim);

  /// Product of the dimensions, 1 for rank 0. Throws UsageError where it is
  /// not representable or a dimension is negative.
  std::int64_t numel() const;
  /// Strides of a row-major tensor of this shape.
  Shape contiguous_strides() const;
  bool operator==(const Shape& other) const;
  /// "(2, 3)".
  std::string to_string() const;

 private:
  std::array<std::int64_t, max_rank> dims_{};
  int rank_ = 0;
};

std::ostream& operator<<(std::ostream& out, const Shape& shape);

/// `dim` in -rank..rank-1 as 0..rank-1. Throws UsageError naming `op`.
int normalise_dim(const char* op, int dim, int rank);
/// The same for the rank of `shape`; the error names the shape.
int normalise_dim(const char* op, std::int64_t dim, const Shape& shape);

/// The common shape of two operands by NumPy's broadcasting rules. Throws
/// UsageError naming `op` and both shapes where there is none.
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);

}  // namespace sigtape
