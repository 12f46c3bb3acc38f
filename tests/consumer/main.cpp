// Defines and trains a SigNet against an install tree of sigtape alone.
#include <sigtape/sigtape.h>

#include <iostream>

int main() {
  using namespace sigtape;
  manual_seed(1);
  auto model = sequential(
      augment({.in_channels = 6, .layer_sizes = {8, 8, 2}, .kernel_size = 4}),
      signature({.depth = 3, .basepoint = true}), linear({.out = 4}));
  const Tensor streams = randn({16, 20, 6});
  const Tensor classes = from_indices(std::vector<std::int64_t>{
      0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3});
  (*model)(streams);  // the first call fixes the shapes
  const auto optimizer = adam(model->named_parameters(), {});
  double first = 0, last = 0;
  for (int step = 0; step < 20; ++step) {
    model->clear_gradients();
    const Tensor loss = cross_entropy((*model)(streams), classes);
    loss.backward();
    optimizer->step(0.01);
    last = loss.item();
    if (step == 0) first = last;
  }
  std::cout << "sigtape " << version() << ": " << model->parameter_count()
            << " parameters, loss " << first << " -> " << last << "\n";
  return last < first ? 0 : 1;
}
