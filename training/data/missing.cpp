#include "sigtape/training/data/missing.h"

#include <algorithm>
#include <cmath>

#include "sigtape/framework/check.h"

namespace sigtape {

namespace {

// One channel of a stream: every `channels`-th value.
struct Channel {
  double* first;
  std::int64_t length, stride;
  double& operator[](std::int64_t t) const { return first[t * stride]; }
  // The first point from `t` on whose being missing is `missing`, or length.
  std::int64_t find(std::int64_t t, bool missing) const {
    while (t < length && std::isnan((*this)[t]) != missing) ++t;
    return t;
  }
};

// Fills [begin, end) between two known points; -1 and length are none.
void fill_gap(const Channel& channel, std::int64_t begin, std::int64_t end,
              MissingChoice policy) {
  const std::int64_t before = begin == 0 ? end : begin - 1;
  const double left = channel[before];
  const bool line =
      policy == MissingChoice::linear && begin > 0 && end < channel.length;
  const double right = line ? channel[end] : left;
  for (std::int64_t t = begin; t < end; ++t) {
    const double part =
        static_cast<double>(t - before) / static_cast<double>(end - before);
    channel[t] = line ? left * (1 - part) + right * part : left;
  }
}

}  // namespace

void fill_missing(std::span<double> stream, std::int64_t channels,
                  MissingChoice policy, const std::string& where) {
  if (std::none_of(stream.begin(), stream.end(),
                   [](double value) { return std::isnan(value); })) {
    return;
  }
  const auto length = static_cast<std::int64_t>(stream.size()) / channels;
  for (std::int64_t c = 0; c < channels; ++c) {
    const Channel channel{stream.data() + c, length, channels};
    std::int64_t begin = channel.find(0, true);
    require<DataError>(policy != MissingChoice::error || begin == length, where,
                       ": expected a number, found a missing value at point ",
                       begin + 1, " of channel ", c + 1,
                       "; data.missing: forward or linear fills it");
    require<DataError>(channel.find(0, false) < length, where,
                       ": expected a known value in channel ", c + 1,
                       ", found missing values only");
    while (begin < length) {
      const std::int64_t end = channel.find(begin, false);
      fill_gap(channel, begin, end, policy);
      begin = channel.find(end, true);
    }
  }
}

}  // namespace sigtape
