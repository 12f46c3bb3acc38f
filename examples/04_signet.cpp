// A SigNet2 in C++: reads real data, defines the model, trains it, tests it.
#include <sigtape/sigtape.h>

#include <iostream>
#include <numeric>
#include <vector>

using namespace sigtape;

// Data of this file, normalised as the training data is.
Dataset load(const char* path, const Normaliser* normaliser) {
  Dataset data =
      read_dataset(path, FormatChoice::automatic, MissingChoice::error);
  if (normaliser) normaliser->apply(data);
  return data;
}

int main() {
  manual_seed(0);
  Dataset train = load("examples/data/BasicMotions_TRAIN.ts", nullptr);
  const Normaliser normaliser =
      fit_normaliser(train, NormaliseChoice::standard, false);
  normaliser.apply(train);
  const Dataset test = load("examples/data/BasicMotions_TEST.ts", &normaliser);
  const BatchSource source(train, TargetForm::labels, {});

  auto model = sequential(
      augment({.in_channels = 6, .layer_sizes = {8, 8, 2}, .kernel_size = 4}),
      signature({.depth = 2, .basepoint = true}), linear({.out = 4}));
  model->build(source.shape());
  std::cout << model->parameter_count() << " parameters\n";

  const auto optimizer = adam(model->named_parameters(), {});
  std::vector<std::int64_t> all(train.cases);
  std::iota(all.begin(), all.end(), 0);
  for (int epoch = 0; epoch < 100; ++epoch) {
    const Batch batch = source.gather(all);
    model->clear_gradients();
    const Tensor loss =
        cross_entropy(model->forward(batch.inputs).data, batch.targets);
    loss.backward();
    optimizer->step(0.01);
    if (epoch % 20 == 0) std::cout << "loss " << loss.item() << "\n";
  }

  const auto outputs =
      predict(*model, BatchSource(test, TargetForm::labels, {}), 20);
  const ClassMetrics metrics =
      class_metrics(predicted_classes(outputs, 4), test.labels, 4);
  std::cout << "test accuracy " << metrics.accuracy << "\n";
  return metrics.accuracy > 0.7 ? 0 : 1;
}
