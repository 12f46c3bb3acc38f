#include "sigtape/layers/signature/window_lengths_functors.h"

namespace sigtape {

namespace {

template <class F>
void for_each(std::int64_t count, const F& f) {
  for (std::int64_t i = 0; i < count; ++i) f(i);
}

}  // namespace

void count_windows(Cpu, std::int64_t batch, const WindowRule& rule,
                   const std::int64_t* lengths, std::int64_t* counts) {
  for_each(batch, CountWindows{rule, lengths, counts});
}

void index_window_points(Cpu, const WindowPoints& s,
                         const std::int64_t* lengths, std::int64_t* index) {
  for_each(s.batch * s.points, IndexWindowPoint{s, lengths, index});
}

void index_windows(Cpu, std::int64_t batch, std::int64_t windows,
                   const WindowRule& rule, const std::int64_t* lengths,
                   std::int64_t* index) {
  for_each(batch * windows, IndexWindow{windows, rule, lengths, index});
}

void check_window_lengths(Cpu, std::int64_t batch, bool shared,
                          const std::int64_t* least,
                          const std::int64_t* lengths) {
  for (std::int64_t b = 0; b < batch; ++b) {
    const std::int64_t fewest = least[shared ? 0 : b];
    require(lengths[b] >= fewest, "windows: path ", b, " has ", lengths[b],
            " points, expected at least ", fewest, " for its windows");
  }
}

}  // namespace sigtape
