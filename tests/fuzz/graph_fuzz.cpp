// Random graphs of operations against the plain reference.
#include "fuzz/random_graph.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  sigtape::set_num_threads(1);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  sigtape::fuzz::RandomGraph(data, size).run();
  return 0;
}
