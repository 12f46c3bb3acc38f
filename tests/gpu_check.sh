#!/bin/sh
# Everything that only a machine with a GPU can show, in one command: builds for
# it, runs the battery of operations on the device, compute-sanitizer on the
# kernels, the golden training cases, two runs that must give the same bytes,
# and the benchmarks. Results go to $OUT/gpu_check.json (OUT: build/gpu/out
# where it is not set), logs beside it.
#
# usage: tests/gpu_check.sh [DEPS_DIR] [--build-only] [--help]
#   DEPS_DIR      where the machine has no package registry: an install prefix
#                 (include, lib, share) with the libraries of ./setup.sh
#   --build-only  stops where the device would be asked for
#
# CUDA_ARCHITECTURES (default 90) chooses what is built. Exit status: 0 all is
# well, 1 a check failed, 6 there is no device.
set -eu
cd "$(dirname "$0")/.."

deps=""
build_only=false
for argument in "$@"; do
  case "$argument" in
    --build-only) build_only=true ;;
    --help | -h)
      sed -n '2,/^set/s/^# \{0,1\}//p' tests/gpu_check.sh
      exit 0
      ;;
    -*)
      echo "tests/gpu_check.sh: unknown argument '$argument'; see --help" >&2
      exit 2
      ;;
    *) deps=$(cd "$argument" && pwd) ;;
  esac
done

build=build/gpu
OUT=${OUT:-$PWD/$build/out}
mkdir -p "$OUT"
results="$OUT/results.txt"  # lines: name <tab> JSON value
: >"$results"
failed=0

# note NAME JSON: one result.
note() {
  printf '%s\t%s\n' "$1" "$2" >>"$results"
  echo "== $1: $2"
}

# check NAME COMMAND...: runs it into $OUT/NAME.log; notes true or false.
check() {
  name=$1
  shift
  started=$(date +%s)
  if "$@" >"$OUT/$name.log" 2>&1; then
    note "$name" true
  else
    note "$name" false
    failed=1
    tail -n 15 "$OUT/$name.log"
  fi
  note "${name}_seconds" "$(($(date +%s) - started))"
}

# The results as one JSON object.
write_json() {
  awk -F '\t' 'BEGIN { printf "{" } { printf "%s\n  \"%s\": %s", \
      (NR > 1 ? "," : ""), $1, $2 } END { print "\n}" }' "$results" \
    >"$OUT/gpu_check.json"
  echo "results: $OUT/gpu_check.json"
}

# ---- Build

generator=""
command -v ninja >/dev/null && generator="-G Ninja"
onednn=ON
if ! find /usr/lib /usr/local/lib ${deps:+"$deps"} -name 'libdnnl*' 2>/dev/null |
  grep -q .; then
  onednn=OFF
fi
gtest=ON
if ! find /usr/include /usr/local/include ${deps:+"$deps"} \
  -path '*gtest/gtest.h' 2>/dev/null | grep -q .; then
  gtest=OFF
fi
note onednn "\"$onednn\""
note tests "\"$gtest\""
configure() {
  # shellcheck disable=SC2086
  cmake -S . -B "$build" $generator -DCMAKE_BUILD_TYPE=Release \
    -DSIGTAPE_CUDA=ON -DSIGTAPE_ONEDNN=$onednn -DSIGTAPE_TESTS=$gtest \
    -DSIGTAPE_EXAMPLES=OFF -DSIGTAPE_BENCHMARKS=OFF \
    -DCMAKE_CUDA_ARCHITECTURES="${CUDA_ARCHITECTURES:-90}" \
    ${deps:+-DCMAKE_PREFIX_PATH="$deps"}
}
check configure configure
[ $failed = 0 ] || { write_json; exit 1; }
check build cmake --build "$build" --parallel "$(cmake/jobs.sh)"
[ $failed = 0 ] || { write_json; exit 1; }
sigtrain="$PWD/$build/sigtrain"

# ---- The device

if $build_only; then
  write_json
  exit 0
fi
if ! nvidia-smi -L >"$OUT/device.log" 2>&1; then
  echo "tests/gpu_check.sh: there is no CUDA device here; what was built is" \
    "in $build" >&2
  note device null
  write_json
  exit 6
fi
note device "\"$(nvidia-smi --query-gpu=name --format=csv,noheader | head -1)\""
note driver \
  "\"$(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -1)\""
note commit "\"$(git rev-parse HEAD 2>/dev/null || echo unknown)\""

# ---- The battery on the device

rm -rf "$build/cuda_cases"
if [ $gtest = ON ]; then
  for program in "$build"/tests/test_framework_* "$build"/tests/test_layers_*; do
    name=$(basename "$program")
    case "$name" in *emulator*) continue ;; esac
    check "battery_${name#test_}" env SIGTAPE_BATTERY=cuda timeout 300 \
      "$program"
  done
  note battery_cases "$(cat "$build"/cuda_cases/* 2>/dev/null | sort -u | wc -l)"
fi

# ---- compute-sanitizer, on the smaller programs

if [ $gtest = ON ] && command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck initcheck synccheck; do
    for program in softmax layer_norm gather matmul conv1d loss reduce; do
      check "sanitizer_${tool}_$program" env SIGTAPE_BATTERY=cuda \
        timeout 300 compute-sanitizer \
        --tool "$tool" --error-exitcode 9 \
        "$build/tests/test_framework_$program"
    done
  done
else
  note compute_sanitizer '"not installed"'
fi

# ---- Training: golden cases, and two runs with the same bytes

if [ $gtest = ON ]; then
  check golden_training \
    "$build/tests/test_training_trainer_golden"
fi
train() {
  rm -rf "$OUT/run$1"
  "$sigtrain" train benchmarks/configs/keras-sig.yaml --device cuda \
    --run-dir "$OUT/run$1" --set train.epochs=3
}
check train_once train 1
check train_again train 2
same_bytes() {
  cmp "$(find "$OUT/run1" -name 'best*.safetensors' | head -1)" \
    "$(find "$OUT/run2" -name 'best*.safetensors' | head -1)"
}
check same_bytes same_bytes
rm -rf "$OUT/run1" "$OUT/run2"

# ---- Times of signatures and of training steps

# time_of NAME ARGUMENTS...: notes what `sigtrain bench ARGUMENTS` prints.
time_of() {
  name=$1
  shift
  if "$sigtrain" bench "$@" --json >"$OUT/$name.log" 2>&1; then
    note "$name" "$(tail -n 1 "$OUT/$name.log")"
  else
    note "$name" false
    failed=1
  fi
}
for length in 100 500 1000; do
  for channels in 3 6 10; do
    for depth in 2 3 4 5; do
      time_of "signature_128_${length}_${channels}_$depth" signature \
        --device cuda --batch 128 --length $length --channels $channels \
        --depth $depth
    done
  done
done
for length in 100 200 350 500; do
  for channels in 2 4 6 10; do
    for depth in 2 3 4; do
      time_of "keras_sig_${length}_${channels}_$depth" train \
        benchmarks/configs/keras-sig.yaml --steps 100 --set device=cuda \
        --set data.train.random.length=$length \
        --set model.layers.0.out=$channels --set model.layers.1.depth=$depth
    done
  done
done
time_of signet3_128_500_3_4 train benchmarks/configs/signet-random.yaml \
  --steps 50 --set device=cuda --set data.train.random.length=500 \
  --set model.type=signet3 --set model.depth=4 --set train.batch_size=128
if command -v python3 >/dev/null; then
  for peer in pathsig pysiglib; do
    python3 -c "import $peer" 2>/dev/null &&
      check "compare_$peer" python3 benchmarks/compare_cuda.py "$peer" \
        --sigtrain "$sigtrain" --out "$OUT/compare_$peer.json" ||
      note "compare_$peer" '"not installed"'
  done
fi

write_json
exit $failed
