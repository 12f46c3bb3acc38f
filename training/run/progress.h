#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <string>

namespace sigtape {

/// How progress is shown.
struct ProgressStyle {
  /// A bar that is redrawn in place; else one line per epoch.
  bool terminal = false;
  /// Colours in the bar.
  bool color = false;
  /// Columns of the terminal; the bar's line stays below it.
  int width = 80;
};

/// The style for `out`: a bar on a terminal (other than TERM=dumb), in colours
/// unless NO_COLOR is set to something (no-color.org).
ProgressStyle progress_style(std::FILE* out);

/// Seconds of a clock that never goes back.
double steady_seconds();

/// What is known after an epoch.
struct EpochSummary {
  /// From 1.
  std::int64_t epoch = 0;
  double train_loss = 0;
  std::optional<double> validation_loss;
  std::optional<double> validation_metric;
};

/// Shows the progress of a training: epoch, loss, metric, samples per second
/// and time left. step() allocates nothing and costs one look at the clock
/// unless the bar is due, which is at most ten times a second.
class Progress {
 public:
  /// `epochs` in all; `metric` is its short name, "accuracy" or "rmse". `now`
  /// is the clock, in seconds.
  Progress(std::FILE* out, ProgressStyle style, std::int64_t epochs,
           std::string metric, double (*now)() = steady_seconds);
  /// Ends the bar's line, if one stands there.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Step `step` of the `steps` of `epoch` (both from 1) is done; it took
  /// `samples` samples and had this loss.
  void step(std::int64_t epoch, std::int64_t step, std::int64_t steps,
            std::int64_t samples, double loss);
  /// An epoch is done.
  void end_epoch(const EpochSummary& summary);
  /// Prints `text` as a line of its own, above the bar.
  void note(const std::string& text);
  /// Ends the bar's line, so that other output may follow.
  void finish();

 private:
  double fraction_done() const;
  double seconds_left(double now) const;
  double samples_per_second(double now) const;
  void draw(double now);
  void draw_bar(int cells);
  void print_epoch(double now);

  std::FILE* out_;
  ProgressStyle style_;
  std::int64_t epochs_;
  std::string metric_name_;
  double (*now_)();
  double started_;
  double drawn_ = -1;
  bool line_open_ = false;
  // Where this session began, and where it is.
  double first_fraction_ = -1;
  std::int64_t epoch_ = 0;
  double part_of_epoch_ = 0;
  std::int64_t samples_ = 0;
  double loss_ = 0;
  std::optional<double> validation_loss_;
  std::optional<double> metric_;
};

/// Writes seconds as "0:07", "12:34" or "1:02:03", ended by 0.
void format_duration(double seconds, std::span<char, 32> to);

}  // namespace sigtape
