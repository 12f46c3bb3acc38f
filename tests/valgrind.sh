#!/bin/sh
# Runs test programs of the release build, and a short training, under Valgrind:
# reads of uninitialised memory, which no sanitizer here looks for, and errors
# in libraries that are not instrumented. Valgrind knows no AVX-512: the kernels
# are those for AVX2. Exit code 1 where it reports anything.
#
# usage: tests/valgrind.sh [TEST...]
#   TEST   names as ctest has them (default: a set of the shorter ones)
set -eu
cd "$(dirname "$0")/.."
case "${1:-}" in
  --help | -h)
    sed -n '2,/^set/s/^# \{0,1\}//p' tests/valgrind.sh
    exit 0
    ;;
esac
tests=${*:-framework.tensor framework.tape \
  framework.allocator framework.random layers.signature_op \
  training.io.safetensors training.io.checkpoint training.data.npz \
  training.data.ts_reader training.data.csv_reader \
  training.config.broken_syntax training.run.run_folder}
command -v valgrind >/dev/null || ./setup.sh valgrind
[ -x build/release/sigtrain ] || cmake --preset release
cmake --build --preset release --parallel "$(cmake/jobs.sh)" --target sigtrain \
  $(for test in $tests; do echo "test_$test" | tr . _; done)
export SIGTAPE_ISA=avx2
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT

# check NAME COMMAND...: one program.
found=0
check() {
  name=$1
  shift
  status=0
  valgrind --error-exitcode=99 --leak-check=full --num-callers=20 \
    --show-leak-kinds=definite --errors-for-leak-kinds=definite \
    --child-silent-after-fork=yes "$@" >"$log/out" 2>&1 || status=$?
  if [ $status = 0 ]; then
    echo "$name: nothing found"
  else
    found=1
    echo "$name: exit code $status"
    tail -n 60 "$log/out"
  fi
}

for test in $tests; do
  check "$test" "build/release/tests/test_$(echo "$test" | tr . _)"
done
check "sigtrain train" build/release/sigtrain train \
  configs/basicmotions-signet2.yaml --threads 2 --run-dir "$log/run" \
  --set train.epochs=6
exit $found
