// Which kernels a signature takes on a GPU.
#include "sigtape/layers/signature/signature_chain_call_cuda.h"
#include "sigtape/layers/signature/signature_tree_cuda.h"

namespace sigtape {

namespace {

void check_depth(const SignatureShape& shape) {
  require(shape.depth <= cuda::kMaxChainDepth,
          "signature: expected depth <= ", cuda::kMaxChainDepth,
          " on a GPU, got ", shape.depth);
}

// ---- Kernels of common sizes (signature_tree_cuda.h).

template <class T>
const cuda::TreeKernels<T>* tree_of(const SignatureShape& shape) {
  if (shape.stream) return nullptr;
  return cuda::tree_kernels(T{}, shape.channels, shape.depth);
}

// A call's cut, and the arrays of what it saves.
template <class T>
struct Tree {
  cuda::TreePlan plan;
  std::int64_t chunks, signatures, prefixes;  // numbers in each array

  Tree(const cuda::TreeKernels<T>& kernels, const SignatureShape& shape)
      : plan(cuda::tree_plan(shape.batch, shape.increments(), shape.channels,
                             shape.depth, kernels.prefix_levels, sizeof(T))),
        chunks(0),
        signatures(0),
        prefixes(0) {
    const std::int64_t lower = cuda::first_word(shape.channels, shape.depth);
    const std::int64_t blocks = shape.batch * plan.segments;
    chunks = blocks * plan.chunks * 2 * lower;
    if (plan.segments == 1) return;
    signatures = blocks * shape.words();
    prefixes = blocks * lower;
  }

  std::int64_t numbers() const { return chunks + signatures + prefixes; }
  cuda::TreeSaved<T> arrays(T* first) const {
    return {first, first + chunks, first + chunks + signatures};
  }
};

template <class T>
void tree_forward(Cuda device, const cuda::TreeKernels<T>& kernels,
                  const SignatureShape& shape, const SignatureInputs<T>& inputs,
                  T* signature, T* saved) {
  const Tree<T> tree(kernels, shape);
  const cuda::Scratch<T> own(saved ? 0 : tree.numbers(), device.device);
  kernels.forward(cuda::stream(device.device),
                  {.increments = cuda::increments_of(shape, inputs),
                   .batch = shape.batch,
                   .plan = tree.plan,
                   .format = cuda::row_format(shape),
                   .initial = shape.initial ? inputs.initial : nullptr,
                   .out = signature,
                   .saved = tree.arrays(saved ? saved : own.data())});
}

template <class T>
void tree_backward(Cuda device, const cuda::TreeKernels<T>& kernels,
                   const SignatureShape& shape,
                   const SignatureInputs<T>& inputs, const T* saved,
                   const T* dsignature,
                   const SignatureGradients<T>& gradients) {
  CUstream_st* stream = cuda::stream(device.device);
  const Tree<T> tree(kernels, shape);
  const int links = kernels.prefix_levels;
  const bool back_to_start = shape.initial && gradients.initial;
  const cuda::Scratch<T> parts(tree.plan.slices * cuda::points_of(shape),
                               device.device);
  const cuda::Scratch<T> chains(
      back_to_start ? shape.batch * cuda::power(shape.channels, links) * links
                    : 0,
      device.device);
  kernels.backward(stream,
                   {.increments = cuda::increments_of(shape, inputs),
                    .batch = shape.batch,
                    .plan = tree.plan,
                    .format = cuda::row_format(shape),
                    .dout = dsignature,
                    .saved = tree.arrays(const_cast<T*>(saved)),  // only read
                    .parts = parts.data(),
                    .dinitial = back_to_start ? gradients.initial : nullptr,
                    .chains = chains.data()});
  cuda::finish_gradients(stream, shape, gradients, parts.data(),
                         tree.plan.slices);
  if (back_to_start) {
    cuda::initial_gradients<T>(stream, shape, nullptr, chains.data(), links,
                               gradients.initial);
  }
}

}  // namespace

template <class T>
std::size_t signature_saved_bytes(Cuda, const SignatureShape& shape) {
  check_depth(shape);
  const cuda::TreeKernels<T>* kernels = tree_of<T>(shape);
  if (kernels) return Tree<T>(*kernels, shape).numbers() * sizeof(T);
  return cuda::chain_saved<T>(shape) * sizeof(T);
}

template <class T>
void signature_forward(Cuda device, const SignatureShape& shape,
                       const SignatureInputs<T>& inputs, T* signature,
                       void* saved, void*) {
  if (const cuda::TreeKernels<T>* kernels = tree_of<T>(shape)) {
    return tree_forward(device, *kernels, shape, inputs, signature,
                        static_cast<T*>(saved));
  }
  cuda::chain_signature(device, shape, inputs, signature,
                        static_cast<T*>(saved));
}

template <class T>
void signature_backward(Cuda device, const SignatureShape& shape,
                        const SignatureInputs<T>& inputs, const void* saved,
                        const T* dsignature,
                        const SignatureGradients<T>& gradients, void*) {
  if (const cuda::TreeKernels<T>* kernels = tree_of<T>(shape)) {
    return tree_backward(device, *kernels, shape, inputs,
                         static_cast<const T*>(saved), dsignature, gradients);
  }
  cuda::chain_gradients(device, shape, inputs, static_cast<const T*>(saved),
                        dsignature, gradients);
}

#define INSTANTIATE(T)                                                        \
  template std::size_t signature_saved_bytes<T>(Cuda, const SignatureShape&); \
  template void signature_forward(Cuda, const SignatureShape&,                \
                                  const SignatureInputs<T>&, T*, void*,       \
                                  void*);                                     \
  template void signature_backward(                                           \
      Cuda, const SignatureShape&, const SignatureInputs<T>&, const void*,    \
      const T*, const SignatureGradients<T>&, void*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
