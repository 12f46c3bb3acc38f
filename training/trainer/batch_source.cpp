#include "sigtape/training/trainer/batch_source.h"

#include <algorithm>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/training/trainer/batch_kernels.h"

namespace sigtape {

namespace {

Tensor one_hot(const Dataset& data, TensorOptions options) {
  const auto classes = static_cast<std::int64_t>(data.class_names.size());
  std::vector<double> rows(data.cases * classes);
  for (std::int64_t i = 0; i < data.cases; ++i) {
    rows[i * classes + data.labels[i]] = 1;
  }
  return from_values(rows, {data.cases, classes}, options);
}

Tensor targets_of(const Dataset& data, TargetForm form, TensorOptions options) {
  switch (form) {
    case TargetForm::labels:
      return from_indices(data.labels).to(options.device);
    case TargetForm::one_hot:
      return one_hot(data, options);
    case TargetForm::numbers:
      return from_values(data.numbers, {data.cases, data.outputs}, options);
    case TargetForm::none:
      break;
  }
  return {};
}

TensorOptions held(TensorOptions options, Residence residence) {
  if (residence == Residence::main_memory) options.device = {};
  return options;
}

Tensor select_row(const Tensor& table, std::int64_t row) {
  const NoGrad no_grad;
  return reshape(slice(table, 0, row, row + 1), {table.size(1)});
}

Batch moved(const Batch& batch, Device device) {
  Batch there;
  there.inputs.data = batch.inputs.data.to(device);
  if (batch.inputs.lengths.defined())
    there.inputs.lengths = batch.inputs.lengths.to(device);
  if (batch.targets.defined()) there.targets = batch.targets.to(device);
  return there;
}

}  // namespace

BatchSource::BatchSource(const Dataset& dataset, TargetForm form,
                         TensorOptions options, Residence residence)
    : options_(options),
      form_(form),
      channels_(dataset.channels),
      lengths_(dataset.lengths),
      offsets_(dataset.offsets),
      points_(from_values(dataset.values, {dataset.points(), dataset.channels},
                          held(options, residence))),
      targets_(targets_of(dataset, form, held(options, residence))) {
  if (points_.device().is_cpu()) return;
  std::vector<std::int64_t> rows = offsets_;
  rows.insert(rows.end(), lengths_.begin(), lengths_.end());
  layout_ = reshape(from_indices(rows), {2, cases()}).to(options.device);
}

ValueShape BatchSource::shape() const {
  const auto [least, most] =
      std::minmax_element(lengths_.begin(), lengths_.end());
  return {*most, channels_, *least != *most};
}

ValueShape BatchSource::shape(std::span<const std::int64_t> indices) const {
  std::int64_t longest = 0, shortest = lengths_[indices[0]];
  for (const std::int64_t i : indices) {
    longest = std::max(longest, lengths_[i]);
    shortest = std::min(shortest, lengths_[i]);
  }
  return {longest, channels_, shortest != longest};
}

std::int64_t BatchSource::bytes() const {
  return points_.impl()->storage->bytes() +
         (targets_.defined() ? targets_.impl()->storage->bytes() : 0);
}

Batch BatchSource::gather(std::span<const std::int64_t> indices) const {
  const auto batch = static_cast<std::int64_t>(indices.size());
  Tensor table = empty({3, batch}, {DType::int64, {}});
  std::int64_t* row = table.mutable_data<std::int64_t>();
  for (const std::int64_t i : indices) {
    row[0] = i;
    row[batch] = offsets_[i];
    row[2 * batch] = lengths_[i];
    ++row;
  }
  table = table.to(points_.device());
  const ValueShape own = shape(indices);
  if (own.unequal || !points_.device().is_cpu())
    return moved(gather(table, points_, targets_, own), options_.device);
  Batch result;
  result.inputs.data = select_streams(indices, own.length);
  result.targets = gather_targets(table, targets_);
  return moved(result, options_.device);
}

Batch BatchSource::gather(const Tensor& table, const Tensor& points,
                          const Tensor& targets,
                          const ValueShape& padded) const {
  const std::int64_t batch = table.size(1);
  Batch result;
  result.inputs.data = empty({batch, padded.length, channels_},
                             {options_.dtype, points.device()});
  if (padded.unequal) result.inputs.lengths = clone(select_row(table, 2));
  compute_floating("batch", points, [&]<class T>(auto device, T) {
    gather_streams(device, {batch, padded.length, channels_},
                   table.data<std::int64_t>(), points.data<T>(),
                   result.inputs.data.template mutable_data<T>());
  });
  result.targets = gather_targets(table, targets);
  return result;
}

// Streams as they stand in the data: what reads a batch once need not wait for
// a copy of it.
Tensor BatchSource::select_streams(std::span<const std::int64_t> indices,
                                   std::int64_t length) const {
  CacheVector<std::int64_t> firsts(indices.size());
  std::transform(indices.begin(), indices.end(), firsts.begin(),
                 [this](std::int64_t i) { return offsets_[i] * channels_; });
  const auto batch = static_cast<std::int64_t>(indices.size());
  return select_blocks(points_, firsts, {batch, length, channels_});
}

Tensor BatchSource::gather_targets(const Tensor& table, const Tensor& targets) {
  if (!targets.defined()) return {};
  Shape shape = targets.shape();
  shape[0] = table.size(1);
  Tensor out = empty(shape, {targets.dtype(), targets.device()});
  const std::int64_t width = targets.rank() == 2 ? targets.size(1) : 1;
  compute_any(targets, [&]<class T>(auto device, T) {
    gather_rows(device, shape[0], width, table.data<std::int64_t>(),
                targets.data<T>(), out.mutable_data<T>());
  });
  return out;
}

}  // namespace sigtape
