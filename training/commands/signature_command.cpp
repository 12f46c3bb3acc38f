#include <algorithm>
#include <cstdio>
#include <cstring>

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops.h"
#include "sigtape/layers/path_transforms.h"
#include "sigtape/layers/signature/extract_signature_term.h"
#include "sigtape/layers/signature/logsignature.h"
#include "sigtape/layers/signature/projected_signature.h"
#include "sigtape/layers/signature/signature.h"
#include "sigtape/layers/signature/signature_combine.h"
#include "sigtape/layers/signature/signature_group.h"
#include "sigtape/layers/signature/signature_inversion.h"
#include "sigtape/layers/signature/signature_normalise.h"
#include "sigtape/layers/signature/window_signature.h"
#include "sigtape/training/commands/commands.h"
#include "sigtape/training/commands/resolve.h"
#include "sigtape/training/commands/signature_options.h"
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

Tensor read_lengths(const std::string& path) {
  const NpyArray array = read_npy(path);
  const std::vector<std::int64_t> list = to_integers(array, path);
  Tensor lengths =
      empty({static_cast<std::int64_t>(list.size())}, {DType::int64, {}});
  std::copy(list.begin(), list.end(), lengths.mutable_data<std::int64_t>());
  return lengths;
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

Tensor windowed(const SignatureCommand& c, const Value& path,
                const Windows& windows) {
  const Basepoint basepoint(c.basepoint);
  if (c.logsignature) {
    return window_logsignature(path.data, c.depth, windows,
                               {.basepoint = basepoint,
                                .inverse = c.inverse,
                                .mode = logsignature_mode(*c.logsignature),
                                .lengths = path.lengths});
  }
  return window_signature(path.data, c.depth, windows,
                          {.basepoint = basepoint,
                           .inverse = c.inverse,
                           .scalar_term = c.scalar_term,
                           .lengths = path.lengths});
}

// What the options ask of signatures (batch, S).
Tensor changed(const SignatureCommand& c, Tensor s, std::int64_t channels) {
  const std::int64_t depth = c.depth;
  const auto read = [&](const std::string& file) {
    return cast(read_tensor(file), s.dtype());
  };
  if (c.combine) s = signature_combine(s, read(*c.combine), channels, depth);
  if (c.join) s = signature_join(s, read(*c.join), depth, c.front);
  if (c.dilate) {
    s = signature_dilate(s, channels, depth, decimals("--dilate", *c.dilate));
  }
  if (c.normalise) s = signature_normalise(s, channels, depth, *c.normalise);
  if (c.level) return extract_signature_term(s, channels, *c.level);
  if (c.invert) return invert_signature(s, depth, channels);
  if (c.logsignature) {
    return signature_to_logsignature(
        s, channels, depth, {.mode = logsignature_mode(*c.logsignature)});
  }
  const auto words = words_of(c, channels);
  return words ? extract_signature_words(s, depth, *words) : s;
}

Value transformed(const SignatureCommand& c, const Tensor& input) {
  Value x = {input, {}};
  if (c.lengths) x.lengths = read_lengths(*c.lengths);
  if (c.scale) x = scale(x, decimals("--scale", *c.scale));
  if (c.cumulative_sum) x = cumulative_sum(x);
  if (c.time) x = add_time(x);
  if (c.lead_lag) x = lead_lag(x);
  return c.invisibility_reset ? invisibility_reset(x) : x;
}

Tensor of_paths(const SignatureCommand& c, const Tensor& input) {
  const Value x = transformed(c, input);
  const Basepoint basepoint(c.basepoint);
  const std::int64_t channels = x.data.size(2);
  if (changes_signature(c)) {
    return changed(c,
                   signature(x.data, c.depth,
                             {.basepoint = basepoint,
                              .inverse = c.inverse,
                              .lengths = x.lengths}),
                   channels);
  }
  if (const auto words = words_of(c, channels)) {
    return projected_signature(
        x.data, *words,
        {.basepoint = basepoint, .inverse = c.inverse, .lengths = x.lengths});
  }
  if (const auto windows = windows_of(c)) return windowed(c, x, *windows);
  if (c.logsignature) {
    return logsignature(x.data, c.depth,
                        {.stream = c.stream,
                         .basepoint = basepoint,
                         .inverse = c.inverse,
                         .mode = logsignature_mode(*c.logsignature),
                         .lengths = x.lengths});
  }
  return signature(x.data, c.depth,
                   {.stream = c.stream,
                    .basepoint = basepoint,
                    .inverse = c.inverse,
                    .scalar_term = c.scalar_term,
                    .lengths = x.lengths});
}

Tensor of_signatures(const SignatureCommand& c, const Tensor& input) {
  const std::int64_t channels = *c.channels;
  Tensor s = input;
  if (*c.from != "signatures") {
    s = logsignature_to_signature(s, channels, c.depth,
                                  {.mode = logsignature_mode(*c.from)});
  }
  if (c.inverse) s = signature_inverse(s, channels, c.depth);
  return changed(c, s, channels);
}

void check_input(const SignatureCommand& c, const Tensor& x) {
  const bool paths = reads_paths(c);
  require<DataError>(
      x.rank() == (paths ? 3 : 2), c.input, ": expected ",
      paths ? "paths (batch, length, channels)" : "signatures (batch, words)",
      ", found ", x.shape(),
      paths && x.rank() == 2 ? "; one path needs a batch of 1" : "");
}

}  // namespace

ExitCode signature_command(const SignatureCommand& command) {
  check_options(command);
  use_threads(command.threads);
  Tensor input = read_tensor(command.input);
  check_input(command, input);
  input.set_requires_grad(command.gradient.has_value());
  const Tensor result = reads_paths(command) ? of_paths(command, input)
                                             : of_signatures(command, input);
  if (command.gradient) {
    Tensor cotangent = cast(read_tensor(*command.cotangent), input.dtype());
    require<DataError>(cotangent.shape() == result.shape(), *command.cotangent,
                       ": expected the result's shape ", result.shape(),
                       ", found ", cotangent.shape());
    result.backward(cotangent);
    write_tensor(*command.gradient, input.grad());
  }
  if (command.output) write_tensor(*command.output, result);
  return ExitCode::ok;
}

}  // namespace sigtape
