#!/bin/sh
# A peer whose process dies and one that answers with an error are kept as
# failures of each row, and a second run measures nothing again.
#
# usage: tests/benchmarks/reproduce_peers.sh PYTHON BUILD
set -eu
python=$1 build=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/modern/bin"
cat >"$folder/modern/bin/python" <<'END'
#!/bin/sh
[ "$1" = -c ] && exit 0
[ "$2" = pysiglib ] && exit 3
while read -r line; do echo '{"error": "planted"}'; done
END
chmod +x "$folder/modern/bin/python"
reproduce() {
  "$python" "$root/benchmarks/reproduce" keras-sig-signature --quick \
    --build "$build" --peers "$folder" --work "$folder/state" "$@"
}
reproduce --fresh >"$folder/first"
reproduce >"$folder/second"
rows=$folder/state/quick/keras-sig-signature/keras-sig-signature.csv
[ "$(grep -c 'the process ended.*planted' "$rows")" = 2 ] ||
  { echo "the failures are not in the rows:" >&2; cat "$rows" >&2; exit 1; }
grep -q '^keras-sig-signature: comparison' "$folder/first" ||
  { echo "the first run measured nothing" >&2; exit 1; }
if grep -q '^keras-sig-signature: comparison' "$folder/second"; then
  echo "the second run measured again" >&2
  exit 1
fi
