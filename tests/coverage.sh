#!/bin/sh
# Builds sigtape with counters of lines and branches (preset coverage), runs
# every test but the slowest and writes docs/coverage.md: lines of framework,
# layers and training, at least 95 % of each, and branches of readers and
# checkpoints. Some minutes of compiling and of tests.
#
# usage: tests/coverage.sh [--missing | --help]
#   --missing  no build and no tests: what the last run has left out
set -eu
cd "$(dirname "$0")/.."
build=build/coverage

case "${1-}" in
  "") ;;
  --missing) exec tests/coverage.py "$build" --missing ;;
  --help | -h)
    sed -n '2,/^set/s/^# \{0,1\}//p' tests/coverage.sh
    exit 0
    ;;
  *)
    echo "tests/coverage.sh: unknown argument '$1'; see --help" >&2
    exit 2
    ;;
esac

./setup.sh
cmake --preset coverage
cmake --build --preset coverage --parallel "$(cmake/jobs.sh)"
find "$build" -name '*.gcda' -delete
# Counters make tests slow, and those left out add no line.
ctest --preset coverage --parallel "$(nproc)" --no-tests=error \
  --label-exclude long --exclude-regex 'models_memory$'
tests/coverage.py "$build"
