#!/bin/sh
# Builds sigtape and runs every test: first as released, then, without the tests
# labelled `long`, under the address sanitizer (with leaks) and the
# undefined-behaviour sanitizer. In between: 30 seconds of each reader's fuzzer.
# Last: what several threads compute, and CUDA kernels on the processor whose
# threads share memory, under the thread sanitizer; the battery of operations
# with CUDA kernels on the processor under the other sanitizers.
# The builds take about 5 GB of disk.
#
# usage: tests/run.sh [--quick] [--help]
#   --quick   the release build only
set -eu
cd "$(dirname "$0")/.."

quick=false
for argument in "$@"; do
  case "$argument" in
    --quick) quick=true ;;
    --help | -h)
      sed -n '2,/^set/s/^# \{0,1\}//p' tests/run.sh
      exit 0
      ;;
    *)
      echo "tests/run.sh: unknown argument '$argument'; see --help" >&2
      exit 2
      ;;
  esac
done

# stage NAME COMMAND...: runs it and prints how long it took.
stage() {
  name=$1
  shift
  echo "== $name"
  started=$(date +%s)
  "$@"
  echo "== $name: $(($(date +%s) - started)) s"
}

# The last run of ctest is no stage: its closing lines end the output.
run_tests() {
  ctest --preset "$@" --parallel "$(nproc)" --no-tests=error
}

./setup.sh
echo "== free disk: $(df -h --output=avail . | tail -n 1 | tr -d ' ')"
jobs=$(cmake/jobs.sh)
stage "configure release" cmake --preset release
stage "build release" cmake --build --preset release --parallel "$jobs"
if $quick; then
  run_tests release
  exit
fi
stage "test release" run_tests release
stage "fuzz" tests/fuzz.sh --seconds 30 --jobs 2 config config_tree set ts csv \
  npy npz safetensors manifest
stage "configure asan" cmake --preset asan
stage "build asan" cmake --build --preset asan --parallel "$jobs"
stage "test asan" run_tests asan --label-exclude long
stage "configure cuda-host-tsan" cmake --preset cuda-host-tsan
stage "build cuda-host-tsan" cmake --build --preset cuda-host-tsan \
  --target cuda_races cpu_races --parallel "$jobs"
stage "test threads" ctest --preset cuda-host-tsan \
  --label-regex '^cpu_races$' --parallel "$(nproc)" --no-tests=error
stage "test cuda-host-tsan" env SIGTAPE_BATTERY=cuda \
  ctest --preset cuda-host-tsan --label-regex '^cuda_races$' \
  --parallel "$(nproc)" --no-tests=error
stage "configure cuda-host" cmake --preset cuda-host
stage "build cuda-host" cmake --build --preset cuda-host \
  --target cuda_battery --parallel "$jobs"
SIGTAPE_BATTERY=cuda run_tests cuda-host --label-regex '^cuda$' \
  --label-exclude long
