#!/bin/sh
# Builds sigtrain and trains SigNet2 on BasicMotions into
# runs/basicmotions-signet2. Arguments go to `sigtrain train`, for example
#   ./examples/train_signet2.sh --run-dir runs/second --set seed=2
set -eu
cd "$(dirname "$0")/.."

./setup.sh
cmake --preset release
cmake --build --preset release --target sigtrain --parallel "$(cmake/jobs.sh)"
exec build/release/sigtrain train configs/basicmotions-signet2.yaml "$@"
