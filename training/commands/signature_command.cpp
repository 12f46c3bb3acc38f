#include <cstdio>
#include <cstring>

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops.h"
#include "sigtape/layers/signature/logsignature.h"
#include "sigtape/layers/signature/signature.h"
#include "sigtape/training/commands/commands.h"
#include "sigtape/training/commands/resolve.h"
#include "sigtape/training/data/npy.h"

namespace sigtape {

namespace {

Tensor read_tensor(const std::string& path) {
  const NpyArray array = read_npy(path);
  require<DataError>(is_floating(array.type), path,
                     ": expected float32 or float64 numbers, found ",
                     name_of(array.type));
  require<DataError>(array.shape.size() <= Shape::max_rank, path,
                     ": expected at most ", Shape::max_rank,
                     " dimensions, found ", array.shape.size());
  const DType dtype =
      array.type == NpyType::float32 ? DType::float32 : DType::float64;
  Tensor tensor =
      empty(Shape(array.shape.data(), static_cast<int>(array.shape.size())),
            {dtype, {}});
  dispatch_floating("read", tensor, [&]<class T>(auto, T) {
    if (array.bytes.empty()) return;
    std::memcpy(tensor.mutable_data<T>(), array.bytes.data(),
                array.bytes.size());
  });
  return tensor;
}

void write_tensor(const std::string& path, const Tensor& tensor) {
  const Tensor dense = contiguous(tensor.detach());
  const std::vector<std::int64_t> shape(dense.shape().begin(),
                                        dense.shape().end());
  dispatch_floating("write", dense, [&]<class T>(auto, T) {
    write_npy(path,
              npy_array<T>(shape, std::span(dense.data<T>(), dense.numel())));
  });
}

void check_arguments(const SignatureCommand& c) {
  if (c.logsignature) logsignature_mode(*c.logsignature);
  require(!c.logsignature || !c.scalar_term,
          "--logsignature: a log-signature has no scalar term; leave out "
          "--scalar-term");
  require(c.cotangent.has_value() == c.gradient.has_value(),
          "--cotangent and --gradient belong together: the one is read, the "
          "other written");
  require(c.output || c.gradient,
          "nothing to do: give --output, or --cotangent and --gradient");
}

Tensor compute(const SignatureCommand& c, const Tensor& path) {
  if (c.logsignature) {
    return logsignature(path, c.depth,
                        {.stream = c.stream,
                         .basepoint = Basepoint(c.basepoint),
                         .inverse = c.inverse,
                         .mode = logsignature_mode(*c.logsignature)});
  }
  return signature(path, c.depth,
                   {.stream = c.stream,
                    .basepoint = Basepoint(c.basepoint),
                    .inverse = c.inverse,
                    .scalar_term = c.scalar_term});
}

}  // namespace

ExitCode signature_command(const SignatureCommand& command) {
  check_arguments(command);
  use_threads(command.threads);
  Tensor path = read_tensor(command.input);
  require<DataError>(path.rank() == 3, command.input,
                     ": expected paths (batch, length, channels), found ",
                     path.shape(),
                     path.rank() == 2 ? "; one path needs a batch of 1" : "");
  path.set_requires_grad(command.gradient.has_value());
  const Tensor result = compute(command, path);
  if (command.gradient) {
    Tensor cotangent = cast(read_tensor(*command.cotangent), path.dtype());
    require<DataError>(cotangent.shape() == result.shape(), *command.cotangent,
                       ": expected the result's shape ", result.shape(),
                       ", found ", cotangent.shape());
    result.backward(cotangent);
    write_tensor(*command.gradient, path.grad());
  }
  if (command.output) write_tensor(*command.output, result);
  return ExitCode::ok;
}

}  // namespace sigtape
