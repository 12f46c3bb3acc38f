// The environment of the reinforcement-learning experiment against the rules of
// MountainCar-v0.
#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/benchmarks/experiments/mountain_car_environment.h"

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

}  // namespace
}  // namespace sigtape::test
