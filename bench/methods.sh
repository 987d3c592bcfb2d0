#!/bin/sh
# Statistical methods against the packages that people use, all taking turns in one run: sh bench/methods.sh [--installed] [TOPIC ...]
#
#   TOPIC         of the programs bench/methods-TOPIC.R; all of them by default
#   --installed   rkeops as it is in the library ($RKEOPS_LIB, or build/library), not that of the checkout
#
# Packages that are missing are left out. Writes bench/results/<date>-<machine>-methods.md.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/setup.sh"

need R compiler Rcpp cli
case ${1:-} in
  --installed) shift; [ -d "$RKEOPS_LIB/rkeops" ] || die "there is no rkeops in $RKEOPS_LIB" ;;
  *) install_rkeops ;;
esac
cd "$root/bench"
[ $# -gt 0 ] || set -- $(ls methods-*.R | sed 's/^methods-//; s/[.]R$//')
lines=$root/build/methods.csv
: >"$lines"
for topic; do
  say "$topic"
  Rscript "methods-$topic.R" | grep -v '^work,' | sed "s/^/$topic,/" | tee -a "$lines"
done
exec Rscript methods.R "$lines"
