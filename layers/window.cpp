#include "sigtape/layers/window.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sigtape/layers/signature/window_memory.h"

namespace sigtape {

WindowLayer::WindowLayer(WindowLayerOptions options)
    : options_(std::move(options)) {
  set_name(options_.name);
  if (options_.depth < 1)
    fail(label(), ": expected depth >= 1, got ", options_.depth);
  if (options_.basepoint.kind() == Basepoint::Kind::tensor)
    fail(label(),
         ": expected no basepoint, zero or one number per channel, got a "
         "tensor");
  if (options_.logsignature && options_.scalar_term)
    fail(label(), ": a log-signature has no scalar term");
}

std::int64_t WindowLayer::least_length(std::int64_t points) const {
  const std::int64_t count = std::max<std::int64_t>(1, points);
  return options_.windows.least_points(count);
}

ValueShape WindowLayer::on_build(const ValueShape& input,
                                 TensorOptions options) {
  require_input(input.is_stream(), input, "a stream");
  options_.basepoint = options_.basepoint.to(options.device);
  const Windows& windows = options_.windows;
  require_input(windows.count(input.length) > 0, input, "at least ",
                windows.least_points(1), " points for one ",
                name_of(windows.kind()), " window");
  const std::int64_t columns =
      options_.logsignature
          ? logsignature_columns(input.channels, options_.depth,
                                 *options_.logsignature)
          : signature_channels(input.channels, options_.depth,
                               options_.scalar_term);
  return {windows.count(input.length), columns, input.unequal};
}

Value WindowLayer::on_forward(const Value& x) {
  const WindowLayerOptions& o = options_;
  const std::string refusal = windows_too_large(x.data, o.depth, o.windows);
  if (!refusal.empty()) fail<MemoryError>(label(), ": ", refusal);
  Tensor out;
  if (o.logsignature) {
    out = window_logsignature(x.data, o.depth, o.windows,
                              {.basepoint = o.basepoint,
                               .inverse = o.inverse,
                               .mode = *o.logsignature,
                               .lengths = x.lengths});
  } else {
    out = window_signature(x.data, o.depth, o.windows,
                           {.basepoint = o.basepoint,
                            .inverse = o.inverse,
                            .scalar_term = o.scalar_term,
                            .lengths = x.lengths});
  }
  return {std::move(out), window_counts(o.windows, x.lengths)};
}

ModulePtr window(const WindowLayerOptions& options) {
  return std::make_shared<WindowLayer>(options);
}

}  // namespace sigtape
