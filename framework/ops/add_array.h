#pragma once

#include <cstdint>
#include <cstring>

namespace sigtape {

/// to[i] += from[i], i = 0 .. count - 1, of arrays that do not overlap: 16
/// bytes at a time, which every processor has.
template <class T>
inline void add_array(std::int64_t count, const T* from, T* to) {
  typedef T Vector __attribute__((vector_size(16)));
  constexpr std::int64_t lanes = sizeof(Vector) / sizeof(T);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    Vector a, b;
    std::memcpy(&a, from + i, sizeof(a));
    std::memcpy(&b, to + i, sizeof(b));
    b += a;
    std::memcpy(to + i, &b, sizeof(b));
  }
  for (; i < count; ++i) to[i] += from[i];
}

}  // namespace sigtape
