#!/bin/sh
# Rows that are made at once are those made one after another, a failure among
# them; a run that is stopped ends its programs, keeps no row of them and goes
# on where it was.
#
# usage: tests/benchmarks/reproduce_jobs.sh PYTHON BUILD
set -eu
python=$1 build=$(realpath "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/build/experiments"
ln -s "$build/experiments/experiment_rescaled_range" "$folder/build/experiments"

# sigtrain_is CASES: a sigtrain that does something else in some CASES.
sigtrain_is() {
  cat >"$folder/build/sigtrain" <<WRAPPER
#!/bin/sh
case "\$*" in $1 esac
exec "$build/sigtrain" "\$@"
WRAPPER
  chmod +x "$folder/build/sigtrain"
}
# reproduce HOW JOBS FOLDER: HOW is exec in the background, where $! is then the
# run itself.
reproduce() {
  $1 "$python" "$root/benchmarks/reproduce" hurst --quick \
    --build "$folder/build" --peers "$folder" --jobs "$2" --work "$folder/$3" \
    >"$folder/out" 2>"$folder/messages"
}
fail() {
  echo "$*" >&2
  exit 1
}
# rows N: the columns that are no time, of the run in folder N.
rows() {
  cut -d, -f1-4 "$folder/$1/quick/hurst/hurst.csv"
  grep -o planted "$folder/$1/quick/hurst/hurst.csv"
}

sigtrain_is "train*lstm*) echo planted >&2; exit 3 ;;"
for jobs in 1 2; do
  status=0
  reproduce "" $jobs $jobs || status=$?
  [ $status = 1 ] || fail "a failure ended with exit code $status"
  grep -q "up to $jobs at once" "$folder/$jobs/quick/hurst/hurst.md" ||
    fail "the page does not say how many ran at once"
  grep -q "\"at_once\": $jobs," "$folder/$jobs/quick/hurst/hurst.json" ||
    fail "the machine's data do not say how many ran at once"
  rows $jobs >"$folder/rows-$jobs"
done
diff "$folder/rows-1" "$folder/rows-2" || fail "the rows depend on --jobs"
[ "$(wc -l <"$folder/rows-1")" = 10 ] || fail "not 9 lines and a failure"

sigtrain_is "train*gru*|train*rnn*) echo \$\$ >>$folder/pids; exec sleep 60 ;;"
reproduce exec 2 stopped &
run=$!
for _ in $(seq 300); do
  [ "$(cat "$folder/pids" 2>/dev/null | wc -l)" = 2 ] && break
  sleep 0.1
done
kill -TERM $run
status=0
wait $run || status=$?
[ $status = 130 ] || fail "stopped, it ended with exit code $status"
while read -r pid; do
  ! kill -0 "$pid" 2>/dev/null || fail "a program outlived the run"
done <"$folder/pids"
kept=$folder/stopped/quick/hurst/rows.jsonl
[ "$(wc -l <"$kept")" = 2 ] || fail "it kept other than the two rows made"
! grep -q error "$kept" || fail "what was stopped became a failure"

sigtrain_is "train*lstm*) echo planted >&2; exit 3 ;;"
reproduce "" 2 stopped || true
! grep -q '^hurst: deep' "$folder/out" || fail "it made rows again"
rows stopped >"$folder/rows-stopped"
diff "$folder/rows-1" "$folder/rows-stopped" ||
  fail "the rows depend on a stop"
