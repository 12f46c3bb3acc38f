// Any bytes as a checkpoint's manifest.json and state.json: a DataError that
// names the file, or what its own text reads back as. The mutator mends the
// manifest's checksum, behind which nothing would be reached otherwise.
#include <cstring>
#include <nlohmann/json.hpp>

#include "fuzz/fuzz.h"
#include "sigtape/framework/check.h"
#include "sigtape/training/io/checksum.h"
#include "sigtape/training/io/manifest.h"
#include "sigtape/training/trainer/state_file.h"

using namespace sigtape;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size,
                                        std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data,
                                               std::size_t size,
                                               std::size_t most,
                                               unsigned seed) {
  using nlohmann::json;
  size = LLVMFuzzerMutate(data, size, most);
  if (seed % 4 == 0) return size;
  json object = json::parse(data, data + size, nullptr, false);
  if (!object.is_object() || !object.contains("files")) return size;
  object.erase("crc32");
  const auto ignored = json::error_handler_t::ignore;
  const std::string body = object.dump(-1, ' ', false, ignored);
  object["crc32"] = crc32_text(crc32_of(std::as_bytes(std::span(body))));
  const std::string text = object.dump(1, ' ', false, ignored) + "\n";
  if (text.size() > most) return size;
  std::memcpy(data, text.data(), text.size());
  return text.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  try {
    const Manifest manifest = parse_manifest(text, "manifest.json");
    fuzz::expect(manifest_text(manifest) == text, "one text of a manifest");
  } catch (const DataError& error) {
    fuzz::expect(std::string_view(error.what()).starts_with("manifest.json"),
                 "an error that names the file");
  }
  try {
    const std::string written = write_state(read_state(text, "state.json"));
    fuzz::expect(write_state(read_state(written, "again")) == written,
                 "the state to read back the same");
  } catch (const DataError& error) {
    fuzz::expect(std::string_view(error.what()).starts_with("state.json"),
                 "an error that names the file");
  }
  return 0;
}
