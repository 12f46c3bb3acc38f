// The part of the table in schema.cpp that holds windows and transforms of
// streams.

#include "sigtape/training/config/layer_sections.h"

namespace sigtape::config {
namespace {

const Section& window_layer() {
  using S = WindowConfig;
  static const Section section = checked<LayerConfig>(
      layer<S>(
          "window",
          "the signatures of windows of the stream, a stream of windows",
          {choice("kind", in(&S::kind), "sliding",
                  {"sliding", "expanding", "dyadic", "intervals"},
                  "windows of one size, all from the first point on, pieces "
                  "of 1, 1/2, 1/4, .. of the stream, or any intervals"),
           integer("size", in(&S::size), "", kSize,
                   "points of each sliding window, or of the first expanding "
                   "one"),
           integer("step", in(&S::step), "1", kSize,
                   "points from one window to the next"),
           integer("levels", in(&S::levels), "", {0, 30},
                   "dyadic: how often the stream is halved"),
           integers("starts", in(&S::starts), "[]", {0, 1e9},
                    "intervals: the first point of each, from 0"),
           integers("ends", in(&S::ends), "[]", {1, 1e9},
                    "intervals: the point after the last of each"),
           required(integer("depth", in(&S::depth), "", {1, 1000},
                            "level at which the signatures are truncated")),
           choice("logsignature", in(&S::logsignature), "none",
                  {"none", "expand", "words", "brackets"},
                  "log-signatures in place of signatures, in these "
                  "coordinates"),
           basepoint("basepoint", in(&S::basepoint), "none",
                     "point put before every window: false or none, true or "
                     "zero, or one number per channel"),
           boolean("inverse", in(&S::inverse), "false",
                   "the inverses of the signatures"),
           boolean("scalar_term", in(&S::scalar_term), "false",
                   "put the constant 1 first")}),
      check_window);
  return section;
}

const Section& time_layer() {
  using S = TimeConfig;
  static const Section section =
      layer<S>("time", "a channel that runs in equal steps along each stream",
               {number("start", in(&S::start), "0", {}, "at the first point"),
                number("end", in(&S::end), "1", {}, "at the last point"),
                boolean("first", in(&S::first), "false",
                        "before the other channels, not after them")});
  return section;
}

const Section& lead_lag_layer() {
  using S = LeadLagConfig;
  static const Section section = layer<S>(
      "lead_lag",
      "the stream beside itself one step behind: twice the channels, 2 n - 1 "
      "points",
      {boolean("lag_first", in(&S::lag_first), "false",
               "the lagging channels before the leading ones")});
  return section;
}

const Section& basepoint_layer() {
  using S = BasepointLayerConfig;
  static const Section section =
      layer<S>("basepoint", "a point put before the stream",
               {basepoint("point", in(&S::point), "zero",
                          "zero, none, or one number per channel")});
  return section;
}

const Section& scale_layer() {
  using S = ScaleConfig;
  static const Section section =
      layer<S>("scale", "channels times constant factors",
               {required(value("factors", in(&S::factors), kNumbers, "",
                               "one factor, or one per channel, in a list"))});
  return section;
}

template <class S>
const Section* channels_layer(const char* tag, const char* help) {
  static const Section section =
      layer<S>(tag, help,
               {required(integers("channels", in(&S::channels), "", {0, 1e6},
                                  "numbers of channels, from 0"))});
  return &section;
}

const Section& rectilinear_layer() {
  using S = RectilinearConfig;
  static const Section section = layer<S>(
      "rectilinear",
      "the rectilinear interpolation: time moves first, then the values jump; "
      "2 n - 1 points",
      {integer("time_channel", in(&S::time_channel), "0", {0, 1e6},
               "number of the channel with the time, from 0")});
  return section;
}

template <class S>
const Section* plain_layer(const char* tag, const char* help) {
  static const Section section = layer<S>(tag, help);
  return &section;
}

}  // namespace

std::vector<const Section*> stream_layer_sections() {
  return {&window_layer(),
          &time_layer(),
          &lead_lag_layer(),
          plain_layer<InvisibilityResetConfig>(
              "invisibility_reset",
              "a channel of ones, then the last point with 0, then the origin"),
          plain_layer<CumulativeSumConfig>("cumulative_sum",
                                           "the sum of all points up to each"),
          &basepoint_layer(),
          &scale_layer(),
          channels_layer<KeepChannelsConfig>(
              "keep_channels", "only these channels, in this order"),
          channels_layer<DropChannelsConfig>("drop_channels",
                                             "all channels but these"),
          &rectilinear_layer()};
}

}  // namespace sigtape::config
