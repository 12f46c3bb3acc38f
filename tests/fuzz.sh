#!/bin/sh
# Fuzzes the readers and the tape with libFuzzer under the address and
# undefined-behaviour sanitizers, from the committed corpora, and prints for
# each target how many executions it made. What is found is kept in
# build/fuzz/findings; the exit code is 1 then.
#
# usage: tests/fuzz.sh [--seconds N | --executions N] [TARGET...]
#   --seconds N      seconds for each target (default 10)
#   --executions N   executions of each target instead, such as 10000000
#   TARGET           config config_tree set ts csv npy npz safetensors manifest
#                    graph (default: all)
set -eu
cd "$(dirname "$0")/.."

all="config config_tree set ts csv npy npz safetensors manifest graph"
limit=-max_total_time=10
targets=""
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) limit=-max_total_time=$2; shift ;;
    --executions) limit=-runs=$2; shift ;;
    --help | -h)
      sed -n '2,/^set/s/^# \{0,1\}//p' tests/fuzz.sh
      exit 0
      ;;
    *)
      case " $all " in
        *" $1 "*) targets="$targets $1" ;;
        *)
          echo "tests/fuzz.sh: unknown argument '$1'; see --help" >&2
          exit 2
          ;;
      esac
      ;;
  esac
  shift
done
[ -n "$targets" ] || targets=$all

# fuzz TARGET: one run, its last line the number of executions.
fuzz() {
  mkdir -p "build/fuzz/corpus/$1" build/fuzz/findings
  log=build/fuzz/$1.log
  status=0
  "build/fuzz/tests/fuzz/fuzz_$1" $limit -max_len=1024 -timeout=10 \
    -rss_limit_mb=2048 -malloc_limit_mb=256 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/findings/$1-" "build/fuzz/corpus/$1" \
    "tests/fuzz/corpus/$1" >"$log" 2>&1 || status=1
  count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  echo "$1: ${count:-0} executions, $([ $status = 0 ] && echo no finding ||
    echo "A FINDING, see $log")"
  return $status
}

./setup.sh clang-16 libclang-rt-16-dev
mkdir -p build
cmake --preset fuzz >build/fuzz-configure.log 2>&1 ||
  { cat build/fuzz-configure.log; exit 1; }
cmake --build --preset fuzz --parallel "$(cmake/jobs.sh)" --target \
  $(for target in $targets; do echo "fuzz_$target"; done)
# A smaller quarantine and no stacks of allocations: several times as fast.
export ASAN_OPTIONS="malloc_context_size=0:quarantine_size_mb=1"
failed=0
for target in $targets; do
  fuzz "$target" || failed=1
done
exit $failed
