#!/bin/sh
# The whole benchmark: sh bench/run.sh [--quick] [--full-memory]
#
#   --quick         a tenth of the rows: a look, no figures to publish
#   --full-memory   lets the memory measurement run all 1e12 pairs instead of stopping it after 20 s
#
# Compares with PyKeOps where Python is there; RKEOPS_BENCH_PYTHON names a Python that has pykeops already.
# Writes bench/results/<date>-<machine>-cpu.csv and .md.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/setup.sh"
. "$root/bench/peer.sh"

need R compiler Rcpp cli
install_rkeops

python_peer pykeops numpy pykeops
cd "$root/bench"
exec Rscript run.R "$@"
