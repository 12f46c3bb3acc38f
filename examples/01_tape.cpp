// The tape: operations on variables are recorded, backward walks them in
// reverse. Here z = x y + exp(x), so dz/dx = y + exp(x) and dz/dy = x.
#include <sigtape/sigtape.h>

#include <cmath>
#include <iostream>

int main() {
  using namespace sigtape;
  const TensorOptions f64{DType::float64, {}};
  Tensor x = full({}, 2, f64), y = full({}, 3, f64);
  x.set_requires_grad();
  y.set_requires_grad();

  const Tensor z = x * y + exp(x);
  z.backward();
  std::cout << "z = " << z.item() << ", dz/dx = " << x.grad().item()
            << ", dz/dy = " << y.grad().item() << "\n";

  // Gradients of gradients: d2z/dx2 = exp(x).
  const Tensor again = x * y + exp(x);
  const Tensor first = gradients(again, {x}, {}, {.create_graph = true})[0];
  const double second = gradients(first, {x})[0].item();
  std::cout << "d2z/dx2 = " << second << "\n";

  const bool right = std::abs(x.grad().item() - (3 + std::exp(2))) < 1e-12 &&
                     std::abs(second - std::exp(2)) < 1e-12;
  return right ? 0 : 1;
}
