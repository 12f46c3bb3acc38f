#include "sigtape/framework/shape.h"

#include <algorithm>
#include <ostream>
#include <sstream>

#include "sigtape/framework/check.h"

namespace sigtape {

Shape::Shape(std::initializer_list<std::int64_t> dims)
    : Shape(dims.begin(), static_cast<int>(dims.size())) {}

Shape::Shape(const std::int64_t* dims, int rank) : rank_(rank) {
  require(rank <= max_rank, "shape: at most ", max_rank, " dimensions, got ",
          rank);
  std::copy(dims, dims + rank, dims_.begin());
}

Shape Shape::filled(int rank, std::int64_t value) {
  Shape shape;
  for (int i = 0; i < rank; ++i) shape.push_back(value);
  return shape;
}

void Shape::push_back(std::int64_t dim) {
  require(rank_ < max_rank, "shape: at most ", max_rank, " dimensions");
  dims_[rank_++] = dim;
}

std::int64_t Shape::numel() const {
  std::int64_t product = 1;
  for (const std::int64_t dim : *this) {
    require(dim >= 0, "shape: negative size in ", *this);
    require(!__builtin_mul_overflow(product, dim, &product),
            "shape: the number of elements of ", *this,
            " is not representable");
  }
  return product;
}

Shape Shape::contiguous_strides() const {
  Shape strides = *this;
  std::int64_t stride = 1;
  for (int i = rank_ - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= std::max<std::int64_t>(dims_[i], 1);
  }
  return strides;
}

bool Shape::operator==(const Shape& other) const {
  return std::equal(begin(), end(), other.begin(), other.end());
}

std::string Shape::to_string() const {
  std::ostringstream text;
  text << *this;
  return text.str();
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  out << '(';
  for (int i = 0; i < shape.rank(); ++i) out << (i ? ", " : "") << shape[i];
  return out << ')';
}

int normalise_dim(const char* op, int dim, int rank) {
  require(dim >= -rank && dim < rank, op, ": dimension ", dim,
          " is out of range for ", rank, " dimensions");
  return dim < 0 ? dim + rank : dim;
}

int normalise_dim(const char* op, std::int64_t dim, const Shape& shape) {
  const int rank = shape.rank();
  require(dim >= -rank && dim < rank, op, ": dimension ", dim,
          " is out of range for shape ", shape);
  return static_cast<int>(dim < 0 ? dim + rank : dim);
}

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  Shape out = Shape::filled(std::max(a.rank(), b.rank()), 1);
  for (int i = 1; i <= out.rank(); ++i) {
    const std::int64_t x = i <= a.rank() ? a[a.rank() - i] : 1;
    const std::int64_t y = i <= b.rank() ? b[b.rank() - i] : 1;
    require(x == y || x == 1 || y == 1, op, ": shapes ", a, " and ", b,
            " do not broadcast");
    out[out.rank() - i] = x == 1 ? y : x;
  }
  return out;
}

}  // namespace sigtape
