#!/bin/sh
# Checks the NEON kernels on another processor: compiles framework and layers
# for aarch64 and runs tests/neon/signatures.cpp under qemu-user, which compares
# signatures, gradients and a linear layer with plain formulas. Installs the
# cross compiler and qemu where they are missing (as root or by sudo). Takes
# some minutes.
#
# usage: tests/neon.sh [BUILD FOLDER]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build/neon}
compiler=aarch64-linux-gnu-g++

if ! command -v "$compiler" >/dev/null || ! command -v qemu-aarch64 >/dev/null
then
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get install -y --no-install-recommends g++-aarch64-linux-gnu \
    qemu-user
fi

mkdir -p "$build/include" "$build/objects"
ln -sfn "$root" "$build/include/sigtape"
ln -sfn /usr/include/fmt "$build/include/fmt"

# One line a unit: object, source, flags.
cd "$root"
{
  find framework layers -name '*.cpp' ! -name '*_simd.cpp' \
    ! -name '*_cuda.cpp' ! -name '*_device.cpp' ! -name '*_host.cpp' \
    ! -path '*/cuda/host/*' -printf '%p -O1\n'
  echo "tests/neon/signatures.cpp -O1"
  find framework layers -name '*_simd.cpp' | while read -r source; do
    echo "$source -O1 -DSIGTAPE_ISA_NAME=scalar -DSIGTAPE_VECTOR_BYTES=16"
    echo "$source -O1 -DSIGTAPE_ISA_NAME=neon -DSIGTAPE_VECTOR_BYTES=16"
  done
} >"$build/units"
export build compiler root
xargs -P "$(nproc)" -I UNIT sh -c '
  set -- UNIT
  source=$1
  shift
  object=$build/objects/$(echo "$source $*" | tr "/ =" "___").o
  [ "$object" -nt "$source" ] ||
    "$compiler" -std=c++20 -Wall -Wextra -Werror -ffp-contract=fast \
      -fno-math-errno -fno-trapping-math -DFMT_HEADER_ONLY \
      -DSIGTAPE_VERSION=\"neon\" -I"$build/include" "$@" -c "$source" \
      -o "$object" || exit 255
' <"$build/units"
"$compiler" -static -o "$build/signatures" "$build"/objects/*.o -lpthread -ldl
for isa in scalar neon; do
  SIGTAPE_ISA=$isa qemu-aarch64 "$build/signatures"
done
