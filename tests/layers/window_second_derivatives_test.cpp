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

void refusal_battery(const std::string& op, const TensorFunction& f) {
  SCOPED_TRACE(op);
  refuses_derivative({op, {random_tensor({1, 200, 2})}, f}, 2,
                     "signature_products_backward");
}

TEST(SecondDerivatives, OfProjectionsAreRefused) {
  const WordSet words(2, {{0, 1}, {1}});
  const SecondCase projected{
      "projected", {random_tensor({1, 6, 2})}, [=](const Tensors& in) {
        return projected_signature(in[0], words);
      }};
  const auto refusal_battery = [&](const char* op) {
    SCOPED_TRACE(op);
    refuses_derivative(projected, 2, "projected_signature_backward");
  };
  refusal_battery("projected_signature");
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

TEST(SecondDerivatives, OfProductsOfWindowsAreRefused) {
  const Windows windows = Windows::expanding(4, 2);
  refusal_battery("window_signature", [=](const Tensors& in) {
    return window_signature(in[0], 3, windows);
  });
  refusal_battery("window_logsignature", [=](const Tensors& in) {
    return window_logsignature(in[0], 3, windows);
  });
}

}  // namespace
}  // namespace sigtape::test
