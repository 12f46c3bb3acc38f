#!/bin/sh
# Makes every measured table and plot of benchmarks/results: signatures,
# training steps and the sweep of long streams against the peers, under every
# vector instruction set of this processor, with one and two threads; the
# accuracy of float32. A run that was stopped goes on where it was: rows that
# the CSV files have are not measured again.
#
# usage: benchmarks/run_all.sh --peers FOLDER [options]
#   --peers FOLDER   made by benchmarks/peers/setup.sh
#   --build FOLDER   the release build (build/release)
#   --out FOLDER     results (benchmarks/results)
#   --parts LIST     of signatures1 signatures2 training1 training2 sweep
#                    sweep-deep signatory accuracy report (all, in quotes)
#   --rounds N       interleaved rounds a row (2)
#   --budget S       seconds a peer is repeated for in each (0.1)
#   --lock FILE      locked while something is timed
#   --priority N     real-time priority (chrt -f) of what is timed
#   --fresh          measures everything again
#
# One thread runs on the first processor alone, two on the first two.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../build/release
out=$here/results
parts="signatures1 training1 signatures2 sweep sweep-deep training2 signatory"
parts="$parts accuracy report"
rounds=2 budget=0.1 lock= priority=0 peers= fresh=
while [ $# -gt 0 ]; do
  case $1 in
    --peers) peers=$2; shift ;;
    --build) build=$2; shift ;;
    --out) out=$2; shift ;;
    --parts) parts=$2; shift ;;
    --rounds) rounds=$2; shift ;;
    --budget) budget=$2; shift ;;
    --lock) lock=$2; shift ;;
    --priority) priority=$2; shift ;;
    --fresh) fresh=yes ;;
    *) sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2; exit 2 ;;
  esac
  shift
done
[ -n "$peers" ] || { echo "run_all.sh: --peers FOLDER is missing" >&2; exit 2; }
python=$peers/modern/bin/python
mkdir -p "$out"

# compare THREADS NAME PROGRAM OPTIONS...
compare() {
  threads=$1 name=$2 program=$3
  shift 3
  [ -z "$fresh" ] || rm -f "$out/$name.csv"
  cpus=0
  [ "$threads" = 1 ] || cpus=0-$((threads - 1))
  taskset -c "$cpus" "$python" "$here/$program" --peers "$peers" \
    --build "$build" --threads "$threads" --rounds "$rounds" \
    --budget "$budget" --priority "$priority" ${lock:+--lock "$lock"} \
    --out "$out/$name" "$@"
}

# Of grids with cases that take peers minutes and gigabytes.
grid="--single --runs 50 --limit 2 --memory-limit 10"
grid="$grid --time-limit 200"
# shellcheck disable=SC2086  # grid is a list of options
for part in $parts; do
  echo "== $part, $(date +%T)"
  case $part in
    signatures1)
      compare 1 signatures-1thread compare_signatures.py \
        --groups keras-sig,signatory,limit ;;
    signatures2)
      compare 2 signatures-2threads compare_signatures.py \
        --groups keras-sig,signatory,limit ;;
    training1) compare 1 training-1thread compare_training.py ;;
    training2)
      compare 2 training-2threads compare_training.py \
        --models keras-sig-ends,signet ;;
    sweep)
      compare 2 sweep-2threads compare_signatures.py --groups pysiglib \
        --only pysiglib ;;
    sweep-deep)
      compare 2 sweep-deep-2threads compare_signatures.py \
        --groups pysiglib-deep --only pysiglib --modes signature $grid ;;
    signatory)
      compare 1 signatory-paper-1thread compare_signatures.py \
        --groups signatory-paper --modes signature,words,brackets $grid ;;
    accuracy)
      "$build/benchmarks/benchmark_float32_accuracy" \
        >"$out/float32-accuracy.md" ;;
    report) "$python" "$here/report.py" "$out" ;;
    *) echo "run_all.sh: unknown part '$part'" >&2; exit 2 ;;
  esac
done
