#pragma once

#include <string>

#include "sigtape/training/io/json_record.h"

namespace sigtape {

/// What a run was computed with that only its caller knows.
struct RunEnvironment {
  /// The instruction set in use: scalar, avx2, avx512 or neon.
  std::string isa;
  /// Such as "cpu" or the name of the GPU.
  std::string device;
  int threads = 1;
};

/// The content of env.json: version, commit, compiler, libraries, processor,
/// memory, operating system, and what `run` says.
JsonRecord describe_environment(const RunEnvironment& run);

/// The processor's name as /proc/cpuinfo has it, else the machine's kind.
std::string cpu_model();

/// The first "model name" (or "Model", "Processor") of the text of
/// /proc/cpuinfo; empty where there is none.
std::string cpu_model_in(const std::string& cpuinfo);

}  // namespace sigtape
