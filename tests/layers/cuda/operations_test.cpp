// The layers' operations on device "cuda" against the CPU, in a few shapes
// each, so that every one has its cases of the battery; those with kernels of
// their own have more beside their CPU tests.
#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/layers/augment_op.h"
#include "sigtape/layers/path_transforms.h"
#include "sigtape/layers/recurrence.h"
#include "sigtape/layers/signature/logsignature_group.h"
#include "sigtape/layers/signature/projected_signature.h"
#include "sigtape/layers/signature/signature_combine.h"
#include "sigtape/layers/signature/signature_conv1d.h"
#include "sigtape/layers/signature/signature_group.h"
#include "sigtape/layers/signature/signature_inversion.h"
#include "sigtape/layers/signature/window_signature.h"
#include "sigtape/layers/stream_ops.h"
#include "support/battery.h"
#include "support/cuda_battery.h"

namespace sigtape::test {
namespace {

using Tensors = std::vector<Tensor>;

void run(const std::string& op, const std::vector<OpCase>& cases) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  cuda_battery(op, cases);
}

OpCase of_inputs(const std::string& name, const Tensors& inputs,
                 const TensorFunction& f) {
  return {.name = name, .inputs = inputs, .op = f, .reference = {}};
}

// Lengths 1 .. length, the longest among them, on x's device.
Tensor lengths_of(const Tensor& x) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t b = 0; b < x.size(0); ++b)
    lengths.push_back(x.size(1) - b % x.size(1));
  return from_indices(lengths).to(x.device());
}

const std::vector<Shape> stream_shapes = {
    {2, 5, 3}, {1, 4, 1}, {3, 7, 2}, {7, 6, 4}};

// f of streams that are all true and of such that are not.
void on_streams(const std::string& op,
                const std::function<Tensor(const Value&)>& f) {
  std::vector<OpCase> cases;
  for (const Shape& shape : stream_shapes) {
    const Tensor x = random_tensor(shape);
    cases.push_back(of_inputs(shape.to_string(), {x}, [f](const Tensors& in) {
      return f({in[0], {}});
    }));
    cases.push_back(
        of_inputs(shape.to_string() + " lengths", {x}, [f](const Tensors& in) {
          return f({in[0], lengths_of(in[0])});
        }));
  }
  run(op, cases);
}

void transform(const std::string& op,
               const std::function<Value(const Value&)>& f) {
  on_streams(op, [f](const Value& x) {
    const Value y = f(x);
    return mask_stream(y.data, y.lengths);
  });
}

TEST(CudaOperations, OfStreams) {
  on_streams("mask_stream",
             [](const Value& x) { return mask_stream(x.data, x.lengths); });
  on_streams("last_point",
             [](const Value& x) { return last_point(x.data, x.lengths); });
  on_streams("stream_mean",
             [](const Value& x) { return stream_mean(x.data, x.lengths); });
  on_streams("running_sum", [](const Value& x) {
    return running_sum(x.data, x.lengths.defined());
  });
  on_streams("time_channel", [](const Value& x) {
    return x.data * time_channel(x.data.size(0), x.data.size(1), x.lengths,
                                 {x.data.dtype(), x.data.device()});
  });
  for (const bool checked : {true, false}) {
    on_streams(checked ? "take_points" : "take_points_unchecked",
               [checked](const Value& x) {
                 Tensor index =
                     from_values({0, 3, 3, 1, 2}, {1, 5}, {DType::int64, {}});
                 if (x.lengths.defined())
                   index = expand(index, {x.data.size(0), 5});
                 index = contiguous(index).to(x.data.device());
                 return checked ? take_points(x.data, index)
                                : take_points_unchecked(x.data, index);
               });
  }
}

TEST(CudaOperations, OfTransforms) {
  const std::vector<double> half = {0.5};
  const std::vector<std::int64_t> first = {0};
  transform("add_time", [](const Value& x) { return add_time(x); });
  transform("lead_lag", [](const Value& x) { return lead_lag(x); });
  transform("invisibility_reset", invisibility_reset);
  transform("cumulative_sum", cumulative_sum);
  transform("prepend_basepoint", [](const Value& x) {
    return prepend_basepoint(x, Basepoint(true));
  });
  transform("scale", [&](const Value& x) { return scale(x, half); });
  transform("keep_channels",
            [&](const Value& x) { return keep_channels(x, first); });
  transform("drop_channels",
            [&](const Value& x) { return drop_channels(add_time(x), first); });
  transform("fill_forward", fill_forward);
  transform("rectilinear",
            [](const Value& x) { return rectilinear(add_time(x), 0); });
}

struct Sizes {
  std::int64_t batch, channels, depth;
};

// f of `count` random signatures, and of one point where `increment`.
void on_signatures(
    const std::string& op, int count, bool increment,
    const std::function<Tensor(const Tensors&, const Sizes&)>& f) {
  std::vector<OpCase> cases;
  for (const Sizes& s : {Sizes{1, 2, 3}, {3, 3, 2}, {2, 1, 4}, {9, 2, 5}}) {
    Tensors inputs;
    for (int i = 0; i < count; ++i)
      inputs.push_back(
          random_tensor({s.batch, signature_channels(s.channels, s.depth)}, i));
    if (increment) inputs.push_back(random_tensor({s.batch, s.channels}, 9));
    cases.push_back(of_inputs("batch " + std::to_string(s.batch) + " depth " +
                                  std::to_string(s.depth),
                              inputs,
                              [=](const Tensors& in) { return f(in, s); }));
  }
  run(op, cases);
}

TEST(CudaOperations, OfSignatures) {
  on_signatures("multi_signature_combine", 3, false,
                [](const Tensors& in, const Sizes& s) {
                  return multi_signature_combine(in, s.channels, s.depth);
                });
  on_signatures("signature_inverse", 1, false,
                [](const Tensors& in, const Sizes& s) {
                  return signature_inverse(in[0], s.channels, s.depth);
                });
  on_signatures("signature_dilate", 1, false,
                [](const Tensors& in, const Sizes& s) {
                  const std::vector<double> factors = {0.5};
                  return signature_dilate(in[0], s.channels, s.depth, factors);
                });
  on_signatures("invert_signature", 1, true,
                [](const Tensors& in, const Sizes& s) {
                  return invert_signature(in[0], s.depth, s.channels, in[1]);
                });
  on_signatures("linear_signature", 0, true,
                [](const Tensors& in, const Sizes& s) {
                  return linear_signature(in[0], s.depth);
                });
  on_signatures("extract_signature_words", 1, false,
                [](const Tensors& in, const Sizes& s) {
                  return extract_signature_words(
                      in[0], s.depth, WordSet(s.channels, {{0, 0}, {0}}));
                });
}

// Of log-signatures that come from signatures.
TEST(CudaOperations, OfLogSignatures) {
  const auto log = [](const Tensor& x, const Sizes& s) {
    return signature_to_logsignature(x * 0.5, s.channels, s.depth);
  };
  on_signatures("logsignature_combine", 2, false,
                [=](const Tensors& in, const Sizes& s) {
                  return logsignature_combine(log(in[0], s), log(in[1], s),
                                              s.channels, s.depth);
                });
  on_signatures("logsignature_join", 1, true,
                [=](const Tensors& in, const Sizes& s) {
                  return logsignature_join(log(in[0], s), in[1], s.depth);
                });
  on_signatures("invert_logsignature", 1, true,
                [=](const Tensors& in, const Sizes& s) {
                  return invert_logsignature(log(in[0], s), s.depth, s.channels,
                                             LogSignatureMode::words, in[1]);
                });
}

TEST(CudaOperations, OfPaths) {
  const auto conv1d_of = [](const Tensors& in, bool fused, std::int64_t depth) {
    return fused ? signature_conv1d(in[0], depth, in[1], in[2])
                 : signature_conv1d_composed(in[0], depth, in[1], in[2]);
  };
  for (const bool fused : {true, false}) {
    std::vector<OpCase> cases;
    for (const std::int64_t depth : {1, 2, 3, 4}) {
      const Tensors inputs = {
          random_tensor({2, 9, 2}),
          random_tensor({3, signature_channels(2, depth), 1 + depth % 2}),
          random_tensor({3})};
      cases.push_back(of_inputs(
          "depth " + std::to_string(depth), inputs,
          [=](const Tensors& in) { return conv1d_of(in, fused, depth); }));
    }
    run(fused ? "signature_conv1d" : "signature_conv1d_composed", cases);
  }
  std::vector<OpCase> cases;
  for (const Shape& shape : stream_shapes)
    cases.push_back(of_inputs(
        shape.to_string(), {random_tensor(shape)}, [](const Tensors& in) {
          return window_logsignature(in[0], 3, Windows::sliding(3, 1));
        }));
  for (const Windows& windows :
       {Windows::sliding(3, 2), Windows::expanding(2, 2), Windows::dyadic(1)})
    cases.push_back(of_inputs(
        std::string("lengths, ") + name_of(windows.kind()),
        {random_tensor({3, 8, 2})}, [windows](const Tensors& in) {
          const Tensor n = from_indices(std::vector<std::int64_t>{8, 3, 6});
          return window_logsignature(in[0], 3, windows,
                                     {.lengths = n.to(in[0].device())});
        }));
  run("window_logsignature", cases);
}

TEST(CudaOperations, OfNetworks) {
  std::vector<OpCase> activations, augmented, recurrent;
  for (const Activation a :
       {Activation::relu, Activation::leaky_relu, Activation::tanh,
        Activation::sigmoid, Activation::gelu, Activation::softplus}) {
    activations.push_back(
        of_inputs(name_of(a), {random_tensor({3, 4, 2})},
                  [a](const Tensors& in) { return activate(a, in[0]); }));
  }
  run("activate", activations);
  for (const std::int64_t kernel : {1, 2, 4}) {
    augmented.push_back(
        of_inputs("kernel " + std::to_string(kernel),
                  {random_tensor({3, 7, 2}), random_tensor({4, 2, kernel}, 2),
                   random_tensor({4}, 3)},
                  [kernel](const Tensors& in) {
                    return augment_stream(in[0], {in[1]}, {in[2]}, {},
                                          {.kernel_size = kernel});
                  }));
  }
  run("augment_stream", augmented);
  for (const Cell cell : {Cell::rnn, Cell::gru, Cell::lstm}) {
    const std::int64_t rows = 5 * gates_of(cell);
    recurrent.push_back(
        of_inputs(name_of(cell),
                  {random_tensor({3, 6, rows}), random_tensor({rows, 5}, 2),
                   random_tensor({rows}, 3)},
                  [cell](const Tensors& in) {
                    return recurrence(cell, in[0], in[1], in[2]);
                  }));
  }
  run("recurrence", recurrent);
}

}  // namespace
}  // namespace sigtape::test
