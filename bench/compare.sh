#!/bin/sh
# Two states of rkeops side by side: sh bench/compare.sh OLD NEW [ROUNDS]
#
# OLD and NEW are git refs, which are built into build/compare, or libraries in which rkeops is installed. Two R processes take turns in
# one run: the six works in both precisions, the memory of that, first calls of 30 formulas, a call of an operator, a LazyTensor
# expression, solve(). Ratios of times above 1.03 are called slower; the exit status says whether there is one.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
[ $# -ge 2 ] || { sed -n '2,6s/^# //p' "$0"; exit 2; }

# The library of a ref, or the one that is given.
library_of() {
  if [ -d "$1/rkeops" ]; then (cd "$1" && pwd); return; fi
  commit=$(git -C "$root" rev-parse --verify --quiet "$1^{commit}") || { echo "$1 is neither a library nor a ref" >&2; exit 2; }
  place=$root/build/compare/$commit
  if [ ! -d "$place/library/rkeops" ]; then
    echo "building $1" >&2
    rm -rf "$place"
    mkdir -p "$place/source" "$place/library"
    git -C "$root" archive "$commit" | tar -x -C "$place/source"
    R CMD INSTALL --no-docs --no-test-load --library="$place/library" "$place/source" >"$place/log" 2>&1 ||
      { tail -n 20 "$place/log" >&2; exit 2; }
  fi
  echo "$place/library"
}

old=$(library_of "$1")
new=$(library_of "$2")
cd "$root/bench"
exec Rscript compare.R "$old" "$new" "${3:-5}"
