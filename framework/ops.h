#pragma once

#include <cstdint>

#include "sigtape/framework/random.h"
#include "sigtape/framework/tensor.h"

/// Every operation of the framework. Common to all: floating inputs of one
/// operation have the same type (float32 or float64) and device; any strides
/// are accepted; the result is new memory unless it says "view"; a wrong shape
/// or type throws UsageError naming the operation and the shapes; all are
/// differentiable with respect to every floating input unless stated.
namespace sigtape {

// ---- Arithmetic (ops/arithmetic.cpp). Shapes broadcast as in NumPy.

Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
/// a + s, a * s; -a. Of any type, s is converted to it.
Tensor add(const Tensor& a, double s);
Tensor mul(const Tensor& a, double s);
Tensor neg(const Tensor& a);
/// a - s, a / s, s - a, s / a.
Tensor sub(const Tensor& a, double s);
Tensor div(const Tensor& a, double s);
Tensor sub(double s, const Tensor& a);
Tensor div(double s, const Tensor& a);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator+(const Tensor& a, double s) { return add(a, s); }
inline Tensor operator-(const Tensor& a, double s) { return sub(a, s); }
inline Tensor operator*(const Tensor& a, double s) { return mul(a, s); }
inline Tensor operator/(const Tensor& a, double s) { return div(a, s); }
inline Tensor operator+(double s, const Tensor& a) { return add(a, s); }
inline Tensor operator-(double s, const Tensor& a) { return sub(s, a); }
inline Tensor operator*(double s, const Tensor& a) { return mul(a, s); }
inline Tensor operator/(double s, const Tensor& a) { return div(s, a); }
inline Tensor operator-(const Tensor& a) { return neg(a); }

// ---- Elementwise functions (ops/elementwise.cpp). Result of a's shape.

Tensor exp(const Tensor& a);
Tensor log(const Tensor& a);
Tensor sqrt(const Tensor& a);
/// |a|, with derivative 0 at 0.
Tensor abs(const Tensor& a);
/// a^exponent.
Tensor pow(const Tensor& a, double exponent);
/// a^b, broadcasting.
Tensor pow(const Tensor& a, const Tensor& b);
/// max(a, 0), with derivative 0 at 0.
Tensor relu(const Tensor& a);
/// a where a > 0, slope * a elsewhere.
Tensor leaky_relu(const Tensor& a, double slope = 0.01);
Tensor tanh(const Tensor& a);
/// 1 / (1 + exp(-a)).
Tensor sigmoid(const Tensor& a);
/// a Phi(a), Phi the normal distribution (Hendrycks and Gimpel 2016,
/// arXiv:1606.08415), exact by erf.
Tensor gelu(const Tensor& a);
/// log(1 + exp(a)), without overflow.
Tensor softplus(const Tensor& a);

// ---- Reductions (ops/reduce.cpp). `dims` lists axes, negative ones from the
// end; an empty list means all. With keepdim the reduced axes stay as size 1.

Tensor sum(const Tensor& a, const Shape& dims = {}, bool keepdim = false);
Tensor mean(const Tensor& a, const Shape& dims = {}, bool keepdim = false);
/// The largest element; where several are equal the gradient is shared evenly.
Tensor max(const Tensor& a, const Shape& dims = {}, bool keepdim = false);
/// (sum |a|^p)^(1/p) for p >= 1; the largest |a| for infinite p. At 0 the
/// derivative is 0.
Tensor norm(const Tensor& a, double p = 2, const Shape& dims = {},
            bool keepdim = false);
/// The sum over the axes along which `shape` broadcasts to a's shape: the
/// adjoint of broadcasting. a itself if the shapes are equal.
Tensor sum_to(const Tensor& a, const Shape& shape);

// ---- Shape (ops/shape_ops.cpp)

/// The elements in row-major order in another shape; one -1 is inferred. A
/// view where the strides allow it.
Tensor reshape(const Tensor& a, const Shape& shape);
/// Two axes swapped: a view.
Tensor transpose(const Tensor& a, int dim0, int dim1);
/// Axis i of the result is axis order[i]: a view.
Tensor permute(const Tensor& a, const Shape& order);
/// Broadcast to `shape`: a view with strides 0.
Tensor expand(const Tensor& a, const Shape& shape);
/// Positions start, start + step, ... < stop of one axis, as in Python
/// (negative positions count from the end, both are clamped; step >= 1): a
/// view.
Tensor slice(const Tensor& a, int dim, std::int64_t start, std::int64_t stop,
             std::int64_t step = 1);
/// One after another along `dim`; all other sizes equal; at least one tensor.
Tensor concat(TensorList tensors, int dim);
/// `before` and `after` elements of `value` around axis `dim`.
Tensor pad(const Tensor& a, int dim, std::int64_t before, std::int64_t after,
           double value = 0);
/// out[i][j][k] = a[i][index[i][j][k]][k] for dim = 1, and so on: index is
/// int64, of a's rank, and no larger than a off `dim`. Indices out of range
/// throw.
Tensor gather(const Tensor& a, int dim, const Tensor& index);
/// The adjoint of gather: zeros of `shape` to which the values of `a` are
/// added at `index`.
Tensor scatter_add(const Shape& shape, int dim, const Tensor& index,
                   const Tensor& a);
/// a where condition (int64) is not 0, b elsewhere; the three broadcast.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// A contiguous copy.
Tensor clone(const Tensor& a);
/// Converted to another type; a itself if it has that type.
Tensor cast(const Tensor& a, DType dtype);

// ---- Products (ops/matmul.cpp, ops/conv1d.cpp)

/// Matrix product over the last two axes, the others broadcast: (..., m, k) x
/// (..., k, n) -> (..., m, n). Vectors as in NumPy.
Tensor matmul(const Tensor& a, const Tensor& b);
/// x weight^T + bias: x (..., in), weight (out, in), bias (out) or undefined.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

struct Conv1dOptions {
  std::int64_t stride = 1;
  std::int64_t padding = 0;  // zeros at both ends
  std::int64_t dilation = 1;
};

/// Cross-correlation along a stream: x (batch, length, in), weight (out, in,
/// kernel), bias (out) or undefined -> (batch, length', out), length' =
/// (length + 2 padding - dilation (kernel - 1) - 1) / stride + 1. Channels
/// stand last, as everywhere in this library; the weight is as in PyTorch.
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              Conv1dOptions options = {});

// ---- Normalisation and dropout (ops/softmax.cpp, layer_norm.cpp, dropout.cpp)

/// exp(a) / sum exp(a) along `dim`, without overflow.
Tensor softmax(const Tensor& a, int dim = -1);
Tensor log_softmax(const Tensor& a, int dim = -1);
/// (a - mean) / sqrt(variance + eps) over the last axis, times weight, plus
/// bias, both (size of that axis) or undefined (Ba et al. 2016,
/// arXiv:1607.06450). The variance is the population's.
Tensor layer_norm(const Tensor& a, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5);
/// Each element is 0 with probability p, else divided by 1 - p; the elements'
/// random numbers come from `generator`. a itself for p = 0.
Tensor dropout(const Tensor& a, double p,
               Generator& generator = default_generator());

// ---- Losses (ops/loss.cpp)

enum class Reduction { mean, sum, none };

/// (a - b)^2, |a - b|; shapes equal. Differentiable in both.
Tensor mse_loss(const Tensor& prediction, const Tensor& target,
                Reduction reduction = Reduction::mean);
Tensor mae_loss(const Tensor& prediction, const Tensor& target,
                Reduction reduction = Reduction::mean);
/// e^2 / 2 for |e| <= delta, delta (|e| - delta / 2) beyond (Huber 1964).
Tensor huber_loss(const Tensor& prediction, const Tensor& target,
                  double delta = 1, Reduction reduction = Reduction::mean);

struct CrossEntropyOptions {
  Tensor class_weights;        // (classes), or undefined
  double label_smoothing = 0;  // in [0, 1)
  Reduction reduction = Reduction::mean;
};

/// -sum_c q_c log softmax(logits)_c: logits (batch, classes), target int64
/// (batch); q puts 1 - label_smoothing on the target and spreads the rest over
/// all classes; weights and the weighted mean as in PyTorch. Differentiable in
/// logits.
Tensor cross_entropy(const Tensor& logits, const Tensor& target,
                     const CrossEntropyOptions& options = {});
/// -(t log sigmoid(x) + (1 - t) log(1 - sigmoid(x))), without overflow; shapes
/// equal, targets in [0, 1]. Differentiable in logits.
Tensor binary_cross_entropy_with_logits(const Tensor& logits,
                                        const Tensor& target,
                                        Reduction reduction = Reduction::mean);

}  // namespace sigtape
