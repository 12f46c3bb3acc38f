// A stack of three signatures on streams of unequal lengths: every layer
// infers its input, and lengths travel with the data.
#include <sigtape/sigtape.h>

#include <iostream>
#include <numeric>
#include <vector>

int main() {
  using namespace sigtape;
  manual_seed(0);
  Dataset train = read_dataset("examples/data/JapaneseVowels_TRAIN.ts",
                               FormatChoice::automatic, MissingChoice::error);
  fit_normaliser(train, NormaliseChoice::standard, false).apply(train);
  auto model = deep_signet(train.channels, 9, 2, 3);
  lengthen_streams(train, model->least_length(), ShortChoice::pad);
  const BatchSource source(train, TargetForm::labels, {});
  model->build(source.shape());
  for (const NamedTensor& p : model->named_parameters()) {
    std::cout << p.name << " " << p.tensor.shape() << "\n";
  }

  const auto optimizer = adam(model->named_parameters(), {});
  std::vector<std::int64_t> order(train.cases);
  double first = 0, last = 0;
  for (int epoch = 0; epoch < 15; ++epoch) {
    std::iota(order.begin(), order.end(), 0);
    epoch_order(1, epoch, order);
    last = 0;
    for (std::int64_t i = 0; i + 30 <= train.cases; i += 30) {
      const Batch batch = source.gather({order.data() + i, 30});
      model->clear_gradients();
      const Tensor loss =
          cross_entropy(model->forward(batch.inputs).data, batch.targets);
      loss.backward();
      optimizer->step(0.01, {.norm = 1});
      last += loss.item() / 9;
    }
    if (epoch == 0) first = last;
    std::cout << "epoch " << epoch + 1 << ", loss " << last << "\n";
  }
  return last < 0.8 * first ? 0 : 1;
}
