#!/bin/sh
# Everything that only a machine with a GPU can show, in one command: builds for
# it, runs the battery of operations on the device, compute-sanitizer on the
# kernels, the golden training cases, two runs that must give the same bytes,
# and the benchmarks. A check that fails is noted and the rest still run.
#
# usage: tests/gpu_check.sh [DEPS_DIR] [PART...] [--help]
#   DEPS_DIR  where the machine has no package registry: an install prefix
#             (include, lib, share), or a folder that has one as usr/, with the
#             libraries of ./setup.sh
#   PART      build, battery, sanitizer, training, signatures, steps, peers;
#             all of them where none is named. Results of earlier parts are
#             kept. Within ten minutes each on 16 cores: "build battery",
#             "sanitizer training", "signatures steps peers".
#
# Results so far go to $OUT/gpu_check.json (OUT: build/gpu/out where it is not
# set), logs beside it. CUDA_ARCHITECTURES (default 90) chooses what is built,
# PYTHON (default python3) who runs the peers. Exit status: 0 all is well, 1 a
# check failed, 6 there is no device.
set -eu
cd "$(dirname "$0")/.."

parts=""
deps=""
for argument in "$@"; do
  case "$argument" in
    build | battery | sanitizer | training | signatures | steps | peers)
      parts="$parts $argument"
      ;;
    --help | -h)
      sed -n '2,/^set/s/^# \{0,1\}//p' tests/gpu_check.sh
      exit 0
      ;;
    *)
      if [ ! -d "$argument" ]; then
        echo "tests/gpu_check.sh: '$argument' is neither a part nor a" \
          "folder; see --help" >&2
        exit 2
      fi
      deps=$(cd "$argument" && pwd)
      ;;
  esac
done
[ -n "$parts" ] ||
  parts="build battery sanitizer training signatures steps peers"

build=build/gpu
OUT=${OUT:-$PWD/$build/out}
results="$PWD/$build/results"  # PART/NAME: one JSON value
mkdir -p "$OUT" "$results"
python=${PYTHON:-python3}
sigtrain="$PWD/$build/sigtrain"
[ ! -d "$deps/usr" ] || deps="$deps/usr"
if [ -n "$deps" ]; then
  LD_LIBRARY_PATH=$deps/lib:$deps/lib/$(uname -m)-linux-gnu:${LD_LIBRARY_PATH:-}
  export LD_LIBRARY_PATH
fi

# begin PART: forgets what an earlier run noted of it.
begin() {
  part=$1
  rm -rf "${results:?}/$part"
  mkdir -p "$results/$part"
  started_part=$(date +%s)
}

# note NAME JSON: one result of the part.
note() {
  printf '%s\n' "$2" >"$results/$part/$1"
  echo "== $part: $1: $2" | cut -c 1-150
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
    tail -n 15 "$OUT/$name.log"
  fi
  note "${name}_seconds" "$(($(date +%s) - started))"
}

# together COMMAND...: beside others, eight at a time; `wait` ends them all.
running=0
together() {
  "$@" &
  running=$((running + 1))
  if [ $running = 8 ]; then
    wait
    running=0
  fi
}

# The results so far as one JSON object of the parts.
write_json() {
  (
    cd "$results"
    first_part=true
    echo "{"
    for folder in *; do
      [ -d "$folder" ] || continue
      $first_part || echo ","
      first_part=false
      printf '"%s": {' "$folder"
      separator=""
      for file in "$folder"/*; do
        [ -f "$file" ] || continue
        printf '%s\n  "%s": ' "$separator" "${file#*/}"
        tr -d '\n' <"$file"
        separator=","
      done
      printf '\n}'
    done
    printf '\n}\n'
  ) >"$OUT/gpu_check.json"
  echo "results: $OUT/gpu_check.json"
}
trap write_json EXIT
trap 'exit 1' INT TERM

# found NAME: whether a file of that name is installed.
found() {
  find /usr/include /usr/lib /usr/local/include /usr/local/lib \
    ${deps:+"$deps"} -path "*$1" 2>/dev/null | grep -q .
}

# ---- Build

configure() {
  generator=""
  command -v ninja >/dev/null && generator="-G Ninja"
  # shellcheck disable=SC2086
  cmake -S . -B "$build" $generator -DCMAKE_BUILD_TYPE=Release \
    -DSIGTAPE_CUDA=ON -DSIGTAPE_ONEDNN="$1" -DSIGTAPE_TESTS="$2" \
    -DSIGTAPE_EXAMPLES=OFF -DSIGTAPE_BENCHMARKS=OFF \
    -DCMAKE_CUDA_ARCHITECTURES="${CUDA_ARCHITECTURES:-90}" \
    ${deps:+-DCMAKE_PREFIX_PATH="$deps"}
}

# Fails where nothing can be run afterwards.
run_build() {
  onednn=OFF
  tests=OFF
  targets=sigtrain
  ! found '/libdnnl*' || onednn=ON
  if found /gtest/gtest.h; then
    tests=ON
    targets="sigtrain cuda_battery"
  fi
  note onednn "\"$onednn\""
  note tests "\"$tests\""
  check configure configure "$onednn" "$tests"
  [ "$(cat "$results/build/configure")" = true ] || return 1
  # shellcheck disable=SC2086
  check compile cmake --build "$build" --parallel "$(cmake/jobs.sh)" \
    --target $targets
  [ "$(cat "$results/build/compile")" = true ]
}

# ---- The battery on the device

# programs LABEL: the paths of the tests with a label, but not of the emulator's.
programs() {
  ctest --test-dir "$build" -N -L "$1" -LE long | sed -n \
    's|^ *Test *#[0-9]*: \([^ ]*\).*|\1|p' | grep -v emulator | tr . _ |
    sed "s|^|$build/tests/test_|"
}

run_battery() {
  rm -rf "$build/cuda_cases"
  for program in $(programs '^cuda$'); do
    name=${program##*/test_}
    case "$name" in framework_cuda_cases | training_*) continue ;; esac
    together check "battery_$name" env SIGTAPE_BATTERY=cuda timeout 300 \
      "$program"
  done
  wait
  running=0
  note cases "$(cat "$build"/cuda_cases/* 2>/dev/null | sort -u |
    grep -vc 'no kernel$' || true)"
  check battery_cases "$build/tests/test_framework_cuda_cases"
}

# ---- compute-sanitizer

run_sanitizer() {
  if ! command -v compute-sanitizer >/dev/null; then
    note compute_sanitizer '"not installed"'
    return
  fi
  for tool in memcheck racecheck initcheck synccheck; do
    for program in framework_softmax framework_layer_norm framework_gather \
      framework_matmul framework_conv1d framework_loss framework_reduce \
      layers_recur layers_cuda_signature layers_cuda_signature_conv1d; do
      cases='*'
      case "$program" in
        layers_cuda_signature) cases='*Lengths*:*OnePoint*:*Channels*' ;;
      esac
      together check "${tool}_$program" env SIGTAPE_BATTERY=cuda timeout 240 \
        compute-sanitizer --tool "$tool" --error-exitcode 9 \
        "$build/tests/test_$program" --gtest_filter="$cases"
    done
  done
  wait
  running=0
}

# ---- Training: golden cases, and runs that must give the same bytes

# train NAME [VARIABLE=VALUE]: three epochs into $build/runs/NAME.
train() {
  run="$build/runs/$1"
  shift
  rm -rf "$run"
  env "$@" timeout 120 "$sigtrain" train benchmarks/configs/keras-sig.yaml --device cuda \
    --run-dir "$run" --set train.epochs=3
}

same_bytes() {
  for run in once "$1"; do
    set -- "$@" "$(find "$build/runs/$run" -name 'best*.safetensors' | head -1)"
  done
  cmp "$2" "$3"
}

run_training() {
  [ ! -x "$build/tests/test_training_trainer_golden" ] ||
    check golden_training timeout 240 "$build/tests/test_training_trainer_golden"
  mkdir -p "$build/runs"
  check train_once train once
  check train_again train again
  check same_bytes same_bytes again
  check train_without_graph train plain SIGTAPE_CUDA_GRAPH=0
  check same_bytes_without_graph same_bytes plain
  rm -rf "$build/runs"
}

# ---- Times of signatures and of training steps

# time_of NAME ARGUMENTS...: notes what `sigtrain bench ARGUMENTS` prints.
time_of() {
  name=$1
  shift
  if timeout 60 "$sigtrain" bench "$@" --json >"$OUT/$name.log" 2>&1; then
    note "$name" "$(tr -d '\n' <"$OUT/$name.log")"
    rm "$OUT/$name.log"
  else
    note "$name" false
  fi
}

run_signatures() {
  for length in 100 200 500 1000; do
    for channels in 3 6 10; do
      for depth in 2 3 4 5; do
        time_of "signature_128_${length}_${channels}_$depth" signature \
          --device cuda --batch 128 --length $length --channels $channels \
          --depth $depth
      done
    done
  done
}

# The published table is of 1000 steps a row.
run_steps() {
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
  for file in "$results"/steps/keras_sig_*; do
    sed -n 's/.*"seconds_per_step": \([0-9.e+-]*\).*/\1/p' "$file"
  done | awk '{ sum += 1000 * $1; if (NR == 1 || $1 < least) least = $1 }
    END { printf "{\"rows\": %d, \"seconds_of_1000_steps\": %g, ", NR, sum
          printf "\"least_seconds_per_step\": %g}\n", least }' \
    >"$results/steps/sum"
  note keras_sig_table "$(cat "$results/steps/sum")"
  rm "$results/steps/sum"
  for model in signet2 signet3; do
    time_of "${model}_128_500_3_4" train benchmarks/configs/signet-random.yaml \
      --steps 50 --set device=cuda --set data.train.random.length=500 \
      --set model.type=$model --set model.depth=4 --set train.batch_size=128
  done
}

run_peers() {
  for peer in pathsig pysiglib signax keras_sig torch_training jax_training; do
    file="$OUT/compare_$peer.json"
    status=0
    XLA_PYTHON_CLIENT_PREALLOCATE=false timeout 300 "$python" \
      benchmarks/compare_cuda.py "$peer" --sigtrain "$sigtrain" --out "$file" \
      >"$OUT/compare_$peer.log" 2>&1 || status=$?
    case $status in
      3) note "$peer" '"not installed"' ;;
      0) note "$peer" "$(cat "$file")" ;;
      *) note "$peer" false ;;
    esac
  done
}

# ---- All parts in turn

device_checked=false
failed=false
for chosen in $parts; do
  if [ "$chosen" != build ] && ! $device_checked; then
    begin device
    if ! nvidia-smi -L >"$OUT/device.log" 2>&1; then
      note name null
      echo "tests/gpu_check.sh: there is no CUDA device here; what was built" \
        "is in $build" >&2
      exit 6
    fi
    for field in name driver_version clocks.max.sm memory.total; do
      note "$field" "\"$(nvidia-smi --query-gpu=$field \
        --format=csv,noheader | head -1)\""
    done
    note commit "\"$(git rev-parse HEAD 2>/dev/null || echo unknown)\""
    device_checked=true
  fi
  if [ "$chosen" != build ] && [ ! -x "$sigtrain" ]; then
    echo "tests/gpu_check.sh: nothing has been built; run the part build" \
      "first" >&2
    exit 1
  fi
  begin "$chosen"
  if ! "run_$chosen" && [ "$chosen" = build ]; then
    echo "tests/gpu_check.sh: the build failed; its logs are in $OUT" >&2
    exit 1
  fi
  note seconds "$(($(date +%s) - started_part))"
  ! grep -qrx false "$results/$chosen" || failed=true
done
! $failed || exit 1
