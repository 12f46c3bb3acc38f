#pragma once

#include "sigtape/framework/cuda/scratch.h"
#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/framework/divide_up.h"
#include "sigtape/layers/signature/signature_chain_cuda.h"

/// A signature and its gradients by the kernels for any size
/// (signature_chain_cuda.h), for any type of number that they know.
namespace sigtape::cuda {

/// Numbers that a call of chain_signature saves.
template <class T>
std::int64_t chain_saved(const SignatureShape& shape) {
  const std::int64_t pieces = divide_up(shape.increments(), kChainInterval);
  return shape.batch * pieces * first_word(shape.channels, shape.depth);
}

/// Numbers of all increments.
inline std::int64_t points_of(const SignatureShape& shape) {
  return shape.batch * shape.increments() * shape.channels;
}

/// A walk over all increments, as write_increments has left them.
template <class T>
ChainWalk<T> whole_walk(const SignatureShape& shape, const T* increments) {
  return {increments,  shape.batch, shape.increments(), shape.channels,
          shape.depth, 0,           shape.increments()};
}

/// signature_forward of signature_kernels.h; `saved` may be null.
template <class T>
void chain_signature(Cuda device, const SignatureShape& shape,
                     const SignatureInputs<T>& inputs, T* signature, T* saved) {
  CUstream_st* stream = cuda::stream(device);
  const Scratch<T> increments(points_of(shape), device.device);
  write_increments(stream, shape.batch, increments_of(shape, inputs),
                   increments.data());
  chain_forward<T>(stream, {.walk = whole_walk(shape, increments.data()),
                            .format = row_format(shape),
                            .start = shape.initial ? inputs.initial : nullptr,
                            .start_stride = shape.columns(),
                            .rows = signature,
                            .row_count = shape.rows(),
                            .stream = shape.stream,
                            .saved = saved});
}

/// signature_backward, from what chain_signature has saved.
template <class T>
void chain_gradients(Cuda device, const SignatureShape& shape,
                     const SignatureInputs<T>& inputs, const T* saved,
                     const T* dsignature,
                     const SignatureGradients<T>& gradients) {
  CUstream_st* stream = cuda::stream(device);
  const std::int64_t chains =
      shape.batch * power(shape.channels, shape.depth - 1);
  const std::int64_t slices =
      chain_slices(shape.batch, shape.channels, shape.depth, sizeof(T));
  const bool back_to_start = shape.initial && gradients.initial;
  const Scratch<T> increments(points_of(shape), device.device);
  const Scratch<T> top(chains * shape.channels, device.device);
  const Scratch<T> chain(back_to_start ? chains * (shape.depth - 1) : 0,
                         device.device);
  const Scratch<T> parts(slices * points_of(shape), device.device);
  const auto from = increments_of(shape, inputs);
  write_increments(stream, shape.batch, from, increments.data());
  chain_backward<T>(
      stream, {.walk = whole_walk(shape, increments.data()),
               .format = row_format(shape),
               .saved = saved,
               .drows = dsignature,
               .row_count = shape.rows(),
               .stream = shape.stream,
               .resume = false,
               .state = {top.data(), back_to_start ? chain.data() : nullptr},
               .lengths = from.lengths,
               .based = from.based,
               .slices = slices,
               .parts = parts.data()});
  finish_gradients(stream, shape, gradients, parts.data(), slices);
  if (back_to_start) {
    initial_gradients(stream, shape, top.data(), chain.data(), shape.depth - 1,
                      gradients.initial);
  }
}

}  // namespace sigtape::cuda
