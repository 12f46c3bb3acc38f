// Any bytes as a .ts file: a DataError that names the file, or a sound data
// set.
#include "fuzz/dataset_check.h"
#include "sigtape/framework/check.h"
#include "sigtape/training/data/ts_reader.h"

using namespace sigtape;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  try {
    fuzz::expect_sound(
        parse_ts("f.ts", fuzz::as_text(data, size), fuzz::policy_of(size)));
  } catch (const DataError& error) {
    fuzz::expect(std::string_view(error.what()).starts_with("f.ts"),
                 "an error that names the file");
  }
  return 0;
}
