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

need R compiler Rcpp cli
install_rkeops

python=${RKEOPS_BENCH_PYTHON:-$root/build/pykeops/bin/python}
why=
if [ ! -x "$python" ]; then
  say "installing PyKeOps into build/pykeops"
  log=$root/build/pykeops.log
  if ! have python3; then why="python3 is missing"
  elif ! { python3 -m venv "$root/build/pykeops" && "$root/build/pykeops/bin/pip" install -q pykeops numpy; } >"$log" 2>&1; then
    why="PyKeOps could not be installed, see $log"
  fi
fi
[ -z "$why" ] || say "without PyKeOps: $why"
RKEOPS_BENCH_PYTHON=$python RKEOPS_BENCH_SKIP=$why RKEOPS_BENCH_COMMIT=$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)
git -C "$root" diff --quiet HEAD -- 2>/dev/null || RKEOPS_BENCH_COMMIT=$RKEOPS_BENCH_COMMIT+changes
export RKEOPS_BENCH_PYTHON RKEOPS_BENCH_SKIP RKEOPS_BENCH_COMMIT
cd "$root/bench"
exec Rscript run.R "$@"
