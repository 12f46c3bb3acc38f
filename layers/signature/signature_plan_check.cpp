#include "sigtape/layers/signature/signature_plan_check.h"

#include <cmath>
#include <limits>

#include "sigtape/framework/check.h"
#include "sigtape/framework/system_memory.h"
#include "sigtape/layers/signature/channels.h"

namespace sigtape {

namespace {

constexpr double gigabyte = 1e9;
constexpr double unrepresentable = std::numeric_limits<double>::infinity();

// Terms of one signature; infinite where int64 or the kernels' depth (int)
// cannot hold the number.
double columns(const SignatureShape& shape, std::int64_t depth) {
  if (depth > std::numeric_limits<int>::max()) return unrepresentable;
  const auto channels = static_cast<double>(shape.channels);
  double words = shape.channels == 1 ? static_cast<double>(depth) : 0;
  for (double level = channels;
       shape.channels > 1 && depth > 0 && words < 0x1p62;
       --depth, level *= channels)
    words += level;
  return words < 0x1p62 ? words + shape.scalar_term : unrepresentable;
}

template <class T>
double scratch_bytes(const SignatureShape& shape, bool recorded) {
  const auto workspace =
      static_cast<double>(cpu::signature_workspace_bytes<T>(shape));
  if (!recorded) return workspace;
  return workspace + static_cast<double>(cpu::signature_saved_bytes<T>(shape));
}

// Bytes that a call takes beyond its inputs at the moment it takes most.
double plan_bytes(SignatureShape shape, std::int64_t depth, DType dtype,
                  bool recorded, double limit) {
  const auto batch = static_cast<double>(shape.batch);
  const double result = columns(shape, depth) * batch *
                        static_cast<double>(shape.rows() * size_of(dtype));
  // The cotangent is as large as the result.
  double bytes = recorded ? 2 * result : result;
  if (recorded) {
    bytes += batch * static_cast<double>(shape.length * shape.channels *
                                         size_of(dtype));
  }
  // The kernels' own counts cannot overflow for a result that fits.
  if (!(bytes <= limit)) return bytes;
  shape.depth = static_cast<int>(depth);
  return bytes + (dtype == DType::float32
                      ? scratch_bytes<float>(shape, recorded)
                      : scratch_bytes<double>(shape, recorded));
}

// The largest depth in 1 .. depth - 1 for which fits(depth), or 0.
template <class Fits>
std::int64_t largest_fitting(std::int64_t depth, const Fits& fits) {
  std::int64_t low = 0, high = depth;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace

void require_signature_fits(const SignatureShape& shape, std::int64_t depth,
                            DType dtype, bool recorded) {
  require(depth >= 1, "signature: expected depth >= 1, got ", depth);
  const auto available = static_cast<double>(available_memory());
  const auto bytes = [&](std::int64_t n) {
    return plan_bytes(shape, n, dtype, recorded, available);
  };
  const double needed = bytes(depth);
  if (needed <= available) [[likely]]
    return;
  const std::int64_t largest = largest_fitting(
      depth, [&](std::int64_t n) { return bytes(n) <= available; });
  require(std::isfinite(needed), "signature: depth ", depth, " over ",
          shape.channels,
          " channels has more words than can be counted; the largest depth "
          "that fits in memory is ",
          largest);
  fail<MemoryError>("signature: depth ", depth, " over ", shape.channels,
                    " channels needs ", needed / gigabyte,
                    " GB for a batch of ", shape.batch, " paths of length ",
                    shape.length, ", expected at most the ",
                    available / gigabyte,
                    " GB available; the largest depth that fits is ", largest);
}

}  // namespace sigtape
