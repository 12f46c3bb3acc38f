#include "sigtape/training/io/named_array.h"

#include <limits>

#include "sigtape/framework/check.h"

namespace sigtape {

std::int64_t element_count(const std::vector<std::int64_t>& shape,
                           const std::string& what) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 8;
  std::int64_t count = 1;
  for (const std::int64_t length : shape) {
    require<DataError>(length >= 0, what, ": expected lengths >= 0, got ",
                       length);
    require<DataError>(length == 0 || count <= most / length, what,
                       ": its shape has too many elements");
    count *= length;
  }
  return count;
}

std::uint64_t byte_count(const std::vector<std::int64_t>& shape, DType dtype,
                         const std::string& what) {
  return static_cast<std::uint64_t>(element_count(shape, what) *
                                    size_of(dtype));
}

}  // namespace sigtape
