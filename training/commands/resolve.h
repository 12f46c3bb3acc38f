#pragma once

#include <cstdio>

#include "sigtape/training/config/config.h"
#include "sigtape/training/data/dataset.h"

/// What several commands begin with.
namespace sigtape {

/// Sets the number of threads; 0 keeps the default. UsageError below 0.
void use_threads(int threads);

/// Says where `device: auto` has led. DeviceError as select_device.
void say_device(const Config& config, std::FILE* out);

}  // namespace sigtape
