// Part of every test program: a warning that no test expects is a failure.
#include <gtest/gtest.h>

#include "sigtape/framework/warning.h"

namespace sigtape::test {
namespace {

[[maybe_unused]] const bool installed = [] {
  set_warning_callback([](const std::string& text) {
    ADD_FAILURE() << "unexpected warning: " << text;
  });
  return true;
}();

}  // namespace
}  // namespace sigtape::test
