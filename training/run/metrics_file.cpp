#include "sigtape/training/run/metrics_file.h"

#include <fcntl.h>

#include <charconv>
#include <string_view>

#include "sigtape/framework/check.h"
#include "sigtape/training/io/atomic_file.h"
#include "sigtape/training/io/memory.h"

namespace sigtape {
namespace {

namespace fs = std::filesystem;

/// Puts cells one after another into a buffer that is known to be large enough:
/// the longest double has 24 characters, the longest integer 20.
class RowWriter {
 public:
  explicit RowWriter(std::span<char> to)
      : begin_(to.data()), at_(to.data()), end_(to.data() + to.size()) {}

  template <class T>
  void cell(T value) {
    separate();
    at_ = std::to_chars(at_, end_, value).ptr;
  }

  void cell(const std::optional<double>& value) {
    if (value) return cell(*value);
    separate();
  }

  std::size_t finish() {
    *at_++ = '\n';
    return static_cast<std::size_t>(at_ - begin_);
  }

 private:
  void separate() {
    if (at_ != begin_) *at_++ = ',';
  }

  char* begin_;
  char* at_;
  char* end_;
};

std::string header_of(const std::string& metric) {
  return "step,epoch,train_loss,validation_loss," + metric +
         ",learning_rate,seconds\n";
}

std::int64_t step_of(std::string_view row, const fs::path& path,
                     std::size_t line) {
  std::int64_t step = 0;
  const auto [end, error] =
      std::from_chars(row.data(), row.data() + row.size(), step);
  require<DataError>(
      error == std::errc() && end < row.data() + row.size() && *end == ',',
      path.string(), ":", line, ": expected a row of metrics");
  return step;
}

/// The part of `text` that a run which goes on after `last` keeps.
std::string kept_rows(std::string_view text, const std::string& header,
                      const fs::path& path, std::int64_t last) {
  std::string kept = header;
  require<DataError>(text.starts_with(header), path.string(),
                     ":1: expected the header '",
                     header.substr(0, header.size() - 1), "'");
  text.remove_prefix(header.size());
  for (std::size_t line = 2; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) break;
    const std::string_view row = text.substr(0, end + 1);
    if (step_of(row, path, line) <= last) kept += row;
    text.remove_prefix(row.size());
  }
  return kept;
}

}  // namespace

std::size_t format_metrics_row(const MetricsRow& row, std::span<char, 256> to) {
  RowWriter writer(to);
  writer.cell(row.step);
  writer.cell(row.epoch);
  writer.cell(row.train_loss);
  writer.cell(row.validation_loss);
  writer.cell(row.validation_metric);
  writer.cell(row.learning_rate);
  writer.cell(row.seconds);
  return writer.finish();
}

MetricsFile::MetricsFile(FileSystem& system, const fs::path& path)
    : file_(system, path, O_WRONLY | O_APPEND) {}

MetricsFile MetricsFile::create(FileSystem& system, const fs::path& path,
                                const std::string& metric) {
  write_file_atomically(system, path, as_bytes(header_of(metric)));
  return MetricsFile(system, path);
}

MetricsFile MetricsFile::resume(FileSystem& system, const fs::path& path,
                                const std::string& metric, std::int64_t step) {
  if (!fs::exists(path)) return create(system, path, metric);
  const auto bytes = read_file(system, path, physical_memory_bytes());
  const std::string kept =
      kept_rows(as_text(bytes), header_of(metric), path, step);
  if (kept.size() != bytes.size())
    write_file_atomically(system, path, as_bytes(kept));
  return MetricsFile(system, path);
}

void MetricsFile::append(const MetricsRow& row) {
  char text[256];
  const std::size_t length = format_metrics_row(row, text);
  file_.write(as_bytes({text, length}));
}

void MetricsFile::sync() { file_.sync(); }

}  // namespace sigtape
