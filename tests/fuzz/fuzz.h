#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace sigtape::fuzz {

/// Ends the process, which libFuzzer counts as a finding, unless `condition`
/// holds.
inline void expect(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz: expected %s\n", what);
  std::abort();
}

/// An input of libFuzzer as text and as bytes.
inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}
inline std::span<const std::byte> as_bytes(const std::uint8_t* data,
                                           std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

/// Takes numbers from an input, byte after byte; zeros behind its end.
class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}
  bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  /// In [0, count).
  std::size_t below(std::size_t count) { return byte() % count; }
  bool one_in(std::size_t count) { return below(count) == 0; }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace sigtape::fuzz
