#include "sigtape/training/run/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace sigtape {
namespace {

constexpr double seconds_between_bars = 0.1;
constexpr int fewest_cells = 8;
constexpr int most_cells = 20;

/// A line of bounded length; what does not fit is cut off.
class Line {
 public:
  [[gnu::format(printf, 2, 3)]] void add(const char* format, ...) {
    std::va_list arguments;
    va_start(arguments, format);
    const int room = capacity - size_;
    const int wanted = std::vsnprintf(
        text_ + size_, static_cast<std::size_t>(room), format, arguments);
    va_end(arguments);
    size_ += std::clamp(wanted, 0, room - 1);
  }
  void cut(int columns) { size_ = std::min(size_, columns); }
  const char* text() const { return text_; }
  int size() const { return size_; }

 private:
  static constexpr int capacity = 256;
  char text_[capacity] = {};
  int size_ = 0;
};

void write_text(std::FILE* out, const char* text, int size) {
  std::fwrite(text, 1, static_cast<std::size_t>(size), out);
}

int terminal_width(int descriptor) {
  winsize size = {};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return 80;
}

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

}  // namespace

ProgressStyle progress_style(std::FILE* out) {
  const int descriptor = ::fileno(out);
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal != nullptr && std::strcmp(terminal, "dumb") == 0;
  if (::isatty(descriptor) == 0 || dumb) return {};
  return {true, !is_set("NO_COLOR"), terminal_width(descriptor)};
}

double steady_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

Progress::Progress(std::FILE* out, ProgressStyle style, std::int64_t epochs,
                   std::string metric, double (*now)())
    : out_(out),
      style_(style),
      epochs_(epochs),
      metric_name_(std::move(metric)),
      now_(now),
      started_(now()) {}

Progress::~Progress() { finish(); }

void Progress::step(std::int64_t epoch, std::int64_t step, std::int64_t steps,
                    std::int64_t samples, double loss) {
  const double part_before =
      static_cast<double>(step - 1) / static_cast<double>(steps);
  epoch_ = epoch;
  part_of_epoch_ = part_before;
  if (first_fraction_ < 0) first_fraction_ = fraction_done();
  part_of_epoch_ = static_cast<double>(step) / static_cast<double>(steps);
  samples_ += samples;
  loss_ = loss;
  if (!style_.terminal) return;
  const double now = now_();
  if (drawn_ < 0 || now - drawn_ >= seconds_between_bars) draw(now);
}

void Progress::end_epoch(const EpochSummary& summary) {
  epoch_ = summary.epoch;
  part_of_epoch_ = 1;
  loss_ = summary.train_loss;
  validation_loss_ = summary.validation_loss;
  metric_ = summary.validation_metric;
  const double now = now_();
  if (!style_.terminal) return print_epoch(now);
  const bool last = epoch_ >= epochs_;
  if (last || now - drawn_ >= seconds_between_bars) draw(now);
}

void Progress::note(const std::string& text) {
  if (line_open_) std::fputs("\r\033[K", out_);
  line_open_ = false;
  std::fprintf(out_, "%s\n", text.c_str());
  std::fflush(out_);
}

void Progress::finish() {
  if (!line_open_) return;
  std::fputc('\n', out_);
  std::fflush(out_);
  line_open_ = false;
}

double Progress::fraction_done() const {
  const double done = static_cast<double>(epoch_ - 1) + part_of_epoch_;
  return std::clamp(done / static_cast<double>(epochs_), 0.0, 1.0);
}

double Progress::seconds_left(double now) const {
  const double done = fraction_done();
  const double here = done - std::max(first_fraction_, 0.0);
  return here > 0 ? (now - started_) / here * (1 - done) : 0;
}

double Progress::samples_per_second(double now) const {
  const double elapsed = now - started_;
  return elapsed > 0 ? static_cast<double>(samples_) / elapsed : 0;
}

void Progress::draw(double now) {
  char left[32];
  format_duration(seconds_left(now), left);
  Line head, tail;
  head.add("epoch %lld/%lld ", static_cast<long long>(epoch_),
           static_cast<long long>(epochs_));
  tail.add("  loss %.4g", loss_);
  if (metric_) tail.add("  %s %.4g", metric_name_.c_str(), *metric_);
  tail.add("  %.0f samples/s  %s left", samples_per_second(now), left);
  // The bar takes the room that the numbers leave; on a narrow terminal the
  // end of the line is cut off.
  const int room = std::max(style_.width - 1 - head.size(), 0);
  const int cells =
      std::min(room, std::clamp(room - tail.size(), fewest_cells, most_cells));
  tail.cut(room - cells);
  std::fputc('\r', out_);
  write_text(out_, head.text(), head.size());
  draw_bar(cells);
  write_text(out_, tail.text(), tail.size());
  std::fputs("\033[K", out_);
  std::fflush(out_);
  drawn_ = now;
  line_open_ = true;
}

void Progress::draw_bar(int cells) {
  const int full = static_cast<int>(cells * fraction_done());
  char bar[most_cells];
  std::fill_n(bar, cells, '-');
  std::fill_n(bar, full, '#');
  if (style_.color) std::fputs("\033[32m", out_);
  write_text(out_, bar, cells);
  if (style_.color) std::fputs("\033[0m", out_);
}

void Progress::print_epoch(double now) {
  char left[32];
  format_duration(seconds_left(now), left);
  Line line;
  line.add("epoch %lld/%lld  loss %.6g", static_cast<long long>(epoch_),
           static_cast<long long>(epochs_), loss_);
  if (validation_loss_) line.add("  validation_loss %.6g", *validation_loss_);
  if (metric_) line.add("  %s %.4g", metric_name_.c_str(), *metric_);
  line.add("  %.0f samples/s  %s left\n", samples_per_second(now), left);
  write_text(out_, line.text(), line.size());
  std::fflush(out_);
}

void format_duration(double seconds, std::span<char, 32> to) {
  const double bounded =
      std::clamp(std::isfinite(seconds) ? seconds : 0.0, 0.0, 1e9);
  const auto whole = static_cast<long long>(bounded + 0.5);
  const long long hours = whole / 3600;
  const long long minutes = whole / 60 % 60;
  if (hours > 0)
    std::snprintf(to.data(), to.size(), "%lld:%02lld:%02lld", hours, minutes,
                  whole % 60);
  else
    std::snprintf(to.data(), to.size(), "%lld:%02lld", minutes, whole % 60);
}

}  // namespace sigtape
