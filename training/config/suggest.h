#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sigtape::config {

/// Damerau-Levenshtein distance in its optimal string alignment form:
/// insertions, deletions, replacements and swaps of neighbours that turn `a`
/// into `b`, no part being changed twice. Upper and lower case are the same, as
/// are '-' and '_'.
std::size_t edit_distance(const std::string& a, const std::string& b);

/// The candidate nearest to `word`; empty where none is near enough to be meant
/// (1 edit up to 4 letters, 2 up to 7, else 3). Of equals the one that starts
/// and ends alike, then the first.
std::string nearest(const std::string& word,
                    const std::vector<std::string>& candidates);

/// "; did you mean 'X'?" for the nearest candidate, or nothing.
std::string did_you_mean(const std::string& word,
                         const std::vector<std::string>& candidates);

}  // namespace sigtape::config
