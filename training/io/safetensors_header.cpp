#include "sigtape/training/io/safetensors_header.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "sigtape/framework/check.h"

namespace sigtape {
namespace {

using nlohmann::json;

/// Receives the header's JSON piece by piece, so that nothing of an unexpected
/// form is ever stored. Every event either fits the form or is a DataError.
class HeaderReader : public nlohmann::json_sax<json> {
 public:
  HeaderReader(SafetensorsHeader& header, const std::string& source)
      : header_(header), source_(source) {}

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a truth value"); }
  bool number_float(double, const std::string&) override {
    unexpected("a number that is no integer");
  }
  bool binary(json::binary_t&) override { unexpected("binary data"); }

  bool number_integer(json::number_integer_t value) override {
    if (value < 0) unexpected("a negative number");
    return number_unsigned(static_cast<json::number_unsigned_t>(value));
  }

  bool number_unsigned(json::number_unsigned_t value) override {
    if (place_ != Place::numbers) unexpected("a number");
    if (value > std::numeric_limits<std::int64_t>::max())
      unexpected("a number above 2^63 - 1");
    numbers_.push_back(static_cast<std::int64_t>(value));
    return true;
  }

  bool string(std::string& text) override {
    if (place_ == Place::metadata) {
      header_.metadata[key_] = text;
      return true;
    }
    if (place_ != Place::tensor || key_ != "dtype") unexpected("a string");
    entry().dtype = dtype_named(text);
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::start) {
      place_ = Place::top;
    } else if (place_ == Place::top && name_ == metadata_key) {
      place_ = Place::metadata;
    } else if (place_ == Place::top) {
      place_ = Place::tensor;
      header_.entries.push_back({name_, {}, {}, 0, 0});
    } else {
      unexpected("an object");
    }
    keys_.clear();
    return true;
  }

  bool key(std::string& text) override {
    if (place_ == Place::top) {
      name_ = text;
      require<DataError>(names_.insert(text).second, source_,
                         ": two entries named '", text, "' in the header");
      return true;
    }
    key_ = text;
    require<DataError>(keys_.insert(text).second, where(), ": '", text,
                       "' stands there twice");
    require<DataError>(place_ == Place::metadata || text == "dtype" ||
                           text == "shape" || text == "data_offsets",
                       where(), ": unknown member '", text, "'");
    return true;
  }

  bool end_object() override {
    if (place_ == Place::top) return true;
    require<DataError>(place_ == Place::metadata || keys_.size() == 3, where(),
                       ": expected dtype, shape and data_offsets");
    place_ = Place::top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::tensor || key_ == "dtype") unexpected("an array");
    place_ = Place::numbers;
    numbers_.clear();
    return true;
  }

  bool end_array() override {
    place_ = Place::tensor;
    if (key_ == "shape") {
      entry().shape = numbers_;
      return true;
    }
    require<DataError>(numbers_.size() == 2, where(),
                       ": expected two data_offsets, got ", numbers_.size());
    entry().begin = static_cast<std::uint64_t>(numbers_[0]);
    entry().end = static_cast<std::uint64_t>(numbers_[1]);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    fail<DataError>(source_, ": the safetensors header is no JSON (byte ",
                    position, ")");
  }

 private:
  enum class Place { start, top, metadata, tensor, numbers };

  SafetensorsEntry& entry() { return header_.entries.back(); }

  std::string where() const {
    if (place_ == Place::start || place_ == Place::top) return source_;
    if (place_ == Place::metadata) return source_ + ": " + metadata_key;
    return source_ + ": tensor '" + name_ + "'";
  }

  [[noreturn]] void unexpected(const char* what) const {
    const char* expected = "an object";
    if (place_ == Place::metadata) expected = "a text";
    if (place_ == Place::numbers) expected = "an integer >= 0";
    if (place_ == Place::tensor)
      expected = key_ == "dtype" ? "a text" : "an array of integers";
    const bool in_tensor = place_ == Place::tensor || place_ == Place::numbers;
    fail<DataError>(where(), in_tensor ? ", " + key_ : "", ": expected ",
                    expected, ", got ", what);
  }

  DType dtype_named(const std::string& name) const {
    if (name == "F32") return DType::float32;
    if (name == "F64") return DType::float64;
    if (name == "I64") return DType::int64;
    fail<DataError>(where(), ": expected dtype F32, F64 or I64, got '", name,
                    "'");
  }

  SafetensorsHeader& header_;
  const std::string& source_;
  Place place_ = Place::start;
  std::string name_;
  std::string key_;
  std::set<std::string> names_;
  std::set<std::string> keys_;
  std::vector<std::int64_t> numbers_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text,
                                           const std::string& source) {
  SafetensorsHeader header;
  HeaderReader reader(header, source);
  json::sax_parse(text.begin(), text.end(), &reader);
  return header;
}

}  // namespace sigtape
