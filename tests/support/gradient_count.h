#pragma once

namespace sigtape::test {

/// Notes that one gradient has been checked against differences: of one call
/// of an operation, by all of its arguments. A program that notes any prints
/// "gradient cases: N" at its end (see tests/gradients.sh).
void count_gradient_case();

}  // namespace sigtape::test
