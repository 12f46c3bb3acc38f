// Derivatives of derivatives of streams' operations, and who refuses them.
#include <gtest/gtest.h>

#include <functional>

#include "sigtape/framework/ops.h"
#include "sigtape/layers/path_transforms.h"
#include "sigtape/layers/signature/logsignature_group.h"
#include "sigtape/layers/signature/projected_signature.h"
#include "sigtape/layers/signature/signature_normalise.h"
#include "sigtape/layers/signature/window_signature.h"
#include "sigtape/layers/stream_ops.h"
#include "support/battery.h"
#include "support/second.h"

namespace sigtape::test {
namespace {

using Tensors = std::vector<Tensor>;

// Five shapes of f, squared so that its derivative depends on its input.
std::vector<SecondCase> squared(const std::function<Tensor(const Tensor&)>& f) {
  std::vector<SecondCase> cases;
  for (const Shape& shape : {Shape{2, 4, 2}, Shape{1, 4, 2}, Shape{2, 4, 3},
                             Shape{2, 7, 2}, Shape{2, 5, 5}}) {
    cases.push_back(
        {shape.to_string(), {random_tensor(shape)}, [f](const Tensors& in) {
           const Tensor y = f(in[0]);
           return y * y;
         }});
  }
  return cases;
}

TEST(SecondDerivatives, OfStreamOperations) {
  const Tensor index = from_values({2, 0, 0, 3}, {1, 4}, {DType::int64});
  second_battery("take_points", squared([=](const Tensor& x) {
                   return take_points(x, index);
                 }));
  second_battery("running_sum",
                 squared([](const Tensor& x) { return running_sum(x); }));
  second_battery("path_transforms", squared([](const Tensor& x) {
                   const Value y = rectilinear(lead_lag({x, {}}), 1);
                   return invisibility_reset(cumulative_sum(y)).data;
                 }));
}

TEST(SecondDerivatives, OfProjections) {
  const auto projected = [](const char* name, const WordSet& words,
                            std::int64_t batch, std::int64_t length,
                            const ProjectionOptions& options = {}) {
    return SecondCase{name,
                      {random_tensor({batch, length, words.channels()})},
                      [=](const Tensors& in) {
                        return projected_signature(in[0], words, options);
                      }};
  };
  const WordSet words(2, {{0, 1}, {1}, {1, 1, 0}, {0, 1, 1, 0}});
  const Tensor lengths = from_values({6, 3, 5}, {3}, {DType::int64});
  std::vector<SecondCase> cases = {
      projected("words", words, 1, 6),
      projected("all words", WordSet(3, all_words(3, 3)), 2, 4),
      projected("stalks", WordSet(4, {{0, 1, 2, 3}, {1, 3, 2}, {3, 3}}), 3, 5),
      projected("long", WordSet(1, {{0, 0, 0}}), 1, 40),
      projected("wide", WordSet(6, {{0, 5}, {5, 0}, {5, 1}, {2, 3}}), 17, 3),
      projected(
          "inverse lengths", words, 3, 6,
          {.basepoint = Basepoint(true), .inverse = true, .lengths = lengths})};
  cases.push_back({"basepoint",
                   {random_tensor({2, 4, 2}), random_tensor({2, 2}, 3)},
                   [=](const Tensors& in) {
                     return projected_signature(in[0], words,
                                                {.basepoint = in[1]});
                   }});
  second_battery("projected_signature", cases);
  second_cuda_battery("projected_signature", cases);
  refuses_derivative(cases[0], 3, "projected_signature_second");
}

TEST(SecondDerivatives, OfPointwiseOperationsOnSignatures) {
  const WordSet words(2, {{0, 1}, {1}, {1, 1, 0}});
  const auto rows = [](double scale) {
    std::vector<SecondCase> cases;
    for (std::int64_t batch = 1; batch < 6; ++batch)
      cases.push_back({"batch " + std::to_string(batch),
                       {random_tensor({batch, 14}, batch) * scale},
                       {}});
    return cases;
  };
  std::vector<SecondCase> cases = rows(1);
  for (SecondCase& c : cases)
    c.op = [=](const Tensors& in) {
      const Tensor y = extract_signature_words(in[0], 3, words);
      return y * y;
    };
  second_battery("extract_signature_words", cases);
  cases = rows(2);
  for (SecondCase& c : cases)
    c.op = [](const Tensors& in) {
      return signature_normalise(in[0], 2, 3, 4);
    };
  second_battery("signature_normalise", cases);
}

// By way of log-signatures of paths, where words and brackets make sense.
TEST(SecondDerivatives, OfTheGroupOfLogSignatures) {
  const auto cases = [](const TensorFunction& f) {
    std::vector<SecondCase> all;
    for (std::int64_t batch = 1; batch < 6; ++batch)
      all.push_back({"batch " + std::to_string(batch),
                     {random_tensor({batch, 4, 2}, batch)},
                     f});
    return all;
  };
  const auto end = [](const Tensor& x) {
    return reshape(slice(x, 1, 3, 4), {x.size(0), 2});
  };
  second_battery("logsignature_combine", cases([](const Tensors& in) {
                   const Tensor l = logsignature(in[0], 3);
                   return logsignature_combine(l, l * 0.5, 2, 3);
                 }));
  second_battery("logsignature_join", cases([=](const Tensors& in) {
                   return logsignature_join(logsignature(in[0], 3), end(in[0]),
                                            3);
                 }));
  second_battery("invert_logsignature", cases([](const Tensors& in) {
                   return invert_logsignature(logsignature(in[0], 3), 3, 2);
                 }));
  second_battery("linear_signature", cases([=](const Tensors& in) {
                   return linear_signature(end(in[0]), 3);
                 }));
}

// Windows that share little are signatures of their own.
TEST(SecondDerivatives, OfSeparateWindows) {
  std::vector<SecondCase> cases;
  for (const std::int64_t length : {5, 6, 7, 8, 9})
    cases.push_back({"length " + std::to_string(length),
                     {random_tensor({2, length, 2})},
                     [](const Tensors& in) {
                       return window_signature(in[0], 3,
                                               Windows::sliding(4, 2));
                     }});
  second_battery("window_signature", cases);
  for (SecondCase& c : cases)
    c.op = [](const Tensors& in) {
      return window_logsignature(in[0], 3, Windows::sliding(4, 2));
    };
  second_battery("window_logsignature", cases);
}

// Windows that share so much that they are products of shared pieces.
TEST(SecondDerivatives, OfMultipliedWindows) {
  struct Way {
    const char* name;
    Windows windows;
    std::int64_t length, channels;
    bool inverse;
  };
  const std::vector<Way> ways = {
      {"expanding", Windows::expanding(30, 6), 60, 2, false},
      {"expanding inverse", Windows::expanding(24, 8), 56, 3, true},
      {"sliding", Windows::sliding(40, 4), 60, 2, false},
      {"sliding inverse", Windows::sliding(44, 5), 64, 2, true},
      {"one channel", Windows::expanding(24, 6), 60, 1, false}};
  std::vector<SecondCase> signatures, logsignatures;
  for (const Way& way : ways) {
    const Tensor x = random_tensor({2, way.length, way.channels});
    signatures.push_back({way.name, {x}, [=](const Tensors& in) {
                            return window_signature(in[0], 3, way.windows,
                                                    {.inverse = way.inverse});
                          }});
    logsignatures.push_back({way.name, {x}, [=](const Tensors& in) {
                               return window_logsignature(
                                   in[0], 3, way.windows,
                                   {.inverse = way.inverse});
                             }});
    SCOPED_TRACE(way.name);
    refuses_derivative(signatures.back(), 3, "signature_products_second");
  }
  second_battery("window_signature", signatures);
  second_battery("window_logsignature", logsignatures);
  second_cuda_battery("window_signature", signatures);
}

}  // namespace
}  // namespace sigtape::test
