#!/usr/bin/env bash
# Runs every test program that checks gradients against differences, one after
# another, and adds up the cases: at least 2000, none wrong, in 120 seconds.
#
#   tests/gradients.sh [BUILD_FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/release}
files=$(grep -lE 'battery\(|check_layer\(|check_parameter_gradients\(|gradcheck\(|count_gradient_case\(' \
          $(find tests -name '*_test.cpp' -not -path '*/cuda/*' \
              -not -path 'tests/architecture/*') | sort)
start=$(date +%s.%N)
cases=0
for file in $files; do
  name=${file#tests/}
  name=${name%_test.cpp}
  output=$("$build/tests/test_${name//\//_}" 2>&1) || {
    printf '%s\n' "$output" | grep -E 'FAILED|Failure' >&2
    echo "$file failed" >&2
    exit 1
  }
  found=$(printf '%s\n' "$output" | sed -n 's/^gradient cases: //p')
  [ -z "$found" ] && continue
  printf '%6d  %s\n' "$found" "$file"
  cases=$((cases + found))
done
seconds=$(echo "$(date +%s.%N) - $start" | bc)
printf '%d gradient cases in %.1f seconds\n' "$cases" "$seconds"
[ "$cases" -ge 2000 ]
[ "$(echo "$seconds < 120" | bc)" = 1 ]
