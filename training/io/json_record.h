#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sigtape {

/// One JSON object of named values, in the order they were set: what state.json
/// and env.json hold and what --json prints. Numbers round-trip to the bit; one
/// that is not finite is written as the text "nan", "inf" or "-inf", since JSON
/// has no number for it, and read back by get_double.
class JsonRecord {
 public:
  JsonRecord();
  JsonRecord(const JsonRecord& other);
  JsonRecord(JsonRecord&&) noexcept;
  JsonRecord& operator=(JsonRecord other) noexcept;
  ~JsonRecord();

  /// Sets a value; a name already there gets the new value in its old place.
  void set(const std::string& name, double value);
  void set(const std::string& name, std::string_view value);
  void set(const std::string& name, const char* value);
  void set(const std::string& name, const JsonRecord& value);
  void set(const std::string& name, const std::vector<std::int64_t>& values);
  void set(const std::string& name, const std::vector<double>& values);
  void set(const std::string& name, const std::vector<std::string>& values);
  template <std::integral T>
  void set(const std::string& name, T value) {
    if constexpr (std::same_as<T, bool>)
      set_bool(name, value);
    else if constexpr (std::signed_integral<T>)
      set_int(name, value);
    else
      set_uint(name, value);
  }

  /// Whether there is such a name.
  bool has(const std::string& name) const;

  /// The value of that name. A DataError, which begins with the record's
  /// source, where there is none, it is of another kind or out of range. An
  /// integer serves as a double too.
  bool get_bool(const std::string& name) const;
  std::int64_t get_int(const std::string& name) const;
  std::uint64_t get_uint(const std::string& name) const;
  double get_double(const std::string& name) const;
  std::string get_string(const std::string& name) const;
  std::vector<std::int64_t> get_ints(const std::string& name) const;
  std::vector<double> get_doubles(const std::string& name) const;
  std::vector<std::string> get_strings(const std::string& name) const;
  JsonRecord get_record(const std::string& name) const;

  /// The JSON text, over several lines (indented by one space) or on one; no
  /// line end at its end. What is no UTF-8 is written as U+FFFD.
  std::string text(bool several_lines = true) const;

  /// Reads a JSON object. Throws DataError, beginning with `source`, where the
  /// text is none or nests deeper than 16 levels.
  static JsonRecord parse(std::string_view text, const std::string& source);

 private:
  struct Content;

  void set_bool(const std::string& name, bool value);
  void set_int(const std::string& name, std::int64_t value);
  void set_uint(const std::string& name, std::uint64_t value);

  std::unique_ptr<Content> content_;
};

}  // namespace sigtape
