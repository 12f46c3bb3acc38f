// Derivatives of derivatives of the operations on signatures.
#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/layers/signature/extract_signature_term.h"
#include "sigtape/layers/signature/linear_signature.h"
#include "sigtape/layers/signature/logsignature.h"
#include "sigtape/layers/signature/path.h"
#include "sigtape/layers/signature/signature.h"
#include "sigtape/layers/signature/signature_combine.h"
#include "sigtape/layers/signature/signature_conv1d.h"
#include "sigtape/layers/signature/signature_group.h"
#include "sigtape/layers/signature/signature_inversion.h"
#include "support/battery.h"
#include "support/second.h"

namespace sigtape::test {
namespace {

using Tensors = std::vector<Tensor>;

struct Sizes {
  std::int64_t batch, channels;
  int depth;

  std::string name() const {
    return "batch " + std::to_string(batch) + " channels " +
           std::to_string(channels) + " depth " + std::to_string(depth);
  }
};

const std::vector<Sizes> sizes = {{1, 1, 1}, {2, 3, 1}, {3, 2, 3},
                                  {1, 2, 4}, {9, 3, 2}, {2, 1, 4}};

// 1 or -1, away from 0 as x is.
Tensor sign_like(const Tensor& x) { return x / abs(x); }

Tensor random_signature(const Sizes& s, bool scalar_term, std::uint64_t seed) {
  return random_tensor(
      {s.batch, signature_channels(s.channels, s.depth, scalar_term)}, seed);
}

// ---- Products: derivatives of any order

std::vector<SecondCase> combine_cases(int factors) {
  std::vector<SecondCase> cases;
  for (const Sizes& s : sizes)
    for (const bool inverse : {false, true})
      for (const bool scalar : {false, true}) {
        Tensors inputs;
        for (int i = 0; i < factors; ++i)
          inputs.push_back(random_signature(s, scalar, i));
        cases.push_back({s.name(), inputs, [=](const Tensors& in) {
                           return multi_signature_combine(
                               in, s.channels, s.depth, inverse, scalar);
                         }});
      }
  return cases;
}

TEST(SecondDerivative, SignatureCombine) {
  const auto cases = combine_cases(2);
  second_battery("signature_combine", cases);
  // The third derivative, as the second of the squared gradients.
  std::vector<SecondCase> third = {cases.begin() + 8, cases.begin() + 16};
  for (SecondCase& c : third) {
    c.op = [op = c.op](const Tensors& in) { return squared_gradients(op, in); };
  }
  second_battery("signature_combine", third);
}

TEST(SecondDerivative, MultiSignatureCombine) {
  second_battery("multi_signature_combine", combine_cases(3));
}

// ---- Signatures

struct Paths {
  std::int64_t batch, length, channels;
  int depth;

  std::string name() const {
    return "path (" + std::to_string(batch) + ", " + std::to_string(length) +
           ", " + std::to_string(channels) + ") depth " + std::to_string(depth);
  }
  Tensor points() const {
    return random_tensor({batch, length, channels}, 1) * 0.5;
  }
  Tensor lengths() const {
    Tensor n = empty({batch}, {DType::int64, {}});
    for (std::int64_t b = 0; b < batch; ++b)
      n.mutable_data<std::int64_t>()[b] = 2 + b % (length - 1);
    return n;
  }
};

// Channels in and out of the kernels' lists, groups that are full and not,
// pairs of a path in one group and in two, one block of steps and several.
const std::vector<Paths> paths = {{1, 2, 1, 1}, {2, 3, 2, 1}, {3, 4, 3, 2},
                                  {1, 5, 2, 4}, {9, 3, 1, 5}, {2, 6, 5, 2},
                                  {5, 3, 4, 3}, {2, 3, 7, 2}, {1, 10, 2, 3}};

// `bits` choose stream, inverse, scalar_term, a basepoint tensor, initial and
// lengths.
SecondCase signature_case(const Paths& p, int bits) {
  SignatureOptions options{.stream = (bits & 1) != 0,
                           .inverse = (bits & 2) != 0,
                           .scalar_term = (bits & 4) != 0};
  const bool based = bits & 8, continued = bits & 16;
  if (continued && !based)
    options.basepoint = std::vector<double>(p.channels, 0.3);
  if (bits & 32) options.lengths = p.lengths();
  Tensors inputs = {p.points()};
  if (based) inputs.push_back(random_tensor({p.batch, p.channels}, 2));
  if (continued) {
    inputs.push_back(random_tensor(
        {p.batch, signature_channels(p.channels, p.depth, bits & 4)}, 3));
  }
  return {p.name() + " flags " + std::to_string(bits), inputs,
          [=](const Tensors& in) {
            SignatureOptions o = options;
            if (based) o.basepoint = in[1];
            if (continued) o.initial = in.back();
            return signature(in[0], p.depth, o);
          }};
}

TEST(SecondDerivative, Signature) {
  std::vector<SecondCase> cases;
  for (const Paths& p : paths)
    for (int bits = 0; bits < 64; bits += p.batch == 1 ? 3 : 7)
      cases.push_back(signature_case(p, bits));
  second_battery("signature", cases);
}

TEST(SecondDerivative, SignatureOnEveryInstructionSet) {
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    const ScopedIsa forced(isa);
    std::vector<SecondCase> cases;
    for (int bits = 0; bits < 64; bits += 7)
      for (const std::size_t i : {2, 6})
        cases.push_back(signature_case(paths[i], bits));
    second_battery("signature", cases);
  }
}

TEST(SecondDerivative, SignatureRefusesTheThird) {
  for (const int bits : {0, 1, 27})
    refuses_derivative(signature_case(paths[2], bits), 3, "signature_second");
}

// Of an interval, a path's signature is that of the interval's points.
TEST(SecondDerivative, Path) {
  std::vector<SecondCase> cases;
  for (const PathRoute route : {PathRoute::prefixes, PathRoute::tree})
    for (const auto& [start, end] : {std::pair{0, 7}, {2, 5}, {3, 7}, {1, 3}}) {
      const Paths p = {2, 7, 2, 3};
      cases.push_back(
          {p.name() + " from " + std::to_string(start),
           {p.points()},
           [=](const Tensors& in) {
             return Path(in[0], p.depth, {}, true, route).signature(start, end);
           }});
    }
  second_battery("path_signature", cases);
}

// ---- Logarithms, exponentials and inverses

const std::vector<LogSignatureMode> modes = {LogSignatureMode::expand,
                                             LogSignatureMode::words,
                                             LogSignatureMode::brackets};

std::vector<SecondCase> conversion_cases(bool forth) {
  std::vector<SecondCase> cases;
  for (const Sizes& s : sizes)
    for (const LogSignatureMode mode : modes)
      for (const bool scalar : {false, true}) {
        const LogSignatureConversion options{.mode = mode,
                                             .scalar_term = scalar};
        const std::int64_t columns =
            forth ? signature_channels(s.channels, s.depth, scalar)
                  : logsignature_columns(s.channels, s.depth, mode);
        cases.push_back({s.name() + " " + name_of(mode),
                         {random_tensor({s.batch, columns}, 1)},
                         [=](const Tensors& in) {
                           return (forth ? signature_to_logsignature
                                         : logsignature_to_signature)(
                               in[0], s.channels, s.depth, options);
                         }});
      }
  return cases;
}

TEST(SecondDerivative, SignatureToLogSignature) {
  const auto cases = conversion_cases(true);
  second_battery("signature_to_logsignature", cases);
  refuses_derivative(cases[12], 3, "signature_to_logsignature_second");
}

TEST(SecondDerivative, LogSignatureToSignature) {
  const auto cases = conversion_cases(false);
  second_battery("logsignature_to_signature", cases);
  refuses_derivative(cases[12], 3, "logsignature_to_signature_second");
}

TEST(SecondDerivative, OnAGpu) {
  const auto some = [](const std::vector<SecondCase>& all, std::size_t step) {
    std::vector<SecondCase> cases;
    for (std::size_t i = 0; i < all.size(); i += step) cases.push_back(all[i]);
    return cases;
  };
  std::vector<SecondCase> signatures;
  for (const std::size_t i : {0, 2, 3, 5})
    for (int bits = 0; bits < 32; bits += 5)
      signatures.push_back(signature_case(paths[i], bits));
  second_cuda_battery("signature", signatures);
  second_cuda_battery("signature_to_logsignature",
                      some(conversion_cases(true), 5));
  second_cuda_battery("logsignature_to_signature",
                      some(conversion_cases(false), 5));
}

TEST(SecondDerivative, SeriesOnEveryInstructionSet) {
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    const ScopedIsa forced(isa);
    second_battery("signature_to_logsignature", conversion_cases(true));
  }
}

TEST(SecondDerivative, LogSignature) {
  std::vector<SecondCase> cases;
  for (const Paths& p : paths)
    for (const LogSignatureMode mode : modes)
      for (const bool stream : {false, true})
        cases.push_back({p.name() + " " + name_of(mode),
                         {p.points()},
                         [=](const Tensors& in) {
                           return logsignature(
                               in[0], p.depth,
                               {.stream = stream, .mode = mode});
                         }});
  second_battery("logsignature", cases);
  refuses_derivative(cases[20], 3, "logsignature_second");
}

TEST(SecondDerivative, SignatureInverse) {
  std::vector<SecondCase> cases;
  for (const Sizes& s : sizes)
    for (const bool scalar : {false, true})
      cases.push_back(
          {s.name(), {random_signature(s, scalar, 1)}, [=](const Tensors& in) {
             return signature_inverse(in[0], s.channels, s.depth, scalar);
           }});
  second_battery("signature_inverse", cases);
  refuses_derivative(cases[4], 3, "signature_inverse_second");
}

// ---- What is made of these

TEST(SecondDerivative, SignatureJoin) {
  std::vector<SecondCase> cases;
  for (const Sizes& s : sizes)
    for (const bool front : {false, true})
      cases.push_back({s.name(),
                       {random_signature(s, front, 1),
                        random_tensor({s.batch, s.channels}, 2)},
                       [=](const Tensors& in) {
                         return signature_join(in[0], in[1], s.depth, front,
                                               front);
                       }});
  second_battery("signature_join", cases);
}

TEST(SecondDerivative, SignatureDilate) {
  std::vector<SecondCase> cases;
  for (const Sizes& s : sizes)
    cases.push_back(
        {s.name(), {random_signature(s, true, 1)}, [=](const Tensors& in) {
           const std::vector<double> factor = {0.7};
           const Tensor y =
               signature_dilate(in[0], s.channels, s.depth, factor, true);
           return y * y;
         }});
  second_battery("signature_dilate", cases);
}

TEST(SecondDerivative, ExtractSignatureTerm) {
  std::vector<SecondCase> cases;
  for (const Sizes& s : sizes)
    cases.push_back(
        {s.name(), {random_signature(s, true, 1)}, [=](const Tensors& in) {
           const Tensor y =
               extract_signature_term(in[0], s.channels, s.depth, true);
           return y * y;
         }});
  second_battery("extract_signature_term", cases);
}

TEST(SecondDerivative, InvertSignature) {
  std::vector<SecondCase> cases;
  for (const Sizes& s : sizes) {
    const Tensor far = random_signature(s, false, 1);
    cases.push_back(
        {s.name(),
         {far + sign_like(far), random_tensor({s.batch, s.channels})},
         [=](const Tensors& in) {
           return invert_signature(in[0], s.depth, s.channels, in[1]);
         }});
  }
  second_battery("invert_signature", cases);
}

// ---- The convolution of a stream of signatures

std::vector<SecondCase> conv_cases(bool fused) {
  std::vector<SecondCase> cases;
  for (const Paths& p :
       {Paths{1, 5, 2, 3}, Paths{3, 6, 3, 2}, Paths{2, 7, 1, 4}})
    for (const std::int64_t kernel : {1, 3})
      for (int bits = 0; bits < 8; ++bits) {
        const std::int64_t words = signature_channels(p.channels, p.depth);
        SignatureConv1dOptions o;
        if (bits & 1) o.basepoint = true;
        if ((bits & 3) == 2) o.basepoint = std::vector<double>(p.channels, 0.2);
        if (bits & 4) {
          o.lengths = p.lengths();
          auto* n = o.lengths.mutable_data<std::int64_t>();
          for (std::int64_t b = 0; b < p.batch; ++b) n[b] = p.length - b;
        }
        Tensors inputs = {p.points(), random_tensor({2, words, kernel}, 2)};
        const bool bias = bits & 2;
        if (bias) inputs.push_back(random_tensor({2}, 3));
        cases.push_back(
            {p.name() + " kernel " + std::to_string(kernel) + " flags " +
                 std::to_string(bits),
             inputs, [=](const Tensors& in) {
               return (fused ? signature_conv1d : signature_conv1d_composed)(
                   in[0], p.depth, in[1], bias ? in[2] : Tensor(), o);
             }});
      }
  return cases;
}

TEST(SecondDerivative, SignatureConv1d) {
  second_battery("signature_conv1d", conv_cases(true));
}

TEST(SecondDerivative, SignatureConv1dComposed) {
  second_battery("signature_conv1d_composed", conv_cases(false));
}

// The path is a constant. Other devices run the two operations.
TEST(SecondDerivative, LinearSignature) {
  std::vector<SecondCase> cases;
  for (const std::int64_t length : {2, 3, 9})
    for (const std::int64_t out : {1, 3}) {
      const Tensor path = random_tensor({4, length, 5}, 1);
      cases.push_back(
          {"length " + std::to_string(length) + " out " + std::to_string(out),
           {random_tensor({out, 5}, 2), random_tensor({out}, 3)},
           [path](const Tensors& in) {
             const Tensor x = cast(path, in[0].dtype()).to(in[0].device());
             if (!linear_signature_fits(x, in[0], 2))
               return signature(linear(x, in[0], in[1]), 2);
             return linear_signature(x, in[0], in[1]);
           }});
    }
  second_battery("linear_signature", cases);
}

}  // namespace
}  // namespace sigtape::test
