// The signature kernels on raw arrays against the peak of multiply-adds that
// one thread has in the same run.
//
//   benchmark_signature_kernels [float32|float64] [threads=1]
//   [B,L,d,N[,stream]]
//
// F multiply-adds an increment forward by Horner's scheme, A backward from
// saved prefixes (recompute levels below N, two for each one of forward, the
// additions): sum (N - k + 1) d^k and (F - d^N) + 2 F + (F - S).

#include "sigtape/layers/signature/signature_kernels.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/fma_peak.h"
#include "sigtape/framework/simd/isa.h"

namespace {

using sigtape::SignatureShape;
using Clock = std::chrono::steady_clock;

struct Free {
  void operator()(void* p) const { std::free(p); }
};

std::unique_ptr<void, Free> aligned(std::size_t bytes) {
  const std::size_t rounded = (bytes + 64) / 64 * 64;
  std::unique_ptr<void, Free> memory(std::aligned_alloc(64, rounded));
  std::memset(memory.get(), 0, rounded);
  return memory;
}

double forward_work(const SignatureShape& s) {
  double work = 0, words = 1;
  for (int k = 1; k <= s.depth; ++k) {
    words *= static_cast<double>(s.channels);
    work += (s.depth - k + 1) * words;
  }
  return work;
}

double backward_work(const SignatureShape& s) {
  double top = 1;
  for (int k = 0; k < s.depth; ++k) top *= static_cast<double>(s.channels);
  return 4 * forward_work(s) - top - static_cast<double>(s.words());
}

// Shortest time of a call, over 0.3 seconds.
template <class Body>
double best_seconds(const Body& body) {
  double best = 1e9;
  const auto end = Clock::now() + std::chrono::milliseconds(300);
  do {
    const auto start = Clock::now();
    body();
    const std::chrono::duration<double> seconds = Clock::now() - start;
    best = std::min(best, seconds.count());
  } while (Clock::now() < end);
  return best;
}

template <class T>
void measure(const SignatureShape& shape) {
  std::vector<T> path(shape.batch * shape.length * shape.channels);
  std::vector<T> signature(shape.batch * shape.rows() * shape.columns());
  std::vector<T> dsignature(signature.size()), dpath(path.size());
  unsigned bits = 1;
  auto uniform = [&] {
    bits = bits * 1664525u + 1013904223u;
    return static_cast<T>(bits >> 8) / T(1 << 24) - T(0.5);
  };
  for (T& x : path) x = uniform() / T(4);
  for (T& x : dsignature) x = uniform();
  const auto saved = aligned(sigtape::cpu::signature_saved_bytes<T>(shape));
  const auto workspace =
      aligned(sigtape::cpu::signature_workspace_bytes<T>(shape));
  const sigtape::SignatureInputs<T> inputs = {path.data()};
  auto forward = [&](void* save) {
    sigtape::cpu::signature_forward(shape, inputs, signature.data(), save,
                                    workspace.get());
  };
  const double alone =
      best_seconds([&] { forward(static_cast<void*>(nullptr)); });
  const double saving = best_seconds([&] { forward(saved.get()); });
  const double backward = best_seconds([&] {
    sigtape::cpu::signature_backward(
        shape, inputs, saved.get(), dsignature.data(),
        {dpath.data(), nullptr, nullptr}, workspace.get());
  });
  const double peak = sigtape::measure_fma_peak<T>();
  const double increments =
      1e-9 * static_cast<double>(shape.batch * shape.increments());
  const double forward_rate = forward_work(shape) * increments / alone;
  const double backward_rate = backward_work(shape) * increments / backward;
  std::printf(
      "(%3lld,%4lld,%2lld,%d%s) forward %8.4f ms %6.1f GFMA/s %3.0f%%  saving "
      "%8.4f ms  backward %8.4f ms %6.1f GFMA/s %3.0f%%  peak %.1f\n",
      static_cast<long long>(shape.batch), static_cast<long long>(shape.length),
      static_cast<long long>(shape.channels), shape.depth,
      shape.stream ? ",stream" : "", alone * 1e3, forward_rate,
      100 * forward_rate / peak, saving * 1e3, backward * 1e3, backward_rate,
      100 * backward_rate / peak, peak);
  std::fflush(stdout);
}

SignatureShape parse_case(const char* text) {
  long long batch = 0, length = 0, channels = 0;
  int depth = 0;
  char flag[16] = "";
  if (std::sscanf(text, "%lld,%lld,%lld,%d,%15s", &batch, &length, &channels,
                  &depth, flag) < 4) {
    std::fprintf(stderr, "expected B,L,d,N or B,L,d,N,stream, got %s\n", text);
    std::exit(2);
  }
  return {.batch = batch,
          .length = length,
          .channels = channels,
          .depth = depth,
          .stream = !std::strcmp(flag, "stream")};
}

}  // namespace

int main(int count, char** arguments) {
  int threads = 1;
  bool wide = false;
  std::vector<const char*> cases;
  for (int k = 1; k < count; ++k) {
    if (!std::strcmp(arguments[k], "float64")) {
      wide = true;
    } else if (std::sscanf(arguments[k], "threads=%d", &threads) == 1) {
    } else if (std::strcmp(arguments[k], "float32")) {
      cases.push_back(arguments[k]);
    }
  }
  if (cases.empty())
    cases = {"128,100,2,4", "128,100,3,2",        "128,100,3,4",
             "128,100,3,6", "128,500,4,4",        "32,128,4,5",
             "32,128,4,7",  "32,128,5,5",         "128,100,6,4",
             "32,128,6,5",  "128,100,7,4",        "128,100,10,4",
             "1,128,4,7",   "1,1024,4,6",         "5,100,3,4",
             "1,100,3,2",   "128,100,3,4,stream", "32,100,8,3,stream"};
  sigtape::set_num_threads(threads);
  std::printf("%s %s, threads %d\n", sigtape::isa_name(sigtape::active_isa()),
              wide ? "float64" : "float32", threads);
  for (const char* text : cases) {
    if (wide) {
      measure<double>(parse_case(text));
    } else {
      measure<float>(parse_case(text));
    }
  }
}
