#!/bin/sh
# Installs the Debian packages that building and testing sigtape needs and that
# are missing here. Needs root or sudo only if something is missing.
#
# usage: ./setup.sh [PACKAGE...]   further packages, such as a script of the
#                                  tests asks for
set -eu

packages="g++ cmake ninja-build make git ccache clang-format
  libyaml-cpp-dev libboost-program-options-dev libdnnl-dev ocl-icd-opencl-dev
  libfmt-dev nlohmann-json3-dev zlib1g-dev libboost-context-dev
  libgtest-dev libbenchmark-dev python3-matplotlib $*"

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup.sh: this is no Debian or Ubuntu; nothing installed. Needed are:" \
    $packages >&2
  exit 0
fi

missing=""
for package in $packages; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || true
  [ "$status" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "setup.sh: every package is there, nothing to install"
  exit 0
fi

if [ "$(id -u)" = 0 ]; then
  as_root="env"
elif command -v sudo >/dev/null; then
  as_root="sudo env"
else
  echo "setup.sh: to install$missing, run this as root or install sudo" >&2
  exit 1
fi

echo "setup.sh: installing with apt-get:$missing"
$as_root DEBIAN_FRONTEND=noninteractive apt-get -qq update </dev/null
$as_root DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
  --no-install-recommends $missing </dev/null
