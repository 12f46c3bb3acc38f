#!/bin/sh
# Trains every configuration of configs/ with seeds 0 to 4 and measures it on
# its test data:
#   benchmarks/accuracies.sh [build/release/sigtrain [CONFIG...]]
# Writes benchmarks/results/accuracies.csv (config,seed,metric,value,seconds;
# seconds: of the whole training, on one thread) and prints mean and standard
# deviation of each configuration. As many run at once as there are CPUs.
set -eu
cd "$(dirname "$0")/.."

if [ "${1:-}" = --one ]; then
  sigtrain=$2 config=$3 seed=$4 folder=$5
  run=$folder/$(basename "$config" .yaml)-$seed
  began=$(date +%s%N)
  "$sigtrain" train "$config" --set seed="$seed" --run-dir "$run" --threads 1 \
    >"$run.log"
  ended=$(date +%s%N)
  "$sigtrain" eval "$run" --json --threads 1 >"$run.json"
  metric=accuracy
  grep -q '"accuracy"' "$run.json" || metric=rmse
  value=$(sed -n "s/.*\"$metric\": *\([-+.e0-9]*\).*/\1/p" "$run.json")
  awk -v config="$(basename "$config" .yaml)" -v seed="$seed" \
    -v metric="$metric" -v value="$value" -v t="$((ended - began))" 'BEGIN {
      printf "%s,%d,%s,%s,%.2f\n", config, seed, metric, value, t / 1e9
    }' >"$run.csv"
  exit
fi

sigtrain=${1:-build/release/sigtrain}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- configs/*.yaml
results=benchmarks/results/accuracies.csv
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for config in "$@"; do
  for seed in 0 1 2 3 4; do printf '%s %s\n' "$config" "$seed"; done
done | xargs -P "$(nproc)" -L 1 sh -c \
  '"$0" --one "$1" "$3" "$4" "$2"' "$0" "$sigtrain" "$folder"

mkdir -p "$(dirname "$results")"
{
  echo config,seed,metric,value,seconds
  cat "$folder"/*.csv
} >"$results"
awk -F , '
  NR == 1 { next }
  !($1 in n) { order[++configs] = $1 }
  { ++n[$1]; metric[$1] = $3; sum[$1] += $4; squares[$1] += $4 * $4
    seconds[$1] += $5 }
  END {
    printf "%-28s %-9s %9s %9s %9s\n", "config", "metric", "mean", "spread",
      "seconds"
    for (i = 1; i <= configs; ++i) {
      c = order[i]; mean = sum[c] / n[c]
      variance = squares[c] / n[c] - mean * mean
      printf "%-28s %-9s %9.4f %9.4f %9.2f\n", c, metric[c], mean,
        sqrt(variance > 0 ? variance : 0), seconds[c] / n[c]
    }
  }' "$results"
