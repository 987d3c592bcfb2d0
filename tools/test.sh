#!/bin/sh
# All tests, from a bare Debian on: sh tools/test.sh. The last line counts them; the exit status says whether all passed.
#
#   1. layers      tools/check_layers.sh
#   2. C++         tests/cpp/test_*.cpp, each a program of its own; no R
#   3. R           R CMD build and R CMD check, which runs tests/testthat
#
# How to run a part of them: tests/README.md.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/setup.sh"

work=$root/build/test
passed=0 failed=0 skipped=0
rm -rf "$work"
mkdir -p "$work"

# The number before WORD in the line $1.
count() { printf '%s\n' "$1" | tr ',' ' ' | awk -v word="$2" '{ for (k = 2; k <= NF; k++) if ($k == word) print $(k - 1) }'; }

# Adds the counts of a line "N passed, N failed[, N skipped]"; a program that failed without saying so counts as one.
tally() { # title, status, line
  p=$(count "$3" passed) f=$(count "$3" failed) s=$(count "$3" skipped)
  if [ -z "$p" ] || { [ "$2" != 0 ] && [ "${f:-0}" = 0 ]; }; then f=$((${f:-0} + 1)); fi
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
  printf '%-32s %s passed, %s failed, %s skipped\n' "$1" "${p:-0}" "${f:-0}" "${s:-0}"
}

# Runs a program that prints counts last; shows its output only where it fails.
run() { # title, command...
  title=$1
  shift
  status=0
  "$@" >"$work/output" 2>&1 || status=$?
  [ "$status" = 0 ] || cat "$work/output"
  tally "$title" "$status" "$(tail -n 1 "$work/output")"
}

need R compiler Rcpp cli testthat withr knitr rmarkdown ggplot2 RSpectra irlba
if have apt-get; then need checkbashisms pandoc qpdf; fi

say "layers"
run check_layers sh "$root/tools/check_layers.sh"

# The C++ programs and R's check run side by side, each on about one core; so do the two processes of testthat at the end.
# A kernel that several of them need is compiled once.
export root work CXX="${CXX:-g++}" RKEOPS_TEST_CACHE="$work/kernels"
export RKEOPS_FAKE_CUDA="$work/libfake_cuda.so" FAKE_CUDA_SCRATCH="$work/fake_cuda"
mkdir -p "$RKEOPS_TEST_CACHE" "$FAKE_CUDA_SCRATCH"
export flags="-std=c++17 -Wall -Wextra -Werror -I$root/inst/include -I$root/tests/cpp"
$CXX -std=c++17 -O1 -shared -fPIC "-DFAKE_CUDA_HEADERS=\"$root/tests/cpp\"" "$root/tests/cpp/fake_cuda.cpp" -o "$RKEOPS_FAKE_CUDA" -ldl

# Builds and runs the programs that nobody else has begun. The engine comes first for the linker: what tests and engine share is
# then the engine's, which is optimized.
cpp_tests() {
  for source in "$root"/tests/cpp/test_*.cpp; do
    program=$work/$(basename "$source" .cpp)
    mkdir "$program.begun" 2>/dev/null || continue
    # shellcheck disable=SC2086
    if $CXX $flags -O0 "$work/engine.o" "$source" -o "$program" -ldl -pthread >"$program.log" 2>&1; then
      (cd "$work" && "$program") >"$program.log" 2>&1 && : >"$program.good"
    fi
  done
}

as_cran=--as-cran
have checkbashisms || as_cran=  # it would warn that it misses this tool
vignettes='' remade=--no-vignettes
have pandoc || vignettes=--no-build-vignettes remade=--ignore-vignettes
r_check() {
  cd "$work"
  # R CMD check warns where the locale is not UTF-8.
  case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in *[Uu][Tt][Ff]*) ;; *) export LC_ALL=C.UTF-8 ;; esac
  # As on CRAN, but for what needs the net. NOT_CRAN lets the long tests run.
  export _R_CHECK_FORCE_SUGGESTS_=false _R_CHECK_CRAN_INCOMING_REMOTE_=false _R_CHECK_SYSTEM_CLOCK_=false NOT_CRAN=true
  # The installation that only makes the vignettes need not be optimized; they are not made again.
  printf 'CXXFLAGS=-O0\nCXX17FLAGS=-O0\n' >makevars
  R_MAKEVARS_USER=$work/makevars RKEOPS_CACHE_DIR=$RKEOPS_TEST_CACHE R CMD build $vignettes "$root" >build.log 2>&1 || return 1
  # shellcheck disable=SC2086
  R CMD check $as_cran --no-manual $remade rkeops_*.tar.gz >check.log 2>&1
}

say "C++, R CMD build, R CMD check"
# shellcheck disable=SC2086
{ $CXX $flags -O1 -c "$root/tests/cpp/engine.cpp" -o "$work/engine.o" && cpp_tests; } &
checking=$!
(r_check) || true
cpp_tests || true  # on both cores, now that R is done
wait "$checking" || true

for source in "$root"/tests/cpp/test_*.cpp; do
  program=$work/$(basename "$source" .cpp)
  status=0
  [ -e "$program.good" ] || { status=1; cat "$program.log"; }
  tally "$(basename "$program")" "$status" "$(tail -n 1 "$program.log")"
done

cd "$work"
verdict=$(sed -n 's/^Status: //p' check.log 2>/dev/null || true)
case $verdict in
  *ERROR* | *WARNING* | '') cat build.log check.log || true; tally "R CMD check" 1 "0 passed, 1 failed" ;;
  *) tally "R CMD check: $verdict" 0 "1 passed, 0 failed" ;;
esac
report=$(cat rkeops.Rcheck/tests/testthat.Rout* 2>/dev/null || true)
line=$(printf '%s\n' "$report" | sed -n \
  's/.*\[ FAIL \([0-9]*\) | WARN [0-9]* | SKIP \([0-9]*\) | PASS \([0-9]*\) \].*/\3 passed, \1 failed, \2 skipped/p' | tail -n 1)
case $line in
  *" 0 failed,"*) tally testthat 0 "$line" ;;
  *) printf '%s\n' "$report" | tail -n 150; tally testthat 1 "$line" ;;
esac

[ "$failed" = 0 ] || say "logs are in $work"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
