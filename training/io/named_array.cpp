#include "sigtape/training/io/named_array.h"

#include <limits>

#include "sigtape/framework/check.h"

namespace sigtape {

std::uint64_t byte_count(const std::vector<std::int64_t>& shape, DType dtype,
                         const std::string& what) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  std::int64_t bytes = size_of(dtype);
  for (const std::int64_t length : shape) {
    require<DataError>(length >= 0, what, ": expected lengths >= 0, got ",
                       length);
    require<DataError>(length == 0 || bytes <= most / length, what,
                       ": its shape has too many elements");
    bytes *= length;
  }
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace sigtape
