#!/bin/sh
# Layers of inst/include/rkeops look only downward. Prints what is wrong, then "N passed, N failed" (one test a file).
#
#   base <- ir <- {parse, pass} <- codegen     base <- plan <- codegen     base <- device <- jit <- runtime     kernel: on base only, used by codegen
#   everything <- engine*.hpp <- src/ <- R/
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root/inst/include/rkeops"

# What a layer may include besides itself; runtime sees of codegen only the plan.
allowed() {
  case $1 in
    base) ;;
    kernel | ir | device) echo base ;;
    parse | pass) echo ir base ;;
    plan) echo base ;;
    codegen) echo ir pass plan kernel base ;;
    jit) echo device base ;;
    runtime) echo jit device base codegen/plan.hpp ;;
    engine) echo base ir parse pass plan codegen kernel device jit runtime ;;
  esac
}

layer_of() { case $1 in engine*.hpp) echo engine ;; */*) echo "${1%%/*}" ;; *) echo "$1" ;; esac; }

# Resolves "../x/y.hpp" as written in file $1 to a path from here.
resolve() {
  case $2 in
    rkeops/*) echo "${2#rkeops/}" ;;
    *) printf '%s/%s\n' "$(dirname "$1")" "$2" | sed -e 's|^\./||' -e ':a' -e 's|[^/.][^/]*/\.\./||' -e 'ta' -e 's|^\./||' ;;
  esac
}

complaints() { # file
  layer=$(layer_of "$1")
  case " base kernel ir device parse pass plan codegen jit runtime engine " in
    *" $layer "*) ;;
    *) echo "$1: is in no known layer" ;;
  esac
  sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$1" | while read -r include; do
    target=$(resolve "$1" "$include")
    [ -f "$target" ] || echo "$1: includes $include, which does not exist"
    [ "$(layer_of "$target")" = "$layer" ] && continue
    found=no
    for permitted in $(allowed "$layer"); do
      case $target in "$permitted" | "$permitted"/*) found=yes ;; esac
    done
    [ $found = yes ] || echo "$1: layer $layer must not include $target"
  done
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
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
