#pragma once

#include <cstddef>

#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/signature_kernels.h"

/// Gradients of signatures that have derivatives themselves.
namespace sigtape {

/// The inputs of one signature, contiguous; undefined where there is none.
struct SignatureArguments {
  Tensor path, basepoint, initial, lengths;
};

/// `gradient`, of input `input` (0 path, 1 basepoint, 2 initial), as the result
/// of the operation signature_backward of the arguments and the cotangent, all
/// contiguous. Its derivatives have none: the error names signature_second.
Tensor record_signature_gradient(const SignatureShape& shape, std::size_t input,
                                 const Tensor& gradient,
                                 const SignatureArguments& arguments,
                                 const Tensor& cotangent);

/// The path's gradient of a signature of which nothing was saved, recorded like
/// that. There is no `initial`.
Tensor signature_path_gradient(const SignatureShape& shape,
                               const SignatureArguments& arguments,
                               const Tensor& cotangent);

}  // namespace sigtape
