#pragma once

#include <algorithm>
#include <cmath>

namespace sigtape {

/// The mountain car of reinforcement learning (Moore 1990), with the constants
/// of OpenAI Gym's MountainCar-v0: a car in a valley whose motor is too weak to
/// drive up, so that it must swing.
class MountainCar {
 public:
  static constexpr double goal = 0.5;

  /// Starts at rest at `position`, in -0.6..-0.4 by custom.
  explicit MountainCar(double position) : position_(position) {}

  /// One step with the motor backwards (0), off (1) or forwards (2).
  void step(int action) {
    velocity_ += (action - 1) * 0.001 - 0.0025 * std::cos(3 * position_);
    velocity_ = std::clamp(velocity_, -0.07, 0.07);
    position_ = std::clamp(position_ + velocity_, -1.2, 0.6);
    if (position_ <= -1.2 && velocity_ < 0) velocity_ = 0;
  }
  double position() const { return position_; }
  double velocity() const { return velocity_; }
  bool at_goal() const { return position_ >= goal; }

 private:
  double position_, velocity_ = 0;
};

}  // namespace sigtape
