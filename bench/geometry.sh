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
. "$root/bench/peer.sh"

need R compiler Rcpp cli
case " $* " in
  *" --installed "*) [ -d "$RKEOPS_LIB/rkeops" ] || die "there is no rkeops in $RKEOPS_LIB" ;;
  *) install_rkeops ;;
esac

[ "$*" = tolerance ] || python_peer peers numpy scipy scikit-learn
cd "$root/bench"
exec Rscript geometry.R "$@"
