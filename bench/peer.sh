# Sourced by benchmarks, after tools/setup.sh.

# Python with these packages, in build/FOLDER, or that of RKEOPS_BENCH_PYTHON; and the commit that is measured.
python_peer() { # folder, packages...
  folder=$root/build/$1
  shift
  python=${RKEOPS_BENCH_PYTHON:-$folder/bin/python}
  why=
  if [ ! -x "$python" ]; then
    say "installing $* into $folder"
    if ! have python3; then why="python3 is missing"
    elif ! { python3 -m venv "$folder" && "$folder/bin/pip" install -q "$@"; } >"$folder.log" 2>&1; then
      why="$* could not be installed, see $folder.log"
    fi
  fi
  [ -z "$why" ] || say "without $*: $why"
  RKEOPS_BENCH_PYTHON=$python RKEOPS_BENCH_SKIP=$why RKEOPS_BENCH_COMMIT=$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)
  git -C "$root" diff --quiet HEAD -- 2>/dev/null || RKEOPS_BENCH_COMMIT=$RKEOPS_BENCH_COMMIT+changes
  export RKEOPS_BENCH_PYTHON RKEOPS_BENCH_SKIP RKEOPS_BENCH_COMMIT
}
