// Windows against one signature of the whole path, and projected signatures
// against full ones in multiply-adds a second, one thread, float32.
//
//   benchmark_signature_calculus [words | windows]
//
// Prints for windows that overlap by half: forward, and forward and backward,
// of all windows over that of the path. For words: G multiply-adds a second on
// the prefixes that they need, over that of the full signature of the same
// depth on its own, forward and backward. What is compared is measured in
// turns.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

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

// The least time of a call.
class Clocked {
 public:
  explicit Clocked(std::function<void()> body) : body_(std::move(body)) {}
  void run() {
    const auto start = Clock::now();
    body_();
    const std::chrono::duration<double> seconds = Clock::now() - start;
    best_ = std::min(best_, seconds.count());
  }
  double seconds() const { return best_; }

 private:
  std::function<void()> body_;
  double best_ = 1e9;
};

struct Times {
  double forward, both;
  double backward() const { return std::max(both - forward, 1e-9); }
};

// Of several functions of a path, in turns.
using Function = std::function<Tensor(const Tensor&)>;
std::vector<Times> times_of(const Tensor& path,
                            const std::vector<Function>& functions) {
  std::vector<Clocked> forward, both;
  const Tensor leaf = path.detach().set_requires_grad();
  for (const Function& f : functions) {
    forward.emplace_back([path, f] {
      const NoGrad no_grad;
      f(path);
    });
    both.emplace_back([leaf, f, cotangent = Tensor()]() mutable {
      const Tensor y = f(leaf);
      if (!cotangent.defined()) cotangent = ones(y.shape());
      Tensor x = leaf;
      x.clear_grad();
      y.backward(cotangent);
    });
  }
  const auto end = Clock::now() + std::chrono::milliseconds(800);
  for (int i = 0; i < 3 || Clock::now() < end; ++i)
    for (std::size_t k = 0; k < functions.size(); ++k) {
      // Several at once: what others left in the caches counts once.
      for (int repeat = 0; repeat < 4; ++repeat) forward[k].run();
      for (int repeat = 0; repeat < 4; ++repeat) both[k].run();
    }
  std::vector<Times> times;
  for (std::size_t k = 0; k < functions.size(); ++k)
    times.push_back({forward[k].seconds(), both[k].seconds()});
  return times;
}

Tensor walk(std::int64_t batch, std::int64_t length, std::int64_t channels) {
  return uniform({batch, length, channels}, -0.5, 0.5);
}

void windows(std::int64_t channels, std::int64_t depth) {
  constexpr std::int64_t length = 10000;
  const std::vector<std::pair<const char*, Windows>> kinds = {
      {"20 points by 10", Windows::sliding(20, 10)},
      {"21 points by 10", Windows::sliding(21, 10)},
      {"dyadic 9", Windows::dyadic(9)},
      {"expanding by 10", Windows::expanding(10, 10)}};
  std::vector<Function> functions = {
      [=](const Tensor& x) { return signature(x, depth); }};
  for (const auto& kind : kinds)
    functions.push_back([=, w = kind.second](const Tensor& x) {
      return window_signature(x, depth, w);
    });
  const std::vector<Times> times =
      times_of(walk(1, length, channels), functions);
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    const Times &whole = times[0], &t = times[k + 1];
    std::printf(
        "windows %-16s channels %2lld depth %lld: %5lld windows, forward %.3f "
        "ms, %.2f times one signature; both %.3f ms, %.2f times\n",
        kinds[k].first, static_cast<long long>(channels),
        static_cast<long long>(depth),
        static_cast<long long>(kinds[k].second.count(length)), t.forward * 1e3,
        t.forward / whole.forward, t.both * 1e3, t.both / whole.both);
  }
}

void words(const char* name, const WordSet& set, std::int64_t batch) {
  constexpr std::int64_t length = 128;
  const WordSet all(set.channels(), all_words(set.channels(), set.depth()));
  const auto rates = [&](const WordSet& s, const Times& t) {
    const double steps = static_cast<double>(batch * (length - 1)) / 1e9;
    return std::pair(
        steps * static_cast<double>(s.multiply_adds()) / t.forward,
        steps * static_cast<double>(s.backward_multiply_adds()) / t.backward());
  };
  const std::vector<Times> times =
      times_of(walk(batch, length, set.channels()),
               {[&](const Tensor& x) { return signature(x, set.depth()); },
                [&](const Tensor& x) { return projected_signature(x, set); }});
  const auto [full, full_back] = rates(all, times[0]);
  const auto [some, some_back] = rates(set, times[1]);
  std::printf(
      "words %-26s of %lld prefixes, %3lld paths: forward %.1f GFMA/s, %.2f of "
      "the full signature's; backward %.1f, %.2f\n",
      name, static_cast<long long>(set.prefixes()),
      static_cast<long long>(batch), some, some / full, some_back,
      some_back / full_back);
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

int main(int count, char** arguments) {
  const std::string_view only = count > 1 ? arguments[1] : "";
  set_num_threads(1);
  manual_seed(1);
  std::printf("instruction set %s, peak %.1f GFMA/s\n", isa_name(active_isa()),
              measure_fma_peak<float>());
  if (only != "words") {
    windows(3, 4);
    windows(4, 4);
    windows(4, 6);
    windows(6, 3);
  }
  if (only == "windows") return 0;
  for (const std::int64_t batch : {32, 128}) {
    words("all (4, 5)", WordSet(4, all_words(4, 5)), batch);
    words("Lyndon (4, 6)", WordSet(4, lyndon_words(4, 6)), batch);
    words("weighted (1, 1, 2, 2), 6", WordSet::weighted({1, 1, 2, 2}, 6),
          batch);
    words("every 7th (4, 6)", sparse(4, 6, 7), batch);
    words("every 50th (5, 6)", sparse(5, 6, 50), batch);
  }
}
