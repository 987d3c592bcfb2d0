#!/bin/sh
# Layers of inst/include/rkeops look only downward, directly and through what they include. Prints what is wrong, then
# "N passed, N failed" (one test a file).
#
#   base <- ir <- {parse, pass} <- plan <- emit <- reduce      base <- platform <- backend <- runtime <- geometry
#   backend and runtime read plan/kernel_plan.hpp, and no other formula than a kernel's; geometry reads bounds of formulas
#   (plan/bounds.hpp); everything <- engine*.hpp <- src/ <- R/
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root/inst/include/rkeops"

# What a layer may reach besides itself: folders and files.
kernel_facts="plan/kernel_plan.hpp plan/packed.hpp plan/geometry.hpp ir/reduction.hpp ir/reducer.hpp ir/state_layout.hpp ir/graph.hpp ir/node.hpp ir/operation.hpp ir/op.hpp"
allowed() {
  case $1 in
    base) ;;
    ir | platform) echo base ;;
    parse | pass) echo ir base ;;
    plan) echo pass ir base ;;
    emit) echo plan pass ir base ;;
    reduce) echo emit plan pass ir base ;;
    backend) echo platform base "$kernel_facts" ;;
    runtime) echo backend platform base "$kernel_facts" ;;
    geometry) echo plan pass ir runtime backend platform base ;;
    engine) echo base ir parse pass plan emit reduce platform backend runtime geometry ;;
  esac
}

layer_of() { case $1 in engine*.hpp) echo engine ;; *) echo "${1%%/*}" ;; esac; }

# "file target" for all that a file reaches, and "file include ?" where there is no such file. Tables of operations (.def) are
# part of the file that includes them.
reached=$(find . -name '*.hpp' | sed 's|^\./||' | sort | awk '
  function resolve(from, name,   path) {
    if (name ~ /^rkeops\//) return substr(name, 8)
    path = from
    if (!sub(/\/[^\/]*$/, "", path)) return name
    path = path "/" name
    while (path ~ /[^\/]+\/\.\.\//) sub(/[^\/]+\/\.\.\//, "", path)
    return path
  }
  { files[++count] = $0; known[$0] = 1 }
  END {
    for (k = 1; k <= count; ++k) {
      file = files[k]
      while ((getline line < file) > 0) {
        if (line !~ /^[ \t]*#[ \t]*include[ \t]*"/) continue
        split(line, parts, "\"")
        if (parts[2] ~ /\.def$/) continue
        target = resolve(file, parts[2])
        if (target in known) includes[file] = includes[file] " " target
        else print file, parts[2], "?"
      }
      close(file)
    }
    for (k = 1; k <= count; ++k) {
      split("", seen)
      todo = files[k]
      while (todo != "") {
        n = split(todo, list, " ")
        todo = ""
        for (t = 1; t <= n; ++t) {
          m = split(includes[list[t]], next_ones, " ")
          for (u = 1; u <= m; ++u) if (!(next_ones[u] in seen)) {
            seen[next_ones[u]] = 1
            todo = todo " " next_ones[u]
            print files[k], next_ones[u]
          }
        }
      }
    }
  }')

complaints() { # file
  layer=$(layer_of "$1")
  case " base ir parse pass plan emit reduce platform backend runtime geometry engine " in
    *" $layer "*) ;;
    *) echo "$1: is in no known layer" ;;
  esac
  printf '%s\n' "$reached" | awk -v file="$1" -v layer="$layer" -v allowed="$(allowed "$layer")" '
    BEGIN { count = split(allowed, list, /[ \n]+/) }
    $1 != file { next }
    $3 == "?" { print file ": includes " $2 ", which does not exist"; next }
    {
      other = $2 ~ /^engine[a-z_]*\.hpp$/ ? "engine" : $2
      sub(/\/.*/, "", other)
      found = other == layer
      for (k = 1; k <= count; ++k) if (list[k] == other || list[k] == $2) found = 1
      if (!found) print file ": layer " layer " must not reach " $2
    }'
  # Comments and strings in raw kernel text are fine; includes, output and exits of the engine itself are not.
  awk -v file="$1" '
    { line = $0; sub(/\/\/.*/, "", line); gsub(/"[^"]*"/, "\"\"", line) }
    $0 ~ /#[ \t]*include[ \t]*<(R|Rinternals|Rmath|Rdefines|R_ext\/.*|Rcpp.*|cpp11.*)(\.h|\.hpp)?>/ {
      print file ":" FNR ": no R header in the engine" }
    line ~ /std::(cout|cerr|clog)/ || line ~ /(^|[^a-zA-Z_.:])(printf|puts|putchar|abort|exit|terminate)[ \t]*\(/ ||
    line ~ /std::(printf|puts|abort|exit|terminate)[ \t]*\(/ {
      print file ":" FNR ": the engine neither prints nor ends the process" }
    END {
      if (FNR > 400) print file ": " FNR " lines, 400 is the limit"
    }' "$1"
}

# A cycle of layers cannot pass the rules above; src/ may use only the façade.
src_complaints() {
  grep -Hn '#[ \t]*include[ \t]*[<"]rkeops/' "$root"/src/*.cpp "$root"/src/*.h "$root"/src/*.hpp 2>/dev/null |
    grep -v 'rkeops/engine[a-z_]*\.hpp' | grep -v 'rkeops/base/error\.hpp' |
    sed -e "s|^$root/||" -e 's/$/ : src may include only the facade engine*.hpp/' || true
  for file in "$root"/src/*.cpp "$root"/src/*.hpp "$root"/R/*.R "$root"/tests/testthat/*.R "$root"/tests/cpp/*pp; do
    case $file in */RcppExports.*) continue ;; esac
    [ -f "$file" ] || continue
    lines=$(wc -l <"$file")
    case $file in
      */testthat/*) grep -Hn 'expect_snapshot(' "$file" |
        sed 's/$/ : each testthat prints this in its own way, use expect_snapshot_output()/' ;;
    esac
    [ "$lines" -le 400 ] || echo "${file#"$root"/}: $lines lines, 400 is the limit"
  done
}

passed=0 failed=0
judge() { # complaints
  if [ -z "$1" ]; then passed=$((passed + 1)); else printf '%s\n' "$1"; failed=$((failed + 1)); fi
}
for file in $(find . -name '*.hpp' -o -name '*.h' -o -name '*.def' | sed 's|^\./||' | sort); do
  judge "$(complaints "$file")"
done
judge "$(src_complaints)"
# R would take the definition that is read last.
judge "$(grep -hoE '^[A-Za-z_.]+ <- function' "$root"/R/*.R | sort | uniq -d | sed 's/ <- function$/ is defined twice in R/')"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
