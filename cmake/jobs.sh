#!/bin/sh
# Prints how many compilers may run at once: one for each processor, and no
# more than the free memory holds at 1.5 GiB each.
set -eu

jobs=$(nproc)
free=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
if [ "$limit" != max ] && [ $((limit / 1048576)) -lt "$free" ]; then
  free=$((limit / 1048576))
fi
by_memory=$((free / 1536))
[ "$by_memory" -ge "$jobs" ] || jobs=$by_memory
[ "$jobs" -ge 1 ] || jobs=1
echo "$jobs"
