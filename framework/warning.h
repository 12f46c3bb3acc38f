#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace sigtape {

/// What receives a warning's text.
using WarningCallback = std::function<void(const std::string& text)>;

/// Something legal that is probably a mistake. Each text is reported once per
/// process, by default as a line "sigtape: warning: ..." on stderr. A repeated
/// warning costs a look-up and allocates nothing. Thread-safe.
void warn(std::string_view text);

/// Replaces what reports warnings and returns what did; an empty callback
/// stands for the default.
WarningCallback set_warning_callback(WarningCallback callback);

/// Forgets which texts were reported, so that they are reported again.
void reset_warnings();

}  // namespace sigtape
