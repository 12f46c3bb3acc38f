#include "sigtape/layers/signature/logsignature.h"

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/logsignature_increment.h"
#include "sigtape/layers/signature/signature_increment.h"
#include "sigtape/layers/signature/tensor_series.h"

namespace sigtape {

namespace {

Coordinates coordinates_of(LogSignatureMode mode) {
  switch (mode) {
    case LogSignatureMode::expand:
      return Coordinates::signature;
    case LogSignatureMode::words:
      return Coordinates::words;
    case LogSignatureMode::brackets:
      return Coordinates::brackets;
  }
  return Coordinates::signature;
}

SeriesShape logarithm_shape(std::int64_t channels, LogSignatureMode mode,
                            bool scalar_term) {
  return {.series = TensorSeries::logarithm,
          .channels = channels,
          .result = coordinates_of(mode),
          .argument_scalar_term = scalar_term};
}

SeriesShape exponential_shape(std::int64_t channels, LogSignatureMode mode,
                              bool scalar_term) {
  return {.series = TensorSeries::exponential,
          .channels = channels,
          .argument = coordinates_of(mode),
          .result_scalar_term = scalar_term};
}

void check_sizes(const char* op, std::int64_t channels, std::int64_t depth) {
  require(channels >= 1, op, ": expected at least 1 channel, got ", channels);
  require(depth >= 1, op, ": expected depth >= 1, got ", depth);
}

// Rank, type and emptiness of what is to be converted.
void check_tensor(const char* op, const char* what, const Tensor& x,
                  bool stream) {
  require(x.defined(), op, ": expected a ", what, ", got no tensor");
  require(x.rank() == (stream ? 3 : 2), op, ": expected ", what,
          stream ? " (batch, rows, columns), got "
                 : " (batch, columns), or stream = true, got ",
          x.shape());
  require(is_floating(x.dtype()), op,
          ": expected float32 or float64, got int64 ", x.shape());
  require(x.numel() > 0, op, ": expected ", what,
          " without a dimension of size 0, got ", x.shape());
}

// One conversion, described by `shape` but for its rows and depth.
Tensor convert(const SeriesNames& names, const char* what, const Tensor& x,
               std::int64_t depth, SeriesShape shape, bool stream) {
  check_sizes(names.op, shape.channels, depth);
  check_tensor(names.op, what, x, stream);
  shape.rows = x.numel() / x.size(-1);
  require_series_fits(names.op, shape, depth, x.dtype(), will_record({x}));
  shape.depth = static_cast<int>(depth);
  shape.lyndon_words = logsignature_channels(shape.channels, depth);
  require(x.size(-1) == shape.argument_columns(), names.op, ": expected ",
          shape.argument_columns(), " columns for ", shape.channels,
          " channels and depth ", depth,
          shape.argument_scalar_term ? " with a scalar term" : "", ", got ",
          what, " ", x.shape());
  return tensor_series(names, x, shape);
}

// The signature that a log-signature is taken of. Its messages begin with
// "signature: ".
Tensor signature_of(const Tensor& path, std::int64_t depth,
                    const LogSignatureOptions& options) {
  try {
    return signature(path, depth,
                     {.stream = options.stream,
                      .basepoint = options.basepoint,
                      .inverse = options.inverse,
                      .lengths = options.lengths});
  } catch (const UsageError& error) {
    fail<UsageError>("log", error.what());
  } catch (const MemoryError& error) {
    fail<MemoryError>("log", error.what());
  }
}

// Whether the result fits, for paths whose shape the signature accepts.
void require_fits(const Tensor& path, std::int64_t depth,
                  const LogSignatureOptions& options) {
  if (!path.defined() || path.rank() != 3 || path.numel() == 0) return;
  SeriesShape shape = logarithm_shape(path.size(2), options.mode, false);
  shape.rows = path.size(0) * (options.stream ? path.size(1) : 1);
  require_series_fits("logsignature", shape, depth, path.dtype(),
                      will_record({path, options.basepoint.points()}));
}

// Whether the paths are few, small and of one increment, on the CPU.
bool is_increment(const Tensor& path, std::int64_t depth,
                  const LogSignatureOptions& o) {
  return path.defined() && path.rank() == 3 && path.size(1) == 2 &&
         path.numel() > 0 && is_floating(path.dtype()) &&
         path.device().is_cpu() && !o.stream && !o.inverse &&
         !o.lengths.defined() && o.basepoint.is_none() && depth >= 2 &&
         depth <= 64 &&
         cpu::is_small_increment({.batch = path.size(0),
                                  .length = 2,
                                  .channels = path.size(2),
                                  .depth = static_cast<int>(depth)});
}

}  // namespace

const char* name_of(LogSignatureMode mode) {
  switch (mode) {
    case LogSignatureMode::expand:
      return "expand";
    case LogSignatureMode::words:
      return "words";
    case LogSignatureMode::brackets:
      return "brackets";
  }
  return "";
}

std::int64_t logsignature_columns(std::int64_t channels, std::int64_t depth,
                                  LogSignatureMode mode) {
  return mode == LogSignatureMode::expand
             ? signature_channels(channels, depth)
             : logsignature_channels(channels, depth);
}

Tensor logsignature(const Tensor& path, std::int64_t depth,
                    const LogSignatureOptions& options) {
  if (is_increment(path, depth, options)) {
    return increment_logsignature(
        path, logsignature_columns(path.size(2), depth, options.mode));
  }
  require_fits(path, depth, options);
  const Tensor s = signature_of(path, depth, options);
  SeriesShape shape = logarithm_shape(path.size(2), options.mode, false);
  shape.depth = static_cast<int>(depth);
  return tensor_series(
      {"logsignature", "logsignature_backward", "logsignature_second"}, s,
      shape);
}

Tensor signature_to_logsignature(const Tensor& signature, std::int64_t channels,
                                 std::int64_t depth,
                                 const LogSignatureConversion& options) {
  return convert(
      {"signature_to_logsignature", "signature_to_logsignature_backward",
       "signature_to_logsignature_second"},
      "signature", signature, depth,
      logarithm_shape(channels, options.mode, options.scalar_term),
      options.stream);
}

Tensor logsignature_to_signature(const Tensor& logsignature,
                                 std::int64_t channels, std::int64_t depth,
                                 const LogSignatureConversion& options) {
  return convert(
      {"logsignature_to_signature", "logsignature_to_signature_backward",
       "logsignature_to_signature_second"},
      "logsignature", logsignature, depth,
      exponential_shape(channels, options.mode, options.scalar_term),
      options.stream);
}

}  // namespace sigtape
