#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include "sigtape/layers/signature/logsignature.h"
#include "sigtape/training/config/config.h"
#include "sigtape/training/data/dataset.h"

/// What several commands begin with.
namespace sigtape {

/// Sets the number of threads, if there is one. UsageError below 1.
void use_threads(std::optional<int> threads);

/// What --logsignature names. UsageError for another word.
LogSignatureMode logsignature_mode(const std::string& name);

/// Says where `device: auto` has led. DeviceError as select_device.
void say_device(const Config& config, std::FILE* out);

}  // namespace sigtape
