#include "sigtape/framework/tape.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "sigtape/framework/gradcheck.h"
#include "sigtape/framework/ops.h"
#include "support/battery.h"

namespace sigtape {
namespace {

using test::expect_error;
using Values = std::vector<double>;

constexpr TensorOptions f64{DType::float64, {}};

Tensor variable(std::initializer_list<double> values) {
  Tensor x =
      from_values(values, {static_cast<std::int64_t>(values.size())}, f64);
  x.set_requires_grad();
  return x;
}

const Tensor& ones3() {
  static const Tensor tensor = ones({3}, f64);
  return tensor;
}

TEST(Tape, AccumulatesAlongEveryPath) {
  Tensor x = variable({1, 2, 3});
  const Tensor y = x * x + x;  // dy/dx = 2x + 1
  y.backward(ones3());
  EXPECT_EQ(x.grad().to_vector(), (Values{3, 5, 7}));
  (x * 2).backward(ones3());  // adds to what is there
  EXPECT_EQ(x.grad().to_vector(), (Values{5, 7, 9}));
}

TEST(Tape, GradientsOfDifferentLeavesAreNotShared) {
  Tensor x = variable({1, 2, 3}), y = variable({4, 5, 6});
  const Tensor g = full({3}, 2, f64);
  (x + y).backward(g);
  x.grad().mul_(10);
  EXPECT_EQ(y.grad().to_vector(), (Values{2, 2, 2}));
  EXPECT_EQ(g.to_vector(), (Values{2, 2, 2}));
}

TEST(Tape, FreedGraphIsRefusedAndRetainedOneIsNot) {
  Tensor x = variable({1, 2, 3});
  const Tensor y = x * x;
  y.backward(ones3(), {.retain_graph = true});
  y.backward(ones3());
  EXPECT_EQ(x.grad().to_vector(), (Values{4, 8, 12}));
  expect_error([&] { y.backward(ones3()); },
               {"'mul'", "already freed", "retain_graph"});
}

TEST(Tape, AnErrorInTheMiddleLeavesNoGradientWaiting) {
  Tensor x = variable({1, 2, 3});
  const Tensor y = x * x;
  y.backward(ones3());
  const Tensor z = y * 2 + x;
  expect_error([&] { z.backward(ones3()); }, {"already freed"});
  x.clear_grad();
  (x * 5).backward(ones3());
  EXPECT_EQ(x.grad().to_vector(), (Values{5, 5, 5}));
}

TEST(Tape, ChangeOfASavedTensorIsDetected) {
  Tensor x = variable({1, 2, 3});
  Tensor y = x * 1;
  const Tensor z = y * y;
  {
    const NoGrad no_grad;
    y.fill_(0);
  }
  expect_error([&] { z.backward(ones3()); },
               {"'mul'", "in place", "version", "(3)"});
}

TEST(Tape, NothingIsRecordedUnderNoGradOrDetached) {
  Tensor x = variable({1, 2, 3});
  const std::int64_t before = Tape::current().size();
  {
    const NoGrad no_grad;
    EXPECT_FALSE((x * x).requires_grad());
  }
  EXPECT_TRUE(grad_enabled());
  EXPECT_FALSE((x.detach() * 2).requires_grad());
  EXPECT_EQ(Tape::current().size(), before);
  expect_error([&] { x.detach().backward(); }, {"nothing was recorded"});
  expect_error([&] { (x * x).backward(); }, {"one element", "(3)"});
  expect_error([&] { (x * x).backward(ones({2}, f64)); }, {"(3)", "(2)"});
}

TEST(Tape, ALeafAddsTheCotangentToItsOwnGradient) {
  Tensor x = variable({1, 2, 3});
  const Tensor cotangent = from_values({4, 5, 6}, {3}, f64);
  x.backward(cotangent);
  x.backward(cotangent);
  EXPECT_EQ(x.grad().to_vector(), (std::vector<double>{8, 10, 12}));
  EXPECT_EQ(cotangent.to_vector(), (std::vector<double>{4, 5, 6}));
  Tensor one = variable({7});
  one.backward();
  EXPECT_EQ(one.grad().item(), 1);
  EXPECT_EQ(gradients(one, {one})[0].item(), 1);
  expect_error([&] { x.backward(); }, {"one element", "(3)"});
  expect_error([&] { ones({1}, f64).backward(); }, {"nothing was recorded"});
}

TEST(Tape, AGraphThatNobodyHoldsLeavesTheTape) {
  Tensor x = variable({1, 2, 3});
  const std::int64_t before = Tape::current().size();
  {
    Tensor y = x;
    for (int i = 0; i < 10; ++i) y = y * x;
    EXPECT_EQ(Tape::current().size(), before + 10);
  }
  EXPECT_EQ(Tape::current().size(), before);
}

TEST(Tape, SavesOnlyWhatTheRuleReads) {
  Tensor x = variable({1, 2, 3});
  const Tensor constant = full({3}, 2, f64);
  EXPECT_EQ((x + constant).node()->saved_bytes(), 0);
  EXPECT_EQ((x * constant).node()->saved_bytes(), 3 * 8);
  EXPECT_EQ((x * x).node()->saved_bytes(), 2 * 3 * 8);
}

TEST(Tape, AMillionNodesRunBackwardAndAreFreed) {
  Tensor x = variable({1});
  const std::int64_t before = Tape::current().size();
  {
    Tensor y = x;
    for (int i = 0; i < 1000000; ++i) y = y + 1;
    y.backward();
    EXPECT_EQ(x.grad().item(), 1);
  }
  EXPECT_EQ(Tape::current().size(), before);
  Tensor dropped = x;  // never run backward, only freed
  for (int i = 0; i < 1000000; ++i) dropped = dropped + 1;
  dropped = Tensor();
  EXPECT_EQ(Tape::current().size(), before);
}

TEST(Tape, SecondDerivatives) {
  Tensor x = variable({2, 3, 4});
  const Tensor y = x * x * x;
  const auto first =
      gradients(y, {x}, ones3(), {.retain_graph = true, .create_graph = true});
  EXPECT_EQ(first[0].to_vector(), (Values{12, 27, 48}));
  EXPECT_FALSE(x.grad().defined());
  const auto second = gradients(first[0], {x}, ones3());
  EXPECT_EQ(second[0].to_vector(), (Values{12, 18, 24}));
}

TEST(Tape, SecondDerivativesThroughASavedOutput) {
  Tensor a = variable({2}), b = variable({4});
  const Tensor q = a / b;  // saves its output; d2q/db2 = 2a/b^3
  const auto first = gradients(q, {b}, {}, {.create_graph = true});
  EXPECT_DOUBLE_EQ(first[0].item(), -2.0 / 16);
  EXPECT_DOUBLE_EQ(gradients(first[0], {b})[0].item(), 4.0 / 64);
}

TEST(Tape, GradientsOfIntermediateTensors) {
  Tensor x = variable({1, 2, 3});
  const Tensor y = x * 3, z = y * y;
  const auto g = gradients(z, {y, x, ones3()}, ones3());
  EXPECT_EQ(g[0].to_vector(), (Values{6, 12, 18}));
  EXPECT_EQ(g[1].to_vector(), (Values{18, 36, 54}));
  EXPECT_FALSE(g[2].defined());
}

TEST(Tape, ThreadsHaveTheirOwnTapes) {
  std::vector<std::thread> threads;
  std::vector<double> results(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &results] {
      Tensor x = variable({1, 2, 3});
      for (int i = 0; i < 100; ++i) {
        x.clear_grad();
        (x * x * static_cast<double>(t)).backward(ones3());
      }
      results[t] = x.grad().to_vector()[2];
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(results, (Values{0, 6, 12, 18}));
}

TEST(Tape, AGraphMayBeFreedByAnotherThread) {
  Tensor x = variable({1, 2, 3});
  const std::int64_t before = Tape::current().size();
  Tensor y = x * x * x;
  std::thread([moved = std::move(y)]() mutable { moved = Tensor(); }).join();
  y = Tensor();
  EXPECT_EQ(Tape::current().size(), before);
}

// An operation whose rule forgets a factor 2.
Tensor wrong_square(const Tensor& x) {
  const NoGrad no_grad;
  const Tensor y = x.detach() * x.detach();
  const GradMode recording(true);
  return record("wrong_square", y, {x}, {x},
                [](Backward& b) { b.add(0, b.grad() * b.saved(0)); });
}

TEST(Gradcheck, FindsAWrongRule) {
  const Tensor x = from_values({1, 2, 3}, {3}, f64);
  const auto right = gradcheck(
      [](const std::vector<Tensor>& in) { return in[0] * in[0]; }, {x});
  EXPECT_TRUE(right.ok) << right.message;
  EXPECT_EQ(right.checked, 3);
  const auto wrong = gradcheck(
      [](const std::vector<Tensor>& in) { return wrong_square(in[0]); }, {x});
  EXPECT_FALSE(wrong.ok);
  EXPECT_NE(wrong.message.find("argument 0"), std::string::npos);
}

TEST(Tape, RuleWithAWrongShapeOrWithoutDerivativeNamesTheOperation) {
  Tensor x = variable({1, 2, 3});
  const Tensor bad = record("bad", ones({3}, f64), {x}, {},
                            [](Backward& b) { b.add(0, ones({2}, f64)); });
  expect_error([&] { bad.backward(ones3()); }, {"'bad'", "(3)", "(2)"});
  const Tensor none = record("step", ones({3}, f64), {x}, {},
                             [](Backward&) { no_derivative("step"); });
  expect_error([&] { none.backward(ones3()); }, {"'step'", "no derivative"});
}

TEST(Anomaly, NamesOperationLayerAndElement) {
  set_anomaly_detection(true);
  Tensor x = variable({1, 0, 3});
  const LayerScope scope("augment1");
  expect_error([&] { 1.0 / x; }, {"'div'", "'augment1'", "element 1"});
  set_anomaly_detection(false);
  EXPECT_TRUE(std::isinf((1.0 / x).to_vector()[1]));
}

}  // namespace
}  // namespace sigtape
