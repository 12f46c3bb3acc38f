// Linear regression by gradient descent: recovers y = X w + b from examples.
#include <sigtape/sigtape.h>

#include <iostream>

int main() {
  using namespace sigtape;
  manual_seed(1);
  const Tensor x = randn({200, 3});
  const Tensor w = from_values({2, -1, 0.5}, {1, 3});
  const Tensor y = linear(x, w, from_values({4}, {1}));

  auto model = sequential(linear({.out = 1}));
  model->build({0, 3});
  const auto optimizer =
      sgd(model->named_parameters(), {.lr = 0.1, .momentum = 0.9});
  double loss = 0;
  for (int step = 0; step < 200; ++step) {
    model->clear_gradients();
    const Tensor error = mse_loss((*model)(x), y);
    error.backward();
    optimizer->step(0.1);
    loss = error.item();
  }
  for (const NamedTensor& p : model->named_parameters()) {
    std::cout << p.name << " = " << p.tensor << "\n";
  }
  std::cout << "loss " << loss << "\n";
  return loss < 1e-8 ? 0 : 1;
}
