#include "sigtape/training/trainer/batch_source.h"

#include <algorithm>
#include <cstring>

#include "sigtape/framework/dispatch.h"

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
      return from_indices(data.labels);
    case TargetForm::one_hot:
      return one_hot(data, options);
    case TargetForm::numbers:
      return from_values(data.numbers, {data.cases, data.outputs}, options);
    case TargetForm::none:
      break;
  }
  return {};
}

// Rows of `width` elements of `source` at `indices`.
template <class T>
void gather_rows(const T* source, std::int64_t width,
                 std::span<const std::int64_t> indices, T* out) {
  for (const std::int64_t i : indices) {
    out = std::copy_n(source + i * width, width, out);
  }
}

}  // namespace

BatchSource::BatchSource(const Dataset& dataset, TargetForm form,
                         TensorOptions options)
    : options_(options),
      form_(form),
      channels_(dataset.channels),
      lengths_(dataset.lengths),
      offsets_(dataset.offsets),
      points_(from_values(dataset.values, {dataset.points(), dataset.channels},
                          options)),
      targets_(targets_of(dataset, form, options)) {}

ValueShape BatchSource::shape() const {
  const auto [least, most] =
      std::minmax_element(lengths_.begin(), lengths_.end());
  return {*most, channels_, *least != *most};
}

std::int64_t BatchSource::bytes() const {
  return points_.impl()->storage->bytes() +
         (targets_.defined() ? targets_.impl()->storage->bytes() : 0);
}

Batch BatchSource::gather(std::span<const std::int64_t> indices) const {
  const auto batch = static_cast<std::int64_t>(indices.size());
  std::int64_t longest = 0, shortest = lengths_[indices[0]];
  for (const std::int64_t i : indices) {
    longest = std::max(longest, lengths_[i]);
    shortest = std::min(shortest, lengths_[i]);
  }
  Batch result;
  result.inputs.data = empty({batch, longest, channels_}, options_);
  if (shortest != longest) {
    result.inputs.lengths = empty({batch}, {DType::int64, options_.device});
    gather_rows(lengths_.data(), 1, indices,
                result.inputs.lengths.mutable_data<std::int64_t>());
  }
  dispatch_floating("batch", points_, [&]<class T>(auto, T) {
    const T* points = points_.data<T>();
    T* out = result.inputs.data.template mutable_data<T>();
    for (const std::int64_t i : indices) {
      const T* first = points + offsets_[i] * channels_;
      out = std::copy_n(first, lengths_[i] * channels_, out);
      const T* last = first + (lengths_[i] - 1) * channels_;
      for (std::int64_t t = lengths_[i]; t < longest; ++t) {
        out = std::copy_n(last, channels_, out);
      }
    }
  });
  result.targets = gather_targets(indices);
  return result;
}

Tensor BatchSource::gather_targets(
    std::span<const std::int64_t> indices) const {
  if (!targets_.defined()) return {};
  Shape shape = targets_.shape();
  shape[0] = static_cast<std::int64_t>(indices.size());
  Tensor out = empty(shape, {targets_.dtype(), targets_.device()});
  const std::int64_t width = targets_.rank() == 2 ? targets_.size(1) : 1;
  dispatch_any(targets_, [&]<class T>(auto, T) {
    gather_rows(targets_.data<T>(), width, indices, out.mutable_data<T>());
  });
  return out;
}

}  // namespace sigtape
