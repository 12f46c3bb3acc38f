#include "sigtape/training/trainer/prepare.h"

#include <string_view>
#include <utility>
#include <vector>

#include "sigtape/framework/check.h"

namespace sigtape {

namespace {

// A model that flattens streams takes one length only.
void require_one_length(const Dataset& dataset, const Sequential& model) {
  for (std::int64_t i = 0; i < model.size(); ++i) {
    const Module& layer = *model.layer(i);
    if (std::string_view(layer.type()) != "flatten" ||
        !layer.input_shape().is_stream()) {
      continue;
    }
    const std::int64_t length = model.input_shape().length;
    require<DataError>(
        dataset.min_length() == length && dataset.max_length() == length,
        dataset.source, ": ", layer.label(), " needs streams of ",
        counted(length, "point"), " as in training, found lengths from ",
        dataset.min_length(), " to ", dataset.max_length());
  }
}

}  // namespace

void lengthen_streams(Dataset& dataset, std::int64_t least,
                      ShortChoice choice) {
  if (dataset.min_length() >= least) return;
  Dataset longer = dataset;
  longer.cases = 0;
  longer.lengths.clear();
  longer.offsets.clear();
  longer.values.clear();
  longer.times.clear();
  for (std::int64_t i = 0; i < dataset.cases; ++i) {
    const auto points = dataset.stream(i);
    const std::int64_t length = dataset.lengths[i];
    require<DataError>(
        length >= least || choice == ShortChoice::pad, dataset.source,
        ": case ", i + 1, " has ", counted(length, "point"),
        ", too short a stream to take the signature: the model needs ", least,
        "; data.short: pad repeats the last point");
    std::vector<double> padded(points.begin(), points.end());
    for (std::int64_t t = length; t < least; ++t) {
      padded.insert(padded.end(), points.end() - dataset.channels,
                    points.end());
    }
    longer.add_stream(padded);
  }
  dataset = std::move(longer);
}

void require_targets(const Dataset& dataset, const ModelInfo& info) {
  const bool classes = info.target == TargetKind::classes;
  require<DataError>(dataset.target == info.target, dataset.source,
                     ": expected ", classes ? "classes" : "numbers",
                     " as targets, as in training, found ",
                     dataset.target == TargetKind::none ? "none"
                     : classes                          ? "numbers"
                                                        : "classes");
  require<DataError>(classes || dataset.outputs == info.outputs, dataset.source,
                     ": expected ", counted(info.outputs, "target"),
                     " per case as in training, found ", dataset.outputs);
}

Dataset prepared(Dataset dataset, const ModelInfo& info,
                 const Sequential& model, ShortChoice choice) {
  lengthen_streams(dataset, model.least_length(), choice);
  info.normaliser.apply(dataset);
  require_one_length(dataset, model);
  return dataset;
}

}  // namespace sigtape
