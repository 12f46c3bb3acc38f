// Any bytes as a .safetensors file: a DataError that names the file, or arrays
// that are written and read back the same, and metadata that may be a model's.
#include "fuzz/fuzz.h"
#include "sigtape/framework/check.h"
#include "sigtape/training/io/safetensors.h"
#include "sigtape/training/trainer/model_info.h"

using namespace sigtape;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  try {
    const Safetensors content =
        decode_safetensors(fuzz::as_bytes(data, size), "f.safetensors");
    const Safetensors again =
        decode_safetensors(encode_safetensors(content), "again");
    fuzz::expect(
        again.arrays == content.arrays && again.metadata == content.metadata,
        "the arrays to read back the same");
    read_info(content.metadata, "f.safetensors");
  } catch (const DataError& error) {
    fuzz::expect(std::string_view(error.what()).starts_with("f.safetensors"),
                 "an error that names the file");
  }
  return 0;
}
