// A gradient penalty: SigNet2 learns to tell loops from loops run backwards,
// while the gradient of its score with respect to the path is kept small, so
// that a small change of a path changes the score little. That takes the
// gradient of a gradient.
#include <sigtape/sigtape.h>

#include <cmath>
#include <iostream>
#include <numbers>
#include <vector>

namespace {

using namespace sigtape;

// Noisy loops (count, 20, 2), every second one run backwards.
Tensor loops(std::int64_t count) {
  std::vector<double> points;
  for (std::int64_t i = 0; i < count; ++i)
    for (int t = 0; t < 20; ++t) {
      const double angle = (i % 2 ? -1 : 1) * 2 * std::numbers::pi * t / 19;
      points.insert(points.end(), {std::cos(angle), std::sin(angle)});
    }
  return from_values(points, {count, 20, 2}) + 0.3 * randn({count, 20, 2});
}

// Trains with loss + weight * slope, and gives the last slope: the mean over
// the paths of |d score / d path|^2.
double trained(double weight) {
  manual_seed(0);
  const Tensor paths = loops(64).set_requires_grad();
  std::vector<double> labels(64);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = i % 2;
  const Tensor target = from_values(labels, {64, 1});
  const auto model = signet2(2, 1, 3);
  model->build({20, 2});
  const auto optimizer = adam(model->named_parameters(), {});
  double loss = 0, slope = 0;
  for (int step = 0; step < 100; ++step) {
    model->clear_gradients();
    const Tensor score = (*model)(paths);
    const Tensor g = gradients(sum(score), {paths}, {},
                               {.retain_graph = true, .create_graph = true})[0];
    const Tensor task = binary_cross_entropy_with_logits(score, target);
    const Tensor penalty = sum(g * g) / 64;
    (task + weight * penalty).backward();
    optimizer->step(0.01);
    loss = task.item();
    slope = penalty.item();
  }
  std::cout << "weight " << weight << ": loss " << loss << ", slope " << slope
            << "\n";
  return slope;
}

}  // namespace

int main() { return trained(0.01) < 0.5 * trained(0) ? 0 : 1; }
