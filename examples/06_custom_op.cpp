// A new operation from outside the library, swish(x) = x sigmoid(x): the
// forward in a loop, the derivative beside it, and a check of the derivative.
#include <sigtape/sigtape.h>

#include <cmath>
#include <iostream>

using namespace sigtape;

template <class T>
void swish_kernel(std::int64_t count, const T* x, T* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] / (1 + std::exp(-x[i]));
}

// x of any shape. swish'(x) = s + x s (1 - s) with s = sigmoid(x); written
// with operations, so that it can be differentiated again.
Tensor swish(const Tensor& input) {
  const Tensor x = contiguous(input);
  Tensor y = empty_like(x);
  if (x.dtype() == DType::float64) {
    swish_kernel(x.numel(), x.data<double>(), y.mutable_data<double>());
  } else {
    swish_kernel(x.numel(), x.data<float>(), y.mutable_data<float>());
  }
  return record("swish", y, {x}, {x}, [](Backward& backward) {
    const Tensor x = backward.saved(0), s = sigmoid(x);
    backward.add(0, backward.grad() * (s + x * s * (1.0 - s)));
  });
}

int main() {
  const Tensor x = linspace(-3, 3, 7, {DType::float64, {}});
  std::cout << "swish " << swish(x) << "\n";
  const GradcheckResult result = gradcheck(
      [](const std::vector<Tensor>& in) { return swish(in[0]); }, {x});
  std::cout << (result.ok ? "the derivative is right to "
                          : "the derivative is wrong by ")
            << result.worst << "\n";
  return result.ok ? 0 : 1;
}
