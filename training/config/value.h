#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sigtape/training/config/field.h"

namespace sigtape::config {

/// The value of a scalar or list node in one of the field's forms. Nothing,
/// and a problem at the node or list entry, where it fits none; `where` is the
/// end of the key's name in the message, such as " in section 'train'".
std::optional<Value> read_value(const Field& field, const Node& node,
                                const std::string& where, Problems& problems);

/// What a field accepts, in words: "an integer from 1 to 10".
std::string expectation(const Field& field);

/// The limits of a range in words: " above 0"; empty where there are none.
std::string range_text(const Range& range);

/// What a node holds, in words: "'abc'", "a list".
std::string described(const Node& node);

/// The field's value as YAML. Numbers take the fewest digits that read back to
/// the same bits; texts are quoted where YAML could take them for something
/// else.
std::string print_value(const Field& field, const Value& value);

/// A double in the fewest digits that read back to the same bits.
std::string print_number(double number);

/// "a, b or c".
std::string listed(const std::vector<std::string>& words,
                   const char* last = " or ");

/// Whether a scalar says "no value": null, ~, none, or nothing.
bool says_nothing(const Node& node);

}  // namespace sigtape::config
