#!/bin/sh
# Trains every shipped configuration with 1, 2 and 7 threads, and compares the
# weights byte for byte.
#
# usage: tests/long/threads.sh [SIGTRAIN [EPOCHS]]
#   SIGTRAIN   the program (default build/release/sigtrain)
#   EPOCHS     epochs of each training (default: as configured)
set -eu
cd "$(dirname "$0")/../.."
sigtrain=${1:-build/release/sigtrain}
set_epochs=${2:+--set train.epochs=$2}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
same=0
for config in configs/*.yaml; do
  name=$(basename "$config" .yaml)
  for threads in 1 2 7; do
    "$sigtrain" train "$config" $set_epochs --threads $threads \
      --run-dir "$folder/$name-$threads" >"$folder/out" 2>&1 ||
      { cat "$folder/out"; exit 1; }
  done
  for threads in 2 7; do
    cmp "$folder/$name-1/best.safetensors" \
      "$folder/$name-$threads/best.safetensors"
  done
  same=$((same + 1))
done
echo "$same configurations: the same bytes with 1, 2 and 7 threads"
