#!/bin/sh
# Skipping by geometry against exhaustive computation and against trees: sh bench/geometry.sh [OPTIONS] [WORK ...]
#
#   WORK            begins the names of works, as in `nearest-d3`; or table (the default), awkward, growth, tolerance, all
#   --list          the names
#   --quick         a tenth of the rows: a look, no figures to publish; --scale=0.01: a hundredth
#   --no-never      without exhaustive computation, which takes most of the time
#   --installed     rkeops as it is in the library ($RKEOPS_LIB, or build/library), not that of the checkout
#
# scipy and scikit-learn go to build/peers; RKEOPS_BENCH_PYTHON names a Python that has them already. FNN is measured where it is
# installed (Debian: r-cran-fnn). What is missing stays blank. Writes bench/results/<date>-<machine>-geometry*.md, a plot of growth
# into build/, and vignettes/tolerance.csv, which the speed vignette draws.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
case " $* " in *" --help "*) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit ;; esac
. "$root/tools/setup.sh"

need R compiler Rcpp cli
case " $* " in
  *" --installed "*) [ -d "$RKEOPS_LIB/rkeops" ] || die "there is no rkeops in $RKEOPS_LIB" ;;
  *) install_rkeops ;;
esac

python=${RKEOPS_BENCH_PYTHON:-$root/build/peers/bin/python}
why=
if [ "$*" != tolerance ] && [ ! -x "$python" ]; then
  say "installing scipy and scikit-learn into build/peers"
  log=$root/build/peers.log
  if ! have python3; then why="python3 is missing"
  elif ! { python3 -m venv "$root/build/peers" && "$root/build/peers/bin/pip" install -q numpy scipy scikit-learn; } >"$log" 2>&1; then
    why="scipy and scikit-learn could not be installed, see $log"
  fi
fi
RKEOPS_BENCH_PYTHON=$python RKEOPS_BENCH_SKIP=$why RKEOPS_BENCH_COMMIT=$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)
git -C "$root" diff --quiet HEAD -- 2>/dev/null || RKEOPS_BENCH_COMMIT=$RKEOPS_BENCH_COMMIT+changes
export RKEOPS_BENCH_PYTHON RKEOPS_BENCH_SKIP RKEOPS_BENCH_COMMIT
cd "$root/bench"
exec Rscript geometry.R "$@"
