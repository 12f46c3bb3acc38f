#!/bin/sh
# Installs the peers that the comparisons time, from PyPI, in two Python
# environments: one for Signatory, which needs an old PyTorch, one for the
# rest. Needs Python 3.11 or older for Signatory; what cannot be installed is
# said and left out.
#
# usage: benchmarks/peers/setup.sh FOLDER
set -u
folder=${1:?usage: benchmarks/peers/setup.sh FOLDER}
mkdir -p "$folder"

# environment NAME PACKAGES...
environment() {
  name=$1
  shift
  [ -x "$folder/$name/bin/pip" ] || python3 -m venv "$folder/$name" || exit 1
  "$folder/$name/bin/pip" install --quiet "$@" ||
    echo "$name: not installed: $*" >&2
}

environment modern numpy matplotlib setuptools wheel
environment modern torch
environment modern pysiglib==4.0.0
environment modern jax signax==0.2.1 optax
environment modern keras keras-sig==1.0.2
environment modern --no-build-isolation iisignature==0.24
environment signatory "pip<24" "setuptools<60" wheel "numpy<2"
environment signatory torch==1.13.1
environment signatory --no-build-isolation signatory==1.2.6.1.9.0
