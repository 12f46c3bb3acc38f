#include "sigtape/training/trainer/evaluate.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/training/trainer/batch_stream.h"

namespace sigtape {

namespace {

// Calls body(batch, output) for each batch, in order, in evaluation mode. Where
// data is streamed, the next batch is on its way before body waits for
// anything.
template <class Body>
void for_each_batch(Module& model, const BatchSource& source,
                    std::int64_t batch_size, const Body& body) {
  const NoGrad no_grad;
  const bool training = model.is_training();
  model.eval();
  std::vector<std::int64_t> indices(source.cases());
  std::iota(indices.begin(), indices.end(), 0);
  std::optional<BatchStream> stream;
  if (source.is_streamed()) {
    stream.emplace(source, std::min(batch_size, source.cases()));
    stream->start(indices, 0);
  }
  for (std::int64_t first = 0; first < source.cases(); first += batch_size) {
    const std::int64_t count = std::min(batch_size, source.cases() - first);
    if (stream) stream->before_step();
    const Batch batch =
        stream ? stream->gather()
               : source.gather(std::span(indices).subspan(first, count));
    const Tensor output = model.forward(batch.inputs).data;
    if (stream) stream->after_step();
    body(batch, output);
  }
  model.train(training);
}

void append(std::vector<double>& all, const Tensor& output) {
  const std::vector<double> values = output.to_vector();
  all.insert(all.end(), values.begin(), values.end());
}

}  // namespace

std::vector<double> predict(Module& model, const BatchSource& source,
                            std::int64_t batch_size) {
  std::vector<double> outputs;
  for_each_batch(model, source, batch_size,
                 [&](const Batch&, const Tensor& y) { append(outputs, y); });
  return outputs;
}

std::vector<std::int64_t> predicted_classes(const std::vector<double>& outputs,
                                            std::int64_t classes) {
  std::vector<std::int64_t> predicted;
  for (auto row = outputs.begin(); row != outputs.end(); row += classes) {
    predicted.push_back(std::max_element(row, row + classes) - row);
  }
  return predicted;
}

Evaluation evaluate(Module& model, const BatchSource& source,
                    const Dataset& dataset, const Objective& objective,
                    const Normaliser& normaliser, std::int64_t batch_size) {
  Evaluation result;
  std::vector<double> outputs;
  double weights = 0;
  for_each_batch(model, source, batch_size,
                 [&](const Batch& batch, const Tensor& y) {
                   const double weight = objective.weight(batch.targets);
                   const double loss = objective.loss(y, batch.targets).item();
                   result.loss += weight * loss;
                   weights += weight;
                   append(outputs, y);
                 });
  result.loss /= weights;
  result.classification = objective.is_classification();
  if (result.classification) {
    result.classes =
        class_metrics(predicted_classes(outputs, objective.classes()),
                      dataset.labels, objective.classes());
  } else {
    objective.to_numbers(outputs, normaliser);
    result.numbers =
        number_metrics(outputs, dataset.numbers, objective.outputs());
  }
  return result;
}

}  // namespace sigtape
