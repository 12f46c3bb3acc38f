// Windows against one signature of the whole path, and projected signatures
// against full ones in multiply-adds a second, one thread, float32.
//
//   benchmark_signature_calculus
//
// Prints for windows that overlap by half: forward, and forward and backward,
// of all windows over that of the path. For words: G multiply-adds a second on
// the prefixes that they need, over that of the full signature of the same
// depth on its own, forward and backward.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/random.h"
#include "sigtape/framework/simd/fma_peak.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/projected_signature.h"
#include "sigtape/layers/signature/window_signature.h"

namespace {

using namespace sigtape;
using Clock = std::chrono::steady_clock;

double best_seconds(const std::function<void()>& body) {
  double best = 1e9;
  const auto end = Clock::now() + std::chrono::milliseconds(200);
  for (int i = 0; i < 3 || Clock::now() < end; ++i) {
    const auto start = Clock::now();
    body();
    const std::chrono::duration<double> seconds = Clock::now() - start;
    best = std::min(best, seconds.count());
  }
  return best;
}

struct Times {
  double forward, both;
  double backward() const { return std::max(both - forward, 1e-9); }
};

Times time_of(Tensor path, const std::function<Tensor(const Tensor&)>& f) {
  Times t{};
  t.forward = best_seconds([&] {
    const NoGrad no_grad;
    f(path);
  });
  path = path.detach().set_requires_grad();
  Tensor cotangent;
  t.both = best_seconds([&] {
    const Tensor y = f(path);
    if (!cotangent.defined()) cotangent = ones(y.shape());
    path.clear_grad();
    y.backward(cotangent);
  });
  return t;
}

Tensor walk(std::int64_t batch, std::int64_t length, std::int64_t channels) {
  return uniform({batch, length, channels}, -0.5, 0.5);
}

void windows(std::int64_t channels, std::int64_t depth) {
  constexpr std::int64_t length = 10000;
  const Tensor path = walk(1, length, channels);
  const Times whole =
      time_of(path, [&](const Tensor& x) { return signature(x, depth); });
  const auto compare = [&](const char* name, const Windows& w) {
    const Times t = time_of(
        path, [&](const Tensor& x) { return window_signature(x, depth, w); });
    std::printf(
        "windows %-16s channels %2lld depth %lld: %5lld windows, forward %.3f "
        "ms, %.2f times one signature; both %.3f ms, %.2f times\n",
        name, static_cast<long long>(channels), static_cast<long long>(depth),
        static_cast<long long>(w.count(length)), t.forward * 1e3,
        t.forward / whole.forward, t.both * 1e3, t.both / whole.both);
  };
  compare("20 points by 10", Windows::sliding(20, 10));
  compare("21 points by 10", Windows::sliding(21, 10));
  compare("dyadic 9", Windows::dyadic(9));
  compare("expanding by 10", Windows::expanding(10, 10));
}

void words(const char* name, const WordSet& set, std::int64_t batch) {
  constexpr std::int64_t length = 128;
  const Tensor path = walk(batch, length, set.channels());
  const WordSet all(set.channels(), all_words(set.channels(), set.depth()));
  const auto rates = [&](const WordSet& s, const Times& t) {
    const double steps = static_cast<double>(batch * (length - 1)) / 1e9;
    return std::pair(
        steps * static_cast<double>(s.multiply_adds()) / t.forward,
        steps * static_cast<double>(s.backward_multiply_adds()) / t.backward());
  };
  const auto [full, full_back] = rates(all, time_of(path, [&](const Tensor& x) {
                                         return signature(x, set.depth());
                                       }));
  const auto [some, some_back] = rates(set, time_of(path, [&](const Tensor& x) {
                                         return projected_signature(x, set);
                                       }));
  std::printf(
      "words %-26s of %lld prefixes: forward %.1f GFMA/s, %.2f of the full "
      "signature's; backward %.1f, %.2f\n",
      name, static_cast<long long>(set.prefixes()), some, some / full,
      some_back, some_back / full_back);
}

// Every `step`th word of `depth` letters.
WordSet sparse(std::int64_t channels, std::int64_t depth, std::size_t step) {
  std::vector<Word> chosen;
  const std::vector<Word> all = all_words(channels, depth);
  for (std::size_t i = 0; i < all.size(); i += step)
    if (std::ssize(all[i]) == depth) chosen.push_back(all[i]);
  return {channels, chosen};
}

}  // namespace

int main() {
  set_num_threads(1);
  manual_seed(1);
  std::printf("instruction set %s, peak %.1f GFMA/s\n", isa_name(active_isa()),
              measure_fma_peak<float>());
  windows(3, 4);
  windows(4, 4);
  windows(4, 6);
  windows(6, 3);
  for (const std::int64_t batch : {32, 128}) {
    words("all (4, 5)", WordSet(4, all_words(4, 5)), batch);
    words("Lyndon (4, 6)", WordSet(4, lyndon_words(4, 6)), batch);
    words("weighted (1, 1, 2, 2), 6", WordSet::weighted({1, 1, 2, 2}, 6),
          batch);
    words("every 7th (4, 6)", sparse(4, 6, 7), batch);
    words("every 50th (5, 6)", sparse(5, 6, 50), batch);
  }
}
