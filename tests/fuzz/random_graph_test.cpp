// The random graphs of the fuzzer, from random numbers in place of its inputs:
// a difference ends the program.
#include "fuzz/random_graph.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace sigtape {
namespace {

/// SIGTAPE_GRAPHS sets their number.
int graphs() {
  const char* text = std::getenv("SIGTAPE_GRAPHS");
  return text == nullptr ? 2000 : std::atoi(text);
}

TEST(RandomGraph, IsWhatThePlainTapeComputes) {
  std::mt19937 random(20);
  std::vector<std::uint8_t> bytes(250);
  for (int i = 0; i < graphs(); ++i) {
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    fuzz::RandomGraph(bytes.data(), bytes.size()).run();
  }
}

}  // namespace
}  // namespace sigtape
