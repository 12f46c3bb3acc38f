// The reinforcement-learning experiment: its environment against the rules of
// MountainCar-v0, its policies against themselves on shorter histories, its
// targets against Watkins' rule.
#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/benchmarks/experiments/mountain_car_environment.h"
#include "sigtape/benchmarks/experiments/mountain_car_learner.h"
#include "sigtape/benchmarks/experiments/mountain_car_policy.h"

namespace sigtape::test {
namespace {

TEST(MountainCar, MovesByTheRules) {
  MountainCar car(-0.5);
  car.step(2);
  const double velocity = 0.001 - 0.0025 * std::cos(-1.5);
  EXPECT_DOUBLE_EQ(car.velocity(), velocity);
  EXPECT_DOUBLE_EQ(car.position(), -0.5 + velocity);
  car.step(0);
  EXPECT_DOUBLE_EQ(car.velocity(),
                   velocity - 0.001 - 0.0025 * std::cos(3 * (-0.5 + velocity)));
}

TEST(MountainCar, StopsAtTheLeftWall) {
  MountainCar car(-1.19);
  for (int t = 0; t < 400; ++t) {
    car.step(0);
    EXPECT_GE(car.position(), -1.2);
    EXPECT_LE(std::abs(car.velocity()), 0.07);
    if (car.position() <= -1.2) {
      EXPECT_GE(car.velocity(), 0);
    }
  }
}

// The motor alone does not do it; pushing along with the motion does.
TEST(MountainCar, IsSolvedBySwinging) {
  MountainCar weak(-0.5), swinging(-0.5);
  int steps = 0;
  for (int t = 0; t < 300; ++t) {
    weak.step(2);
    EXPECT_FALSE(weak.at_goal());
  }
  for (; steps < 300 && !swinging.at_goal(); ++steps)
    swinging.step(swinging.velocity() >= 0 ? 2 : 0);
  EXPECT_GT(steps, 80);
  EXPECT_LT(steps, 200);
}

// What is learned from whole episodes are the values that choose actions in the
// course of one.
TEST(MountainCarPolicy, SeesOnlyWhatWas) {
  manual_seed(3);
  for (const char* name : {"signature", "rnn"}) {
    const auto policy = make_policy(name);
    std::int64_t count = 0;
    for (const NamedTensor& p : policy->parameters()) count += p.tensor.numel();
    EXPECT_EQ(count, std::string(name) == "rnn" ? 5475 : 5769);
    const Tensor history = randn({2, 40, 2});
    const Tensor all = policy->stream_values(history);
    ASSERT_EQ(all.shape(), Shape({2, 40, 3}));
    for (const std::int64_t points : {2, 17, 40}) {
      const Tensor some = policy->values(slice(history, 1, 0, points));
      for (int batch = 0; batch < 2; ++batch)
        for (int action = 0; action < 3; ++action)
          EXPECT_NEAR(some.data<float>()[3 * batch + action],
                      all.data<float>()[(40 * batch + points - 1) * 3 + action],
                      1e-4)
              << name;
    }
  }
}

// Two steps, of which the second reaches the goal, or does not.
TEST(MountainCarTargets, TheGoalEndsAnEpisode) {
  Tensor next = zeros({2, kCarPoints, 3});
  float* value = next.mutable_data<float>();
  for (int i = 0; i < 2; ++i)
    for (int point = 0; point < 4; ++point)
      value[(i * kCarPoints + point) * 3 + 1] = 10.0f * point;
  Episode won{zeros({1, kCarPoints, 2}), {2, 0}, true};
  won.history.mutable_data<float>()[2 * 2 + 1] = -0.25f;
  won.history.mutable_data<float>()[2 * 3 + 1] = 0.5f;
  Episode lost = won;
  lost.success = false;
  const CarTargets targets({&won, &lost}, next);
  const float* wanted = targets.wanted.data<float>();
  const float* done = targets.done.data<float>();
  const std::int64_t second = kCarSteps * 3;
  EXPECT_FLOAT_EQ(wanted[2], -0.25f + 0.99f * 20);
  EXPECT_FLOAT_EQ(wanted[3], 0.5f + 1);
  EXPECT_FLOAT_EQ(wanted[second + 2], -0.25f + 0.99f * 20);
  EXPECT_FLOAT_EQ(wanted[second + 3], 0.5f + 0.99f * 30);
  float all = 0;
  for (std::int64_t i = 0; i < targets.done.numel(); ++i) all += done[i];
  EXPECT_EQ(all, 4);
  EXPECT_EQ(done[2] + done[3] + done[second + 2] + done[second + 3], 4);
}

TEST(MountainCarLearner, IsAFunctionOfItsSeed) {
  double last[2];
  for (double& rate : last) {
    manual_seed(5);
    Learner learner("signature", 5);
    for (std::uint64_t number = 1; number <= 2; ++number) learner.play(number);
    rate = learner.policy().parameters().front().tensor.data<float>()[0];
  }
  EXPECT_EQ(last[0], last[1]);
}

}  // namespace
}  // namespace sigtape::test
