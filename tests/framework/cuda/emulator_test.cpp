// The emulator runs right kernels right in every order, and stops wrong ones.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "sigtape/framework/cuda/launch.h"

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kAddressSanitizer = true;
#else
constexpr bool kAddressSanitizer = false;
#endif
#if defined(__SANITIZE_THREAD__)
constexpr bool kThreadSanitizer = true;
#else
constexpr bool kThreadSanitizer = false;
#endif

namespace sigtape::cuda {
namespace {

using cuda_host::Order;

constexpr unsigned kAll = 0xffffffffu;

// out[b] = sum of the n numbers of block b, by warps and then across them.
__global__ void sum_kernel(const float* in, int n, float* out) {
  auto& partial = static_shared<struct sum_partial, float[2]>();
  float* staged = dynamic_shared<float>();
  const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
  for (int i = thread; i < n; i += blockDim.x)
    staged[n - 1 - i] = in[blockIdx.x * n + i];
  __syncthreads();
  float sum = 0;
  for (int i = thread; i < n; i += blockDim.x) sum += staged[i];
  for (int offset = 16; offset > 0; offset /= 2)
    sum += __shfl_down_sync(kAll, sum, offset);
  if (lane == 0) partial[warp] = sum;
  __syncthreads();
  if (thread == 0) out[blockIdx.x] = partial[0] + partial[1];
}

// By lane: down, up, xor and indexed shuffles at widths 32 and 8, a ballot.
__global__ void shuffle_kernel(int* out) {
  const int lane = threadIdx.x % 32;
  int* o = out + threadIdx.x * 8;
  o[0] = __shfl_down_sync(kAll, lane, 3);
  o[1] = __shfl_down_sync(kAll, lane, 3, 8);
  o[2] = __shfl_up_sync(kAll, lane, 3);
  o[3] = __shfl_up_sync(kAll, lane, 3, 8);
  o[4] = __shfl_xor_sync(kAll, lane, 5);
  o[5] = __shfl_sync(kAll, lane, 2, 8);
  o[6] = static_cast<int>(__ballot_sync(kAll, lane % 3 == 0));
  o[7] = static_cast<int>(2 * __shfl_sync(kAll, lane + 0.5, 31));
}

// Neighbours exchange values; without the barrier that is a race.
template <bool Barrier>
__global__ void exchange_kernel(float* out) {
  float* shared = dynamic_shared<float>();
  const unsigned next = (threadIdx.x + 1) % blockDim.x;
  shared[threadIdx.x] = static_cast<float>(threadIdx.x);
  if constexpr (Barrier) __syncthreads();
  out[threadIdx.x] = shared[next];
}

__global__ void two_barriers_kernel() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

__global__ void wait_for_nobody_kernel() {
  if (threadIdx.x == 0) {
    __syncwarp();
  } else {
    __syncthreads();
  }
}

__global__ void wrong_mask_kernel(int* out) {
  out[threadIdx.x] = __shfl_sync(0x0000ffffu, 1, 0);
}

__global__ void two_masks_kernel() {
  __syncwarp(threadIdx.x < 16 ? kAll : 0xffff0001u);
}

__global__ void absent_lane_kernel(int* out) {
  if (threadIdx.x >= 16) return;
  out[threadIdx.x] = __shfl_down_sync(kAll, 1, 8);
}

__global__ void shared_index_kernel(int index) {
  dynamic_shared<float>()[index] = 1;
}

__global__ void static_index_kernel(int index) {
  float* array = static_shared<struct indexed, float[8]>();
  array[index] = 1;
}

__global__ void much_static_kernel() {
  static_shared<struct much, float[11 << 10]>()[threadIdx.x] = 0;
}

__global__ void nested_kernel(float* out) {
  launch(exchange_kernel<true>, 1, 32, 128, nullptr, out);
}

__global__ void empty_kernel() {}

class Emulator : public testing::Test {
 protected:
  void TearDown() override { cuda_host::set_order(Order::forward); }

  // Runs in a child process, which prints `message` and dies.
  template <class Run>
  static void expect_stop(const Run& run, const char* message) {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    EXPECT_DEATH(run(), message);
  }

  template <bool Barrier>
  static std::vector<float> exchanged(Order order) {
    cuda_host::set_order(order);
    std::vector<float> out(64);
    launch(exchange_kernel<Barrier>, 1, 64, 256, nullptr, out.data());
    return out;
  }
};

constexpr Order kOrders[] = {Order::forward, Order::reverse, Order::random};

TEST_F(Emulator, SumsInEveryOrder) {
  std::vector<float> in(3 * 100);
  std::iota(in.begin(), in.end(), 1.0f);
  for (const Order order : kOrders) {
    cuda_host::set_order(order, 7);
    std::vector<float> out(3, NAN);
    launch(sum_kernel, 3, 64, 100 * sizeof(float), nullptr, in.data(), 100,
           out.data());
    for (int b = 0; b < 3; ++b)
      EXPECT_EQ(out[b], 100 * (100 * b + 50.5f)) << "block " << b;
  }
}

TEST_F(Emulator, ShufflesLikeAWarp) {
  unsigned votes = 0;
  for (int lane = 0; lane < 32; lane += 3) votes |= 1u << lane;
  for (const Order order : kOrders) {
    cuda_host::set_order(order, 5);
    std::vector<int> out(64 * 8);
    launch(shuffle_kernel, 1, 64, 0, nullptr, out.data());
    for (int thread = 0; thread < 64; ++thread) {
      const int lane = thread % 32, first = lane / 8 * 8;
      const std::vector<int> expected = {lane + 3 < 32 ? lane + 3 : lane,
                                         lane + 3 < first + 8 ? lane + 3 : lane,
                                         lane >= 3 ? lane - 3 : lane,
                                         lane - 3 >= first ? lane - 3 : lane,
                                         lane ^ 5,
                                         first + 2,
                                         static_cast<int>(votes),
                                         63};
      EXPECT_EQ(std::vector<int>(out.begin() + thread * 8,
                                 out.begin() + thread * 8 + 8),
                expected)
          << "thread " << thread;
    }
  }
}

TEST_F(Emulator, OrdersDisagreeWhereABarrierIsMissing) {
  EXPECT_EQ(exchanged<true>(Order::forward), exchanged<true>(Order::reverse));
  if (kThreadSanitizer) GTEST_SKIP() << "the thread sanitizer reports the race";
  const auto forward = exchanged<false>(Order::forward);
  const auto reverse = exchanged<false>(Order::reverse);
  EXPECT_TRUE(
      std::isnan(forward[5]));  // not yet written: the NaN of new memory
  EXPECT_TRUE(std::isnan(reverse[63]));
  EXPECT_EQ(reverse[5], 6);
}

TEST_F(Emulator, ThreadSanitizerSeesAMissingBarrier) {
  if (!kThreadSanitizer) GTEST_SKIP() << "built without the thread sanitizer";
  expect_stop(
      [] {
        exchanged<false>(Order::forward);
        std::_Exit(0);  // not reached where a race halts
      },
      "data race");
}

TEST_F(Emulator, StopsAtDivergentBarriers) {
  expect_stop([] { launch(two_barriers_kernel, 1, 64, 0, nullptr); },
              "different barriers");
}

TEST_F(Emulator, StopsADeadlock) {
  expect_stop([] { launch(wait_for_nobody_kernel, 1, 32, 0, nullptr); },
              "deadlock\n.*threads wait at");
}

TEST_F(Emulator, StopsAtWrongMasks) {
  std::vector<int> out(32);
  expect_stop([&] { launch(wrong_mask_kernel, 1, 32, 0, nullptr, out.data()); },
              "not in its own mask");
  expect_stop([] { launch(two_masks_kernel, 1, 32, 0, nullptr); },
              "wait with masks");
}

TEST_F(Emulator, StopsAtAShuffleFromAnAbsentLane) {
  std::vector<int> out(32);
  expect_stop(
      [&] { launch(absent_lane_kernel, 1, 32, 0, nullptr, out.data()); },
      "which is not there");
}

TEST_F(Emulator, AddressSanitizerSeesTheEndsOfSharedMemory) {
  launch(shared_index_kernel, 1, 1, 40, nullptr, 9);
  launch(static_index_kernel, 1, 1, 0, nullptr, 7);
  if (!kAddressSanitizer) GTEST_SKIP() << "built without it";
  for (const int index : {-1, 10}) {
    expect_stop([=] { launch(shared_index_kernel, 1, 1, 40, nullptr, index); },
                "AddressSanitizer");
  }
  expect_stop([] { launch(static_index_kernel, 1, 1, 0, nullptr, 8); },
              "AddressSanitizer");
}

TEST_F(Emulator, StopsAtLaunchesThatNoGpuTakes) {
  const auto start = [](dim3 grid, dim3 block, std::size_t bytes) {
    return [=] { launch(empty_kernel, grid, block, bytes, nullptr); };
  };
  for (const auto& run :
       {start(0, 32, 0), start(1, 0, 0), start(1, 1025, 0),
        start(dim3(1, 65536), 32, 0), start(1, 32, (64 << 10) + 1)}) {
    expect_stop(run, "a launch that no GPU takes");
  }
  start(dim3(2, 2, 2), dim3(4, 4, 2), 64 << 10)();
}

TEST_F(Emulator, StopsAtTooMuchSharedMemoryInAll) {
  launch(much_static_kernel, 1, 32, 0, nullptr);
  expect_stop([] { launch(much_static_kernel, 1, 32, 32 << 10, nullptr); },
              "too much shared memory");
}

TEST_F(Emulator, StopsALaunchInsideAKernel) {
  std::vector<float> out(32);
  expect_stop([&] { launch(nested_kernel, 1, 1, 0, nullptr, out.data()); },
              "a launch inside a kernel");
}

}  // namespace
}  // namespace sigtape::cuda
