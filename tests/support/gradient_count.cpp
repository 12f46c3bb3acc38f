#include "support/gradient_count.h"

#include <cstdio>

namespace sigtape::test {

namespace {

struct Counter {
  long cases = 0;
  ~Counter() {
    if (cases > 0) std::printf("gradient cases: %ld\n", cases);
  }
};

}  // namespace

void count_gradient_case() {
  static Counter counter;
  ++counter.cases;
}

}  // namespace sigtape::test
