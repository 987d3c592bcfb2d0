#!/bin/sh
# How much of the code the tests reach: sh tools/coverage.sh [r] [engine]. Prints the percentage of lines, and the
# files that are reached least; every line that no test reaches goes to build/coverage/r.txt and engine.txt.
#
#   r        R/ by covr, over tests/testthat without the tables of formulas
#   engine   inst/include/rkeops/ by gcov, over tests/cpp
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/setup.sh"
work=$root/build/coverage
mkdir -p "$work"

# Lines "file:line covered" (covered: 0 or 1; a line may come several times) to a report.
report() { # title, list of missed lines
  sort | awk -v title="$1" -v missed="$2" '
    function settle() {
      if (place == "") return
      file = place; sub(/:[0-9]+$/, "", file)
      ++lines[file]; ++all
      if (hit) { ++reached[file]; ++good } else print place >missed
    }
    $1 != place { settle(); place = $1; hit = 0 }
    $2 > 0 { hit = 1 }
    END {
      settle()
      for (file in lines) printf "%6.1f %%  %4d of %4d missed  %s\n", 100 * reached[file] / lines[file],
        lines[file] - reached[file], lines[file], file | "sort -n | head -n 15"
      close("sort -n | head -n 15")
      printf "%s: %.1f %% of %d lines\n", title, 100 * good / all, all
    }'
}

cover_r() {
  need R compiler Rcpp cli testthat withr covr
  rm -rf "$work/package"
  (cd "$work" && R CMD build --no-build-vignettes --no-manual "$root" >build.log && tar xzf rkeops_*.tar.gz &&
    mv rkeops package && rm rkeops_*.tar.gz)
  rm "$work"/package/tests/testthat/test-cases-*.R "$work/package/tests/testthat/test-golden.R"  # they test the engine
  NOT_CRAN=true Rscript -e 'options(covr.gcov = "", covr.flags = list(CXXFLAGS = "-O1"))
    coverage <- covr::package_coverage(commandArgs(TRUE)[1], type = "tests", quiet = FALSE)
    lines <- covr::tally_coverage(coverage, by = "line")
    lines <- lines[grepl("^R/", lines$filename), ]
    writeLines(sprintf("%s:%d %d", lines$filename, lines$line, lines$value), commandArgs(TRUE)[2])' \
    "$work/package" "$work/r-lines.txt" >"$work/r.log" 2>&1 || { tail -n 40 "$work/r.log"; die "covr failed"; }
  report R "$work/r.txt" <"$work/r-lines.txt"
}

cover_engine() {
  have gcov || die "gcov is missing: it comes with gcc"
  for source in "$root"/tests/cpp/test_*.cpp; do
    name=$(basename "$source" .cpp)
    mkdir -p "$work/$name" && cd "$work/$name" && rm -f ./*.gcda
    ${CXX:-g++} -std=c++17 -O0 --coverage -I"$root/inst/include" -I"$root/tests/cpp" "$source" "$root/tests/cpp/engine.cpp" -o "$name" -ldl -pthread
    ./"$name" >run.log 2>&1 || say "$name did not pass: $(tail -n 1 run.log)"
    gcov -t -r -s "$root" ./*.gcda 2>/dev/null >lines.gcov || true
  done
  cat "$work"/test_*/lines.gcov | awk -F: '
    { count = $1; gsub(/[ *]/, "", count) }
    $2 + 0 == 0 && $3 == "Source" { file = $4; known = file ~ /^inst\/include/ }
    known && $2 + 0 > 0 && count != "-" && count != "" { print file ":" $2 + 0, count ~ /^[0-9]/ ? 1 : 0 }
  ' | report engine "$work/engine.txt"
}

for part in ${*:-r engine}; do
  case $part in
    r) cover_r ;;
    engine) cover_engine ;;
    *) die "coverage of '$part'? r or engine" ;;
  esac
done
