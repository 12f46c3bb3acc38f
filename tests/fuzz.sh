#!/bin/sh
# Fuzzes the readers and the tape with libFuzzer under the address and
# undefined-behaviour sanitizers, from the committed corpora, and prints for
# each target how many executions it made. What is found is kept in
# build/fuzz/findings; the exit code is 1 then.
#
# usage: tests/fuzz.sh [--seconds N | --executions N] [--jobs N] [TARGET...]
#   --seconds N      seconds for each target (default 10)
#   --executions N   executions of each target instead, such as 10000000, in
#                    parts that build/fuzz/executions.log lists: those of a run
#                    that was stopped count in the next one; inputs of up to
#                    512 bytes (config_tree: 256), and no search for leaks
#   --jobs N         targets at once (default 1)
#   TARGET           config config_tree set ts csv npy npz safetensors manifest
#                    graph (default: all)
set -eu
script=$(realpath "$0")
cd "$(dirname "$script")/.."

all="config config_tree set ts csv npy npz safetensors manifest graph"
seconds=10
executions=0
jobs=1
targets=""
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) seconds=$2; shift ;;
    --executions) executions=$2; shift ;;
    --jobs) jobs=$2; shift ;;
    --run) only=$2; shift ;;  # as called below: one target, already built
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
ledger=build/fuzz/executions.log

# made TARGET: the executions so far.
made() {
  awk -v target="$1" '$1 == target { n += $2 } END { print n + 0 }' "$ledger"
}

# part TARGET LIMIT [OPTION...]: one run; its executions go to $count and to the
# ledger. Inputs are drawn without the statistics of features that libFuzzer
# keeps otherwise, which take a third of its time.
part() {
  log=build/fuzz/$1.log
  status=0
  target=$1
  shift
  "build/fuzz/tests/fuzz/fuzz_$target" "$@" -timeout=60 -entropic=0 \
    -rss_limit_mb=3000 -malloc_limit_mb=256 -print_final_stats=1 -reload=0 \
    -artifact_prefix="build/fuzz/findings/$target-" \
    "build/fuzz/corpus/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1 ||
    status=$?
  count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  count=${count:-0}
  echo "$target $count $status $(date -u +%Y-%m-%d)" >>"$ledger"
}

# fuzz TARGET: its last line is the number of executions.
fuzz() {
  if [ "$executions" = 0 ]; then
    part "$1" "-max_total_time=$seconds" -max_len=1024
  else
    status=0
    while [ $status = 0 ] && [ "$(made "$1")" -lt "$executions" ]; do
      left=$((executions - $(made "$1")))
      [ $left -lt 200000 ] || left=200000
      # A grown configuration is several times as long as its input.
      longest=512
      [ "$1" != config_tree ] || longest=256
      part "$1" "-runs=$left" "-max_len=$longest" -detect_leaks=0
    done
    count=$(made "$1")
  fi
  echo "$1: $count executions, $([ $status = 0 ] && echo no finding ||
    echo "A FINDING (exit code $status), see build/fuzz/$1.log")"
  return $status
}

if [ -n "${only:-}" ]; then
  fuzz "$only"
  exit
fi
./setup.sh clang-16 libclang-rt-16-dev
mkdir -p build
cmake --preset fuzz >build/fuzz-configure.log 2>&1 ||
  { cat build/fuzz-configure.log; exit 1; }
cmake --build --preset fuzz --parallel "$(cmake/jobs.sh)" --target \
  $(for target in $targets; do echo "fuzz_$target"; done)
mkdir -p build/fuzz/findings
for target in $targets; do mkdir -p "build/fuzz/corpus/$target"; done
touch "$ledger"
# A smaller quarantine, no stacks of allocations, and no search for the use of a
# function's variables after its return: ten times as fast.
export ASAN_OPTIONS="malloc_context_size=0:quarantine_size_mb=1"
ASAN_OPTIONS="$ASAN_OPTIONS:detect_stack_use_after_return=0"
ASAN_OPTIONS="$ASAN_OPTIONS:thread_local_quarantine_size_kb=64"
printf '%s\n' $targets | xargs -P "$jobs" -I TARGET "$script" \
  --seconds "$seconds" --executions "$executions" --run TARGET || exit 1
