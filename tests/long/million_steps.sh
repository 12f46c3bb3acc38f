#!/bin/sh
# Trains for a million steps, with checkpoints and a row of metrics for each of
# 12500 epochs on the way, and watches the process: from a tenth of the steps on
# its memory must not grow by 1 MB, and it must never hold more open files.
#
# usage: tests/long/million_steps.sh [SIGTRAIN] > tests/long/million_steps.txt
#   SIGTRAIN   the program (default build/release/sigtrain)
set -eu
cd "$(dirname "$0")/../.."
sigtrain=${1:-build/release/sigtrain}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/run.yaml" <<'YAML'
data:
  train: {random: {cases: 320, length: 6, channels: 2, outputs: 1}}
  validation: 0.01
model:
  layers:
    - augment: {layer_sizes: [3], kernel_size: 2}
    - signature: {depth: 2, stream: true, basepoint: true}
    - augment: {layer_sizes: [2], kernel_size: 2}
    - signature: {depth: 2}
    - dropout: {p: 0.1}
    - linear
train:
  epochs: 12500
  batch_size: 4
  optimizer: {adam: {lr: 0.0001}}
  clip: {norm: 1.0}
  checkpoint_every: 250
YAML

"$sigtrain" train "$folder/run.yaml" --threads 1 --run-dir "$folder/run" \
  >"$folder/out" 2>"$folder/err" &
process=$!
# A line for each sample: epoch, kilobytes resident, open files.
while kill -0 $process 2>/dev/null; do
  epoch=$(cat "$folder/run/metrics.csv" 2>/dev/null | wc -l)
  resident=$(awk '/^VmRSS/ { print $2 }' /proc/$process/status 2>/dev/null) || :
  files=$(ls /proc/$process/fd 2>/dev/null | wc -l) || :
  [ -z "$resident" ] || [ "$files" = 0 ] ||
    echo "$epoch $resident $files" >>"$folder/samples"
  sleep 0.5
done
wait $process || { cat "$folder/err" >&2; exit 1; }
steps=$(tail -n 1 "$folder/run/metrics.csv" | cut -d , -f 1)

echo "date: $(date -u +%Y-%m-%d)"
echo "steps: $steps"
awk -v steps="$steps" '
  $1 >= 1250 {
    n++
    if (n == 1) { first = $2; most = $2; few = $3; many = $3 }
    if ($2 > most) most = $2
    if ($3 > many) many = $3
    if ($3 < few) few = $3
    last = $2
  }
  END {
    print "samples after a tenth of the steps: " n
    print "resident then, at the end, at most: " first ", " last ", " most " kB"
    print "open files, least and most: " few ", " many
    growth = most - first
    ok = n >= 10 && steps >= 1000000 && growth < 1000 && many <= few + 3
    print "growth: " growth " kB: " (ok ? "passed" : "FAILED")
    exit !ok
  }' "$folder/samples"
