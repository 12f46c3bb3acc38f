#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sigtape/layers/signature/windows.h"
#include "sigtape/layers/signature/word_set.h"
#include "sigtape/training/commands/commands.h"

/// What the options of `sigtrain signature` say.
namespace sigtape {

/// Throws UsageError where options do not go together.
void check_options(const SignatureCommand& command);

/// Of --window, --expanding, --dyadic or --intervals, if one is given.
/// UsageError for another text than theirs.
std::optional<Windows> windows_of(const SignatureCommand& command);

/// Of --words or --weights, if one is given. UsageError for another text, and
/// words of more letters than the depth.
std::optional<WordSet> words_of(const SignatureCommand& command,
                                std::int64_t channels);

/// Numbers separated by commas. UsageError in the name of `option`.
std::vector<double> decimals(const char* option, const std::string& text);

/// Whether the input holds paths.
bool reads_paths(const SignatureCommand& command);

/// Whether something is done to a signature that needs no path.
bool changes_signature(const SignatureCommand& command);

}  // namespace sigtape
