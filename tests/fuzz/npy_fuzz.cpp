// Any bytes as a .npy file: a DataError that names the file, or an array that
// is written and read back the same.
#include "fuzz/fuzz.h"
#include "sigtape/framework/check.h"
#include "sigtape/training/data/npy.h"

using namespace sigtape;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  try {
    const NpyArray array = decode_npy(fuzz::as_bytes(data, size), "f.npy");
    fuzz::expect(decode_npy(encode_npy(array), "again") == array,
                 "the array to read back the same");
    fuzz::expect(
        to_doubles(array).size() == static_cast<std::size_t>(array.count()),
        "a number for each element");
    if (!is_floating(array.type)) to_integers(array, "f.npy");
  } catch (const DataError& error) {
    fuzz::expect(std::string_view(error.what()).starts_with("f.npy"),
                 "an error that names the file");
  }
  return 0;
}
